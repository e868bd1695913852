"""How many sockets of the chat connect at a time."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

PLACES = 2  # sockets of a process that use the database to connect, at the same time
MAX_WAIT_SECONDS = 5  # clients give up after 10, and come again for nothing
WEIGHT = 0.1  # of the newest visit in the average


class Entrance:
    """Few sockets use the database to connect at a time, so that those who are in go first.

    Hold a place for queries alone: a wait for another service would slow all others down.
    """

    def __init__(self) -> None:
        self.places, self.waiting = asyncio.Semaphore(PLACES), 0
        self.visit_seconds = 0.0  # how long a place is held, on average

    @property
    def is_crowded(self) -> bool:
        """Whether one more would have to wait for longer than MAX_WAIT_SECONDS."""
        return self.waiting * self.visit_seconds / PLACES > MAX_WAIT_SECONDS

    @asynccontextmanager
    async def place(self) -> AsyncGenerator[None]:
        """Hold a place. To give up waiting for one, cancel."""
        self.waiting += 1
        try:
            await self.places.acquire()
        finally:
            self.waiting -= 1
        since = time.monotonic()
        try:
            yield
        finally:
            self.places.release()
            self.visit_seconds += WEIGHT * (time.monotonic() - since - self.visit_seconds)
