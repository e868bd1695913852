"""The production start: the project's ASGI server with the flags it needs."""

import logging
import socket
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from serving import server
from serving.checks import on_memory_layer
{% if cookiecutter.channel_layer != 'memory' %}
from serving.embedded_redis import embedded_redis
{% endif %}
from serving.staticfiles import missing_files

logger = logging.getLogger(__name__)

UDS_MODE = 0o660  # of a Unix socket: every process that may open it is trusted as a proxy


class Command(BaseCommand):
    help = f"Serves the project with {server.NAME}, as production does."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument(
            "--uds",
            help=f"listen on this Unix socket instead, of mode {UDS_MODE:o}",
            metavar="PATH",
        )
        parser.add_argument(
            "--workers",
            type=int,
            default=settings.WEB_CONCURRENCY or 1,
            help="number of processes (default: WEB_CONCURRENCY, else 1)",
        )

    def handle(self, *, host: str, port: int, uds: str | None, workers: int, **options) -> None:
        if workers > 1 and on_memory_layer():
            raise CommandError(
                f"{workers} workers on the memory layer would not hear each other: "
                "use --workers 1, or a Redis channel layer."
            )
        if not 1 <= workers <= server.MAX_WORKERS:
            raise CommandError(
                f"--workers is {workers}: {server.NAME} takes --workers 1 to {server.MAX_WORKERS}. "
                "For more, start 'serve' several times, behind your proxy."
            )
        if not 0 < port < 65536:  # getaddrinfo() takes any, and the server another one
            raise CommandError(f"--port is {port}: give a number from 1 to 65535.")
        if problem := missing_files():
            raise CommandError(problem)
        place = uds or f"{host}, port {port}"
        try:
            if uds:
                free_unix_socket(Path(uds))
            else:
                free_port(host, port)
        except OSError as error:
            raise CommandError(f"Cannot listen on {place}: {error.strerror or error}.") from error
        logger.info("Serving with %s on %s", server.NAME, place)
        try:
{% if cookiecutter.channel_layer == 'memory' %}
            server.serve(host, port, uds, UDS_MODE, workers)
{% else %}
            with embedded_redis():  # where DEBUG is on
                server.serve(host, port, uds, UDS_MODE, workers)
{% endif %}
        finally:
            if uds:
                Path(uds).unlink(missing_ok=True)


def free_port(host: str, port: int) -> None:
    """Raise OSError where a server cannot listen: some servers share a port, or exit with 0."""
    for family, kind, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        with socket.socket(family, kind) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen()


def free_unix_socket(path: Path) -> None:
    """Raise OSError where a server cannot listen; remove what a killed server left behind."""
    if path.is_socket():
        with socket.socket(socket.AF_UNIX) as client:
            if client.connect_ex(str(path)) == 0:
                raise OSError("another server listens there")
        path.unlink()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
    path.unlink()
