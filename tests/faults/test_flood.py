"""Sockets that come and go without end: a quiet room does not notice, and nothing leaks."""

import asyncio
import os
import time
from itertools import count
from statistics import quantiles

from django.conf import settings
from django.contrib.auth.models import User

from chat.models import Room
from realtime.threads import in_thread
from tests.chat.accounts import log_in
from tests.chat.client import Wire
from tests.chat.test_crowds import becomes, inside_of

FLOOD_SECONDS = float(os.environ.get("FAULTS_FLOOD_SECONDS", "5"))
FLOODERS, ACCOUNTS = 200, 50
# Far above the figures in docs/reliability.md, for machines that do much else.
MAX_ROUND_TRIP_SECONDS = 2.0


def make_accounts() -> list[str]:
    return [log_in(User.objects.create_user(f"flood-{number}")) for number in range(ACCOUNTS)]


def make_quiet_room() -> Room:
    return Room.objects.create(slug="quiet", open_to_guests=True)


async def test_sockets_that_come_and_go(launch, layer_url, join, room, members_room):
    server = launch(**layer_url)
    cookies = await in_thread(make_accounts)
    end = time.monotonic() + FLOOD_SECONDS
    opened = count()

    async def come_and_go(number: int) -> None:
        cookie = cookies[number] if number < ACCOUNTS else ""
        while time.monotonic() < end:
            async with Wire(server, members_room.slug if cookie else room.slug, cookie):
                next(opened)

    async with join(server, await in_thread(make_quiet_room)) as wire:
        await wire.say("warm")
        with inside_of(server) as inside:
            before = inside()
        threads = settings.WEBSOCKET_THREADS  # they start when they are needed
        round_trips: list[float] = []
        async with asyncio.TaskGroup() as tasks:
            for number in range(FLOODERS):
                tasks.create_task(come_and_go(number))
            while time.monotonic() < end:
                began = time.perf_counter()
                await wire.ask("system.ping")
                round_trips.append(time.perf_counter() - began)
                await asyncio.sleep(0.05)
        with inside_of(server) as inside:
            await becomes(lambda: inside()["sockets"] == before["sockets"], inside)
            await becomes(lambda: inside()["topics"] <= before["topics"], inside)
            await becomes(lambda: inside()["present"] <= before["present"], inside)
            await becomes(lambda: inside()["tasks"] <= before["tasks"], inside)
            await becomes(lambda: inside()["threads"] <= before["threads"] + threads, inside)
    p99 = quantiles(round_trips, n=100)[98]
    print(f"{next(opened)} sockets in {FLOOD_SECONDS} s, p99 of a quiet room {p99 * 1000:.0f} ms")
    assert p99 < MAX_ROUND_TRIP_SECONDS
    assert "Traceback" not in server.log, server.log
