"""The database is locked or gone, a handler fails or is broken off: the socket lives on."""

import asyncio
import re
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from websockets.exceptions import InvalidStatus

from chat.models import Message
from realtime.threads import in_thread
from tests.chat.client import Client, Member
from tests.chat.test_crowds import becomes, inside_of
from tests.live import Server

HOLD_SECONDS = 3  # above the time that a server waits for a lock
PROMPT_SECONDS = 3


@pytest.fixture
def server(launch) -> Server:
    return launch()


@pytest.fixture(scope="module")
def quiet_server(launch_for_all) -> Server:
    """A server whose log stays free of tracebacks, for tests of which none causes one."""
    return launch_for_all()


def open_database() -> Any:
    """Return a connection of this test's own, which the servers do not share."""
    if connection.vendor == "sqlite":
        return sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    import psycopg  # not every variant has it

    return psycopg.connect(**connection.get_connection_params(), autocommit=True)


BEGIN_TO_WRITE = {
    "sqlite": "BEGIN IMMEDIATE",
    "postgresql": "BEGIN; LOCK TABLE chat_room IN EXCLUSIVE MODE",
}


@contextmanager
def no_table(name: str) -> Generator[None]:
    """Let each query of a table fail, on connections that are open too."""
    take, give_back = {
        "sqlite": (f"ALTER TABLE {name} RENAME TO gone", f"ALTER TABLE gone RENAME TO {name}"),
        "postgresql": (f"BEGIN; LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE", "ROLLBACK"),
    }[connection.vendor]
    with closing(open_database()) as database:
        database.execute(take)
        try:
            yield
        finally:
            database.execute(give_back)


async def say_again_until_stored(socket: Client, **fields: object) -> int:
    while (answer := await socket.say(**fields))["type"] != "system.ack":
        assert answer["code"] == "unavailable", answer
        await asyncio.sleep(0.1)
    return answer["seq"]


def count_messages(room) -> int:
    return Message.objects.filter(room=room).count()


async def test_a_locked_database_is_told_to_the_sender_alone(quiet_server, join, room):
    message = {"text": "Hello", "id": str(uuid4())}
    async with join(quiet_server, room) as socket, join(quiet_server, room) as other:
        with closing(open_database()) as writer:
            writer.execute(BEGIN_TO_WRITE[connection.vendor])
            answer = await socket.say(**message, ref="mine")
            writer.execute("ROLLBACK")
        assert (answer["type"], answer["code"]) == ("system.error", "unavailable")
        assert answer["ref"] == "mine"
        await other.expect_nothing("chat.message", "system.error")
        assert await in_thread(count_messages, room) == 0
        assert await say_again_until_stored(socket, **message) == 1
        assert (await other.expect("chat.message"))["text"] == "Hello"
    assert not re.search(r"Traceback|\bERROR\b", quiet_server.log), quiet_server.log


async def test_a_database_that_is_gone_and_comes_back(quiet_server, join, room, ann):
    message = {"text": "Hello", "id": str(uuid4())}
    async with join(quiet_server, room, ann) as socket:
        with no_table("chat_room"):
            answer = await socket.say(**message, ref=7)
            assert (answer.get("code"), answer["ref"]) == ("unavailable", 7)
            answer = await socket.ask("system.ping")
            assert (answer["type"], answer.get("code")) == ("system.error", "unavailable")
            async with Client(quiet_server, room.slug, is_welcome=False) as late:
                code, _ = await late.expect_close()
                assert code == 4150
        assert await say_again_until_stored(socket, **message) == 1
        assert await in_thread(count_messages, room) == 1
    assert not re.search(r"Traceback|\bERROR\b", quiet_server.log), quiet_server.log


async def test_a_login_that_cannot_be_looked_up_is_refused(quiet_server, room, ann):
    with no_table("django_session"), pytest.raises(InvalidStatus) as refused:
        async with Client(quiet_server, room.slug, ann.cookie):
            pass
    assert refused.value.response.status_code == 403
    assert "WebSocket refused: no database" in quiet_server.log
    assert not re.search(r"Traceback|\bERROR\b", quiet_server.log), quiet_server.log


async def test_a_handler_that_raises_is_told_to_its_client_alone(server, join, room):
    async with join(server, room) as socket, join(server, room) as other:
        answer = await socket.say("!raise", ref="mine")
        assert (answer["type"], answer["code"]) == ("system.error", "internal")
        assert answer["ref"] == "mine"
        number = re.search(r"error (\w+) in the log", answer["detail"])
        assert number is not None
        assert f"Error {number[1]}" in server.log
        assert "RuntimeError: as asked for" in server.log
        await other.expect_nothing("chat.message", "system.error")
        assert (await socket.say("still here"))["seq"] == 1
        assert (await other.expect("chat.message"))["text"] == "still here"


async def test_a_handler_that_is_broken_off_leaves_nothing(server, join, room):
    with inside_of(server) as inside:
        async with join(server, room) as other:
            before = inside()
            async with join(server, room) as socket:
                await socket.send("chat.send", id=str(uuid4()), text="!hold")
                await asyncio.sleep(0.2)  # it has begun
            async with asyncio.timeout(HOLD_SECONDS + PROMPT_SECONDS):
                await say_again_until_stored(other, text="not locked")
            await becomes(lambda: inside()["sockets"] == before["sockets"], inside)
            await becomes(lambda: inside()["present"] == before["present"], inside)


async def test_a_last_message_that_the_layer_lost_comes_with_the_next_heartbeat(
    launch, room, layer_url
):
    server = launch("tests.chat.faults.impatient_settings", **layer_url)
    async with Member(server, room.slug) as writer, Member(server, room.slug) as reader:
        await writer.say("first")
        await reader.until(lambda: reader.room.texts == ["first"])
        await writer.say("last !drop")
        await writer.until(lambda: not writer.outbox)
        await reader.until(lambda: reader.room.texts == ["first", "last !drop"], 5)
        assert reader.closes == writer.closes == []
