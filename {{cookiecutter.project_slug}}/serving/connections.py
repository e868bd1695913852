"""Open WebSockets and HTTP requests, each of which can be ended while it waits."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

from serving.close_codes import CloseCode
from serving.forced_exit import ForcedExit
from serving.outages import is_outage

logger = logging.getLogger(__name__)

NO_CODE = 1005  # RFC 6455, section 7.4.1: there was no close frame, or none with a code
CLOSE_SECONDS = 1  # for a client to take the close frame
LEAVE_SECONDS = 0.2  # for a client to close by itself, after a farewell
READ_SECONDS = 5  # for a client to answer the close frame


class ClientGone(OSError):
    """The client has left: what is sent reaches nobody, and the consumer or view may end."""


class Connection:
    """What a socket and a request have in common: both can be ended while they wait."""

    def __init__(self, scope: dict, receive: Callable, send: Callable) -> None:
        self.name = repr(f"{scope.get('method', 'WebSocket')} {scope.get('path', '')}")
        self.raw_receive, self.raw_send = receive, send
        self.task = asyncio.current_task()  # that of the application
        self.waiting: set[asyncio.Task] = set()
        self.closing = False

    async def _wait_for(self, call: Awaitable) -> Any:
        """Return what ``call`` gives, or None when the connection is closed meanwhile."""
        task = asyncio.current_task()
        assert task is not None
        self.waiting.add(task)
        try:
            return await call
        except asyncio.CancelledError:
            if not self.closing:
                raise
            task.uncancel()
        finally:
            self.waiting.discard(task)

    async def _send(self, event: dict) -> None:
        try:
            await self._wait_for(self.raw_send(event))
        except OSError as error:  # https://asgi.readthedocs.io/en/stable/specs/www.html
            raise ClientGone(str(error)) from error

    def stop_waiting(self) -> None:
        self.closing = True
        for task in list(self.waiting):
            task.cancel()

    def cancel(self) -> None:
        if self.task is not None:
            self.task.cancel()


class Socket(Connection):
    """One WebSocket, as ``scope["socket"]``: it can be closed whatever its consumer waits for."""

    farewell: str | None = None  # a text to send before the close on a restart
    closed: asyncio.Event  # created when closing starts, set once the close frame is out

    def __init__(self, scope: dict, receive: Callable, send: Callable) -> None:
        super().__init__(scope, receive, send)
        self.traffic = traffic()
        self.open = False
        self.close_code = int(CloseCode.RESTART)
        self.reading: asyncio.Task | None = None

    async def receive(self) -> dict:
        event = None if self.closing else await self._wait_for(self.raw_receive())
        if event is None:
            await self.closed.wait()  # a consumer that ends first would close with its own code
            if self.reading is not None:  # and a server may cut off what is still under way
                await asyncio.wait({self.reading}, timeout=CLOSE_SECONDS)
            event = {"type": "websocket.disconnect", "code": self.close_code}
        if event["type"] == "websocket.disconnect":
            self.open = False
            # A server may leave the code out, or give None for it.
            event = {**event, "code": event.get("code") or NO_CODE}
        return event

    async def send(self, event: dict) -> None:
        if self.closing:
            return
        self.open = event["type"] in ("websocket.accept", "websocket.send")
        await self._send(event)
        if self.traffic.is_stopping and not self.closing:  # the handshake ended after the signal
            await self.close(CloseCode.RESTART, self.farewell)

    async def close(self, code: int, farewell: str | None = None) -> None:
        """Close the socket; then its consumer's ``receive`` says that it is closed."""
        if self.closing:
            return
        was_open = self.open
        self.close_code = int(code)  # not every server takes an IntEnum
        self.closed = asyncio.Event()
        self.stop_waiting()  # a server may hold the close back while a receive waits
        await asyncio.sleep(0)
        try:
            if was_open:
                with suppress(TimeoutError):  # a client that reads nothing
                    async with asyncio.timeout(CLOSE_SECONDS):
                        if farewell is not None:
                            await self.raw_send({"type": "websocket.send", "text": farewell})
                            await self._read_to_the_end(LEAVE_SECONDS)
                        if self.open:
                            await self.raw_send(
                                {"type": "websocket.close", "code": self.close_code}
                            )
                            reading = self._read_to_the_end(READ_SECONDS)
                            self.reading = asyncio.ensure_future(reading)
        finally:
            self.closed.set()

    async def fail(self, error: Exception) -> None:
        """Close the socket of a consumer that raised, with one code: the servers differ."""
        if is_outage(error):  # all sockets meet it at once
            logger.warning("A consumer failed: %s", error)
        else:
            logger.error("A consumer failed", exc_info=error)
        with suppress(Exception):  # the client may be gone
            await self.send({"type": "websocket.close", "code": int(CloseCode.UNAVAILABLE)})

    async def _read_to_the_end(self, seconds: float) -> None:
        """Take what the client has sent: what is left may keep a connection, or cut it off."""
        with suppress(Exception):
            async with asyncio.timeout(seconds):
                while self.open:
                    self.open = (await self.raw_receive())["type"] != "websocket.disconnect"


class Request(Connection):
    """One HTTP request: when it takes too long, its view sees that the client has gone."""

    has_answer = False

    async def receive(self) -> dict:
        event = None if self.closing else await self._wait_for(self.raw_receive())
        return event or {"type": "http.disconnect"}

    async def send(self, event: dict) -> None:
        if not self.closing:
            self.has_answer = True
            await self._send(event)

    async def refuse(self) -> None:
        """Answer for a view that has not begun to."""
        if self.has_answer:
            return
        self.has_answer = True
        headers = [(b"content-length", b"0"), (b"connection", b"close")]
        with suppress(Exception):  # the client may be gone
            await self.raw_send({"type": "http.response.start", "status": 503, "headers": headers})
            await self.raw_send({"type": "http.response.body"})


class Traffic:
    """The open sockets and requests of one event loop, and how far its end has come."""

    def __init__(self) -> None:
        self.sockets: set[Socket] = set()
        self.requests: set[Request] = set()
        self.is_stopping = False
        self.draining: asyncio.Future | None = None
        self.draining_since = 0.0
        self.waits = True  # for sockets and requests to end by themselves
        self.forced_exit: ForcedExit | None = None

    def running(self) -> list[str]:
        return sorted(connection.name for connection in [*self.sockets, *self.requests])


_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Traffic] = WeakKeyDictionary()


def traffic() -> Traffic:
    """Return the traffic of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _by_loop:
        _by_loop[loop] = Traffic()
    return _by_loop[loop]
