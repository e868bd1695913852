"""Accounts from sign-up to a forgotten password, as a browser sees them."""

import asyncio
import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
from channels.testing import HttpCommunicator
from django.conf import settings as project_settings
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.core import mail
from django.shortcuts import resolve_url
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from tests.live import ANSWER_SECONDS
from users import forms

PASSWORD = "correct horse battery staple"
NEW_PASSWORD = "another horse, another staple"
EMAIL = "ann@example.com"

User: Any = get_user_model()


@pytest.fixture(autouse=True)
def _fast_passwords_and_high_limits(settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.SIGN_UPS_PER_HOUR = 100
    settings.PASSWORD_RESETS_PER_HOUR = 100
    settings.PASSWORD_MAILS_PER_HOUR = 100


@pytest.fixture
def make_user(transactional_db) -> Callable[..., Any]:
    def make_user(name: str = "ann", email: str = EMAIL, **fields: Any) -> Any:
        names = {User.USERNAME_FIELD: name}
        return User._default_manager.create_user(**names, email=email, password=PASSWORD, **fields)

    return make_user


@pytest.fixture
def ann(make_user) -> Any:
    return make_user()


def sign_up(client: Client, name: str = "ann", **fields: str) -> Any:
    fields = {"email": EMAIL, "password1": PASSWORD, "password2": PASSWORD, **fields}
    return client.post(reverse("signup"), {User.USERNAME_FIELD: name, **fields})


def log_in(client: Client, password: str, name: str = "ann") -> bool:
    response = client.post(reverse("login"), {"username": name, "password": password})
    return response.status_code == 302


def is_logged_in(client: Client) -> bool:
    return client.get(reverse("password_change")).status_code == 200


def ask_for_a_mail(client: Client, email: str = EMAIL, **extra: Any) -> tuple[int, str]:
    """Return the answer to somebody who forgot the password, after mails were sent."""
    response = client.post(reverse("password_reset"), {"email": email}, **extra)
    forms.mailer.submit(lambda: None).result()
    return response.status_code, response.headers.get("Location", "")


def links() -> list[str]:
    """Return the link of each mail."""
    return [re.findall(r"https?://\S+", str(message.body))[0] for message in mail.outbox]


def path_of(link: str) -> str:
    return link.removeprefix("http://testserver")


def choose_password(client: Client, path: str) -> bool:
    """Open the link in a mail, and choose a new password if it lets choose one."""
    page = client.get(path, follow=True)
    form = page.request["PATH_INFO"]
    fields = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    response = client.post(form, fields)
    return response.headers.get("Location") == reverse("password_reset_complete")


def test_sign_up_log_out_log_in_and_change_the_password(client, transactional_db):
    response = sign_up(client)
    home = resolve_url(project_settings.LOGIN_REDIRECT_URL)
    assert (response.status_code, response["Location"]) == (302, home)
    assert is_logged_in(client)
    client.post(reverse("logout"))
    assert not is_logged_in(client)
    assert log_in(client, PASSWORD)
    other = Client()
    assert log_in(other, PASSWORD)

    fields = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    response = client.post(reverse("password_change"), {"old_password": PASSWORD, **fields})
    assert response["Location"] == reverse("password_change_done")
    assert client.get(response["Location"]).status_code == 200
    assert (is_logged_in(client), is_logged_in(other)) == (True, False)
    assert (log_in(Client(), PASSWORD), log_in(Client(), NEW_PASSWORD)) == (False, True)


def test_a_forgotten_password_is_reset_by_mail(client, ann):
    browser = Client()
    assert log_in(browser, PASSWORD)
    done = reverse("password_reset_done")
    assert ask_for_a_mail(client) == (302, done)
    assert client.get(done).status_code == 200
    (message,) = mail.outbox
    assert (message.to, message.from_email) == ([EMAIL], project_settings.DEFAULT_FROM_EMAIL)
    assert message.subject == "A new password at testserver"
    (link,) = links()
    assert choose_password(client, path_of(link))
    assert client.get(reverse("password_reset_complete")).status_code == 200
    assert not is_logged_in(browser)
    assert (log_in(Client(), PASSWORD), log_in(Client(), NEW_PASSWORD)) == (False, True)
    assert not choose_password(Client(), path_of(link)), "it works once"


def test_a_link_that_does_not_work_says_so(client, ann):
    path = reverse("password_reset_confirm", args=["MQ", "c1abcd-0123456789abcdef"])
    page = client.get(path)
    assert "This link does not work" in page.content.decode()
    assert reverse("password_reset") in page.content.decode()


def test_the_answer_does_not_tell_which_addresses_have_accounts(client, make_user):
    make_user()
    make_user("bob", "bob@example.com", is_active=False)
    answers = {ask_for_a_mail(client, f"{name}@example.com") for name in ("ann", "bob", "cat")}
    assert answers == {(302, reverse("password_reset_done"))}
    assert [message.to for message in mail.outbox] == [[EMAIL]]
    assert sign_up(Client(), "dan").status_code == 302, "with an address that has an account"


def test_each_account_of_an_address_gets_a_mail_that_names_it(client, make_user):
    make_user("ann")
    make_user("bob", EMAIL.upper())
    ask_for_a_mail(client)
    assert sorted(str(message.body).splitlines()[0] for message in mail.outbox) == [
        "Hello ann,",
        "Hello bob,",
    ]


def test_a_mail_is_in_the_language_of_its_request(client, ann):
    with override("de"):
        ask_for_a_mail(client)
    assert "Hallo ann," in str(mail.outbox[0].body)


def test_the_answer_does_not_wait_for_the_mail(client, ann, monkeypatch):
    """Or it would take longer for an address that has an account."""
    is_answered = threading.Event()
    waited = []
    monkeypatch.setattr(
        "django.core.mail.backends.locmem.EmailBackend.send_messages",
        lambda *args: waited.append(is_answered.wait(ANSWER_SECONDS)),
    )
    assert client.post(reverse("password_reset"), {"email": EMAIL}).status_code == 302
    is_answered.set()
    forms.mailer.submit(lambda: None).result()
    assert waited == [True]


def test_a_mail_that_cannot_be_sent_changes_no_answer(client, ann, monkeypatch, caplog):
    def fail(*args: Any) -> None:
        raise OSError("no mail server")

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", fail)
    assert ask_for_a_mail(client) == (302, reverse("password_reset_done"))
    assert "no mail server" in caplog.text


def test_an_error_in_the_thread_is_logged(client, ann, monkeypatch, caplog):
    monkeypatch.setattr(forms.PasswordResetForm, "get_users", None)
    assert ask_for_a_mail(client) == (302, reverse("password_reset_done"))
    assert "Sent no mail to reset a password" in caplog.text


async def test_a_link_leads_through_a_proxy_and_below_a_path(settings, application, ann):
    settings.FORCE_SCRIPT_NAME = "/talk"
    token = "c" * 32
    headers = [
        (b"host", b"localhost"),
        (b"x-forwarded-for", b"203.0.113.1"),
        (b"x-forwarded-proto", b"https"),
        (b"origin", b"https://localhost"),
        (b"cookie", f"{settings.CSRF_COOKIE_NAME}={token}".encode()),
        (b"content-type", b"application/x-www-form-urlencoded"),
    ]
    body = f"email={EMAIL}&csrfmiddlewaretoken={token}".encode()
    path = "/accounts/password_reset/"
    page = HttpCommunicator(application, "POST", path, body=body, headers=headers)
    assert (await page.get_response(ANSWER_SECONDS))["status"] == 302
    await page.wait(ANSWER_SECONDS)  # until the request's body is closed
    await asyncio.to_thread(forms.mailer.submit(lambda: None).result)
    (link,) = links()
    assert link.startswith("https://localhost/talk/accounts/reset/")


@pytest.mark.parametrize("email", ["", "ann", "ann@"])
def test_a_sign_up_needs_an_address(client, transactional_db, email):
    page = sign_up(client, email=email)
    assert page.context["form"].errors.keys() == {"email"}
    assert not User._default_manager.exists()


@pytest.mark.parametrize("name", ["\u3164", "\u1160\u115f"])
def test_a_username_that_cannot_be_seen_is_refused(client, transactional_db, name):
    assert "can be seen" in sign_up(client, name).content.decode()
    assert not User._default_manager.exists()


@pytest.mark.parametrize("name", ["login", "signup", "password_reset", "password_reset_done"])
def test_a_page_without_a_login_leaves_no_session(client, transactional_db, name):
    assert client.get(reverse(name)).status_code == 200
    assert not Session.objects.exists()


@pytest.mark.parametrize("name", ["login", "signup", "password_reset", "password_change"])
def test_a_page_is_there_for_users_too(client, ann, name):
    client.force_login(ann)
    page = client.get(reverse(name)).content.decode()
    assert ann.get_username() in page
    assert reverse("logout") in page


def test_a_page_for_users_asks_for_a_login(client, transactional_db):
    for name in ("password_change", "password_change_done"):
        response = client.get(reverse(name))
        assert response["Location"] == f"{reverse('login')}?next={reverse(name)}"


def test_an_address_signs_up_only_so_often(client, settings, ann):
    settings.SIGN_UPS_PER_HOUR = 2
    statuses = [sign_up(client, email="").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert client.get(reverse("signup")).status_code == 200


def test_an_address_asks_for_mails_only_so_often(client, settings, ann):
    settings.PASSWORD_RESETS_PER_HOUR = 2
    statuses = [ask_for_a_mail(client, f"{number}@example.com")[0] for number in range(3)]
    assert statuses == [302, 302, 429]
    assert client.get(reverse("password_reset")).status_code == 200
    assert ask_for_a_mail(client, REMOTE_ADDR="203.0.113.1")[0] == 302


def test_an_address_gets_only_so_many_mails(client, settings, ann):
    settings.PASSWORD_MAILS_PER_HOUR = 2
    answers = {
        ask_for_a_mail(client, email, REMOTE_ADDR=f"203.0.113.{number}")
        for number, email in enumerate([EMAIL, EMAIL.upper(), EMAIL])
    }
    assert answers == {(302, reverse("password_reset_done"))}
    assert len(mail.outbox) == 2
