"""Clients that speak in frames, for tests that read like a conversation.

A ``Client`` does what a test says, and nothing by itself. A ``Member`` does by itself what the
protocol asks of a client.
"""

import asyncio
import json
import random
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Origin

from tests.live import ANSWER_SECONDS, Server

QUIET_SECONDS = 0.3

# The rules for clients.
GAP_SECONDS = 0.3  # to wait for what may come out of order
DEAD_SECONDS = 10  # without any frame, after one that is to be answered
RETRY_SECONDS = 1  # after which a refused frame is sent again
MIN_BACKOFF_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 30

NOT_OPEN = 0  # as a close code: the socket never opened, or no answer came


async def open_websocket(server: Server, path: str, cookie: str, **query: object) -> Any:
    return await connect(
        f"ws://127.0.0.1:{server.port}{path}?{urlencode(query)}",
        origin=Origin(f"http://127.0.0.1:{server.port}"),
        additional_headers={"Cookie": cookie} if cookie else {},
        compression=None,
        open_timeout=ANSWER_SECONDS,
        close_timeout=1,
        max_size=None,
        ping_interval=None,
        proxy=None,
    )


def close_code(closed: ConnectionClosed) -> int:
    return closed.rcvd.code if closed.rcvd else 1006


class BaseClient:
    """A socket in a room."""

    websocket: ClientConnection | None = None

    def __init__(self, server: Server, room: str, cookie: str = "", **query: object) -> None:
        self.server, self.path, self.cookie = server, f"/ws/chat/{room}/", cookie
        self.query = query

    async def open(self) -> None:
        """Return when the first frames have come."""
        raise NotImplementedError

    async def close(self) -> None:
        if self.websocket is not None:
            await self.websocket.close()

    async def __aenter__(self) -> Any:
        await self.open()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()


@asynccontextmanager
async def together(clients: Iterable[BaseClient]) -> AsyncGenerator[None]:
    """Open all at once, and close all at once."""
    clients = list(clients)
    try:
        await asyncio.gather(*(client.open() for client in clients))
        yield
    finally:
        await asyncio.gather(*(client.close() for client in clients))


class Client(BaseClient):
    """A socket that a test speaks through. Unless ``is_welcome`` is False, it awaits a welcome."""

    welcome: dict[str, Any]
    history: dict[str, Any]
    direct_history: dict[str, Any]

    def __init__(self, *args: Any, is_welcome: bool = True, **query: Any) -> None:
        super().__init__(*args, **query)
        self.is_welcome = is_welcome

    async def open(self) -> None:
        self.websocket = await open_websocket(self.server, self.path, self.cookie, **self.query)
        if self.is_welcome:
            self.welcome = await self.expect("chat.welcome")
            self.history = await self.expect("chat.history")
            if self.welcome["you"]["id"].startswith("user-"):
                self.direct_history = await self.expect("chat.history", direct=True)

    async def send(self, kind: str, **fields: object) -> None:
        await self.send_text(json.dumps({"type": kind, **fields}))

    async def send_text(self, text: str | bytes) -> None:
        assert self.websocket is not None
        await self.websocket.send(text)

    async def receive(self, seconds: float = ANSWER_SECONDS) -> dict[str, Any]:
        """Return the next frame."""
        assert self.websocket is not None
        async with asyncio.timeout(seconds):
            return json.loads(await self.websocket.recv())

    async def expect(self, kind: str, **fields: object) -> dict[str, Any]:
        """Return the next frame of this type with these fields; those before it are skipped."""
        skipped = []
        try:
            while True:
                frame = await self.receive()
                if frame["type"] == kind and fields.items() <= frame.items():
                    return frame
                skipped.append(frame)
        except TimeoutError:
            raise AssertionError(f"no {kind} {fields}, but {skipped}") from None

    async def ask(self, kind: str, **fields: object) -> dict[str, Any]:
        """Send a frame; return its answer."""
        ref = fields.setdefault("ref", str(uuid4()))
        await self.send(kind, **fields)
        while (frame := await self.receive()).get("ref") != ref:
            pass
        return frame

    async def say(self, text: str, **fields: object) -> dict[str, Any]:
        """Send a message; return the answer."""
        return await self.ask("chat.send", **{"id": str(uuid4()), "text": text, **fields})

    async def send_direct(self, to: str, text: str, **fields: object) -> dict[str, Any]:
        """Send a direct message; return the answer."""
        message = {"id": str(uuid4()), "to": to, "text": text, **fields}
        return await self.ask("chat.direct", **message)

    async def expect_people(self, key: str) -> list[str]:
        """Return the names of those whom the next diff shows among its "joins" or "leaves"."""
        while not (people := (await self.expect("presence.diff"))[key]):
            pass
        return [person["name"] for person in people]

    async def expect_nothing(self, *kinds: str) -> None:
        """Assert that no frame of these types comes for a moment."""
        with suppress(TimeoutError):
            while True:
                frame = await self.receive(QUIET_SECONDS)
                assert frame["type"] not in kinds, frame

    async def expect_close(self) -> tuple[int, list[dict[str, Any]]]:
        """Return the close code, and the frames that came before."""
        frames = []
        try:
            while True:
                frames.append(await self.receive())
        except ConnectionClosed as closed:
            return close_code(closed), frames


