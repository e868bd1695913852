"""Leases, and one entry for each member, however many sockets the member has."""

import asyncio
{% if cookiecutter.channel_layer != 'memory' %}
import time
{% endif %}
from uuid import uuid4

import pytest

{% if cookiecutter.channel_layer != 'memory' %}
from realtime.leases import Leases
{% endif %}
from realtime.presence import presence
from tests.live import ANSWER_SECONDS

pytestmark = pytest.mark.usefixtures("no_task_left")


async def test_a_second_tab_does_not_look_before_the_first_is_counted(monkeypatch):
    renew = presence().leases.renew

    async def renew_late(*asked):
        await asyncio.sleep(0.05)
        return await renew(*asked)

    monkeypatch.setattr(presence().leases, "renew", renew_late)
    tabs = [presence().track("room.tabs", "ann") for _ in range(2)]
    assert await asyncio.gather(*tabs) == [{"ann"}, {"ann"}]


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
{% endif %}
