"""Presence: one entry per person, whatever happens to their tabs and their server."""

import asyncio
{% if cookiecutter.channel_layer != 'memory' %}
import os
import signal
import time
{% endif %}
from uuid import uuid4

import pytest
{% if cookiecutter.channel_layer != 'memory' %}
from django.conf import settings
{% endif %}

{% if cookiecutter.channel_layer != 'memory' %}
from realtime.leases import Leases
{% endif %}
from realtime.presence import presence
from tests.chat.client import together
{% if cookiecutter.channel_layer == 'memory' %}
from tests.live import ANSWER_SECONDS
{% else %}
from tests.live import ANSWER_SECONDS, STOP_SECONDS
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


@pytest.mark.usefixtures("no_task_left")
async def test_a_second_tab_does_not_look_before_the_first_is_counted(monkeypatch):
    renew = presence().leases.renew

    async def renew_late(*asked):
        await asyncio.sleep(0.05)
        return await renew(*asked)

    monkeypatch.setattr(presence().leases, "renew", renew_late)
    tabs = [presence().track("room.tabs", "ann") for _ in range(2)]
    assert await asyncio.gather(*tabs) == [{"ann"}, {"ann"}]


@pytest.mark.usefixtures("no_task_left")
async def test_members_that_join_at_once_are_counted_one_after_another(monkeypatch):
    renew, calls = presence().leases.store.renew, []

    async def counted(*asked):
        calls.append(asked)
        return await renew(*asked)

    monkeypatch.setattr(presence().leases.store, "renew", counted)
    topic = f"sockets.{uuid4().hex}"
    counts = await asyncio.gather(*(presence().count(topic, str(n)) for n in range(300)))
    assert counts == list(range(1, 301))
    assert len(calls) <= 3  # a round trip each
    for number in range(300):
        presence().untrack(topic, str(number), 0)
    await asyncio.wait(presence().releasing)
    assert await presence().members([topic]) == {topic: set()}


@pytest.mark.usefixtures("no_task_left")
async def test_a_lease_is_renewed_for_as_long_as_its_socket_is_here(monkeypatch):
    monkeypatch.setattr("realtime.presence.RENEW_SECONDS", 0.1)
    monkeypatch.setattr("realtime.presence.LEASE_SECONDS", 1)
    store, topic, renewals = presence().leases.store, f"room.{uuid4().hex}", asyncio.Semaphore(0)
    renew = store.renew

    async def counted(renewed, topics):
        answer = await renew(renewed, topics)
        if topic in [lease[0] for lease in renewed]:
            renewals.release()
        return answer

    monkeypatch.setattr(store, "renew", counted)
    await presence().track(topic, "ann")
    async with asyncio.timeout(ANSWER_SECONDS):
        for _ in range(15):  # which takes longer than the first lease
            await renewals.acquire()
    assert await presence().members([topic]) == {topic: {"ann"}}
{% if cookiecutter.channel_layer != 'memory' %}


@pytest.mark.usefixtures("no_task_left")
async def test_the_clock_of_a_host_decides_nothing(monkeypatch):
    here, there, topic = Leases(), Leases(), f"room.{uuid4().hex}"
    await here.renew([(topic, "ann", 10)])
    minute_ago = time.monotonic() - 60
    monkeypatch.setattr(time, "monotonic", lambda: minute_ago)  # as after a suspend
    await here.renew([(topic, "ann", 10)])
    _, members = await there.renew([], [topic])
    assert members == {topic: {"ann"}}
    await here.close()
    await there.close()


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
