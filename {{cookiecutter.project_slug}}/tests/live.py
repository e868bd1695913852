"""Real server processes, and real connections to them."""

import http.client
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from websockets.sync.client import ClientConnection, connect

# Generous: they bound a failure, and cost nothing otherwise.
START_SECONDS = 60
STOP_SECONDS = 30
ANSWER_SECONDS = 20

# As a proxy in front would: production answers on HTTPS alone.
HTTPS = {"X-Forwarded-Proto": "https"}

NOT_COPIED = shutil.ignore_patterns(".*", {{ '"*.sqlite3*", ' if cookiecutter.database == 'sqlite' }}"staticfiles")


def wait_until(condition: Callable[[], object], seconds: float, what: Callable[[], str]) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(0.05)


def can_connect(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


def manage(*arguments: str, env: dict[str, str], folder: Path = settings.BASE_DIR) -> str:
    """Run a management command to its end; return what it printed, and its exit status."""
    return run_python("manage.py", *arguments, env=env, folder=folder)


def run_python(*arguments: str, env: dict[str, str], folder: Path) -> str:
    """Run Python to its end; return what it printed on both streams, and its exit status."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=START_SECONDS,
    )
    return f"{done.stdout}exit status {done.returncode}"


class Server:
    """One server process. ``command`` has PORT where the port goes."""

    def __init__(self, command: str, env: dict[str, str], folder: Path, log: Path) -> None:
        self.place = socket.socket()
        self.place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.place.bind(("127.0.0.1", 0))
        self.port = self.place.getsockname()[1]
        if sys.platform != "linux":  # there it lets the server in, and nobody else gets the port
            self.place.close()
        self.log_path = log
        words = shlex.split(command.replace("PORT", str(self.port)))
        if words[0] == "manage.py":
            words.insert(0, sys.executable)
        else:
            words[0] = str(Path(sys.executable).with_name(words[0]))
        with open(log, "w") as output:
            self.process = subprocess.Popen(
                words,
                cwd=folder,
                env={**os.environ, **env, "PYTHONUNBUFFERED": "1"},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        return self.log_path.read_text()

    def wait_until_ready(self) -> None:
        wait_until(self._is_ready, START_SECONDS, lambda: f"no server:\n{self.log}")

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, f"the server ended:\n{self.log}"
        try:
            return self.get("/live/")[0] == 200
        except OSError:
            return False

    def get(self, path: str, headers: dict[str, str] = HTTPS) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS)
        try:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return response.status, headers, response.read()
        finally:
            connection.close()

    def connect(self, path: str = "/ws/tests/", **options) -> ClientConnection:
        options.setdefault("origin", f"http://127.0.0.1:{self.port}")
        return connect(
            f"ws://127.0.0.1:{self.port}{path}",
            open_timeout=ANSWER_SECONDS,
            close_timeout=1,
            proxy=None,
            **options,
        )

    def stop(self) -> None:
        """Ask it to end, as a process manager does, and make sure that it has."""
        self.place.close()
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            pytest.fail(f"did not end in {STOP_SECONDS} seconds:\n{self.log}")


def ask(websocket: ClientConnection, text: str) -> str | bytes:
    websocket.send(text)
    return websocket.recv(timeout=ANSWER_SECONDS)
