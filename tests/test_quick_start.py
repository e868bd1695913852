"""The README's first command, run as it stands: only the address and the port are others."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest
from ports import own_port
from variants import ROOT

START_SECONDS = 300  # it installs everything
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


def is_listening(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def say(port: int, text: bytes) -> bytes:
    """Return what a WebSocket, by the letter of RFC 6455, answers to a short text."""
    with socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS) as connection:
        stream = connection.makefile("rwb")
        stream.write(HANDSHAKE.format(port=port).encode())
        stream.flush()
        assert b" 101 " in stream.readline()
        while stream.readline().strip():
            pass
        mask = bytes(4)  # of zeros: the payload stays readable
        stream.write(bytes([0x81, 0x80 | len(text)]) + mask + text)
        stream.flush()
        _, length = stream.read(2)
        return stream.read(length)


@pytest.fixture
def port() -> Iterator[int]:
    with own_port() as port:
        yield port


def test_one_command_generates_a_project_and_runs_it(tmp_path, port):
    readme = (ROOT / "README.md").read_text("utf-8")
    command = re.search(r"^python3 -m venv .*uvx cookiecutter .*$", readme, re.MULTILINE).group()
    command = command.replace("gh:ORG/cookiecutter-django-channels", str(ROOT))
    assert command.endswith("manage.py runserver")
    own = ("DJANGO_", "PYTEST_", "REDIS_URL", "UV", "VIRTUAL_ENV")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(own)}

    log = tmp_path / "log"
    with open(log, "w") as output:
        process = subprocess.Popen(
            ["bash", "-c", f"{command} 127.0.0.1:{port}"],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not is_listening(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        assert say(port, b"Hello") == b"You said: Hello"
    finally:
        os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
        try:
            process.wait(ANSWER_SECONDS)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    assert (tmp_path / "my_realtime_project" / "db.sqlite3").exists()
