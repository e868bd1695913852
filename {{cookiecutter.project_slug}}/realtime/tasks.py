"""Tasks in the background: asyncio itself loses them, and hides their exceptions."""

import asyncio
import logging
from collections.abc import Callable, Coroutine

from serving.logs import current_connection

logger = logging.getLogger(__name__)

RESTART_SECONDS = 1  # until a task that must not end is started again

_tasks: set[asyncio.Task] = set()  # asyncio keeps only weak references to tasks


def in_event_loop() -> bool:
    """Return whether the caller runs in an event loop, and so may start tasks."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def spawn(coroutine: Coroutine, timeout: float | None = None) -> asyncio.Task:
    """Run a coroutine as a task, for ``timeout`` seconds at most. An exception is logged."""
    task = asyncio.ensure_future(_run(coroutine, timeout))
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
    return task


async def _run(coroutine: Coroutine, seconds: float | None) -> None:
    try:
        async with asyncio.timeout(seconds):
            await coroutine
    except TimeoutError:
        logger.debug("Took more than %s s: %s", seconds, coroutine)
    except Exception:
        logger.exception("In the background: %s", coroutine)


async def run_forever(function: Callable[[], Coroutine]) -> None:
    """Call ``function``, which must not end, again whenever it raises. The error is logged."""
    current_connection.set(None)  # that of the first socket
    while True:
        try:
            await function()
        except Exception:
            logger.exception("Ended, and is started again: %s", function)
        await asyncio.sleep(RESTART_SECONDS)


async def cancel_and_wait(task: asyncio.Task) -> None:
    """Cancel ``task`` until it is done: a channel layer may swallow a cancellation."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=1)
