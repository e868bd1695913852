"""Write to one socket without ever waiting for it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any

from realtime.connections import Socket

MAX_PENDING_BYTES = 1024 * 1024


class Writer:
    """Texts for one socket, in order. What its peer does not read in time has a bound.

    Servers take most texts at once. So a call of the server's ``send`` is run up to where
    it waits, if it does, and only then becomes a task: that is what makes a large room fast.
    """

    def __init__(self, socket: Socket, too_slow: Callable[[], object]) -> None:
        self.socket, self.too_slow = socket, too_slow
        self.pending: list[tuple[dict, int]] = []  # with their sizes
        self.pending_bytes = 0
        self.busy = True  # nothing leaves before start()

    def start(self, *texts: str) -> None:
        """Write ``texts``, then what came in the meantime."""
        waiting, self.pending, self.pending_bytes = self.pending, [], 0
        self.busy = False
        first = [{"type": "websocket.send", "text": text} for text in texts]
        for event in [*first, *(event for event, _ in waiting)]:
            self.write(event)

    def write(self, event: dict) -> None:
        """Write a ``websocket.send`` event, which many writers may share."""
        if self.socket.closing:
            return
        if not self.busy:
            self._send(event)
            return
        size = len(event["text"].encode())
        self.pending.append((event, size))
        self.pending_bytes += size
        if self.pending_bytes > MAX_PENDING_BYTES:
            self.pending.clear()
            self.too_slow()

    def _send(self, event: dict) -> None:
        sending: Awaitable = self.socket.raw_send(event)
        if asyncio.iscoroutine(sending):
            try:
                sending = _Begun(sending, sending.send(None))
            except StopIteration:
                return  # the usual case
            except Exception:
                return  # the peer is gone; receive() says so
        self.busy = True
        task = asyncio.ensure_future(self._finish(sending))
        self.socket.waiting.add(task)  # a close breaks it off
        task.add_done_callback(self.socket.waiting.discard)

    async def _finish(self, sending: Awaitable) -> None:
        try:
            await sending
            while self.pending:
                waiting, self.pending = self.pending, []
                for event, size in waiting:
                    self.pending_bytes -= size
                    await self.socket.raw_send(event)
        except Exception:
            self.pending.clear()  # the peer is gone; receive() says so
        self.busy = False


class _Begun:
    """The rest of a coroutine that has run up to its first wait."""

    def __init__(self, coroutine: Coroutine, waits_for: Any) -> None:
        self.coroutine, self.waits_for = coroutine, waits_for

    def __await__(self) -> Generator:
        try:
            yield self.waits_for
        except BaseException:
            self.coroutine.close()
            raise
        return (yield from self.coroutine.__await__())
