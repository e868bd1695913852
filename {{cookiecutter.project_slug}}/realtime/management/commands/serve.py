"""The production start: the project's ASGI server with the flags it needs."""

import logging
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from realtime import server
from realtime.checks import on_memory_layer

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = f"Serves the project with {server.NAME}, as production does."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--uds", help="listen on this Unix socket instead", metavar="PATH")
        parser.add_argument(
            "--workers",
            type=int,
            default=settings.WEB_CONCURRENCY or 1,
            help="number of processes (default: WEB_CONCURRENCY, else 1)",
        )

    def handle(self, *, host: str, port: int, uds: str | None, workers: int, **options) -> None:
        if workers < 1:
            raise CommandError(f"--workers is {workers}: give 1 or more.")
        if not 0 < port < 65536:
            raise CommandError(f"--port is {port}: give a number from 1 to 65535.")
        if workers > 1 and on_memory_layer():
            raise CommandError(
                f"{workers} workers on the memory layer would not hear each other: "
                "use --workers 1, or a Redis channel layer."
            )
        if workers > server.MAX_WORKERS:
            raise CommandError(
                f"{server.NAME} takes --workers 1 to {server.MAX_WORKERS}: for more, start "
                "'serve' several times, behind your proxy."
            )
        if not settings.DEBUG and not Path(settings.STATIC_ROOT).is_dir():
            raise CommandError(
                f"No static files in {settings.STATIC_ROOT}: run 'manage.py collectstatic'."
            )
        if uds and Path(uds).is_socket():
            Path(uds).unlink()  # left behind by a server that was killed
        logger.info("Serving with %s on %s", server.NAME, uds or f"{host}, port {port}")
        server.run(host, port, uds, workers)
