"""Peers that are gone without a word: nothing of them stays for longer than the idle time."""

import asyncio
import signal
import subprocess
import sys

import pytest

from tests.chat.client import Client
from tests.chat.faults.machines import Line
from tests.chat.test_crowds import becomes, inside_of

SETTINGS = "tests.chat.faults.impatient_settings"

TALKER = """\
import sys
from websockets.sync.client import connect
address, origin = sys.argv[1:]
with connect(address, origin=origin, proxy=None, ping_interval=None) as websocket:
    for _ in range(2):
        websocket.recv()
    print("here", flush=True)
    while True:
        websocket.send('{"type": "system.ping"}')
        websocket.recv()
"""


@pytest.fixture
def server(launch, layer_url):
    return launch(SETTINGS, **layer_url)


def talk_and_freeze(address: str, origin: str) -> subprocess.Popen:
    command = [sys.executable, "-c", TALKER, address, origin]
    client = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert client.stdout is not None
    with client.stdout:
        assert client.stdout.readline() == "here\n"
    client.send_signal(signal.SIGSTOP)
    return client


async def test_a_frozen_client_is_gone_after_the_idle_time(server, join, room):
    origin = f"http://127.0.0.1:{server.port}"
    address = f"ws://127.0.0.1:{server.port}/ws/chat/{room.slug}/?name=frozen"
    with inside_of(server) as inside:
        async with join(server, room) as watcher:
            keep = asyncio.create_task(keep_pinging(watcher))
            before = inside()
            client = await asyncio.to_thread(talk_and_freeze, address, origin)
            try:
                assert inside()["sockets"] == before["sockets"] + 1
                await becomes(lambda: inside()["sockets"] == before["sockets"], inside)
                await becomes(lambda: inside()["present"] == before["present"], inside)
            finally:
                client.kill()
                client.wait()
            keep.cancel()


async def test_a_dead_line_is_gone_after_the_idle_time(server, join, room):
    with inside_of(server) as inside:
        async with join(server, room) as watcher, Line(server) as line:
            keep = asyncio.create_task(keep_pinging(watcher))
            before = inside()
            lost = [Client(line, room.slug, name=f"lost {n}") for n in range(5)]
            for socket in lost:
                await socket.open()
            assert inside()["sockets"] == before["sockets"] + 5
            line.cut()
            await becomes(lambda: inside()["sockets"] == before["sockets"], inside)
            await becomes(lambda: inside()["present"] == before["present"], inside)
            await becomes(lambda: inside()["tasks"] <= before["tasks"] + 2, inside)
            keep.cancel()


async def keep_pinging(socket: Client) -> None:
    while True:
        await socket.send("system.ping")
        await asyncio.sleep(0.5)
