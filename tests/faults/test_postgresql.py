"""PostgreSQL crashes and comes back while people write: what it has acknowledged is there.

Only for variants that have it.
"""

import asyncio
import os
import random
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlencode

import psycopg
import pytest

from serving.embedded_postgres import Place, address_of, postgres_in
from tests.chat.client import Member, together
from tests.database import end_embedded_postgres
from tests.live import STOP_SECONDS, manage, wait_until

MEMBERS = 8
MESSAGES = 40  # of each
WRITE_SECONDS = 8
END_SECONDS = 120


class Postgres:
    """A PostgreSQL that a test may crash. It keeps what was committed."""

    def __init__(self, folder: str) -> None:
        self.place = Place(folder)
        self.folder = folder
        self.running = ExitStack()
        self.parameters = {
            **address_of(self.place),
            "options": "-c synchronous_commit=on",  # as in production
        }
        self.url = f"postgresql:///postgres?{urlencode(self.parameters)}"
        self.start()

    def start(self) -> None:
        self.running.enter_context(postgres_in(self.folder))

    def crash(self) -> None:
        """End all of its processes at once."""
        running = self.place.data / "postmaster.pid"
        os.kill(int(running.read_text().split()[0]), signal.SIGQUIT)
        wait_until(lambda: not running.exists(), STOP_SECONDS, (self.place.run / "log").read_text)

    def messages(self) -> list[tuple[int, str, str]]:
        with psycopg.connect(dbname="postgres", **self.parameters) as connection:
            found = connection.execute(
                "SELECT m.seq, m.client_id::text, m.text FROM chat_message m "
                "JOIN chat_room r ON r.id = m.room_id WHERE r.slug = 'lobby' ORDER BY m.seq"
            )
            return list(found)


@pytest.fixture
def postgres(tmp_path_factory) -> Iterator[Postgres]:
    postgres = Postgres(str(tmp_path_factory.mktemp("crashing") / "postgres"))
    yield postgres
    end_embedded_postgres(postgres.folder)
    postgres.running.close()


async def write(member: Member, name: str, dice: random.Random) -> None:
    for number in range(MESSAGES):
        await member.say(f"{name} {number}")
        await asyncio.sleep(dice.uniform(0, 2 * WRITE_SECONDS / MESSAGES))


async def test_nothing_acknowledged_is_lost_when_the_database_crashes(
    launch, layer_url, processes, postgres, chat_environment, dice
):
    environment = {**chat_environment, "DATABASE_URL": postgres.url}
    assert "exit status 0" in await asyncio.to_thread(manage, "migrate", env=environment)
    servers = [launch(DATABASE_URL=postgres.url, **layer_url) for _ in range(processes)]
    members = [Member(servers[number % processes], "lobby") for number in range(MEMBERS)]

    async def crash_twice() -> None:
        for _ in range(2):
            await asyncio.sleep(dice.uniform(0.5, 1.5) * WRITE_SECONDS / 4)
            await asyncio.to_thread(postgres.crash)
            await asyncio.to_thread(postgres.start)

    async with together(members):
        async with asyncio.TaskGroup() as tasks:
            for number, member in enumerate(members):
                chance = random.Random(dice.random())
                tasks.create_task(write(member, f"m{number}", chance))
            tasks.create_task(crash_twice())
        for member in members:
            await member.until(lambda m=member: not m.outbox, END_SECONDS)
            assert member.errors == member.closes == []
        log = await asyncio.to_thread(postgres.messages)
        assert [seq for seq, _, _ in log] == list(range(1, MEMBERS * MESSAGES + 1))
        for member in members:
            await member.until(lambda m=member: m.room.seq == len(log), END_SECONDS)
            assert [(m["seq"], m["id"], m["text"]) for m in member.room.messages] == log
    assert all("Traceback" not in server.log for server in servers), servers[0].log
