"""How uvicorn runs this project. https://uvicorn.dev/settings/"""

import logging

import uvicorn

from realtime.drain import drain

NAME = "uvicorn"
MAX_WORKERS = 64
READ_LIMIT_BYTES = 1024 * 1024  # the consumer's own limit is lower, and says so

# A client that sends such a text is told by close code 1007; a traceback tells nobody more.
logging.getLogger("uvicorn.error").addFilter(lambda r: "Invalid UTF-8" not in r.getMessage())


def run_in_thread(application, host: str, port: int) -> None:
    """Serve in this process, for development."""
    uvicorn.run(application, host=host, port=port, ws_max_size=READ_LIMIT_BYTES)


def run(host: str, port: int, uds: str | None, workers: int) -> None:
    """Serve for production, until SIGTERM."""
    uvicorn.run(
        "config.asgi:application",
        host=host,
        port=port,
        uds=uds,
        workers=workers,
        ws_max_size=READ_LIMIT_BYTES,
        ws_per_message_deflate=False,  # costs more than it saves on short messages
        proxy_headers=False,  # realtime.middleware does it, the same on every server
        access_log=False,
        log_level="warning",  # below, it logs two lines for each WebSocket
        server_header=False,
    )


def install_drain() -> None:
    """Put the drain in front of uvicorn's shutdown, however uvicorn was started."""
    shutdown = uvicorn.Server.shutdown

    async def drain_and_shutdown(self, sockets=None) -> None:
        await drain()
        await shutdown(self, sockets)

    uvicorn.Server.shutdown = drain_and_shutdown
