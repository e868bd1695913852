"""How granian runs this project. https://github.com/emmett-framework/granian"""

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path

from django.conf import settings
from granian import _signals
from granian.constants import Interfaces
from granian.server import Server as WorkerServer
from granian.server.embed import Server as EmbeddedServer

from serving.drain import SKIP_WAIT_SIGNAL, drain, skip_wait

NAME = "granian"
MAX_WORKERS = 64
EXIT_CODE_SECONDS = 1  # for another thread to say how a worker ended

LOGGERS = ("_granian", "granian.access")
for name in LOGGERS:  # its own handlers would bypass settings.LOGGING
    logging.getLogger(name).handlers.clear()
    logging.getLogger(name).propagate = True
LOG_CONFIG: dict = {
    "formatters": {},
    "handlers": {},
    "loggers": {name: {"level": "INFO", "handlers": [], "propagate": True} for name in LOGGERS},
}


def serve_development(application, host: str, port: int) -> None:
    """Serve in this process, for development."""
    embedded = EmbeddedServer(
        application,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        log_access=True,
        log_access_format='%(addr)s - "%(method)s %(path)s %(protocol)s" %(status)d',
        log_dictconfig=LOG_CONFIG,
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


class _Workers(WorkerServer):  # ty: ignore[unsupported-base]
    def signal_handler_interrupt(self, *args, **kwargs) -> None:
        if self.interrupt_signal:
            for worker in self.wrks:
                if worker.is_alive():
                    os.kill(worker.inner.pid, SKIP_WAIT_SIGNAL)
        super().signal_handler_interrupt()

    def _stop_workers(self) -> None:
        workers = list(self.wrks)
        super()._stop_workers()
        if any(_exit_code(worker.inner) > 0 for worker in workers):  # less is a signal
            sys.exit(1)


def _exit_code(ended: BaseProcess) -> int:
    """Return the exit code of a worker, 0 if it stays unknown.

    It is None for a moment where another thread, here granian's own, waits for the
    process as well and has just learnt it.
    """
    deadline = time.monotonic() + EXIT_CODE_SECONDS
    while ended.exitcode is None and time.monotonic() < deadline:
        time.sleep(0.001)
    return ended.exitcode or 0


def serve(host: str, port: int, uds: str | None, uds_mode: int, workers: int) -> None:
    """Serve for production, until SIGTERM."""
    _Workers(
        "config.asgi:application",
        address=host,
        port=port,
        uds=Path(uds) if uds else None,
        uds_permissions=uds_mode,
        interface=Interfaces.ASGI,
        workers=workers,
        workers_kill_timeout=settings.GRACE_SECONDS,
        log_dictconfig=LOG_CONFIG,
    ).serve()


def patch_server() -> None:
    """Put the drain in front of a worker's shutdown, however granian was started."""
    set_loop_signals = _signals.set_loop_signals

    def set_draining_loop_signals(loop):
        stopping = set_loop_signals(loop)
        draining: list[asyncio.Task] = []

        def drain_and_stop() -> None:
            if not draining:  # to stop twice would block for ever, and Ctrl-C sends two signals
                draining.append(loop.create_task(drain(ends_process=True)))
                draining[0].add_done_callback(lambda _: stopping.set())

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, drain_and_stop)
        loop.add_signal_handler(SKIP_WAIT_SIGNAL, skip_wait)
        return stopping

    _signals.set_loop_signals = set_draining_loop_signals  # ty: ignore[invalid-assignment]
