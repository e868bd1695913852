"""A socket hears its room before it reads the log: nothing falls between, or comes too soon."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator

from chat import history
from realtime.broadcast import broadcast
from realtime.connect_limiter import SLOTS
from realtime.frames import AckFrame, CloseSocket
from realtime.hub import Hub, hub
from serving.close_codes import CloseCode
from tests.live import ANSWER_SECONDS

FRAME = AckFrame(seq=7)


class Listener:
    """Another socket in the room."""

    def __init__(self) -> None:
        self.heard = threading.Event()

    def write(self, event: dict) -> None:
        self.heard.set()

    def handle(self, event: dict) -> None:
        self.heard.set()

    def catch_up(self) -> None:
        pass


@pytest.fixture
async def enter_while(application, room, monkeypatch) -> Callable:
    """Enter the room while an event reaches those who are in it."""
    listener = Listener()
    await hub().join(room.topic, listener)

    async def enter_while(event: Any, enter: Callable = history.join) -> WebsocketCommunicator:
        def enter_late(*args: Any) -> Any:
            broadcast(room.topic, event)
            assert listener.heard.wait(ANSWER_SECONDS)
            return enter(*args)

        monkeypatch.setattr(history, "join", enter_late)
        headers = [(b"origin", b"http://localhost")]
        socket = WebsocketCommunicator(application, f"/ws/chat/{room.slug}/", headers=headers)
        assert await socket.connect(ANSWER_SECONDS) == (True, None)
        return socket

    return enter_while


async def types(socket: WebsocketCommunicator, count: int) -> list[str]:
    frames = [await socket.receive_json_from(ANSWER_SECONDS) for _ in range(count)]
    return [frame["type"] for frame in frames]


async def test_frames_broadcast_while_joining_follow_the_welcome(enter_while):
    socket = await enter_while(FRAME)
    assert await types(socket, 3) == ["chat.welcome", "chat.history", "system.ack"]
    await socket.disconnect()


async def test_a_refused_socket_receives_no_frame_of_the_room(enter_while):
    def refuse(*args: Any) -> None:
        raise CloseSocket(CloseCode.FORBIDDEN, "not for you")

    socket = await enter_while(FRAME, refuse)
    assert await types(socket, 1) == ["system.disconnect"]
    closed = await socket.receive_output(ANSWER_SECONDS)
    assert (closed["type"], closed["code"]) == ("websocket.close", CloseCode.FORBIDDEN)
    await socket.wait(ANSWER_SECONDS)


async def test_a_client_that_disconnects_gives_up_its_wait_for_a_slot(
    application, room, monkeypatch
):
    join, places = Hub.join, AsyncExitStack()

    async def join_and_find_no_place(self, *joins: Any) -> None:
        await join(self, *joins)
        for _ in range(SLOTS):
            await places.enter_async_context(self.connect_limiter.slot())

    monkeypatch.setattr(Hub, "join", join_and_find_no_place)
    headers = [(b"origin", b"http://localhost")]
    socket = WebsocketCommunicator(application, f"/ws/chat/{room.slug}/", headers=headers)
    async with places:
        assert await socket.connect(ANSWER_SECONDS) == (True, None)
        async with asyncio.timeout(ANSWER_SECONDS):
            while not hub().connect_limiter.waiting:  # noqa: ASYNC110
                await asyncio.sleep(0)
        await socket.disconnect(timeout=ANSWER_SECONDS)
        assert not hub().connect_limiter.waiting
        assert not hub().topics


async def test_another_event_is_handled_once_the_socket_is_in(enter_while):
    socket = await enter_while({"type": "session.ended", "session": None})  # that of a guest
    assert await types(socket, 3) == ["chat.welcome", "chat.history", "system.disconnect"]
    closed = await socket.receive_output(ANSWER_SECONDS)
    assert (closed["type"], closed["code"]) == ("websocket.close", CloseCode.UNAUTHENTICATED)
    await socket.wait(ANSWER_SECONDS)
