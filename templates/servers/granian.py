"""How granian runs this project. https://github.com/emmett-framework/granian"""

import asyncio
import os
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from granian import _signals
from granian.constants import Interfaces
from granian.server import Server as WorkerServer
from granian.server.embed import Server as EmbeddedServer

from realtime.drain import drain

NAME = "granian"
MAX_WORKERS = 64


def run_in_thread(application, host: str, port: int) -> None:
    """Serve in this process, for development."""
    embedded = EmbeddedServer(
        application, address=host, port=port, interface=Interfaces.ASGI, log_access=True
    )
    asyncio.run(embedded.serve())


@contextmanager
def ending_at_once() -> Generator[None]:
    """End the process with the block: an interpreter that ends step by step, as on each
    reload, is aborted when one of granian's threads comes back to it meanwhile.
    """
    code = 0
    try:
        yield
    except SystemExit as end:
        code = int(end.code or 0)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def run(host: str, port: int, uds: str | None, workers: int) -> None:
    """Serve for production, until SIGTERM."""
    WorkerServer(
        "config.asgi:application",
        address=host,
        port=port,
        uds=Path(uds) if uds else None,
        interface=Interfaces.ASGI,
        workers=workers,
        workers_kill_timeout=settings.GRACE_SECONDS,
    ).serve()


def install_drain() -> None:
    """Put the drain in front of a worker's shutdown, however granian was started."""
    set_loop_signals = _signals.set_loop_signals

    def set_draining_loop_signals(loop):
        stopping = set_loop_signals(loop)

        def drain_and_stop() -> None:
            loop.create_task(drain()).add_done_callback(lambda _: stopping.set())

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, drain_and_stop)
        return stopping

    _signals.set_loop_signals = set_draining_loop_signals  # ty: ignore[invalid-assignment]
