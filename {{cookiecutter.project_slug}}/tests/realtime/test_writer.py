"""Texts leave in order, and a peer that does not read has a bound."""

import asyncio
import sys
from typing import Any

import pytest

from realtime.writer import MAX_PENDING_BYTES, Writer
from serving.connections import State


class Socket:
    """A socket whose peer reads when the test says so."""

    state = State.OPEN

    def __init__(self) -> None:
        self.pending: set[asyncio.Task] = set()
        self.texts: list[str] = []
        self.reads = asyncio.Event()
        self.reads.set()

    async def server_send(self, event: dict) -> None:
        self.texts.append(event["text"])
        await self.reads.wait()


class GoneSocket(Socket):
    async def server_send(self, event: dict) -> None:
        await self.reads.wait()
        raise ConnectionResetError


def text(number: int) -> dict:
    return {"type": "websocket.send", "text": str(number)}


@pytest.fixture
async def socket() -> Socket:
    return Socket()


async def all_written(socket: Socket) -> None:
    while socket.pending:
        await asyncio.wait(set(socket.pending), timeout=5)


async def test_nothing_leaves_before_the_first_texts(socket):
    writer = Writer(socket, pytest.fail)
    writer.write(text(3))
    assert socket.texts == []
    writer.start("1", "2")
    writer.write(text(4))
    await all_written(socket)
    assert socket.texts == ["1", "2", "3", "4"]


async def test_a_text_that_the_server_takes_at_once_needs_no_task(socket):
    writer = Writer(socket, pytest.fail)
    writer.start()
    writer.write(text(1))
    if sys.version_info < (3, 12):  # where tasks begin later
        await all_written(socket)
    assert socket.texts == ["1"]
    assert not socket.pending


class ImpatientSocket(Socket):
    """A server that waits no longer than this for its peer."""

    async def server_send(self, event: dict) -> None:
        async with asyncio.timeout(0.01):
            await asyncio.Event().wait()


async def test_a_timeout_inside_a_server_ends_nothing_but_its_own_send():
    socket: Any = ImpatientSocket()
    writer = Writer(socket, pytest.fail)
    writer.start()
    for _ in range(3):
        writer.write(text(1))
        await all_written(socket)  # a cancellation of this task would end it here
    await asyncio.sleep(0.02)


async def test_texts_behind_one_that_waits_keep_their_order(socket):
    writer = Writer(socket, pytest.fail)
    socket.reads.clear()
    writer.start("0")
    for number in range(1, 10):
        writer.write(text(number))
    await asyncio.sleep(0)
    assert socket.texts == ["0"]
    socket.reads.set()
    await all_written(socket)
    writer.write(text(10))
    await all_written(socket)
    assert socket.texts == [str(number) for number in range(11)]


@pytest.mark.parametrize("character", ["x", "👋"])
async def test_a_peer_that_does_not_read_is_too_slow_above_the_bound(socket, character):
    complaints = []
    writer = Writer(socket, lambda: complaints.append(writer.pending_bytes))
    socket.reads.clear()
    writer.start("first")
    await asyncio.sleep(0)
    event = {"type": "websocket.send", "text": character * 16 * 1024}
    size = len(event["text"].encode())
    for _ in range(MAX_PENDING_BYTES // size):
        writer.write(event)
    assert not complaints
    writer.write(event)
    assert complaints
    socket.reads.set()
    await all_written(socket)
    assert socket.texts == ["first"]


async def test_a_peer_that_reads_again_in_time_has_the_whole_bound_again(socket):
    writer = Writer(socket, pytest.fail)
    writer.start()
    event = {"type": "websocket.send", "text": "x" * (MAX_PENDING_BYTES // 2)}
    for _ in range(3):
        socket.reads.clear()
        for _ in range(3):
            writer.write(event)
        socket.reads.set()
        await all_written(socket)
    assert len(socket.texts) == 9


async def test_a_peer_that_is_gone_is_no_error():
    socket: Any = GoneSocket()
    writer = Writer(socket, pytest.fail)
    writer.start("1")
    writer.write(text(2))


async def test_a_peer_that_goes_while_texts_wait_is_no_error():
    socket: Any = GoneSocket()
    socket.reads.clear()
    writer = Writer(socket, pytest.fail)
    writer.start("1")
    writer.write(text(2))
    socket.reads.set()
    await all_written(socket)
    assert not writer.pending


async def test_nothing_is_written_to_a_socket_that_closes(socket):
    writer = Writer(socket, pytest.fail)
    writer.start()
    socket.state = State.CLOSING
    writer.write(text(1))
    assert socket.texts == []
