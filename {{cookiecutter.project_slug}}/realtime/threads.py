"""Threads for code that blocks, such as the ORM's."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import InterfaceError, OperationalError, connections

KEEP_SECONDS: float = 60  # a database connection

# Errors that mean "try again later". Others, such as IntegrityError, are answers of a database.
OUTAGES = (InterfaceError, OperationalError)


def _keep_connections() -> None:
    """Let the connections of this thread outlive a call: opening one costs more than a query.

    Django advises against it under ASGI, for its own threads, which end with a request.
    https://docs.djangoproject.com/en/stable/ref/databases/#persistent-connections
    """
    kept = {"CONN_MAX_AGE": KEEP_SECONDS, "CONN_HEALTH_CHECKS": True}
    for connection in connections.all():
        connection.settings_dict = {**connection.settings_dict, **kept}


_pool = ThreadPoolExecutor(
    settings.WEBSOCKET_THREADS, thread_name_prefix="websocket", initializer=_keep_connections
)


@partial(database_sync_to_async, thread_sensitive=False, executor=_pool)
def in_thread(function: Callable, *args: Any) -> Any:
    """Call ``function`` in a thread, which then looks after its database connections."""
    return function(*args)
