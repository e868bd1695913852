"""Limits on log-ins and posts."""

from typing import Any

import pytest
from django.contrib.auth import aauthenticate, get_user_model
from django.core.cache import caches
from django.core.exceptions import ValidationError

LOGIN = "/admin/login/"
PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def _low_limits(settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.LOGIN_FAILURES = 3


@pytest.fixture
def admin(transactional_db) -> Any:
    users: Any = get_user_model()._default_manager
    return users.create_superuser("admin", password=PASSWORD)


def try_to_log_in(client, name: str, password: str, address: str = "203.0.113.1") -> str:
    """Return the error that the form shows, or "" when it lets in."""
    fields = {"username": name, "password": password}
    response = client.post(LOGIN, fields, REMOTE_ADDR=address)
    if response.status_code == 302:
        return ""
    return response.context["form"].non_field_errors()[0]


@pytest.mark.parametrize("name", ["admin", "nobody"])
def test_an_account_takes_few_wrong_passwords_whether_or_not_it_exists(client, admin, name):
    for number in range(3):
        assert "correct" in try_to_log_in(client, name, "wrong", f"203.0.113.{number}")
    assert "Too many" in try_to_log_in(client, name.upper(), "wrong", "203.0.113.9")
    assert "Too many" in try_to_log_in(client, name, PASSWORD, "203.0.113.8")


def test_an_address_takes_few_wrong_passwords(client, admin):
    for number in range(3):
        address = f"2001:db8:1:2::{number}"
        assert "correct" in try_to_log_in(client, f"name-{number}", "wrong", address)
    assert "Too many" in try_to_log_in(client, "admin", PASSWORD, "2001:db8:1:2::9")
    assert try_to_log_in(client, "admin", PASSWORD, "2001:db8:1:3::1") == ""


def test_right_passwords_are_not_counted(client, admin):
    for _ in range(5):
        assert try_to_log_in(client, "admin", PASSWORD) == ""


async def test_async_code_has_the_same_limit(admin):
    for _ in range(3):
        assert await aauthenticate(None, username="admin", password="wrong") is None
    with pytest.raises(ValidationError, match="Too many"):
        await aauthenticate(None, username="admin", password="wrong")


def test_an_address_posts_only_so_much(client, settings, transactional_db):
    settings.POSTS_PER_MINUTE = 2
    statuses = [client.post(LOGIN).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    refused = client.post("/nothing/")
    assert (refused.status_code, refused["Retry-After"]) == (429, "60")
    assert client.get(LOGIN).status_code == 200
    assert client.post(LOGIN, REMOTE_ADDR="203.0.113.1").status_code == 200


def test_a_user_posts_only_so_much_from_everywhere(client, settings, admin):
    settings.POSTS_PER_MINUTE = 2
    client.force_login(admin)
    addresses = ["203.0.113.1", "203.0.113.2", "203.0.113.3"]
    statuses = [client.post("/nothing/", REMOTE_ADDR=address).status_code for address in addresses]
    assert statuses == [404, 404, 429]


@pytest.mark.parametrize(
    ("error", "has_traceback"), [(ConnectionError("away"), False), (LookupError("a bug"), True)]
)
def test_a_failing_cache_refuses_no_request(
    error, has_traceback, client, settings, admin, monkeypatch, caplog
):
    def fail(*args) -> None:
        raise error

    monkeypatch.setattr(type(caches["throttle"]), "add", fail)
    settings.POSTS_PER_MINUTE = settings.LOGIN_FAILURES = 0
    assert "correct" in try_to_log_in(client, "admin", "wrong")
    assert try_to_log_in(client, "admin", PASSWORD) == ""
    lines = [record for record in caplog.records if record.name == "serving.throttle"]
    assert [bool(line.exc_info) for line in lines] == [has_traceback]
    assert repr(error) in lines[0].getMessage()
