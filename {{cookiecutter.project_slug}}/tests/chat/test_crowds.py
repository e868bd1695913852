"""Many users at once, one of whom does not read: no message is lost."""

import asyncio
import http.client
import json
import os
import re
import socket
import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from statistics import quantiles
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.models import AnonymousUser

from chat import rooms
from chat.history import RESUME_LIMIT
from chat.models import Room
from realtime.frames import Person
from realtime.threads import in_thread
from tests.chat.client import Client, Member, together
from tests.live import ANSWER_SECONDS, Server, manage, wait_until

TEXT = "👋" * 2000  # as tests/chat/wordy_settings.py allows
CLOSE_FRAME = b"\x88\x80\0\0\0\0"
MAX_GROWTH_BYTES = 60 * 1024 * 1024
MAX_DELAY_SECONDS = 2  # far above what it takes, for busy machines; far below a freeze
ROUNDS = 3
CROWD = 150  # above the connections that a library's pool may have
SILENCE_SECONDS = 2
LISTENERS = 4  # next to the one who does not read

HANDSHAKE = """\
GET /ws/chat/ROOM/?name=slow HTTP/1.1\r
Host: 127.0.0.1\r
Origin: http://127.0.0.1\r
Connection: Upgrade\r
Upgrade: websocket\r
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
Sec-WebSocket-Version: 13\r
\r
"""


@contextmanager
def inside_of(server: Server) -> Generator[Callable[[], dict[str, int]]]:
    """Give a function that returns what the server holds. All calls use one connection.

    The names of the server's tasks are printed at the end, for a test that fails.
    """
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=ANSWER_SECONDS)

    def look() -> dict[str, Any]:
        connection.request("GET", "/inside/", headers={"X-Forwarded-Proto": "https"})
        return json.loads(connection.getresponse().read())

    with closing(connection):
        try:
            yield lambda: look()["held"]
        finally:
            print(*look()["names of tasks"], sep="\n")


def numbers(member: Member) -> list[int]:
    return [message["seq"] for message in member.room.messages]


