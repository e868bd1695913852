"""Close each WebSocket and finish the HTTP requests before the server stops.

By default the servers differ: some drop sockets without a close frame, some never exit.
``serving.server`` runs ``drain`` before its server's own shutdown.
"""

import asyncio
import logging
import multiprocessing
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from django.conf import settings

from serving.close_codes import CloseCode
from serving.connections import (
    CLOSE_SECONDS,
    ClientGone,
    Request,
    Socket,
    Traffic,
    traffic,
)
from serving.forced_exit import ForcedExit, fail_at_exit

logger = logging.getLogger(__name__)

SOCKETS_SECONDS = 2  # for consumers to end
REQUESTS_SECONDS = settings.GRACE_SECONDS / 2  # from the signal, for requests to be answered
LAST_SECONDS = 1  # for each of the last steps
EXIT_SECONDS = settings.GRACE_SECONDS - 0.5  # from the signal to the forced end
SKIPPED_EXIT_SECONDS = 2  # from a second signal to the forced end
# To a worker, which may get the first signal twice: from the terminal and from its parent.
SKIP_THE_WAIT = getattr(signal, "SIGUSR1", signal.SIGTERM)  # Windows lacks the former


class Drain:
    """The outermost middleware: it knows each open socket and each request under way."""

    last_steps: list[Callable[[], Awaitable]] = []  # what to do after the last request

    def __init__(self, application) -> None:
        self.application = application

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] == "websocket":
            socket = Socket(scope, receive, send)
            sockets = traffic().sockets
            sockets.add(socket)
            try:
                await self.application({**scope, "socket": socket}, socket.receive, socket.send)
            except ClientGone:
                pass
            except Exception as error:
                await socket.fail(error)
            finally:
                sockets.discard(socket)
        elif scope["type"] == "http":
            request = Request(scope, receive, send)
            requests = traffic().requests
            requests.add(request)
            try:
                with suppress(ClientGone):
                    await self.application(scope, request.receive, request.send)
            except asyncio.CancelledError:
                if not request.closing or request.task is None:
                    raise
                request.task.uncancel()
            finally:
                if request.closing:
                    await request.refuse()
                requests.discard(request)
        else:  # lifespan
            traffic().is_stopping = False  # this loop's last server may have stopped before
            await self.application(scope, receive, send)


async def drain(
    stop_listening: Callable[[], None] = lambda: None, *, ends_process: bool = False
) -> None:
    """Return when the sockets of this event loop are closed and its requests answered.

    Calls after the first wait for the same end. With ``ends_process``, for a server that a
    signal stops, the process ends in EXIT_SECONDS whatever happens: a server may wait for
    ever for a client that reads nothing. A server within another program just stops.
    """
    here = traffic()
    if not here.is_stopping:
        here.is_stopping, here.waits = True, True
        here.draining_since = time.monotonic()
        if ends_process:
            here.forced_exit = ForcedExit(EXIT_SECONDS, here.running)
            here.forced_exit.start()
        here.draining = asyncio.ensure_future(_drain(here, stop_listening))
    if here.draining is not None:
        await asyncio.shield(here.draining)


def skip_the_wait(*_: object) -> None:
    """Stop waiting for connections to end by themselves. For handlers of signals."""
    here = traffic()
    here.waits = False
    if here.forced_exit is not None:
        soon = time.monotonic() + SKIPPED_EXIT_SECONDS
        here.forced_exit.at = min(here.forced_exit.at, soon)


def skip_on_second_signal() -> None:
    """Handle the signals from now on, when the first has come."""
    is_worker = multiprocessing.parent_process() is not None
    for number in (SKIP_THE_WAIT,) if is_worker else (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, skip_the_wait)


async def _drain(here: Traffic, stop_listening: Callable[[], None]) -> None:
    closing = [socket.close(CloseCode.RESTART, socket.farewell) for socket in here.sockets]
    await asyncio.gather(*closing, return_exceptions=True)  # a client may be gone already
    await _until_gone(here, here.sockets, SOCKETS_SECONDS)
    for socket in here.sockets:  # whatever its consumer waits for: it has been told to end
        socket.cancel()
    await _until_gone(here, here.sockets, CLOSE_SECONDS)
    stop_listening()
    rest = here.draining_since + REQUESTS_SECONDS - time.monotonic()
    await _until_gone(here, here.requests, rest)
    if here.requests:
        await _cut_off(here)
    for step in Drain.last_steps:
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_SECONDS):
                await step()
    here.draining = None  # it refers to the event loop


async def _cut_off(here: Traffic) -> None:
    """End the requests that take too long. Where one has no answer yet, the exit status tells."""
    logger.warning("Cut off to stop the server: %s", ", ".join(here.running()))
    if here.forced_exit is not None and not all(request.has_answer for request in here.requests):
        fail_at_exit()
    here.waits = True
    for request in here.requests:
        request.stop_waiting()
    await _until_gone(here, here.requests, CLOSE_SECONDS / 2)
    for request in list(here.requests):  # of plain views, which a thread runs to the end
        await request.refuse()
        request.cancel()
    await _until_gone(here, here.requests, CLOSE_SECONDS / 2)


async def _until_gone(here: Traffic, members: set, seconds: float) -> None:
    """Wait for those who are members now, not for those who come."""
    present, deadline = set(members), time.monotonic() + seconds
    while here.waits and present & members and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
