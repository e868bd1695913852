"""Who is here: one entry per person, whatever becomes of their tabs and their server."""

import asyncio
{% if cookiecutter.channel_layer != 'memory' %}
import os
import signal
{% endif %}

import pytest

from realtime.presence import presence
from tests.chat.client import together

LEAVE_SECONDS = 5
{% if cookiecutter.channel_layer != 'memory' %}
GONE_SECONDS = 16  # after which nobody is shown whose server was killed
{% endif %}


async def test_who_comes_is_shown_to_those_who_are_here(join, one, two, room, ann):
    async with join(one, room, name="watcher") as watcher, join(two, room, ann) as wire:
        members = [person["name"] for person in wire.welcome["members"]]
        assert members == ["ann", "watcher"]
        assert await watcher.expect_people("joins") == ["ann"]


async def test_two_tabs_are_one_person(join, one, two, room, ann):
    tabs = [join(one, room, ann), join(two, room, ann), join(one, room, ann)]
    async with together(tabs):
        for tab in tabs:
            assert tab.welcome["members"] == [ann.person]
            await tab.quiet("presence.diff")


@pytest.mark.usefixtures("no_task_left")
async def test_a_second_tab_does_not_look_before_the_first_is_counted(monkeypatch):
    renew = presence().leases.renew

    async def renew_late(members, seconds):
        await asyncio.sleep(0.05)
        await renew(members, seconds)

    monkeypatch.setattr(presence().leases, "renew", renew_late)
    tabs = [presence().enter("room.tabs", "ann") for _ in range(2)]
    assert await asyncio.gather(*tabs) == [{"ann"}, {"ann"}]


async def test_people_of_another_room_are_not_shown(join, one, two, room, members_room, ann, bob):
    async with join(one, room, ann) as here, join(two, members_room, bob) as there:
        assert there.welcome["members"] == [bob.person]
        await here.quiet("presence.diff")


async def test_only_who_closes_the_last_tab_is_shown_to_leave(join, one, two, room, ann, bob):
    async with join(one, room) as watcher, join(two, room, ann):
        async with join(two, room, ann):
            pass  # one of two tabs
        async with join(two, room, bob):
            pass  # a reload, which leads to another process
        async with join(one, room, bob), join(one, room, name="cat"):
            pass
        async with join(two, room, bob):
            async with asyncio.timeout(LEAVE_SECONDS):
                assert await watcher.expect_people("leaves") == ["cat"]
            await watcher.quiet("presence.diff")
{% if cookiecutter.channel_layer != 'memory' %}


async def test_the_people_of_a_killed_server_are_gone_for_the_others(
    join, start_chat, one, room, ann, bob
):
    doomed = start_chat()
    there = [join(doomed, room, bob), join(doomed, room, name="cat")]
    async with join(one, room, ann) as watcher, join(one, room, bob), together(there):
        os.killpg(doomed.process.pid, signal.SIGKILL)
        async with asyncio.timeout(GONE_SECONDS):
            assert await watcher.expect_people("leaves") == ["cat"]
{% endif %}
