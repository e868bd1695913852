"""The limits of every WebSocket."""

import asyncio
import socket
import time
from contextlib import ExitStack, suppress
from types import SimpleNamespace
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from serving import limits
from serving.limits import LimitedSocket, SocketLimits, TokenBucket, network_of
from tests.live import ANSWER_SECONDS, HTTPS, Server, ask, wait_until

# As in limited_settings.py.
RATE = 10
BURST = 10
IDLE_SECONDS = 2
PER_ADDRESS = 3

# Far above what the system's buffers hold; far below what a server would read meanwhile.
MAX_BUFFERED_BYTES = 100 * 1024 * 1024
TEXT = b"x" * 60 * 1024
FRAME = b"\x81\xfe" + len(TEXT).to_bytes(2, "big") + bytes(4) + TEXT  # masked with zeros
HANDSHAKE = b"""\
GET /ws/tests/ HTTP/1.1\r
Host: localhost\r
Origin: http://localhost\r
Connection: Upgrade\r
Upgrade: websocket\r
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
Sec-WebSocket-Version: 13\r
\r
"""
HEADERS = [(b"origin", b"http://localhost")]


@pytest.fixture(scope="session")
def limited(start, production) -> Server:
    environment = {**production, "DJANGO_SETTINGS_MODULE": "tests.serving.limited_settings"}
    return start("manage.py serve --port PORT", environment)


def connect_from(server: Server, address: str) -> ClientConnection:
    """Open a socket as a proxy does for a client with this address."""
    return server.connect(additional_headers={"X-Forwarded-For": address, **HTTPS})


def is_refused(server: Server, address: str) -> bool:
    try:
        with connect_from(server, address):
            return False
    except InvalidStatus as refused:
        return refused.response.status_code == 403


@pytest.mark.parametrize(
    ("first", "same", "another"),
    [
        ("203.0.113.7", "203.0.113.7", "203.0.113.8"),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"),
    ],
)
def test_an_address_has_so_many_sockets(limited, first, same, another):
    with ExitStack() as open_sockets:
        for _ in range(PER_ADDRESS - 1):
            open_sockets.enter_context(connect_from(limited, first))
        last = open_sockets.enter_context(connect_from(limited, same))
        assert is_refused(limited, first)
        assert is_refused(limited, same)
        assert not is_refused(limited, another)
        assert "WEBSOCKETS_PER_ADDRESS" in limited.log
        last.close()
        wait_until(lambda: not is_refused(limited, same), ANSWER_SECONDS, lambda: limited.log)


def test_messages_above_the_rate_are_answered_later(limited):
    with connect_from(limited, "203.0.113.1") as websocket:
        since = time.monotonic()
        texts = [str(number) for number in range(BURST + 2 * RATE)]
        for text in texts:
            websocket.send(text)
        answers = [websocket.recv(timeout=ANSWER_SECONDS) for _ in texts]
        assert answers == [f"You said: {text}" for text in texts]
        assert time.monotonic() - since > 1.9


def test_a_large_message_costs_more(limited):
    size = 60 * 1024
    cost = 1 + size / limits.COST_BYTES
    with connect_from(limited, "203.0.113.2") as websocket:
        since = time.monotonic()
        for _ in range(10):
            websocket.send("x" * size)
        for _ in range(10):
            websocket.recv(timeout=ANSWER_SECONDS)
        # The last one is read before it is paid for.
        assert time.monotonic() - since > 0.9 * (9 * cost - BURST) / RATE


def test_a_flood_is_not_read_and_delays_no_other_socket(limited):
    address = ("127.0.0.1", limited.port)
    with socket.create_connection(address, ANSWER_SECONDS) as flooder:
        flooder.sendall(HANDSHAKE)
        assert b"101" in flooder.recv(4096)
        flooder.settimeout(1)
        sent = 0
        with suppress(OSError):  # once no buffer takes more
            while sent < MAX_BUFFERED_BYTES:
                flooder.sendall(FRAME)
                sent += len(FRAME)
        assert sent < MAX_BUFFERED_BYTES
        with connect_from(limited, "203.0.113.3") as other:
            assert ask(other, "Hello") == "You said: Hello"


