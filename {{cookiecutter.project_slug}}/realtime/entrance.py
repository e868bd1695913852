"""How many sockets of the chat connect at a time."""

import asyncio

ENTERING, WAITING = 2, 500  # sockets of a process


class Entrance:
    """The way in: few at once, so that those who are in go first, and not too many who wait."""

    def __init__(self) -> None:
        self.places, self.waiting = asyncio.Semaphore(ENTERING), 0

    @property
    def is_crowded(self) -> bool:
        """Whether one more would wait for longer than clients do, and come again for nothing."""
        return self.waiting >= WAITING

    async def __aenter__(self) -> None:
        self.waiting += 1
        try:
            await self.places.acquire()
        finally:
            self.waiting -= 1

    async def __aexit__(self, *error: object) -> None:
        self.places.release()
