"""What one client may ask of the server."""

import asyncio
from contextlib import suppress

import pytest
from channels.testing import WebsocketCommunicator
from django.conf import settings
from websockets.exceptions import ConnectionClosed

from realtime import limits
from realtime.entrance import MAX_WAIT_SECONDS, PLACES
from realtime.hub import hub
from realtime.limits import MAX_REFUSED_FRAMES, TokenBucket
from tests.chat.client import together
from tests.live import ANSWER_SECONDS


async def test_a_burst_passes_and_what_is_above_is_refused_for_a_moment(join, strict, room):
    async with join(strict, room) as ann:
        for number in range(2 * settings.WEBSOCKET_BURST):
            await ann.send("chat.typing", ref=number)
        error = await ann.expect("system.error")
        assert error["code"] == "rate_limited"
        assert error["ref"] >= settings.WEBSOCKET_BURST
        await ann.quiet()
        assert (await ann.say("again"))["seq"] == 1


async def test_who_does_not_stop_is_closed(join, strict, room):
    async with join(strict, room) as ann:
        with suppress(ConnectionClosed):
            for _ in range(10 * MAX_REFUSED_FRAMES):
                await ann.send("chat.typing")
        code, frames = await ann.expect_close()
    assert code == 4129
    assert (frames[-1]["type"], frames[-1]["code"]) == ("system.disconnect", 4129)


async def test_a_person_has_a_number_of_sockets_at_most(join, one, two, room, ann):
    number = settings.WEBSOCKETS_PER_PERSON
    wires = [join(server, room, ann) for server in number * [one, two]][:number]
    async with together(wires):
        async with join(two, room, ann, is_welcome=False) as wire:
            code, frames = await wire.expect_close()
            assert code == 4100
            assert [frame["type"] for frame in frames] == ["system.disconnect"]
            assert frames[0]["code"] == 4100
        await wires[0].close()
        assert await becomes_free(lambda: join(two, room, ann, is_welcome=False))


async def becomes_free(join) -> bool:
    async with asyncio.timeout(ANSWER_SECONDS):
        while True:
            async with join() as wire:
                if (await wire.receive())["type"] == "chat.welcome":
                    return True


async def test_another_person_is_not_counted(join, one, room, ann, bob):
    tabs = [join(one, room, ann) for _ in range(settings.WEBSOCKETS_PER_PERSON)]
    async with together(tabs), join(one, room, bob) as wire:
        assert len(wire.welcome["members"]) == 2


async def test_a_silent_socket_is_closed_and_one_that_pings_stays(join, strict, room):
    async with join(strict, room) as silent, join(strict, room) as alive:
        closing = asyncio.create_task(silent.expect_close())
        while not closing.done():
            assert (await alive.ask("system.ping"))["type"] == "system.pong"
            await asyncio.wait({closing}, timeout=alive.welcome["heartbeat"])
        code, frames = await closing
        assert code == 4201
        assert (frames[-1]["type"], frames[-1]["code"]) == ("system.disconnect", 4201)
        assert (await alive.ask("system.ping"))["type"] == "system.pong"


class Clock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(limits, "time", clock)
    return clock


def taken(bucket: TokenBucket) -> int:
    count = 0
    while bucket.take():
        count += 1
    return count


def test_a_bucket_holds_a_burst_and_fills_at_its_rate(clock):
    bucket = TokenBucket(rate=5, burst=20)
    assert taken(bucket) == 20
    clock.now = 1
    assert taken(bucket) == 5
    clock.now = 1.1
    assert taken(bucket) == 0
    clock.now = 1.21
    assert taken(bucket) == 1
    clock.now = 1000
    assert taken(bucket) == 20


async def test_a_full_connect_queue_refuses_at_once(application, room):
    def client() -> WebsocketCommunicator:
        headers = [(b"origin", b"http://localhost")]
        return WebsocketCommunicator(application, f"/ws/chat/{room.slug}/", headers=headers)

    entrance, ann, bob = hub().entrance, client(), client()
    async with entrance.place(), entrance.place():
        entrance.visit_seconds = PLACES * (MAX_WAIT_SECONDS + 1)
        connecting = asyncio.create_task(ann.connect(ANSWER_SECONDS))
        while not entrance.waiting:  # noqa: ASYNC110
            await asyncio.sleep(0)
        is_open, _ = await bob.connect(ANSWER_SECONDS)
        assert not is_open
    assert await connecting == (True, None)
    await ann.disconnect()