class Log:
    """Messages in the order of their seq, each once."""

    def __init__(self, is_direct: bool) -> None:
        self.is_direct = is_direct
        self.messages: list[dict[str, Any]] = []
        self.seq = self.known = 0  # the newest applied, and the newest that the server has told of
        self.early: dict[int, dict[str, Any]] = {}
        self.is_asking = False

    @property
    def texts(self) -> list[str]:
        return [message["text"] for message in self.messages]

    def start_over(self, seq: int, page: list[dict[str, Any]]) -> None:
        self.seq, self.messages, self.early = (page[0]["seq"] - 1 if page else seq), [], {}
        self.take_page(page)

    def take_page(self, page: list[dict[str, Any]]) -> None:
        """Take messages between which there are no others."""
        for message in page:
            if message["seq"] > self.seq:
                self._apply(message)
        self.early = {seq: message for seq, message in self.early.items() if seq > self.seq}
        self._apply_early()

    def take(self, message: dict[str, Any]) -> None:
        if message["seq"] > self.seq:
            self.early[message["seq"]] = message
            self._apply_early()

    def _apply_early(self) -> None:
        while message := self.early.pop(self.seq + 1, None):
            self._apply(message)

    def _apply(self, message: dict[str, Any]) -> None:
        self.messages.append(message)
        self.seq = message["seq"]


