"""How hypercorn runs this project. https://hypercorn.readthedocs.io/"""

import asyncio
import logging
import os
import signal

from channels.routing import get_default_application
from hypercorn.asyncio import serve
from hypercorn.config import Config
from hypercorn.run import run as run_workers

NAME = "hypercorn"
MAX_WORKERS = 64
READ_LIMIT_BYTES = 1024 * 1024  # the consumer's own limit is lower, and says so
GRACE_SECONDS = 10


def _config(host: str, port: int, uds: str | None = None) -> Config:
    host = f"[{host}]" if ":" in host else host  # IPv6
    config = Config()
    config.bind = [f"unix:{uds}" if uds else f"{host}:{port}"]
    config.errorlog = logging.getLogger("realtime.server")
    config.websocket_max_message_size = READ_LIMIT_BYTES
    config.graceful_timeout = GRACE_SECONDS
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
        asyncio.run(_serve_until_signal(config))
        os._exit(0)  # do not join threads that wait for the event loop that has ended
    else:
        config.application_path = "config.asgi:application"
        config.workers = workers
        run_workers(config)


async def _serve_until_signal(config: Config) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    serving = asyncio.create_task(
        serve(get_default_application(), config, shutdown_trigger=stop.wait)
    )
    await asyncio.wait({serving, asyncio.create_task(stop.wait())}, return_when="FIRST_COMPLETED")
    # Left alone, hypercorn waits for open WebSockets for ever:
    # https://github.com/pgjones/hypercorn/issues/308
    await asyncio.wait({serving}, timeout=GRACE_SECONDS)
