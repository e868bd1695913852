"""How hypercorn runs this project. https://hypercorn.readthedocs.io/"""

import asyncio
import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterable
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Any

from channels.routing import get_default_application
from hypercorn import run as hypercorn_run
from hypercorn.asyncio import run as asyncio_run
from hypercorn.asyncio import serve as serve_asgi
from hypercorn.config import Config
from hypercorn.protocol import ws_stream

from serving.drain import (
    SKIP_WAIT_SIGNAL,
    drain,
    handle_skip_wait_signal,
    skip_wait_on_second_signal,
)

NAME = "hypercorn"
MAX_WORKERS = 64
READ_LIMIT_BYTES = 1024 * 1024  # the consumer's own limit is lower, and says so


def _config(host: str, port: int, uds: str | None = None) -> Config:
    host = f"[{host}]" if ":" in host else host  # IPv6
    config = Config()
    config.bind = [f"unix:{uds}" if uds else f"{host}:{port}"]
    config.errorlog = logging.getLogger("serving.server")
    config.websocket_max_message_size = READ_LIMIT_BYTES
    config.include_server_header = False
    return config


def serve_development(application, host: str, port: int) -> None:
    """Serve in this process, for development."""
    config = _config(host, port)
    config.accesslog = logging.getLogger("serving.access")
    never = asyncio.Event()
    asyncio.run(serve_asgi(application, config, shutdown_trigger=never.wait))


def serve(host: str, port: int, uds: str | None, uds_mode: int, workers: int) -> None:
    """Serve for production, until SIGTERM."""
    config = _config(host, port, uds)
    config.umask = 0o777 & ~uds_mode if uds else None
    if workers == 1:
        asyncio.run(serve_asgi(get_default_application(), config))
    else:
        config.application_path = "config.asgi:application"
        config.workers = workers
        hypercorn_run.wait = _wait_for_workers  # ty: ignore[invalid-assignment]
        hypercorn_run.run(config)
        for worker in _workers:  # it waits for the first of them alone
            worker.join()
        if any((worker.exitcode or 0) > 0 for worker in _workers):  # less is a signal
            sys.exit(1)


_workers: list[BaseProcess] = []


def _wait_for_workers(sentinels: Iterable) -> list:
    """Wait as hypercorn does, and pass on a second signal."""
    _workers[:] = multiprocessing.active_children()
    shutdown: Any = signal.getsignal(signal.SIGTERM)

    def handle(number: int, frame: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _skip_wait)
        shutdown()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)
    return wait(sentinels)


def _skip_wait(*_: object) -> None:
    for worker in _workers:
        if worker.is_alive():
            os.kill(worker.pid or 0, SKIP_WAIT_SIGNAL)


def patch_server() -> None:
    """Put the drain in front of hypercorn's shutdown, however hypercorn was started."""
    handle_skip_wait_signal()
    raise_shutdown = asyncio_run.raise_shutdown

    async def drain_and_raise_shutdown(shutdown_event) -> None:
        is_worker = multiprocessing.parent_process() is not None
        if is_worker:
            # The parent ends all workers as soon as one has ended: let this one finish.
            signal.signal(signal.SIGTERM, signal.SIG_IGN)

        async def drained() -> None:
            await shutdown_event()
            by_signal = is_worker or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
            if by_signal:
                skip_wait_on_second_signal()
            await drain(ends_process=by_signal)

        await raise_shutdown(drained)

    asyncio_run.raise_shutdown = drain_and_raise_shutdown  # ty: ignore[invalid-assignment]
    ws_stream.server_extensions_handshake = _accept_no_extension  # ty: ignore[invalid-assignment]


def _accept_no_extension(requested: Iterable, supported: list) -> None:
    """Leave messages uncompressed: that costs more than it saves on short ones, and a frame
    of a few kilobytes could become many megabytes. Hypercorn has no option for it.
    """
