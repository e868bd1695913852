"""A program that opens and closes many sockets for some seconds, and counts those that opened.

In a process of its own, so that it does not delay those who measure. It reads its orders
from stdin, as JSON.
"""

import asyncio
import json
import os
import sys
import time
from types import SimpleNamespace
from typing import Any

from websockets.exceptions import InvalidStatus

from tests.chat.client import Client

MAX_SECONDS = 60
REFUSED_SECONDS = 1  # before a socket that was refused comes again


async def flood(port: int, rooms: list[tuple[str, str]], seconds: float) -> int:
    """Keep one socket opening and closing for each room and cookie. Return how many opened.

    On a slow machine it goes on until more have opened than there are rooms, but no longer
    than MAX_SECONDS.
    """
    server: Any = SimpleNamespace(port=port)
    began, opened = time.monotonic(), 0

    def goes_on() -> bool:
        lasts = time.monotonic() - began
        return lasts < seconds or (opened <= len(rooms) and lasts < MAX_SECONDS)

    async def come_and_go(room: str, cookie: str) -> None:
        nonlocal opened
        while goes_on():
            try:
                async with Client(server, room, cookie):
                    opened += 1
            except InvalidStatus as refused:  # the connect queue is full, on a slow machine
                if refused.response.status_code != 403:
                    raise
                await asyncio.sleep(REFUSED_SECONDS)

    await asyncio.gather(*(come_and_go(room, cookie) for room, cookie in rooms))
    return opened


if __name__ == "__main__":
    os.nice(5)  # what is measured is the server, not the machine
    print(asyncio.run(flood(**json.load(sys.stdin))))
