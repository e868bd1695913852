"""Write to one socket without ever waiting for it."""

from collections.abc import Callable

from realtime.tasks import start
from serving.connections import WebSocketConnection

MAX_PENDING_BYTES = 1024 * 1024


class Writer:
    """Texts for one socket, in order. What its peer does not read in time has a bound.

    Servers take most texts at once, and then no task is scheduled: see ``start``.
    """

    def __init__(self, socket: WebSocketConnection, too_slow: Callable[[], object]) -> None:
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
        if self.socket.is_closing:
            return
        if not self.busy:
            self.busy = True
            task = start(self._send(event))
            if not task.done():
                self.socket.pending.add(task)  # a close breaks it off
                task.add_done_callback(self.socket.pending.discard)
            return
        size = len(event["text"].encode())
        self.pending.append((event, size))
        self.pending_bytes += size
        if self.pending_bytes > MAX_PENDING_BYTES:
            self.pending.clear()
            self.too_slow()

    async def _send(self, event: dict) -> None:
        """Send it, and what is pending by then."""
        try:
            await self.socket.server_send(event)
            while self.pending:
                waiting, self.pending = self.pending, []
                for event, size in waiting:
                    self.pending_bytes -= size
                    await self.socket.server_send(event)
        except Exception:
            self.pending.clear()  # the peer is gone; receive() says so
        self.busy = False
