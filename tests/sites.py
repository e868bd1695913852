"""A generated project that serves pages, for tests that look at them in a browser."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from gate import Gate
from ports import is_listening

START_SECONDS = 60
STOP_SECONDS = 15


class Site:
    """A generated project that runs, with a database of its own, for development by default."""

    def __init__(self, gate: Gate, folder: Path, port: int, **variables: str) -> None:
        self.gate, self.log_path, self.port = gate, folder / "log", port
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {
            **gate.variables,
            "DJANGO_DEBUG": "true",
            "SQLITE_PATH": str(folder / "db.sqlite3"),  # a PostgreSQL is that of the project
            **variables,
        }
        self.manage("migrate", "--verbosity", "0")
        if self.environment["DJANGO_DEBUG"] == "false":
            self.manage("collectstatic", "--verbosity", "0")
        self.rooms: list[str] = []  # that nobody has entered
        self.start()

    def manage(self, *words: str) -> str:
        return self.gate.run("python", "manage.py", *words, **self.environment)

    def new_room(self) -> str:
        if not self.rooms:
            self.rooms = [f"room-{time.monotonic_ns()}-{number}" for number in range(20)]
            room = "Room(slug=slug, title='Garden', open_to_guests=True)"
            make = f"Room.objects.bulk_create({room} for slug in {self.rooms})"
            self.manage("shell", "--no-imports", "-c", f"from chat.models import Room; {make}")
        return self.rooms.pop()

    def start(self) -> None:
        command = ["manage.py", "serve", "--port", str(self.port)]
        with open(self.log_path, "a") as log:
            self.process = subprocess.Popen(
                [self.gate.environment / "bin" / "python", *command],
                cwd=self.gate.project,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not is_listening(self.port):
            assert self.process.poll() is None, self.log_path.read_text()
            assert time.monotonic() < deadline, self.log_path.read_text()
            time.sleep(0.05)

    def wait_for_mail(self, to: str) -> str:
        """Return the link in a mail, which development prints to the console."""
        deadline = time.monotonic() + START_SECONDS
        mail = re.compile(rf"^To: {re.escape(to)}$.*?(http://\S+)", re.MULTILINE | re.DOTALL)
        while not (found := mail.search(self.log_path.read_text())):
            assert time.monotonic() < deadline, self.log_path.read_text()
            time.sleep(0.05)
        return found[1]

    def close(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            pytest.fail(f"did not stop\n{self.log_path.read_text()}")
