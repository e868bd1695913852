"""The load: many sockets of one server, in one loop that costs little.

A text of the benchmark has ``MARK`` in it once. All frames of a fan-out have the same size,
so most of what is read is counted without looking at single frames.
"""

import select
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle, islice
from uuid import uuid4

from benchmarks.machine import cpu_seconds
from benchmarks.wire import Wire, client_frame, handshake

MARK = b"^"
FRAME_BYTES = 102  # of a text that everybody hears, with its head of two bytes
BUFFER_BYTES = 256 * 1024
AT_ONCE = 20  # sockets that are being opened
IN_FLIGHT = 32  # texts; far below the 100 that plain Channels keeps for a socket
QUIET_SECONDS = 2  # without a delivery, after which the rest is lost
OPEN_SECONDS = 120
CALM_SECONDS, CALM_SHARE = 0.25, 0.1  # of a core, of a server that has nothing left to do
CALM_LIMIT_SECONDS = 10  # to wait for that: many rooms keep a server busy


@dataclass(frozen=True)
class Dialect:
    """How one contender is spoken to."""

    path: str  # with ROOM
    said: bytes  # a client's text, with TEXT, and with UUID where each needs one
    heard: bytes  # what comes back, with TEXT
    first: bytes = b""  # what a text has that says: you are in. Empty: the handshake is all

    def text(self) -> str:
        """Return a text with the mark, so long that what is heard has ``FRAME_BYTES``."""
        size = FRAME_BYTES - 2 - len(self.heard.replace(b"TEXT", b""))
        return MARK.decode() + "x" * (size - 1)

    def say(self, count: int) -> bytes:
        """Return the frames of a client that says it so many times."""
        said = self.said.replace(b"TEXT", self.text().encode())
        if b"UUID" not in said:
            return client_frame(said) * count
        return b"".join(
            client_frame(said.replace(b"UUID", str(uuid4()).encode())) for _ in range(count)
        )


@dataclass
class Slice:
    """What happened in a part of a measurement."""

    deliveries: int
    seconds: float
    expected: int
    server_share: float  # of one processor core
    client_share: float
    delays: list[float] = field(default_factory=list)  # seconds

    @property
    def rate(self) -> float:
        """Deliveries a second."""
        return self.deliveries / self.seconds

    @property
    def lost(self) -> float:
        """The share that never came."""
        return 1 - self.deliveries / self.expected if self.expected else 0.0


