"""Things that fail: servers behind a load balancer, a line that goes dead."""

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from typing import Any

from tests.live import Server


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
