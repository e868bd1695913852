"""Presence: one entry per person, whatever happens to their tabs and their server."""

import asyncio
{% if cookiecutter.channel_layer != 'memory' %}
import os
import signal
{% endif %}

{% if cookiecutter.channel_layer != 'memory' %}
from django.conf import settings

{% endif %}
from tests.chat.client import together
{% if cookiecutter.channel_layer != 'memory' %}
from tests.live import STOP_SECONDS
{% endif %}

LEAVE_SECONDS = 5
{% if cookiecutter.channel_layer != 'memory' %}
GONE_SECONDS = 16  # after which the people of a killed server have left
{% endif %}


async def test_a_join_is_shown_to_the_members(join, one, two, room, ann):
    async with join(one, room, name="watcher") as watcher, join(two, room, ann) as chat_socket:
        members = [person["name"] for person in chat_socket.welcome["members"]]
        assert members == ["ann", "watcher"]
        assert await watcher.expect_people("joins") == ["ann"]


async def test_two_tabs_are_one_person(join, one, two, room, ann):
    tabs = [join(one, room, ann), join(two, room, ann), join(one, room, ann)]
    async with together(tabs):
        for tab in tabs:
            assert tab.welcome["members"] == [ann.person]
            await tab.expect_nothing("presence.diff")
{% if cookiecutter.channel_layer != 'memory' %}


async def test_a_process_that_ends_leaves_no_leases(join, start_chat, one, room, ann):
    doomed, tabs = start_chat(), settings.WEBSOCKETS_PER_PERSON
    async with together([join(doomed, room, ann) for _ in range(tabs)]):
        doomed.process.terminate()
        await asyncio.to_thread(doomed.process.wait, STOP_SECONDS)
        async with together([join(one, room, ann) for _ in range(tabs)]):
            pass
{% endif %}


async def test_people_of_another_room_are_not_shown(join, one, two, room, members_room, ann, bob):
    async with join(one, room, ann) as here, join(two, members_room, bob) as there:
        assert there.welcome["members"] == [bob.person]
        await here.expect_nothing("presence.diff")


async def test_only_closing_the_last_tab_is_shown_as_leaving(join, one, two, room, ann, bob):
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
            await watcher.expect_nothing("presence.diff")
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
