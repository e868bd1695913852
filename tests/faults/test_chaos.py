"""Processes are killed and replaced while people write: every log ends whole."""

import asyncio
import os
import random
from collections.abc import Callable

import pytest
from django.conf import settings

from chat.guests import new_guest_id
from chat.models import Message, Room
from realtime.sessions import SessionStore
from realtime.threads import in_thread
from tests.chat.accounts import create_account
from tests.chat.client import Member, together
from tests.chat.faults.machines import Balancer, kill
from tests.live import STOP_SECONDS, Server

MEMBERS = 20
MESSAGES = int(os.environ.get("FAULTS_MESSAGES", "2000"))
END_SECONDS = 120
WRITE_SECONDS = float(os.environ.get("FAULTS_WRITE_SECONDS", "10"))
RETURN_SECONDS = 20
PAUSE_SECONDS = 0.2  # between two messages of a member, while a deploy goes on


def make_rooms(count: int) -> list[Room]:
    return [
        Room.objects.create(slug=f"chaos-{n}", title=f"Chaos {n}", open_to_guests=True)
        for n in range(count)
    ]


def make_members(balancer: Balancer, rooms: list[Room]) -> list[Member]:
    """Return people with a login and guests in turn, each in a browser of their own."""
    cookies = [
        guest_cookie() if number % 2 else create_account(f"m{number}").cookie
        for number in range(MEMBERS)
    ]
    return [Member(balancer, rooms[n % 3].slug, cookie) for n, cookie in enumerate(cookies)]


def guest_cookie() -> str:
    session = SessionStore()
    session["guest_id"] = new_guest_id()
    session.create()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


def stored(room: Room) -> list[tuple[int, str, str]]:
    messages = Message.objects.filter(room=room).order_by("seq")
    return [(message.seq, str(message.client_id), message.text) for message in messages]


async def write(member: Member, name: str, messages: int, dice: random.Random) -> None:
    for number in range(messages):
        await member.say(f"{name} {number}")
        await asyncio.sleep(dice.uniform(0, 2 * WRITE_SECONDS / messages))


async def write_until(over: asyncio.Event, member: Member, name: str, dice: random.Random) -> int:
    """Return how many messages it were."""
    number = 0
    while not over.is_set():
        await member.say(f"{name} {number}")
        number += 1
        await asyncio.sleep(dice.uniform(0, 2 * PAUSE_SECONDS))
    return number


async def check_the_logs(members: list[Member], rooms: list[Room], written: int) -> None:
    """All that was written is in the log of its room, once, and everybody has that log."""
    for member in members:
        await member.until(lambda m=member: not m.outbox, END_SECONDS)
        assert not member.errors
    total = 0
    for room in rooms:
        log = await in_thread(stored, room)
        assert [seq for seq, _, _ in log] == list(range(1, len(log) + 1))
        assert len({text for _, _, text in log}) == len(log)
        total += len(log)
        for member in members:
            if room.slug in member.path:
                newest = len(log)
                await member.until(lambda m=member, n=newest: m.room.seq == n, END_SECONDS)
                assert [(m["seq"], m["id"], m["text"]) for m in member.room.messages] == log
    assert total == written


@pytest.fixture
def servers(launch, layer_url) -> Callable[[], Server]:
    return lambda: launch(**layer_url)


async def test_killed_processes_and_a_restarted_layer(
    servers, break_the_layer, transactional_db, processes, dice
):
    rooms = await in_thread(make_rooms, 3)
    balancer = Balancer([servers() for _ in range(processes)])
    members = await in_thread(make_members, balancer, rooms)

    async def kill_now_and_then() -> None:
        for victim in (dice.choice(balancer.servers) for _ in range(4)):
            await asyncio.sleep(dice.uniform(0.5, 1.5) * WRITE_SECONDS / 5)
            kill(victim)
            balancer.replace(victim, await asyncio.to_thread(servers))

    async def break_twice() -> None:
        for _ in range(2):
            await asyncio.sleep(dice.uniform(0.5, 1.5) * WRITE_SECONDS / 3)
            await break_the_layer(dice.uniform(0, 2))

    async with together(members):
        async with asyncio.TaskGroup() as tasks:
            for number, member in enumerate(members):
                chance = random.Random(dice.random())
                tasks.create_task(write(member, f"m{number}", MESSAGES // MEMBERS, chance))
            tasks.create_task(kill_now_and_then())
            tasks.create_task(break_twice())
        await check_the_logs(members, rooms, MESSAGES)


async def test_a_deploy_under_load(servers, transactional_db, processes, dice):
    """One process after the other is replaced, as with rolling updates."""
    rooms = await in_thread(make_rooms, 3)
    balancer = Balancer([servers() for _ in range(processes)])
    members = await in_thread(make_members, balancer, rooms)
    logs_of_failures, returns = [], []

    async def replace(old: Server) -> None:
        new = await asyncio.to_thread(servers)
        balancer.replace(old, new)
        on_old = [member for member in members if is_on(member, old)]
        old.process.terminate()
        for member in on_old:
            await member.until(lambda m=member: bool(m.closes))
        now = asyncio.get_running_loop().time()
        for member in on_old:
            await member.until(lambda m=member: bool(m.welcome), RETURN_SECONDS)
        returns.append(asyncio.get_running_loop().time() - now)
        if await asyncio.to_thread(old.process.wait, STOP_SECONDS) not in (0, -15):
            logs_of_failures.append(old.log)

    deployed = asyncio.Event()
    async with together(members):
        async with asyncio.TaskGroup() as tasks:
            writing = [
                tasks.create_task(
                    write_until(deployed, member, f"m{number}", random.Random(dice.random()))
                )
                for number, member in enumerate(members)
            ]
            await asyncio.sleep(1)
            for old in list(balancer.servers):
                await replace(old)
            await asyncio.sleep(1)
            deployed.set()
        await check_the_logs(members, rooms, sum(task.result() for task in writing))
    assert not logs_of_failures, "\n".join(logs_of_failures)
    assert max(returns) < settings.WEBSOCKET_RESTART_SECONDS + 3
    closes = [code for member in members for code in member.closes]
    assert len(closes) >= MEMBERS
    assert set(closes) == {4200}


def is_on(member: Member, server: Server) -> bool:
    assert member.websocket is not None
    return member.websocket.remote_address[1] == server.port
