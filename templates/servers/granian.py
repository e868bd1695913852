"""How granian runs this project. https://github.com/emmett-framework/granian"""

import asyncio
import atexit
import signal
import threading
from pathlib import Path

from granian import _signals
from granian.constants import Interfaces
from granian.server import Server as WorkerServer
from granian.server.embed import Server as EmbeddedServer

from realtime.drain import drain

NAME = "granian"
MAX_WORKERS = 64
GRACE_SECONDS = 10  # above what the drain takes
RELOAD_SECONDS = 2  # for the development server to end


def run_in_thread(application, host: str, port: int) -> None:
    """Serve in this process, for development."""
    embedded = EmbeddedServer(
        application, address=host, port=port, interface=Interfaces.ASGI, log_access=True
    )
    ended = threading.Event()

    def stop() -> None:
        loop.call_soon_threadsafe(embedded.stop)
        ended.wait(RELOAD_SECONDS)

    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        atexit.register(stop)  # a reload exits beside this thread; granian would abort
        try:
            runner.run(embedded.serve())
        finally:
            ended.set()
            atexit.unregister(stop)


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
