"""How hypercorn runs this project. https://hypercorn.readthedocs.io/"""

import asyncio
import logging
import multiprocessing
import signal

from channels.routing import get_default_application
from hypercorn.asyncio import run as asyncio_run
from hypercorn.asyncio import serve
from hypercorn.config import Config
from hypercorn.run import run as run_workers

from realtime.drain import drain

NAME = "hypercorn"
MAX_WORKERS = 64
READ_LIMIT_BYTES = 1024 * 1024  # the consumer's own limit is lower, and says so


def _config(host: str, port: int, uds: str | None = None) -> Config:
    host = f"[{host}]" if ":" in host else host  # IPv6
    config = Config()
    config.bind = [f"unix:{uds}" if uds else f"{host}:{port}"]
    config.errorlog = logging.getLogger("realtime.server")
    config.websocket_max_message_size = READ_LIMIT_BYTES
    config.include_server_header = False
    return config


def run_in_thread(application, host: str, port: int) -> None:
    """Serve in this process, for development."""
    config = _config(host, port)
    config.accesslog = logging.getLogger("realtime.access")
    never = asyncio.Event()
    asyncio.run(serve(application, config, shutdown_trigger=never.wait))


def run(host: str, port: int, uds: str | None, workers: int) -> None:
    """Serve for production, until SIGTERM."""
    config = _config(host, port, uds)
    if workers == 1:
        asyncio.run(serve(get_default_application(), config))
    else:
        config.application_path = "config.asgi:application"
        config.workers = workers
        run_workers(config)


def install_drain() -> None:
    """Put the drain in front of hypercorn's shutdown, however hypercorn was started."""
    raise_shutdown = asyncio_run.raise_shutdown

    async def drain_and_raise_shutdown(shutdown_event) -> None:
        if multiprocessing.parent_process():
            # The parent ends all workers as soon as one has ended: let this one finish.
            signal.signal(signal.SIGTERM, signal.SIG_IGN)

        async def drained() -> None:
            await shutdown_event()
            await drain()

        await raise_shutdown(drained)

    asyncio_run.raise_shutdown = drain_and_raise_shutdown  # ty: ignore[invalid-assignment]
