"""A socket ends with the login that it was opened with."""

import asyncio
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.contrib.sessions.models import Session

from realtime.threads import in_thread
from tests.chat.accounts import Browser, create_account
from tests.chat.client import Wire, together

SOON_SECONDS = 2
PASSWORD = "correct horse battery staple"


async def is_ended(wire: Wire) -> bool:
    """Whether the server says soon that the login has ended."""
    async with asyncio.timeout(SOON_SECONDS):
        code, frames = await wire.expect_close()
    last = frames[-1]
    return (code, last["type"], last["code"]) == (4001, "system.disconnect", 4001)


async def is_open(wire: Wire) -> bool:
    return (await wire.ask("system.ping"))["type"] == "system.pong"


async def test_a_logout_ends_the_sockets_of_its_browser(join, one, two, room, ann, bob):
    tabs = [join(one, room, ann), join(two, room, ann)]
    others = [join(two, room, await ann.elsewhere()), join(two, room, bob), join(two, room)]
    async with together([*tabs, *others]):
        response = await Browser(one, ann.cookie).post("/accounts/logout/")
        assert response.status == 302
        assert all([await is_ended(wire) for wire in tabs])
        assert all([await is_open(wire) for wire in others])


async def test_a_new_password_ends_the_sockets_of_the_old_one(join, one, two, room, bob):
    ann = await in_thread(partial(create_account, "ann", password=PASSWORD))
    wires = [join(one, room, await ann.elsewhere()), join(two, room, await ann.elsewhere())]
    other = join(two, room, bob)
    async with together([*wires, other]):
        response = await Browser(one, ann.cookie).post(
            "/accounts/password_change/",
            old_password=PASSWORD,
            new_password1=f"new {PASSWORD}",
            new_password2=f"new {PASSWORD}",
        )
        assert (response.status, response.location) == (302, "/accounts/password_change/done/")
        assert all([await is_ended(wire) for wire in wires])
        assert await is_open(other)


async def test_who_is_made_inactive_in_the_admin_is_out(join, one, two, room, ann, bob, admin):
    path = f"/admin/auth/user/{ann.user.pk}/change/"
    fields = {"username": "ann", "date_joined_0": "2026-11-23", "date_joined_1": "07:06:54"}
    browser = Browser(one, admin.cookie)
    async with join(two, room, ann) as wire, join(two, room, bob) as other:
        response = await browser.post(path, **fields, first_name="Ann", is_active="on")
        assert response.status == 302
        await wire.quiet("system.disconnect")  # it is another change
        await browser.post(path, **fields)
        assert await is_ended(wire)
        assert await is_open(other)


async def ends_at_the_next_ping(wire: Wire, change: Any, **fields: object) -> bool:
    assert await is_open(wire)
    await in_thread(lambda: change(**fields))
    await wire.send("system.ping")
    return await is_ended(wire)


async def test_what_tells_nobody_shows_at_the_next_ping(join, one, room, ann, bob, cat):
    async with join(one, room, ann) as wire:
        user = User.objects.filter(pk=ann.user.pk)
        assert await ends_at_the_next_ping(wire, user.update, is_active=False)
    async with join(one, room, bob) as wire:
        user = User.objects.filter(pk=bob.user.pk)
        assert await ends_at_the_next_ping(wire, user.update, password="changed")
    async with join(one, room, cat) as wire:
        session = Session.objects.filter(pk=cat.cookie.partition("=")[2])
        assert await ends_at_the_next_ping(wire, session.delete)


async def test_a_deleted_user_is_out(join, one, room, ann):
    async with join(one, room, ann) as wire:
        assert await ends_at_the_next_ping(wire, ann.user.delete)


async def test_who_was_logged_out_comes_back_as_a_guest(join, one, room, ann):
    await Browser(one, ann.cookie).post("/accounts/logout/")
    async with join(one, room, ann) as wire:
        assert wire.welcome["you"]["id"].startswith("guest-")
