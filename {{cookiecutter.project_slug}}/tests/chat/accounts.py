"""People with a login, and the browsers that they use."""

import asyncio
import http.client
import json
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client

from realtime.threads import in_thread
from tests.live import ANSWER_SECONDS, Server

CSRF_TOKEN = "c" * 32


def log_in(user: Any) -> str:
    """Return the cookie of a new session."""
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    return f"{name}={client.cookies[name].value}"


@dataclass(frozen=True)
class Account:
    """A user, and the cookie of one browser."""

    user: Any
    cookie: str

    @property
    def id(self) -> str:
        return f"user-{self.user.pk}"

    @property
    def person(self) -> dict[str, str]:
        return {"id": self.id, "name": self.user.get_username()}

    async def elsewhere(self) -> "Account":
        """Return the same user in another browser."""
        return Account(self.user, await in_thread(log_in, self.user))


def create_account(name: str, **fields: Any) -> Account:
    model: Any = get_user_model()
    user = model._default_manager.create_user(**{model.USERNAME_FIELD: name}, **fields)
    return Account(user, log_in(user))


@dataclass(frozen=True)
class Response:
    status: int
    location: str
    text: str


async def change_in(server: Server, found: Any, **changes: object) -> None:
    """Change an object within a server's process, with its signals; delete it without changes."""
    fields = {"model": found._meta.label, "pk": found.pk, "changes": json.dumps(changes)}
    response = await Browser(server).post("/change/", **fields)
    assert response.status == 204, response.text


class Browser:
    """HTTP with cookies and a CSRF token, as it comes through a proxy that speaks HTTPS."""

    def __init__(self, server: Server, cookie: str = "") -> None:
        self.port = server.port
        self.cookies = SimpleCookie(f"{settings.CSRF_COOKIE_NAME}={CSRF_TOKEN}; {cookie}")

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={morsel.value}" for name, morsel in self.cookies.items())

    async def get(self, path: str) -> Response:
        return await asyncio.to_thread(self._request, "GET", path, {})

    async def post(self, path: str, csrf_token: str = CSRF_TOKEN, **fields: object) -> Response:
        fields["csrfmiddlewaretoken"] = csrf_token
        return await asyncio.to_thread(self._request, "POST", path, fields)

    def _request(self, method: str, path: str, fields: dict[str, object]) -> Response:
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Cookie": self.cookie,
            "Origin": f"https://127.0.0.1:{self.port}",
            "X-Forwarded-Proto": "https",
        }
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS)
        try:
            connection.request(method, path, urlencode(fields), headers)
            response = connection.getresponse()
            for cookie in response.headers.get_all("Set-Cookie", []):
                self.cookies.load(cookie)
            location = response.headers.get("Location", "")
            return Response(response.status, location, response.read().decode())
        finally:
            connection.close()
