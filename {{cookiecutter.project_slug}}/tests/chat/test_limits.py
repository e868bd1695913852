"""Limits on what one client may ask of the server."""

import asyncio
import time

from channels.testing import WebsocketCommunicator
from django.conf import settings

from chat.models import Message, Room
from realtime.connect_limiter import MAX_WAIT_SECONDS, SLOTS
from realtime.hub import hub
from realtime.threads import in_thread
from serving.limits import COST_BYTES
from tests.chat.client import Client, together
from tests.live import ANSWER_SECONDS

SYNCS = 3


async def test_frames_above_the_rate_are_answered_later_without_errors(join, strict, room):
    count = settings.WEBSOCKET_BURST + settings.WEBSOCKET_RATE
    async with join(strict, room) as ann, join(strict, room) as bob:
        since = time.monotonic()
        for number in range(count):
            await ann.send("system.ping", ref=number)
        assert (await bob.ask("system.ping"))["type"] == "system.pong"
        pongs = [await ann.expect("system.pong") for _ in range(count)]
        assert [pong["ref"] for pong in pongs] == list(range(count))
        assert time.monotonic() - since > 0.9
        assert (await ann.say("again"))["seq"] == 1


def fill(room: Room) -> None:
    """Fill a page of the room with the longest messages."""
    text = "👋" * settings.CHAT_TEXT_LENGTH
    messages = [
        Message(room=room, seq=seq, client_id=f"{seq:032x}", text=text, guest_id="guest-x")
        for seq in range(1, 51)
    ]
    Message.objects.bulk_create(messages)
    Room.objects.filter(pk=room.pk).update(seq=len(messages))


async def test_a_large_answer_costs_more(strict, room):
    await in_thread(fill, room)
    async with Client(strict, room.slug) as socket:
        since = time.monotonic()
        for number in range(SYNCS):
            await socket.send("chat.sync", after=0, ref=number)
        pages = [await socket.expect("chat.history", ref=number) for number in range(SYNCS)]
        seconds = time.monotonic() - since
    size = len(pages[0]["messages"]) * 4 * settings.CHAT_TEXT_LENGTH
    cost = min(size / COST_BYTES, 4 * settings.WEBSOCKET_RATE)  # a debt is bounded
    assert seconds > 0.9 * ((SYNCS - 1) * cost - settings.WEBSOCKET_BURST) / settings.WEBSOCKET_RATE


async def test_a_person_has_a_number_of_sockets_at_most(join, one, two, room, ann):
    number = settings.WEBSOCKETS_PER_PERSON
    sockets = [join(server, room, ann) for server in number * [one, two]][:number]
    async with together(sockets):
        async with join(two, room, ann, is_welcome=False) as socket:
            code, frames = await socket.expect_close()
            assert code == 4100
            assert [frame["type"] for frame in frames] == ["system.disconnect"]
            assert frames[0]["code"] == 4100
        await sockets[0].close()
        assert await becomes_free(lambda: join(two, room, ann, is_welcome=False))


async def becomes_free(join) -> bool:
    async with asyncio.timeout(ANSWER_SECONDS):
        while True:
            async with join() as socket:
                if (await socket.receive())["type"] == "chat.welcome":
                    return True


async def test_another_person_is_not_counted(join, one, room, ann, bob):
    tabs = [join(one, room, ann) for _ in range(settings.WEBSOCKETS_PER_PERSON)]
    async with together(tabs), join(one, room, bob) as socket:
        assert len(socket.welcome["members"]) == 2


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


async def test_a_full_connect_queue_refuses_at_once(application, room):
    def client() -> WebsocketCommunicator:
        headers = [(b"origin", b"http://localhost")]
        return WebsocketCommunicator(application, f"/ws/chat/{room.slug}/", headers=headers)

    limiter, ann, bob = hub().connect_limiter, client(), client()
    async with limiter.slot(), limiter.slot():
        limiter.slot_seconds = SLOTS * (MAX_WAIT_SECONDS + 1)
        connecting = asyncio.create_task(ann.connect(ANSWER_SECONDS))
        while not limiter.waiting:  # noqa: ASYNC110
            await asyncio.sleep(0)
        is_open, _ = await bob.connect(ANSWER_SECONDS)
        assert not is_open
    assert await connecting == (True, None)
    await ann.disconnect()