async def test_a_burst_reaches_every_socket_in_order_and_once(one, two, room):
    def servers(count: int) -> list[Server]:
        return [one, two] * (count // 2)

    speakers = [Member(server, room.slug, name="speaker") for server in servers(10)]
    listeners = [Member(server, room.slug, name="listener") for server in servers(10)]
    async with together([*speakers, *listeners]):
        async with asyncio.TaskGroup() as tasks:
            for speaker in speakers:
                for number in range(30):
                    tasks.create_task(speaker.say(f"{speaker.welcome['you']['id']} {number}"))
            tasks.create_task(in_thread(say_from_outside, room, 100))
        for member in [*speakers, *listeners]:
            await member.until(lambda member=member: member.room.seq == 400)
            assert numbers(member) == list(range(1, 401))
            assert member.closes == []
        texts = speakers[0].room.texts
        assert all(member.room.texts == texts for member in [*speakers, *listeners])
        assert len(set(texts)) == 400
        assert not any(speaker.outbox for speaker in speakers)


def say_from_outside(room: Room, count: int) -> None:
    """Say it as another process than the servers."""
    for number in range(count):
        rooms.post(room, Person("guest-x", "x"), AnonymousUser(), uuid4(), f"outside {number}")


async def test_several_processes_write_without_gaps_or_doubles(one, room, chat_environment):
    async def say(name: str) -> str:
        texts = [f"{name} {number}" for number in range(30)]
        return await asyncio.to_thread(manage, "say", room.slug, *texts, env=chat_environment)

    async with Member(one, room.slug) as listener:
        outputs = await asyncio.gather(*(say(name) for name in "abc"))
        await listener.until(lambda: listener.room.seq == 90)
        assert numbers(listener) == list(range(1, 91))
        seqs = re.findall(r"Room, (\d+)", "".join(outputs))
        assert sorted(map(int, seqs)) == list(range(1, 91))
        for name in "abc":  # each in the order in which it was said
            mine = [text for text in listener.room.texts if text.startswith(name)]
            assert mine == [f"{name} {number}" for number in range(30)]


async def test_many_sockets_come_and_go_and_nothing_is_left(join, one, room):
    with inside_of(one) as inside:
        before = inside()
    before["threads"] += settings.WEBSOCKET_THREADS  # they start when they are needed
    for _ in range(4):
        async with together([join(one, room) for _ in range(50)]):
            pass
    with inside_of(one) as inside:
        await becomes(lambda: all(count <= before[key] for key, count in inside().items()), inside)


async def test_a_crowd_that_leaves_at_once_is_no_outage(join, one, room):
    with inside_of(one) as inside:
        before = inside()["present"]
        async with together([join(one, room) for _ in range(CROWD)]):
            pass
        await becomes(lambda: inside()["present"] == before, inside)
    assert one.get("/ready/")[0] == 200
    assert "layer fails" not in one.log


async def becomes(condition: Callable[[], bool], inside: Callable[[], dict[str, int]]) -> None:
    """Wait for a condition of the server's."""
    await asyncio.to_thread(wait_until, condition, ANSWER_SECONDS, lambda: str(inside()))


class SlowReader:
    """A socket in a room that reads nothing until it is told to."""

    def __init__(self, server: Server, room: Room) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(ANSWER_SECONDS)
        self.socket.connect(("127.0.0.1", server.port))
        self.socket.sendall(HANDSHAKE.replace("ROOM", room.slug).encode())

    def __enter__(self) -> "SlowReader":
        return self

    def __exit__(self, *error: object) -> None:
        self.socket.close()

    def read_to_the_end(self) -> int:
        """Read all that has been sent, and return how many messages there were.

        Not every server ends the connection of a peer that reads again too late.
        """
        received = b""
        self.socket.settimeout(SILENCE_SECONDS)
        with suppress(ConnectionError, TimeoutError):
            self.socket.sendall(CLOSE_FRAME)
            while data := self.socket.recv(1024 * 1024):
                received += data
        return received.count(b'"chat.message"')


class Stream:
    """Messages of one member while the server holds a slow reader, and how late they arrive."""

    def __init__(self) -> None:
        self.said_at: dict[str, float] = {}
        self.delays: list[float] = []

    async def speak(self, speaker: Client, is_held: Callable[[], bool]) -> None:
        while len(self.said_at) < RESUME_LIMIT - 50 and await asyncio.to_thread(is_held):
            for _ in range(50):
                await self.say(speaker, TEXT)
        await self.say(speaker, "over")

    async def say(self, speaker: Client, text: str) -> None:
        message_id = str(uuid4())
        self.said_at[message_id] = time.perf_counter()
        await speaker.say(text, id=message_id)

    async def listen(self, listener: Client) -> list[int]:
        """Return the seqs that were heard."""
        seqs, text = [], ""
        while text != "over":
            message = await listener.expect("chat.message")
            self.delays.append(time.perf_counter() - self.said_at[message["id"]])
            seqs.append(message["seq"])
            text = message["text"]
        return seqs


async def test_a_slow_reader_is_closed_and_delays_no_other_socket(join, start_chat, room):
    server, quickest = start_chat("tests.chat.wordy_settings"), []
    while not quickest or (min(quickest) > MAX_DELAY_SECONDS and len(quickest) < ROUNDS):
        quickest.append(await speak_to_a_slow_reader(join, server, room))
    assert min(quickest) < MAX_DELAY_SECONDS


async def speak_to_a_slow_reader(join, one: Server, room: Room) -> float:
    """Return the delay within which 99 of 100 messages reached those who do read."""

    def is_held() -> bool:
        return inside()["sockets"] == LISTENERS + 2

    stream = Stream()
    listeners = [join(one, room) for _ in range(LISTENERS)]
    async with join(one, room) as speaker, together(listeners):
        before = resident_bytes(one.process.pid)
        with inside_of(one) as inside, SlowReader(one, room) as slow:
            while "slow" not in await speaker.expect_people("joins"):
                pass
            hearing = [asyncio.create_task(stream.listen(chat_socket)) for chat_socket in listeners]
            await stream.speak(speaker, is_held)
            first = speaker.welcome["seq"] + 1
            expected = list(range(first, first + len(stream.said_at)))
            assert await asyncio.gather(*hearing) == LISTENERS * [expected]
            await becomes(lambda: not is_held(), inside)  # it is cut
            assert resident_bytes(one.process.pid) - before < MAX_GROWTH_BYTES
            read = await asyncio.to_thread(slow.read_to_the_end)
            assert read < len(expected)
        late = Member(one, room.slug)
        late.epoch, late.room.seq = room.epoch, first - 1 + read
        async with late:
            assert late.welcome["recovered"] is True
            assert numbers(late) == expected[read:]
    return quantiles(stream.delays, n=100)[98]


def resident_bytes(pid: int) -> int:
    """Return the memory of a process and its children."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(map(resident_bytes, map(int, children)))
