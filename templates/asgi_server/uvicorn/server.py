"""How uvicorn runs this project. https://uvicorn.dev/settings/"""

import logging
import os
import signal
import socket
import sys
from contextlib import suppress

import uvicorn
from uvicorn.supervisors import Multiprocess

from serving.drain import (
    SKIP_WAIT_SIGNAL,
    drain,
    handle_skip_wait_signal,
    skip_wait_on_second_signal,
)

NAME = "uvicorn"
MAX_WORKERS = 64
READ_LIMIT_BYTES = 1024 * 1024  # the consumer's own limit is lower, and says so

for name in ("uvicorn", "uvicorn.access"):  # its own handlers would bypass settings.LOGGING
    logging.getLogger(name).handlers.clear()
    logging.getLogger(name).propagate = True

# A client that sends such a text is told by close code 1007, and the drain logs which
# requests it cut off: a traceback or an error tells nobody more.
KNOWN = ("Invalid UTF-8", "ASGI callable returned without completing response")
logging.getLogger("uvicorn.error").addFilter(
    lambda record: not any(known in record.getMessage() for known in KNOWN)
)


def serve_development(application, host: str, port: int) -> None:
    """Serve in this process, for development."""
    uvicorn.run(
        application,
        host=host,
        port=port,
        ws_max_size=READ_LIMIT_BYTES,
        ws_per_message_deflate=False,
        log_config=None,
    )


def serve(host: str, port: int, uds: str | None, uds_mode: int, workers: int) -> None:
    """Serve for production, until SIGTERM."""
    config = uvicorn.Config(
        "config.asgi:application",
        host=host,
        port=port,
        workers=workers,
        ws_max_size=READ_LIMIT_BYTES,
        ws_per_message_deflate=False,  # costs more than it saves on short messages
        proxy_headers=False,  # serving.middleware does it, the same on every server
        access_log=False,
        log_config=None,
        log_level="warning",  # below, it logs two lines for each WebSocket
        server_header=False,
    )
    sockets = [_bind(uds, uds_mode)] if uds else None
    if workers == 1:
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets)
    else:
        _Workers(config, sockets or [config.bind_socket()]).run()


def _bind(uds: str, mode: int) -> socket.socket:
    """Return a Unix socket of this mode: uvicorn's own would be open to all users."""
    listener = socket.socket(socket.AF_UNIX)
    listener.set_inheritable(True)
    umask = os.umask(0o777 & ~mode)
    try:
        listener.bind(uds)
    finally:
        os.umask(umask)
    return listener


class _Workers(Multiprocess):
    """Passes on a second signal to stop, also one that comes before the first is handled."""

    stop_signals = 0

    def handle_int(self) -> None:
        self.stop_signals += 1
        super().handle_int()

    def handle_term(self) -> None:
        self.stop_signals += 1
        super().handle_term()

    def join_all(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._skip_wait)
        self.handle_signals()  # that came meanwhile
        if self.stop_signals > 1:
            self._skip_wait()
        super().join_all()
        if any((worker.exitcode or 0) > 0 for worker in self.processes):  # less is a signal
            sys.exit(1)

    def _skip_wait(self, *_: object) -> None:
        for worker in self.processes:
            if worker.process.is_alive():
                os.kill(worker.process.pid or 0, SKIP_WAIT_SIGNAL)


def patch_server() -> None:
    """Put the drain in front of uvicorn's shutdown, however uvicorn was started."""
    handle_skip_wait_signal()
    shutdown = uvicorn.Server.shutdown

    async def drain_and_shutdown(self, sockets=None) -> None:
        by_signal = bool(self._captured_signals)
        if by_signal:
            skip_wait_on_second_signal()
        await drain(ends_process=by_signal)
        await shutdown(self, sockets)
        # Uvicorn would send itself the signal again, and exit with another status than 0.
        while signal.SIGTERM in self._captured_signals:
            self._captured_signals.remove(signal.SIGTERM)

    uvicorn.Server.shutdown = drain_and_shutdown
