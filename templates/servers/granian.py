"""How granian runs this project. https://github.com/emmett-framework/granian"""

import asyncio
from pathlib import Path

from granian.constants import Interfaces
from granian.server import Server as WorkerServer
from granian.server.embed import Server as EmbeddedServer

NAME = "granian"
MAX_WORKERS = 64
GRACE_SECONDS = 10


def run_in_thread(application, host: str, port: int) -> None:
    """Serve in this process, for development."""
    embedded = EmbeddedServer(
        application, address=host, port=port, interface=Interfaces.ASGI, log_access=True
    )
    asyncio.run(embedded.serve())


def run(host: str, port: int, uds: str | None, workers: int) -> None:
    """Serve for production, until SIGTERM."""
    WorkerServer(
        "config.asgi:application",
        address=host,
        port=port,
        uds=Path(uds) if uds else None,
        interface=Interfaces.ASGI,
        workers=workers,
        workers_kill_timeout=GRACE_SECONDS,
    ).serve()
