"""Sockets that come and go without end: a quiet room does not notice, and nothing leaks."""

import asyncio
import json
import os
import sys
import time
from statistics import quantiles

from django.conf import settings

from chat.models import Room
from realtime.threads import in_thread
from tests.chat.accounts import create_account
from tests.chat.client import Client
from tests.chat.test_crowds import becomes, inside_of
from tests.live import Server

FLOOD_SECONDS = float(os.environ.get("FAULTS_FLOOD_SECONDS", "3"))
FLOODERS, ACCOUNTS = 200, 50
# Far above the figures in docs/reliability.md, for machines that do much else.
MAX_ROUND_TRIP_SECONDS = float(os.environ.get("FAULTS_FLOOD_LIMIT", "2"))


def make_accounts() -> list[str]:
    return [create_account(f"flood-{number}").cookie for number in range(ACCOUNTS)]


def make_quiet_room() -> Room:
    return Room.objects.create(slug="quiet", open_to_guests=True)


async def flood(server: Server, rooms: list[tuple[str, str]]) -> int:
    """Open and close sockets from another process. Return how many opened."""
    flooder = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.chat.faults.flooder"),
        cwd=settings.BASE_DIR,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    orders = {"port": server.port, "rooms": rooms, "seconds": FLOOD_SECONDS}
    try:
        opened, _ = await flooder.communicate(json.dumps(orders).encode())
    finally:
        if flooder.returncode is None:
            flooder.kill()
    assert flooder.returncode == 0
    return int(opened)


async def round_trips(chat_socket: Client, until: asyncio.Task) -> list[float]:
    """Return the seconds that each ping took."""
    seconds = []
    while not until.done():
        began = time.perf_counter()
        await chat_socket.ask("system.ping")
        seconds.append(time.perf_counter() - began)
        await asyncio.sleep(0.05)
    return seconds


async def test_sockets_that_come_and_go(launch, layer_url, join, room, members_room):
    server = launch(**layer_url)
    cookies = await in_thread(make_accounts)
    guests = FLOODERS - ACCOUNTS
    rooms = [*((members_room.slug, cookie) for cookie in cookies), *([(room.slug, "")] * guests)]
    async with join(server, await in_thread(make_quiet_room)) as chat_socket:
        await chat_socket.say("warm")
        with inside_of(server) as inside:
            before = inside()
        threads = settings.WEBSOCKET_THREADS  # they start when they are needed
        flooding = asyncio.create_task(flood(server, rooms))
        seconds = await round_trips(chat_socket, flooding)
        opened = await flooding
        with inside_of(server) as inside:
            await becomes(lambda: inside()["sockets"] == before["sockets"], inside)
            await becomes(lambda: inside()["topics"] <= before["topics"], inside)
            await becomes(lambda: inside()["present"] <= before["present"], inside)
            await becomes(lambda: inside()["tasks"] <= before["tasks"], inside)
            await becomes(lambda: inside()["threads"] <= before["threads"] + threads, inside)
    p99 = quantiles(seconds, n=100)[98]
    print(f"{opened} sockets in {FLOOD_SECONDS} s or more, p99 of a quiet room {p99 * 1000:.0f} ms")
    assert opened > FLOODERS
    assert p99 < MAX_ROUND_TRIP_SECONDS
    assert "Traceback" not in server.log, server.log
