"""Say goodbye before the server stops: close each WebSocket, let HTTP requests end.

Left alone, the servers differ: some cut sockets off without a close frame, some never
end. ``realtime.server`` puts ``drain`` in front of its server's own shutdown.
"""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from django.conf import settings
{% if cookiecutter.channel_layer != 'memory' %}
from redis.exceptions import RedisError
{% endif %}

logger = logging.getLogger(__name__)

RESTART = 4200  # close code: come back at once
UNAVAILABLE = 4150  # close code: come back later
CLOSE_SECONDS = 1  # for a peer to take the close frame
LEAVE_SECONDS = 0.2  # for a peer to close by itself, after a farewell
READ_SECONDS = 5  # for a peer to answer the close frame
SOCKETS_SECONDS = 2  # for consumers to end
REQUESTS_SECONDS = settings.GRACE_SECONDS / 2  # for HTTP requests that are under way
LAST_SECONDS = 1  # for each of the last steps
EXIT_SECONDS = settings.GRACE_SECONDS - 0.5


class Socket:
    """One WebSocket, as ``scope["socket"]``: it can be closed whatever its consumer waits for."""

    farewell: str | None = None  # a text to send before the close on a restart
    closed: asyncio.Event  # from when on it is closing

    def __init__(self, receive: Callable, send: Callable) -> None:
        self.raw_receive, self.raw_send = receive, send
        self.consumer = asyncio.current_task()
        self.waiting: set[asyncio.Task] = set()
        self.open = self.closing = False
        self.close_code = RESTART
        self.reading: asyncio.Task | None = None

    async def receive(self) -> dict:
        event = None if self.closing else await self._wait_for(self.raw_receive())
        if event is None:
            await self.closed.wait()  # a consumer that ends first would close with its own code
            if self.reading is not None:  # and a server may cut off what is still under way
                await asyncio.wait({self.reading}, timeout=CLOSE_SECONDS)
            event = {"type": "websocket.disconnect", "code": self.close_code}
        self.open = self.open and event["type"] != "websocket.disconnect"
        return event

    async def send(self, event: dict) -> None:
        if self.closing:
            return
        self.open = event["type"] in ("websocket.accept", "websocket.send")
        await self._wait_for(self.raw_send(event))
        if Drain.started and not self.closing:  # its handshake ended after the drain began
            await self.close(RESTART, self.farewell)

    async def _wait_for(self, call: Awaitable) -> Any:
        """Return what ``call`` gives, or None when the socket closes meanwhile."""
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

    async def close(self, code: int, farewell: str | None = None) -> None:
        """Close the socket; then its consumer's ``receive`` says that it is closed."""
        if self.closing:
            return
        was_open, self.closing, self.close_code = self.open, True, code
        self.closed = asyncio.Event()
        for task in list(self.waiting):  # a server may hold the close back while a receive waits
            task.cancel()
        await asyncio.sleep(0)
        try:
            if was_open:
                with suppress(TimeoutError):  # a peer that reads nothing
                    async with asyncio.timeout(CLOSE_SECONDS):
                        if farewell is not None:
                            await self.raw_send({"type": "websocket.send", "text": farewell})
                            await self._read_to_the_end(LEAVE_SECONDS)
                        if self.open:
                            await self.raw_send({"type": "websocket.close", "code": code})
                            reading = self._read_to_the_end(READ_SECONDS)
                            self.reading = asyncio.ensure_future(reading)
        finally:
            self.closed.set()

    async def fail(self, error: Exception) -> None:
        """Close the socket of a consumer that raised, with one code: the servers differ."""
{% if cookiecutter.channel_layer != 'memory' %}
        if isinstance(error, RedisError):  # all sockets meet it at once
            logger.warning("A consumer failed: %s", error)
        else:
            logger.error("A consumer failed", exc_info=error)
{% else %}
        logger.error("A consumer failed", exc_info=error)
{% endif %}
        with suppress(Exception):  # the peer may be gone
            await self.send({"type": "websocket.close", "code": UNAVAILABLE})

    async def _read_to_the_end(self, seconds: float) -> None:
        """Take what the peer has sent: what is left may keep a connection, or cut it off."""
        with suppress(Exception):
            async with asyncio.timeout(seconds):
                while self.open:
                    self.open = (await self.raw_receive())["type"] != "websocket.disconnect"


class Drain:
    """The outermost middleware: it knows each open socket and each request under way."""

    started: asyncio.Future | None = None
    sockets: set[Socket] = set()
    requests: set[object] = set()
    last_steps: list[Callable[[], Awaitable]] = []  # what to do after the last request

    def __init__(self, application) -> None:
        self.application = application

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] == "websocket":
            socket = Socket(receive, send)
            self.sockets.add(socket)
            try:
                await self.application({**scope, "socket": socket}, socket.receive, socket.send)
            except Exception as error:
                await socket.fail(error)
            finally:
                self.sockets.discard(socket)
        elif scope["type"] == "http":
            request = object()
            self.requests.add(request)
            try:
                await self.application(scope, receive, send)
            finally:
                self.requests.discard(request)
        else:
            await self.application(scope, receive, send)


async def drain(stop_listening: Callable[[], None] = lambda: None) -> None:
    """Return when the sockets of this process are closed and its requests answered.

    Calls after the first wait for the same end. The process ends in EXIT_SECONDS
    whatever happens: a server may wait for ever for a peer that reads nothing.
    """
    if Drain.started is None:
        Drain.started = asyncio.ensure_future(_drain(stop_listening))
    await asyncio.shield(Drain.started)


async def _drain(stop_listening: Callable[[], None]) -> None:
    last_resort = threading.Timer(EXIT_SECONDS, os._exit, (0,))
    last_resort.daemon = True
    last_resort.start()
    closing = [socket.close(RESTART, socket.farewell) for socket in Drain.sockets]
    await asyncio.gather(*closing, return_exceptions=True)  # a peer may be gone already
    await _until_gone(Drain.sockets, SOCKETS_SECONDS)
    for socket in Drain.sockets:  # whatever its consumer waits for: it has been told to end
        if socket.consumer is not None:
            socket.consumer.cancel()
    await _until_gone(Drain.sockets, CLOSE_SECONDS)
    stop_listening()
    await _until_gone(Drain.requests, REQUESTS_SECONDS)
    for step in Drain.last_steps:
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_SECONDS):
                await step()


async def _until_gone(members: set, seconds: float) -> None:
    """Wait for those who are members now, not for those who come."""
    present, deadline = set(members), time.monotonic() + seconds
    while present & members and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
