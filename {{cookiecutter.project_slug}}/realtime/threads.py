"""Threads for code that blocks, such as the ORM's."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings

_pool = ThreadPoolExecutor(settings.WEBSOCKET_THREADS, thread_name_prefix="websocket")


async def in_thread(function: Callable, *args: Any) -> Any:
    """Call ``function`` in a thread, which then looks after its database connections."""
    call = database_sync_to_async(function, thread_sensitive=False, executor=_pool)
    return await call(*args)
