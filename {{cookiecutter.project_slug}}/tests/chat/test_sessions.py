"""A socket ends with the login that it was opened with."""

import asyncio
from functools import partial
from typing import Any

from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.auth.tokens import default_token_generator
from django.contrib.sessions.models import Session
from django.utils.http import urlsafe_base64_encode

from realtime import sessions
from realtime.sessions import SessionStore, user_of
from realtime.threads import in_thread
from serving.close_codes import CloseCode
from tests.chat.accounts import Browser, change_in, create_account
from tests.chat.client import Client, together

SOON_SECONDS = 2
PASSWORD = "correct horse battery staple"


async def is_ended(socket: Client) -> bool:
    """Whether the server says soon that the login has ended."""
    async with asyncio.timeout(SOON_SECONDS):
        code, frames = await socket.expect_close()
    last = frames[-1]
    return (code, last["type"], last["code"]) == (4001, "system.disconnect", 4001)


async def is_open(socket: Client) -> bool:
    return (await socket.ask("system.ping"))["type"] == "system.pong"


async def test_a_logout_ends_the_sockets_of_its_browser(join, one, two, room, ann, bob):
    tabs = [join(one, room, ann), join(two, room, ann)]
    others = [join(two, room, await ann.elsewhere()), join(two, room, bob), join(two, room)]
    async with together([*tabs, *others]):
        response = await Browser(one, ann.cookie).post("/accounts/logout/")
        assert response.status == 302
        assert all([await is_ended(socket) for socket in tabs])
        assert all([await is_open(socket) for socket in others])


async def test_a_new_password_ends_the_sockets_of_the_old_one(join, one, two, room, bob):
    ann = await in_thread(partial(create_account, "ann", password=PASSWORD))
    sockets = [join(one, room, await ann.elsewhere()), join(two, room, await ann.elsewhere())]
    tabs = [join(one, room, ann), join(two, room, ann)]  # of the browser that changes it
    other = join(two, room, bob)
    async with together([*sockets, *tabs, other]):
        browser = Browser(one, ann.cookie)
        response = await browser.post(
            "/accounts/password_change/",
            old_password=PASSWORD,
            new_password1=f"new {PASSWORD}",
            new_password2=f"new {PASSWORD}",
        )
        assert (response.status, response.location) == (302, "/accounts/password_change/done/")
        assert all([await is_ended(socket) for socket in sockets])
        assert await is_open(other)
        for tab in tabs:
            code, frames = await tab.expect_close()
            assert (code, frames[-1]["code"]) == (CloseCode.RENEWED, CloseCode.RENEWED)
            assert frames[-1]["retry_in_ms"] > 0
    async with Client(one, room.slug, browser.cookie) as again:
        assert again.welcome["you"] == ann.person


async def test_a_password_that_is_set_elsewhere_ends_all_sockets(join, one, two, room, ann, bob):
    """As the admin, ``changepassword`` and set_password() with save() do it."""
    tabs, other = [join(one, room, ann), join(two, room, ann)], join(two, room, bob)
    async with together([*tabs, other]):
        await change_in(one, ann.user, password="pbkdf2_sha256$another")
        assert all([await is_ended(socket) for socket in tabs])
        assert await is_open(other)


async def test_a_password_that_is_reset_ends_all_sockets(join, one, two, room, bob):
    ann = await in_thread(partial(create_account, "ann", password=PASSWORD))
    sockets = [join(one, room, ann), join(two, room, await ann.elsewhere())]
    other = join(two, room, bob)
    uid = urlsafe_base64_encode(str(ann.user.pk).encode())
    token = default_token_generator.make_token(ann.user)  # holds until the next log-in
    async with together([*sockets, other]):
        browser = Browser(one)  # not logged in: the link is enough
        form = (await browser.get(f"/accounts/reset/{uid}/{token}/")).location
        new = {"new_password1": f"new {PASSWORD}", "new_password2": f"new {PASSWORD}"}
        response = await browser.post(form, **new)
        assert (response.status, response.location) == (302, "/accounts/reset/done/")
        assert all([await is_ended(socket) for socket in sockets])
        assert await is_open(other)


async def test_a_deactivated_user_is_out(join, one, two, room, ann, bob):
    async with join(two, room, ann) as socket, join(two, room, bob) as other:
        await change_in(one, ann.user, last_login=None)
        await socket.expect("system.pong")  # it has looked: this is no reason to end
        await change_in(one, ann.user, is_active=False)
        assert await is_ended(socket)
        assert await is_open(other)


async def ends_at_the_next_ping(socket: Client, change: Any, **fields: object) -> bool:
    assert await is_open(socket)
    await in_thread(lambda: change(**fields))
    await socket.send("system.ping")
    return await is_ended(socket)


async def test_silent_changes_are_noticed_at_the_next_ping(join, one, room, ann, bob, cat):
    users = get_user_model()._default_manager
    async with join(one, room, ann) as socket:
        user = users.filter(pk=ann.user.pk)
        assert await ends_at_the_next_ping(socket, user.update, is_active=False)
    async with join(one, room, bob) as socket:
        user = users.filter(pk=bob.user.pk)
        assert await ends_at_the_next_ping(socket, user.update, password="changed")
    async with join(one, room, cat) as socket:
        session = Session.objects.filter(pk=cat.cookie.partition("=")[2])
        assert await ends_at_the_next_ping(socket, session.delete)


async def test_a_deleted_user_is_out(join, one, room, ann):
    async with join(one, room, ann) as socket:
        assert await ends_at_the_next_ping(socket, ann.user.delete)


async def test_a_logged_out_browser_comes_back_as_a_guest(join, one, room, ann):
    await Browser(one, ann.cookie).post("/accounts/logout/")
    async with join(one, room, ann) as socket:
        assert socket.welcome["you"]["id"].startswith("guest-")


def test_a_socket_keeps_a_session_of_the_secret_key_before(settings, ann):
    """Django would replace the session's key, and no WebSocket can tell the browser."""
    key = ann.cookie.partition("=")[2]
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another" * 10
    for _ in range(2):
        assert user_of(SessionStore(key)) == ann.user
    assert SESSION_KEY in SessionStore(key)


def test_no_session_key_is_broadcast(settings, ann, client, monkeypatch):
    events: list[str] = []
    monkeypatch.setattr(sessions, "broadcast", lambda *words: events.append(repr(words)))
    client.cookies.load(ann.cookie)
    client.post("/accounts/logout/")
    assert events
    assert ann.cookie.partition("=")[2] not in "".join(events)
