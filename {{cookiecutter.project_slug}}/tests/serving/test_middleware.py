import logging
from collections.abc import Awaitable, Callable
from ipaddress import ip_network
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator

from serving.middleware import TrustedProxies


@pytest.fixture
def is_accepted(application) -> Callable[..., Awaitable[bool]]:
    async def is_accepted(path: str, *headers: tuple[bytes, bytes]) -> bool:
        communicator = WebsocketCommunicator(application, path, headers=list(headers))
        accepted, _ = await communicator.connect()
        await communicator.disconnect()
        return accepted

    return is_accepted


@pytest.mark.parametrize(
    "origin",
    [
        b"http://localhost",
        b"https://localhost:8443",
        b"http://localhost.",
        b"http://LOCALHOST.:8000",
        b"http://[::1]:8000",
    ],
)
async def test_pages_of_our_hosts_may_connect(is_accepted, origin):
    assert await is_accepted("/ws/tests/", (b"origin", origin))


@pytest.mark.parametrize(
    "origin",
    [
        b"https://evil.example",
        b"null",
        b"http://localhost.evil",
        b"http://localhost..",
        b"http://[",
        b"\x1b[31mhttp://evil.example\r\n",
    ],
)
async def test_other_pages_may_not_and_the_log_says_why(is_accepted, origin, caplog):
    headers = (b"origin", origin), (b"cookie", b"sessionid=secret")
    with caplog.at_level(logging.INFO, "serving"):
        assert not await is_accepted("/ws/tests/", *headers)
    assert f"origin {origin.decode()!r} is not in ALLOWED_HOSTS ['.localhost'" in caplog.text
    assert "\x1b" not in caplog.text
    assert "secret" not in caplog.text


async def test_no_origin_is_refused(is_accepted, caplog):
    assert not await is_accepted("/ws/tests/")
    assert "origin (none) is not in ALLOWED_HOSTS" in caplog.text


@pytest.mark.parametrize("path", ["/", "/ws/", "/ws/tests", "/ws/tests/more/"])
async def test_an_unknown_path_is_refused_quietly(is_accepted, path, caplog):
    with caplog.at_level(logging.DEBUG):
        assert not await is_accepted(path, (b"origin", b"http://localhost"))
    assert max(record.levelno for record in caplog.records) <= logging.WARNING


@pytest.mark.parametrize(
    ("client", "forwarded", "expected"),
    [
        (["127.0.0.1", 1], b"203.0.113.9", ("203.0.113.9", "wss")),
        (["127.0.0.1", 1], b"6.6.6.6, 203.0.113.9, 10.1.2.3", ("203.0.113.9", "wss")),
        (["127.0.0.1", "1"], b"not an address", ("not an address", "wss")),
        (None, b"203.0.113.9", ("203.0.113.9", "wss")),  # a Unix socket
        (["203.0.113.9", 1], b"127.0.0.1", ("203.0.113.9", "ws")),
        (["::ffff:127.0.0.1", 1], b"203.0.113.9", ("203.0.113.9", "wss")),  # listening on "::"
        (["::ffff:203.0.113.9", 1], b"127.0.0.1", ("203.0.113.9", "ws")),
        (["127.0.0.1", 1], b"::ffff:203.0.113.9, ::ffff:10.1.2.3", ("203.0.113.9", "wss")),
        (["127.0.0.1", 1], b"2001:db8::1", ("2001:db8::1", "wss")),
    ],
)
async def test_only_trusted_proxies_are_believed(settings, client, forwarded, expected):
    settings.TRUSTED_PROXIES = [ip_network("127.0.0.1"), ip_network("10.0.0.0/8")]
    seen = {}

    async def inner(scope, receive, send):
        seen.update(scope)

    headers = [(b"x-forwarded-for", forwarded), (b"x-forwarded-proto", b"https")]
    scope = {"type": "websocket", "scheme": "ws", "client": client, "headers": headers}
    unused: Any = None
    await TrustedProxies(inner)(scope, unused, unused)
    assert (seen["client"][0], seen["scheme"]) == expected


@pytest.mark.parametrize("path", ["/ws/tests/", "/talk/ws/tests/"])
async def test_below_a_prefix_with_and_without_it(settings, is_accepted, path):
    settings.FORCE_SCRIPT_NAME = "/talk"
    assert await is_accepted(path, (b"origin", b"http://localhost"))


@pytest.mark.parametrize("path", ["/talkative/ws/tests/", "/talkws/tests/"])
async def test_a_path_that_only_begins_like_the_prefix(settings, is_accepted, path):
    settings.FORCE_SCRIPT_NAME = "/talk"
    assert not await is_accepted(path, (b"origin", b"http://localhost"))
