"""The user model, in Django's admin and in its commands."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.urls import reverse

PASSWORD = "correct horse battery staple"

User: Any = get_user_model()


@pytest.fixture
def superuser(transactional_db, monkeypatch) -> Any:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    fields = {name: f"{name}@example.com" for name in User.REQUIRED_FIELDS}
    call_command("createsuperuser", interactive=False, **{User.USERNAME_FIELD: "admin"}, **fields)
    return User._default_manager.get()


def test_a_superuser_logs_in_to_the_admin(client, superuser):
    fields = {"username": superuser.get_username(), "password": PASSWORD, "next": "/admin/"}
    response = client.post("/admin/login/", fields)
    assert (response.status_code, response["Location"]) == (302, "/admin/")
    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize("page", ["changelist", "add", "change"])
def test_the_admin_shows_users(client, superuser, page):
    client.force_login(superuser)
    arguments = [superuser.pk] if page == "change" else []
    path = reverse(f"admin:{User._meta.app_label}_{User._meta.model_name}_{page}", args=arguments)
    assert client.get(path).status_code == 200
