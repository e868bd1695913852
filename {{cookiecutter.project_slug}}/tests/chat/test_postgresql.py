"""Processes and connections that end while people write: PostgreSQL serves the others."""

import asyncio
import signal
import subprocess
import sys

from django.conf import settings
from django.db import connection

from realtime.threads import in_thread
from tests.chat.client import Member, together
from tests.live import ANSWER_SECONDS

IDLE_SECONDS = 2  # in a transaction, of the process that is stopped
TURNS = 30

HOLD = """
import django; django.setup()
from django.db import transaction
from chat import rooms
from chat.models import Room
from realtime.threads import OUTAGES
try:
    with transaction.atomic():
        room = Room.objects.get(slug=SLUG)
        rooms._next_seq(room)
        print("inside", flush=True)
        input()
        rooms._next_seq(room)
except OUTAGES as error:
    print("outage")
"""


def hold(slug: str, environment: dict[str, str]) -> subprocess.Popen:
    """Start a process that locks a room, inside a transaction."""
    options = f"-c%20idle_in_transaction_session_timeout%3D{IDLE_SECONDS}s"
    url = f"{environment['DATABASE_URL']}&options={options}"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD.replace("SLUG", repr(slug))],
        cwd=settings.BASE_DIR,
        env={**environment, "DATABASE_URL": url},
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "inside\n"
    return process


async def test_a_process_that_stops_inside_a_transaction_frees_its_room(
    one, room, chat_environment
):
    async with Member(one, room.slug) as member:
        stopped = await asyncio.to_thread(hold, room.slug, chat_environment)
        stopped.send_signal(signal.SIGSTOP)
        try:
            await member.say("Hello")
            await member.until(lambda: not member.outbox, IDLE_SECONDS + ANSWER_SECONDS)
            await member.until(lambda: member.room.texts == ["Hello"])
        finally:
            stopped.send_signal(signal.SIGCONT)
            answer, _ = await asyncio.to_thread(stopped.communicate, "go on\n")
        assert answer == "outage\n"  # not a mistake in the code: the client sends it again


def count_deadlocks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return cursor.fetchone()[0]


async def test_two_users_who_write_to_each_other_at_once_do_not_deadlock(one, two, room, ann, bob):
    before = await in_thread(count_deadlocks)
    first, second = Member(one, room.slug, ann.cookie), Member(two, room.slug, bob.cookie)
    async with together([first, second]):
        for turn in range(TURNS):
            await first.say(f"ann {turn}", to=second.welcome["you"]["id"])
            await second.say(f"bob {turn}", to=first.welcome["you"]["id"])
        for member in (first, second):
            await member.until(lambda m=member: m.direct.seq == 2 * TURNS)
            assert member.closes == []
    assert await in_thread(count_deadlocks) == before


def cut_the_servers() -> int:
    """End the connections of all servers, as a restart of PostgreSQL does. Return how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name = 'server'"
        )
        return cursor.fetchone()[0]


async def test_connections_that_end_between_two_messages_are_replaced(one, join, room):
    async with join(one, room) as socket:
        for number in range(1, 4):
            answer = await socket.say(f"Hello {number}")
            assert (answer["type"], answer["seq"]) == ("system.ack", number)
            assert await in_thread(cut_the_servers) > 0
        assert (await socket.say("Hello again"))["type"] == "system.ack"