class Member(BaseClient):
    """A client that keeps to the rules: nothing is lost, doubled or out of order.

    It comes back to ``server``, which a test may change.
    """

    def __init__(self, *args: Any, **query: object) -> None:
        super().__init__(*args, **query)
        self.room, self.direct = Log(is_direct=False), Log(is_direct=True)
        self.outbox: dict[str, dict[str, Any]] = {}
        self.errors: list[dict[str, Any]] = []
        self.closes: list[int] = []
        self.welcome: dict[str, Any] = {}  # empty while there is no connection
        self.epoch = ""
        self.changed = asyncio.Event()
        self.tasks: set[asyncio.Task] = set()
        self.deadline: asyncio.TimerHandle | None = None  # for any frame to come

    async def open(self) -> None:
        self.running = asyncio.create_task(self._run())
        await self.until(lambda: self.room.seq == self.room.known and bool(self.welcome))

    async def close(self) -> None:
        self.running.cancel()
        await asyncio.wait({self.running})

    async def until(self, is_so: Callable[[], bool], seconds: float = ANSWER_SECONDS) -> None:
        async with asyncio.timeout(seconds):
            while not is_so():
                self.changed.clear()
                await self.changed.wait()

    async def say(self, text: str, to: str = "") -> None:
        """Send it, now or when there is a connection again, until it is acknowledged."""
        frame = {"type": "chat.direct" if to else "chat.send", "id": str(uuid4()), "text": text}
        frame |= {"ref": frame["id"], **({"to": to} if to else {})}
        self.outbox[frame["id"]] = frame
        if self.welcome:
            await self._send(frame)

    async def _run(self) -> None:
        attempts = count()
        while True:
            code, seconds = await self._talk()
            if code != NOT_OPEN:
                self.closes.append(code)
            if self.welcome:
                attempts = count()
            self.welcome = {}
            self.changed.set()
            if 4000 <= code < 4100:
                return
            if not 4200 <= code < 4300:
                backoff = MIN_BACKOFF_SECONDS * 2 ** min(next(attempts), 10)
                seconds = random.uniform(0, min(MAX_BACKOFF_SECONDS, backoff))
            await asyncio.sleep(seconds)

    async def _talk(self) -> tuple[int, float]:
        """Stay connected; return the code it ends with, and the seconds to stay away."""
        known = {}
        if self.epoch:
            known = {"epoch": self.epoch, "after": self.room.seq, "direct_after": self.direct.seq}
        try:
            async with await open_websocket(
                self.server, self.path, self.cookie, **self.query, **known
            ) as self.websocket:
                self._expect_frame(ANSWER_SECONDS)
                while True:
                    frame = json.loads(await self.websocket.recv())
                    self._stop_expecting()
                    if frame["type"] == "system.disconnect":
                        return frame["code"], frame.get("retry_in_ms", 0) / 1000
                    if frame["type"] == "chat.welcome":
                        self._in_background(self._ping(frame["heartbeat"]))
                    await self._take(frame)
        except ConnectionClosed as closed:
            return close_code(closed), 0
        except (OSError, EOFError, InvalidHandshake):
            return NOT_OPEN, 0
        finally:
            self._stop_expecting()
            for task in self.tasks:
                task.cancel()

    def _expect_frame(self, seconds: float = DEAD_SECONDS) -> None:
        """Break the connection off unless a frame comes in time."""
        if self.deadline is None and self.websocket is not None:
            break_off = self.websocket.transport.abort
            self.deadline = asyncio.get_running_loop().call_later(seconds, break_off)

    def _stop_expecting(self) -> None:
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None

    async def _take(self, frame: dict[str, Any]) -> None:
        kind, ref = frame["type"], frame.get("ref")
        log = self.direct if kind == "chat.direct" or frame.get("direct") else self.room
        if kind == "chat.welcome":
            self.welcome, self.epoch = frame, frame["epoch"]
            self.room.known, self.direct.known = frame["seq"], frame["direct_seq"]
            self.room.is_asking = self.direct.is_asking = False
            for unacknowledged in list(self.outbox.values()):
                await self._send(unacknowledged)
        elif kind == "chat.history":
            log.is_asking = False
            if ref is None and not self.welcome["recovered"]:
                log.start_over(log.known, frame["messages"])
            else:
                log.take_page(frame["messages"])
                if frame["more"]:
                    self._sync(log, 0)
        elif kind in ("chat.message", "chat.direct"):
            log.known = max(log.known, frame["seq"])
            log.take(frame)
        elif kind == "system.pong":
            self.room.known = max(self.room.known, frame["seq"])
            self.direct.known = max(self.direct.known, frame["direct_seq"])
        elif kind == "system.ack":
            self.outbox.pop(ref, None)
        elif kind == "system.error" and frame["code"] in ("rate_limited", "unavailable"):
            self._in_background(self._send(self.outbox.get(ref), RETRY_SECONDS))
            self.room.is_asking = self.direct.is_asking = False
        elif kind == "system.error":
            self.outbox.pop(ref, None)
            self.errors.append(frame)
        self._sync(self.room, GAP_SECONDS)
        self._sync(self.direct, GAP_SECONDS)
        self.changed.set()

    def _sync(self, log: Log, seconds: float) -> None:
        if log.seq < log.known and not log.is_asking:
            log.is_asking = True
            self._in_background(self._ask_for_more(log, seconds))

    async def _ask_for_more(self, log: Log, seconds: float) -> None:
        await asyncio.sleep(seconds)
        log.is_asking = log.seq < log.known
        if log.is_asking:
            frame = {"type": "chat.sync", "ref": "sync", "after": log.seq, "direct": log.is_direct}
            await self._send(frame)

    async def _ping(self, heartbeat: float) -> None:
        while True:
            await asyncio.sleep(heartbeat)
            await self._send({"type": "system.ping"})

    async def _send(self, frame: dict[str, Any] | None, seconds: float = 0) -> None:
        await asyncio.sleep(seconds)
        if frame is not None and self.websocket is not None:
            self._expect_frame()
            with suppress(ConnectionClosed):  # what matters is in the outbox
                await self.websocket.send(json.dumps(frame))

    def _in_background(self, coroutine: Any) -> None:
        task = asyncio.create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