def test_a_silent_socket_is_closed_and_one_with_a_heartbeat_stays(limited):
    with (
        connect_from(limited, "203.0.113.4") as alive,
        connect_from(limited, "203.0.113.5") as silent,
    ):
        since = time.monotonic()
        while time.monotonic() - since < 2 * IDLE_SECONDS:
            assert ask(alive, "") == "You said: "
            time.sleep(0.5)
        with pytest.raises(ConnectionClosed) as closed:
            silent.recv(timeout=ANSWER_SECONDS)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4201
        assert ask(alive, "still here") == "You said: still here"


async def test_a_flood_without_end_is_closed(peer, settings, monkeypatch):
    settings.WEBSOCKET_RATE, settings.WEBSOCKET_BURST = 2, 1
    monkeypatch.setattr(limits, "MAX_MESSAGES_ABOVE_RATE", 2)
    await peer.connect()
    for _ in range(10):
        await peer.send_to(text_data="x")
    outputs = []
    while not outputs or outputs[-1]["type"] == "websocket.send":
        outputs.append(await peer.receive_output(ANSWER_SECONDS))
    assert len(outputs) < 10
    assert (outputs[-1]["type"], outputs[-1]["code"]) == ("websocket.close", 4129)
    await peer.disconnect()


async def test_a_client_that_reads_nothing_is_cut(monkeypatch):
    class BlockedSocket:
        code = None

        async def send(self, event: dict) -> None:
            await asyncio.Event().wait()

        async def close(self, code: int) -> None:
            self.code = code

    monkeypatch.setattr(limits, "SEND_SECONDS", 0.01)
    blocked: Any = BlockedSocket()
    await LimitedSocket(blocked).send({"type": "websocket.send", "text": "x"})
    assert blocked.code == 4108


async def test_an_address_that_comes_and_goes_waits_and_is_forgotten(settings, monkeypatch):
    settings.WEBSOCKET_RATE, settings.WEBSOCKETS_PER_ADDRESS = 20, 2
    opened = []

    async def consumer(scope, receive, send) -> None:
        opened.append(time.monotonic())

    application = SocketLimits(consumer)
    scope = {"type": "websocket", "client": ("203.0.113.9", 1), "socket": None}
    unused: Any = None
    for _ in range(6):
        await application(scope, unused, unused)
    assert opened[-1] - opened[0] > 0.19
    async with asyncio.timeout(ANSWER_SECONDS):
        while application.addresses:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_socket_without_an_address_is_not_counted(application, settings):
    settings.WEBSOCKETS_PER_ADDRESS = 1
    peers = [WebsocketCommunicator(application, "/ws/tests/", headers=HEADERS) for _ in "ab"]
    for peer in peers:
        assert (await peer.connect())[0]
    for peer in peers:
        await peer.disconnect()


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unknown", "unknown"),
    ],
)
def test_limits_count_addresses_and_ipv6_networks(host, network):
    assert network_of(host) == network


@pytest.fixture
def clock(monkeypatch) -> SimpleNamespace:
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(limits, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def taken(bucket: TokenBucket) -> int:
    count = 0
    while not bucket.seconds_to_wait():
        bucket.pay(1)
        count += 1
    return count


def test_a_bucket_holds_a_burst_and_fills_at_its_rate(clock):
    bucket = TokenBucket(rate=5, burst=20)
    assert taken(bucket) == 20
    assert bucket.seconds_to_wait() == pytest.approx(0.2)
    clock.now = 1
    assert taken(bucket) == 5
    clock.now = 1.1
    assert taken(bucket) == 0
    clock.now = 1.21
    assert taken(bucket) == 1
    clock.now = 1000
    assert taken(bucket) == 20


def test_a_debt_is_paid_within_the_time_that_a_client_waits_for_a_pong(clock):
    bucket = TokenBucket(rate=5, burst=20)
    bucket.pay(1_000_000)
    assert bucket.seconds_to_wait() == pytest.approx(limits.MAX_WAIT_SECONDS)
