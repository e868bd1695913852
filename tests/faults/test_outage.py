"""The channel layer goes away and comes back: sockets stay, and nothing said is lost."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from realtime.presence import RENEW_SECONDS
from serving.close_codes import CloseCode
from tests.chat.accounts import Browser
from tests.chat.client import QUIET_SECONDS, Client, Member, close_code, together
from tests.chat.faults.valkey import Redis
from tests.live import ANSWER_SECONDS, Server, ask, manage, wait_until

WELCOME_SECONDS = 5
BACK_SECONDS = 20
MAX_LINES = 60  # of a log, for an outage of some seconds


def is_ready(server: Server) -> bool:
    status, _, body = server.get("/ready/")
    answer = json.loads(body)
    assert answer["ready"] == (status == 200) == (not answer["missing"])
    assert answer["missing"] in ([], ["channel layer"])
    return answer["ready"]


async def becomes_ready(server: Server, expected: bool) -> None:
    await asyncio.to_thread(
        wait_until, lambda: is_ready(server) is expected, BACK_SECONDS, lambda: server.log
    )


async def everybody_has(members: list[Member], texts: list[str]) -> None:
    for member in members:
        await member.until(lambda m=member: len(m.room.texts) >= len(texts), BACK_SECONDS)
        assert sorted(member.room.texts) == sorted(texts)
        await member.until(lambda m=member: not m.outbox)
        assert member.closes == []


async def leaves(socket: Client) -> list[dict]:
    """Return who has been shown to leave so far."""
    left = []
    with suppress(TimeoutError):
        while True:
            left += (await socket.receive(QUIET_SECONDS)).get("leaves", [])
    return left


def check(log: str) -> None:
    assert not re.search(r"Traceback|\bERROR\b|\bCRITICAL\b", log), log
    assert log.count("\n") < MAX_LINES, log


@pytest.fixture(scope="module")
def redis_of_all(tmp_path_factory) -> Iterator[Redis]:
    redis = Redis(tmp_path_factory.mktemp("redis"))
    yield redis
    redis.end()


@pytest.fixture
def redis(redis_of_all) -> Iterator[Redis]:
    """A Redis that a test may break: it runs again for the next one."""
    yield redis_of_all
    redis_of_all.thaw()
    if redis_of_all.process.poll() is not None:
        redis_of_all.start()


@pytest.fixture(scope="module")
def servers_of_all(redis_of_all, launch_for_all) -> list[Server]:
    return [launch_for_all(REDIS_URL=redis_of_all.url) for _ in range(2)]


@pytest.fixture
async def servers(servers_of_all, redis) -> AsyncIterator[list[Server]]:
    """Two servers that are ready. What they write during a test is checked."""
    for server in servers_of_all:
        await becomes_ready(server, True)
    logs = [server.log for server in servers_of_all]
    yield servers_of_all
    for server, before in zip(servers_of_all, logs, strict=True):
        check(server.log.removeprefix(before))


@pytest.mark.parametrize(
    ("breaks", "heals"), [(Redis.end, Redis.start), (Redis.freeze, Redis.thaw)]
)
async def test_while_the_layer_is_away_people_talk_on(breaks, heals, servers, join, redis, room):
    members = [Member(server, room.slug) for server in servers for _ in range(3)]
    async with together(members):
        await members[0].say("before")
        await everybody_has(members, ["before"])
        await asyncio.to_thread(breaks, redis)
        for number, member in enumerate(members):
            await member.say(f"meanwhile {number}")
        for member in members:  # stored, though nobody else may hear of it yet
            await member.until(lambda m=member: not m.outbox)
        for server in servers:
            await becomes_ready(server, False)
        async with asyncio.timeout(WELCOME_SECONDS), join(servers[1], room) as late:
            assert len(late.history["messages"]) == 7
            assert (await late.say("meanwhile 6"))["type"] == "system.ack"
        path = f"/rooms/{room.slug}/messages/"
        assert (await Browser(servers[0]).post(path, text="meanwhile 7")).status == 201
        await asyncio.to_thread(heals, redis)
        texts = ["before", *(f"meanwhile {number}" for number in range(8))]
        await everybody_has(members, texts)
        for server in servers:
            await becomes_ready(server, True)
        await members[0].say("after")
        await everybody_has(members, [*texts, "after"])


async def test_a_restart_of_the_layer_at_once(servers, join, redis, room):
    members = [Member(server, room.slug, name=f"m{n}") for n, server in enumerate(servers * 3)]
    async with join(servers[0], room, name="watcher") as watcher, together(members):
        for member in members:
            await member.say("before")
        await everybody_has(members, ["before"] * 6)
        redis.end()
        for member in members:
            await member.say("during")
        redis.start()
        await everybody_has(members, ["before"] * 6 + ["during"] * 6)
        for member in members:
            await member.say("after")
        await everybody_has(members, ["before"] * 6 + ["during"] * 6 + ["after"] * 6)
        await asyncio.sleep(RENEW_SECONDS)  # until each process has looked who is here
        assert await leaves(watcher) == []


async def test_an_emptied_layer_carries_unstored_events_again(servers, join, redis, room):
    members = [Member(server, room.slug) for server in servers]
    async with together(members), join(servers[0], room) as one, join(servers[1], room) as two:
        redis.empty()
        await members[0].say("into the void")
        await everybody_has(members, ["into the void"])
        async with asyncio.timeout(ANSWER_SECONDS):
            await one.send("chat.typing")
            await two.expect("chat.typing", user=one.welcome["you"])


async def test_a_group_lost_alone_comes_back(servers, join, redis, room):
    async with join(servers[0], room) as one, join(servers[1], room) as two:
        for group in redis.client.keys(f"*:group:{room.topic}"):  # pub/sub keeps none
            redis.client.delete(group)

            def is_back(group=group) -> bool:
                return redis.client.zcard(group) == len(servers)

            await asyncio.to_thread(wait_until, is_back, BACK_SECONDS, lambda: servers[0].log)
            for server in servers:
                assert f"The channel layer lost 1 subscriptions: {room.topic}" in server.log
        async with asyncio.timeout(ANSWER_SECONDS):
            await one.send("chat.typing")
            await two.expect("chat.typing", user=one.welcome["you"])
    for server in servers:
        await becomes_ready(server, True)


async def test_a_command_stores_a_message_that_it_cannot_broadcast(redis, room, chat_environment):
    redis.end()
    environment = {**chat_environment, "REDIS_URL": redis.url}
    output = await asyncio.to_thread(manage, "say", room.slug, "Hello", env=environment)
    assert "Room, 1" in output
    assert "Not sent to room." in output
    assert "exit status 0" in output
    assert "Traceback" not in output


async def test_a_consumer_that_needs_the_layer_ends_without_a_storm(launch, redis):
    server = launch(REDIS_URL=redis.url)

    def answer() -> str | bytes | int:
        try:
            with server.connect() as websocket:
                return ask(websocket, "Hello")
        except InvalidStatus as refused:
            return refused.response.status_code

    def becomes(expected: str | int) -> None:
        wait_until(lambda: answer() == expected, BACK_SECONDS, lambda: server.log)

    def break_and_heal() -> None:
        becomes("You said: Hello")
        with server.connect() as websocket:
            redis.end()
            becomes(403)
            with suppress(TimeoutError):  # a layer may go on without a word
                with pytest.raises(ConnectionClosed) as closed:
                    websocket.recv(timeout=1)
                assert close_code(closed.value) == CloseCode.UNAVAILABLE
        redis.start()
        becomes("You said: Hello")

    await asyncio.to_thread(break_and_heal)
    assert "A consumer failed" in server.log
    check(server.log)