class Crowd:
    """Sockets of one server: in one room, or the same number in each of several."""

    def __init__(
        self, port: int, pids: Callable[[], list[int]], dialect: Dialect, cookies: list[str] = ()
    ) -> None:
        self.port, self.pids, self.dialect = port, pids, dialect
        self.cookies: Iterator[str] = cycle(cookies or [""])
        self.poll = select.epoll()
        self.wires: dict[int, Wire] = {}  # by file descriptor, in the order they came
        self.rooms: dict[str, list[Wire]] = {}
        self.buffer = bytearray(BUFFER_BYTES)

    def __enter__(self) -> "Crowd":
        return self

    def __exit__(self, *error: object) -> None:
        for wire in self.wires.values():
            wire.close()
        self.poll.close()

    def join(self, count: int, room: str = "room-0", port: int | None = None) -> float:
        """Open ``count`` sockets in a room, ``AT_ONCE`` at a time. Return the seconds it took.

        ``port`` is that of another process which serves the same rooms.
        """
        port = port or self.port
        path = self.dialect.path.replace("ROOM", room)
        members: list[Wire] = []
        opening: set[int] = set()
        begin = time.perf_counter()
        while len(members) < count or opening:
            while len(members) < count and len(opening) < AT_ONCE:
                wire = Wire(port)
                wire.send(handshake(port, path, next(self.cookies)))
                self.wires[wire.socket.fileno()] = wire
                self.poll.register(wire.socket, select.EPOLLIN)
                opening.add(wire.socket.fileno())
                members.append(wire)
            for descriptor, _ in self.poll.poll(1):
                wire = self.wires[descriptor]
                texts = wire.feed(wire.socket.recv(BUFFER_BYTES))
                if wire.is_open and (
                    not self.dialect.first or any(self.dialect.first in text for text in texts)
                ):
                    opening.discard(descriptor)
            if time.perf_counter() - begin > OPEN_SECONDS:
                raise TimeoutError(f"{len(opening)} of {count} sockets did not open")
        self.rooms.setdefault(room, []).extend(members)
        return time.perf_counter() - begin

    def calm_down(self) -> None:
        """Read what comes, and wait until the server has no work left."""
        deadline = time.perf_counter() + CALM_LIMIT_SECONDS
        while self.rest(CALM_SECONDS) > CALM_SHARE and time.perf_counter() < deadline:
            pass

    def fan_out(self, seconds: float, in_flight: int = IN_FLIGHT, all_speak: bool = False) -> Slice:
        """Let the first member of each room speak in turn, or all members of all rooms.

        The next one speaks when the first member of a room has heard something, so that
        there are always ``in_flight`` texts under way.
        """
        first = {room[0].socket.fileno() for room in self.rooms.values()}
        speakers = [
            (wire, len(room))
            for room in self.rooms.values()
            for wire in (room if all_speak else room[:1])
        ]
        turns = cycle(speakers)

        def speak(count: int) -> None:
            for wire, listeners in islice(turns, count):
                wire.send(self.dialect.say(1))
                meter.expected += listeners

        meter = self._start()
        end = meter.begin + seconds
        speak(in_flight)
        while meter.is_waiting():
            for descriptor, heard in self._read(0.2):
                meter.count(heard)
                if descriptor in first and meter.last < end:
                    speak(heard)
        return meter.stop()

    def one_at_a_time(self, count: int) -> Slice:
        """Say something, wait until all have heard it, and again. Keeps each delay."""
        (room,) = self.rooms.values()
        meter = self._start()
        for _ in range(count):
            meter.expected += len(room)
            said_at = time.perf_counter()
            room[0].send(self.dialect.say(1))
            while meter.is_waiting():
                for _, heard in self._read(0.2):
                    meter.count(heard)
                    meter.delays += [meter.last - said_at] * heard
        return meter.stop()

    def burst(self, speak: Callable[[], object], expected: int) -> Slice:
        """Call ``speak``, and count what comes of it until nothing does."""
        meter = self._start()
        meter.expected = expected
        speak()
        meter.last = time.perf_counter()
        while meter.is_waiting():
            for _, heard in self._read(0.2):
                meter.count(heard)
        return meter.stop()

    def echo(self, seconds: float) -> Slice:
        """Let each socket say something as soon as it has heard what it said before."""
        say = self.dialect.say(1)
        meter = self._start()
        end = meter.begin + seconds
        meter.expected = len(self.wires)
        for wire in self.wires.values():
            wire.send(say)
        while meter.is_waiting():
            for descriptor, heard in self._read(0.2):
                meter.count(heard)
                if meter.last < end:
                    self.wires[descriptor].send(say * heard)
                    meter.expected += heard
        return meter.stop()

    def _read(self, seconds: float) -> Iterator[tuple[int, int]]:
        """Yield whose socket had something to read, and how many marked texts it was."""
        buffer = self.buffer
        for descriptor, _ in self.poll.poll(seconds):
            wire = self.wires[descriptor]
            size = wire.socket.recv_into(buffer)
            marks = buffer.count(MARK, 0, size)
            if marks * FRAME_BYTES == size and not wire.rest and marks:
                yield descriptor, marks  # whole frames of a fan-out and nothing else
            else:
                texts = wire.feed(bytes(buffer[:size]))
                yield descriptor, sum(MARK in text for text in texts)

    def rest(self, seconds: float) -> float:
        """Say nothing for a while. Return the share of a core that the server used."""
        begin, before = time.perf_counter(), cpu_seconds(self.pids())
        while (left := begin + seconds - time.perf_counter()) > 0:
            for _ in self._read(left):
                pass
        return (cpu_seconds(self.pids()) - before) / (time.perf_counter() - begin)

    def _start(self) -> "Meter":
        self.calm_down()
        return Meter(self.pids())


class Meter:
    """Counts deliveries, and the processor time that they take."""

    def __init__(self, pids: list[int]) -> None:
        self.pids = pids
        self.expected = self.delivered = 0
        self.delays: list[float] = []  # seconds
        self.server_begin, self.client_begin = cpu_seconds(pids), time.process_time()
        self.begin = self.last = time.perf_counter()  # of all, and of the newest delivery

    def count(self, heard: int) -> None:
        if heard:
            self.delivered += heard
            self.last = time.perf_counter()

    def is_waiting(self) -> bool:
        """Whether something is under way, and not lost."""
        quiet = time.perf_counter() - self.last
        return self.delivered < self.expected and quiet < QUIET_SECONDS

    def stop(self) -> Slice:
        """Sum it up. The silence in which nothing came any more does not count."""
        seconds = self.last - self.begin
        return Slice(
            self.delivered,
            seconds,
            self.expected,
            (cpu_seconds(self.pids) - self.server_begin) / seconds,
            (time.process_time() - self.client_begin) / seconds,
            self.delays,
        )


def tend(crowds: list[Crowd]) -> None:
    """Answer the pings of servers that nobody speaks to at the moment."""
    for crowd in crowds:
        for _ in crowd._read(0):
            pass
