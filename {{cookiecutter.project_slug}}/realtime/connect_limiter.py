"""Admission control: how many sockets connect at a time."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

SLOTS = 2  # sockets of a process that may query the database to connect, at a time
MAX_WAIT_SECONDS = 5  # for a slot: clients give up after 10, and a retry would cost the same
WEIGHT = 0.1  # of the newest measurement in the moving average


class ConnectLimiter:
    """Lets SLOTS sockets connect at a time, so that connected users keep their response times.

    Hold a slot for queries alone: a wait for another service would delay all other sockets.
    """

    def __init__(self) -> None:
        self.slots = asyncio.Semaphore(SLOTS)
        self.waiting = 0  # sockets that wait for a slot
        self.slot_seconds = 0.0  # how long a slot is held, as a moving average

    @property
    def is_full(self) -> bool:
        """Whether a new socket would have to wait for longer than MAX_WAIT_SECONDS."""
        return self.waiting * self.slot_seconds / SLOTS > MAX_WAIT_SECONDS

    @asynccontextmanager
    async def slot(self) -> AsyncGenerator[None]:
        """Hold a slot for the length of the block. A task that is cancelled waits no longer."""
        self.waiting += 1
        try:
            await self.slots.acquire()
        finally:
            self.waiting -= 1
        since = time.monotonic()
        try:
            yield
        finally:
            self.slots.release()
            self.slot_seconds += WEIGHT * (time.monotonic() - since - self.slot_seconds)
