"""Servers that are started from a command line: their ports, and what they answer."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

START_SECONDS = 300  # a first command may install everything
ANSWER_SECONDS = 20

HANDSHAKE = """\
GET /ws/echo/ HTTP/1.1\r
Host: localhost:{port}\r
Origin: http://localhost:{port}\r
Connection: Upgrade\r
Upgrade: websocket\r
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
Sec-WebSocket-Version: 13\r
\r
"""


@contextmanager
def own_port() -> Iterator[int]:
    """Give a port of 127.0.0.1 that nobody else is given as long as the block lasts."""
    with socket.socket() as place:
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        place.bind(("127.0.0.1", 0))
        port = place.getsockname()[1]
        if sys.platform != "linux":  # there a bound socket lets a server in
            place.close()
        yield port


def is_listening(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def echo(port: int, text: bytes) -> bytes:
    """Return what the echo's WebSocket, by the letter of RFC 6455, answers to a short text."""
    with socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS) as connection:
        stream = connection.makefile("rwb")
        stream.write(HANDSHAKE.format(port=port).encode())
        stream.flush()
        status = stream.readline()
        assert b" 101 " in status, status
        while stream.readline().strip():
            pass
        mask = bytes(4)  # of zeros: the payload stays readable
        stream.write(bytes([0x81, 0x80 | len(text)]) + mask + text)
        stream.flush()
        _, length = stream.read(2)
        return stream.read(length)


@contextmanager
def running(
    command: str, port: int, folder: Path, environment: dict[str, str], log: Path
) -> Iterator[None]:
    """Run a shell command that serves on ``port``, until the block ends; then press Ctrl-C.

    That is done in a terminal. Without one, uv passes on the signal that its child gets anyhow.
    """
    keyboard, terminal = os.openpty()
    with open(log, "w") as output:
        process = subprocess.Popen(
            ["bash", "-c", f"exec < {os.ttyname(terminal)}\n{command}"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not is_listening(port):
            assert process.poll() is None, f"{command}\n{log.read_text()}"
            assert time.monotonic() < deadline, f"{command}\n{log.read_text()}"
            time.sleep(0.1)
        yield
    finally:
        os.write(keyboard, b"\x03")
        try:
            process.wait(ANSWER_SECONDS)
        finally:
            os.close(keyboard)
            os.close(terminal)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def run_async(coroutine: Coroutine) -> None:
    """Run it in a thread of its own: in this one Playwright's event loop may be running."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, coroutine).result()
