"""Real server processes on 127.0.0.1, and a Valkey. They end with their ``with`` block."""

import http.client
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.machine import family

START_SECONDS = 60
STOP_SECONDS = 20


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class Process:
    """A process, ended by its number and asked nicely first."""

    def __init__(self, command: list[str], folder: Path, variables: dict[str, str]) -> None:
        self.log = tempfile.NamedTemporaryFile(prefix="benchmark-", suffix=".log")  # noqa: SIM115
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *error: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            for pid in family(self.process.pid):
                subprocess.run(["kill", "-KILL", str(pid)], check=False)
            self.process.wait()
        self.log.close()

    def pids(self) -> list[int]:
        return family(self.process.pid)

    def wait_until(self, is_ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                message = f"Does not start: {self.process.args}\n{self.tail()}"
                self.__exit__()
                raise RuntimeError(message)
            time.sleep(0.05)

    def tail(self) -> str:
        """Return the end of what it printed."""
        return Path(self.log.name).read_text()[-2000:]


class Server(Process):
    """A server of one contender. ``command`` has PORT where the port goes."""

    def __init__(self, command: list[str], folder: Path, variables: dict[str, str]) -> None:
        self.port = free_port()
        words = [word.replace("PORT", str(self.port)) for word in command]
        super().__init__(words, folder, variables)
        self.wait_until(self._listens)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def get(self, path: str) -> None:
        """Ask for a page, and want status 200."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_SECONDS)
        connection.request("GET", path, headers={"X-Forwarded-Proto": "https"})
        status = connection.getresponse().status
        connection.close()
        if status != 200:
            raise RuntimeError(f"{path}: status {status}\n{self.tail()}")


class Valkey(Process):
    """A Valkey without persistence on a Unix socket, as generated projects start one."""

    def __init__(self, program: str, variables: dict[str, str]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="benchmark-valkey-"))
        self.socket = self.folder / "valkey.sock"
        self.url = f"unix://{self.socket}"
        options = ["--port", "0", "--unixsocket", str(self.socket), "--save", ""]
        super().__init__([program, *options, "--dir", str(self.folder)], self.folder, variables)
        self.wait_until(self.socket.exists)

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        shutil.rmtree(self.folder, ignore_errors=True)
