"""Where mails go: the variables EMAIL_URL and DEFAULT_FROM_EMAIL."""

import pytest
from environs import ValidationError

from config.env import parse_sender, parse_smtp
from tests.config.test_settings import environment
from tests.live import manage

SECRET = "correct-horse"


@pytest.mark.parametrize(
    ("url", "server", "login", "tls"),
    [
        ("smtp+tls://desk:secret@mail.example.com:2525", ("mail.example.com", 2525), "desk", "tls"),
        ("smtp+tls://mail.example.com", ("mail.example.com", 587), "", "tls"),
        ("smtp+ssl://mail.example.com/", ("mail.example.com", 465), "", "ssl"),
        ("SMTP://localhost", ("localhost", 25), "", ""),
        ("smtp://[::1]:1025", ("::1", 1025), "", ""),
        ("smtp://desk%40example.com:secret@10.0.0.1", ("10.0.0.1", 25), "desk@example.com", ""),
    ],
)
def test_a_mail_server(url, server, login, tls):
    smtp = parse_smtp(url)
    assert (smtp["host"], smtp["port"]) == server
    assert (smtp["username"], smtp["password"]) == (login, "secret" if login else "")
    assert (smtp["use_tls"], smtp["use_ssl"]) == (tls == "tls", tls == "ssl")


def test_signs_in_a_password_are_written_as_in_a_url():
    assert parse_smtp("smtp://desk:%40%3A%23%2F%3F%25@localhost")["password"] == "@:#/?%"


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.com",
        f"https://desk:{SECRET}@mail.example.com",
        f"'smtp://desk:{SECRET}@mail.example.com'",
        f"smtp://desk@example.com:{SECRET}@mail.example.com",
        f"smtp://desk:{SECRET}/@mail.example.com",
        f"smtp://desk:{SECRET}#@mail.example.com",
        f"smtp://desk:{SECRET}@mail.example.com:587/inbox",
        f"smtp://desk:{SECRET}@mail.example.com?tls=true",
        f"smtp://desk:{SECRET}@mail.example.com:99999",
        f"smtp://{SECRET}@mail.example.com",
        f"smtp://desk:{SECRET}@mail example.com",
        f"smtp://desk:{SECRET}@",
    ],
)
def test_an_invalid_mail_server_is_refused_without_showing_a_password(url):
    with pytest.raises(ValidationError, match="Not an address such as smtp") as refused:
        parse_smtp(url)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("sender", ["desk@example.com", "The Desk <desk@example.com>"])
def test_a_sender(sender):
    assert parse_sender(sender) == sender


@pytest.mark.parametrize("sender", ["desk", "@example.com", "The Desk", "a@example.com\nBcc: b@c"])
def test_an_invalid_sender_is_refused(sender):
    with pytest.raises(ValidationError, match="Not a sender such as"):
        parse_sender(sender)


def test_a_wrong_value_is_one_line_with_the_name(project_copy):
    values = {"EMAIL_URL": f"desk:{SECRET}", "DEFAULT_FROM_EMAIL": "desk"}
    output = manage("check", env=environment(**values), folder=project_copy)
    *_, sender, server, where, status = output.splitlines()
    assert sender.startswith("DEFAULT_FROM_EMAIL: Not a sender such as")
    assert server.startswith("EMAIL_URL: Not an address such as")
    assert (where, status) == ("See .env.example.", "exit status 1")
    assert SECRET not in output


def test_the_mail_server_of_the_environment_is_used(project_copy):
    code = "from django.core.mail import get_connection as g; m = g(); print(m.host, m.port)"
    values = {"EMAIL_URL": "smtp+tls://mail.example.com"}
    command = ["shell", "--no-imports", "-c", code]
    output = manage(*command, env=environment(**values), folder=project_copy)
    assert "mail.example.com 587" in output


def test_development_prints_mails_with_links_that_work(project_copy):
    link = f"https://example.com/{'x' * 100}/안녕/"
    send = f"send_mail('Subject', '{link}', None, ['somebody@example.com'])"
    command = ["shell", "--no-imports", "-c", f"from django.core.mail import send_mail; {send}"]
    output = manage(*command, env=environment(), folder=project_copy)
    assert f"To: somebody@example.com\nSubject: Subject\n\n{link}\n" in output
