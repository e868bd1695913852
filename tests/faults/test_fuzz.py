"""Bytes that no client should send: no traceback, no growth, no effect on others."""

import asyncio
import json
import os
import re
import socket
import struct
from contextlib import suppress
from uuid import uuid4

import pytest
from django.conf import settings as project
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.chat.test_crowds import HANDSHAKE, becomes, inside_of
from tests.live import ANSWER_SECONDS, Server

FRAMES = int(os.environ.get("FAULTS_FRAMES", "500"))
FRAMES_PER_SOCKET = 20
READ_SECONDS = 0.05
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
TYPES = ["chat.send", "chat.direct", "chat.sync", "chat.typing", "system.ping", "chat.welcome"]
FIELDS = ["id", "ref", "text", "to", "after", "before", "direct", "type"]
valid = st.fixed_dictionaries(
    {
        "type": st.sampled_from(TYPES),
        "id": st.uuids().map(str),
        "ref": st.text(max_size=64),
        "text": st.text(min_size=1, max_size=100),
        "to": st.from_regex(r"user-\d{1,20}", fullmatch=True),
        "after": st.integers(0, 2**53),
    }
)
mutated = st.builds(
    lambda frame, field, value: {**frame, field: value},
    valid,
    st.sampled_from(FIELDS),
    json_values,
)
texts = (valid | mutated | json_values).map(json.dumps) | st.text()


def encode(opcode: int, payload: bytes, is_last: bool = True) -> bytes:
    """Return a frame as clients send it, with a mask of zeros. RFC 6455, section 5.2."""
    head = bytes([opcode | (0x80 if is_last else 0)])
    if len(payload) < 126:
        head += bytes([0x80 | len(payload)])
    else:
        head += bytes([0x80 | 126]) + struct.pack("!H", len(payload))
    return head + bytes(4) + payload


def in_fragments(text: str, cut: int, ping: bytes) -> bytes:
    """Return a text in two frames, and a ping between them."""
    data = text.encode()
    cut = min(cut, len(data))
    return encode(TEXT, data[:cut], False) + encode(PING, ping) + encode(0, data[cut:])


whole = texts.map(lambda text: encode(TEXT, text.encode()[:60_000]))
frames = (
    whole
    | st.builds(in_fragments, texts, st.integers(0, 50), st.binary(max_size=125))
    | st.builds(encode, st.sampled_from([BINARY, PING, PONG]), st.binary(max_size=125))
)
garbage = st.binary(min_size=1, max_size=40) | st.builds(
    encode, st.integers(0, 15), st.binary(max_size=125), st.booleans()
)


class RawSocket:
    """A handshake, and then any bytes."""

    def __init__(self, server: Server, slug: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), ANSWER_SECONDS)
        self.socket.sendall(HANDSHAKE.replace("ROOM", slug).encode())
        received = b""
        while b"chat.history" not in received:
            data = self.socket.recv(65536)
            assert data, received
            received += data

    def talk(self, parts: list[bytes]) -> None:
        """Send, and read what comes, until there is no more or the server closes."""
        with self.socket, suppress(ConnectionError, TimeoutError):
            for part in parts:
                self.socket.sendall(part)
            self.socket.settimeout(READ_SECONDS)
            while self.socket.recv(65536):
                pass


@pytest.mark.parametrize(
    "strategy", [st.lists(frames, min_size=FRAMES_PER_SOCKET, max_size=FRAMES_PER_SOCKET), garbage]
)
async def test_no_bytes_harm_the_server_or_the_others(launch, join, room, layer_url, strategy):
    server = launch("tests.chat.faults.fuzz_settings", **layer_url)

    @settings(
        max_examples=FRAMES // FRAMES_PER_SOCKET,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(parts=strategy)
    def send_all(parts: list[bytes] | bytes) -> None:
        RawSocket(server, room.slug).talk(parts if isinstance(parts, list) else [parts])

    async with join(server, room) as other:
        await asyncio.to_thread(send_all)
        with inside_of(server) as inside:
            await becomes(lambda: inside()["sockets"] == 1, inside)
            before = inside()
        await asyncio.to_thread(send_all)
        assert (await other.say(f"still here {uuid4()}"))["type"] == "system.ack"
        with inside_of(server) as inside:
            await becomes(lambda: inside()["sockets"] == 1, inside)
            await becomes(lambda: inside()["present"] <= before["present"], inside)
            await becomes(lambda: inside()["tasks"] <= before["tasks"], inside)
            # Threads start when they are needed.
            assert inside()["threads"] <= before["threads"] + project.WEBSOCKET_THREADS
    assert not re.search(r"Traceback|\bERROR\b|\bCRITICAL\b", server.log), server.log
