"""Tasks that nobody waits for."""

import asyncio
import logging
from collections.abc import Coroutine

logger = logging.getLogger(__name__)

_tasks: set[asyncio.Task] = set()  # an event loop alone would forget them


def in_background(coroutine: Coroutine, seconds: float | None = None) -> None:
    """Run it as a task, for ``seconds`` at most. An exception goes to the log."""
    task = asyncio.ensure_future(_run(coroutine, seconds))
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


async def _run(coroutine: Coroutine, seconds: float | None) -> None:
    try:
        async with asyncio.timeout(seconds):
            await coroutine
    except TimeoutError:
        logger.debug("Took more than %s s: %s", seconds, coroutine)
    except Exception:
        logger.exception("In the background: %s", coroutine)


async def end(task: asyncio.Task) -> None:
    """Cancel ``task`` until it has ended: a channel layer may swallow a cancellation."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=1)
