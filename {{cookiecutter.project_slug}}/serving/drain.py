"""Close each WebSocket and finish the HTTP requests before the server stops.

By default the servers differ: some drop sockets without a close frame, some never exit.
``serving.server`` runs ``drain`` before its server's own shutdown.
"""

import asyncio
import logging
import multiprocessing
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from django.conf import settings

from serving.close_codes import CloseCode
from serving.connections import CLOSE_SECONDS, ServerState, State, server_state
from serving.forced_exit import ForcedExit, fail_at_exit

logger = logging.getLogger(__name__)

SOCKETS_SECONDS = 2  # for consumers to end
REQUESTS_SECONDS = settings.GRACE_SECONDS / 2  # from the signal, for requests to be answered
EXIT_STEP_SECONDS = 1  # for each step before the exit
EXIT_SECONDS = settings.GRACE_SECONDS - 0.5  # from the signal to the forced exit
SKIPPED_EXIT_SECONDS = 2  # from a second signal to the forced exit
# To a worker, which may get the first signal twice: from the terminal and from its parent.
SKIP_WAIT_SIGNAL = getattr(signal, "SIGUSR1", signal.SIGTERM)  # Windows lacks the former


async def drain(
    stop_listening: Callable[[], None] | None = None, *, ends_process: bool = False
) -> None:
    """Return when the sockets of this event loop are closed and its requests answered.

    Calls after the first wait for the same end. With ``ends_process``, for a server that a
    signal stops, the process ends in EXIT_SECONDS whatever happens: a server may wait
    forever for a client that reads nothing. A server within another program just stops.
    """
    state = server_state()
    if not state.is_stopping:
        state.is_stopping = True
        if ends_process:
            seconds = EXIT_SECONDS if state.may_wait else SKIPPED_EXIT_SECONDS
            state.forced_exit = ForcedExit(seconds, state.open_names)
            state.forced_exit.start()
        state.drain_task = asyncio.ensure_future(_drain(state, stop_listening))
    await asyncio.shield(state.drain_task)


def skip_wait(*_: object) -> None:
    """Stop waiting for connections to end by themselves. For handlers of signals."""
    try:
        state = server_state()
    except RuntimeError:  # a worker that has no event loop yet
        return
    state.may_wait = False
    if state.forced_exit is not None:
        soon = time.monotonic() + SKIPPED_EXIT_SECONDS
        state.forced_exit.deadline = min(state.forced_exit.deadline, soon)


def skip_wait_on_second_signal() -> None:
    """Handle the signals from now on, when the first has come."""
    if multiprocessing.parent_process() is None:  # a worker's parent sends SKIP_WAIT_SIGNAL
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, skip_wait)


def handle_skip_wait_signal() -> None:
    """In a worker, handle SKIP_WAIT_SIGNAL from its start: it may overtake the first signal."""
    is_worker = multiprocessing.parent_process() is not None
    if is_worker and threading.current_thread() is threading.main_thread():
        signal.signal(SKIP_WAIT_SIGNAL, skip_wait)


async def _drain(state: ServerState, stop_listening: Callable[[], None] | None) -> None:
    started_at = time.monotonic()
    present = set(state.sockets)  # those that still come are closed when they are accepted
    closing = [
        socket.close(CloseCode.RESTART, socket.restart_frame)
        for socket in present
        if socket.state is not State.CONNECTING  # a server answers 500 where a handshake breaks off
    ]
    await asyncio.gather(*closing, return_exceptions=True)  # a client may be gone already
    await _wait_until_closed(state, state.sockets, SOCKETS_SECONDS)
    for socket in present & state.sockets:  # whatever its consumer waits for: it was told to end
        socket.task.cancel()
    await _wait_until_closed(state, state.sockets, CLOSE_SECONDS)
    if stop_listening is not None:
        stop_listening()
    rest = started_at + REQUESTS_SECONDS - time.monotonic()
    await _wait_until_closed(state, state.requests, rest)
    if state.requests:
        await _cut_off_requests(state)
    for step in state.exit_steps:
        with suppress(TimeoutError):
            async with asyncio.timeout(EXIT_STEP_SECONDS):
                await step()
    state.may_wait = True  # for another server on this event loop


async def _cut_off_requests(state: ServerState) -> None:
    """End the requests that take too long. One without an answer makes the exit status 1."""
    logger.warning("Cut off to stop the server: %s", ", ".join(state.open_names()))
    is_unanswered = not all(request.response_started for request in state.requests)
    if state.forced_exit is not None and is_unanswered:
        fail_at_exit()
    state.may_wait = True
    for request in state.requests:
        request.cancel_pending()
    await _wait_until_closed(state, state.requests, CLOSE_SECONDS / 2)
    for request in list(state.requests):  # of plain views, which a thread runs to the end
        await request.refuse()
        request.task.cancel()
    await _wait_until_closed(state, state.requests, CLOSE_SECONDS / 2)


async def _wait_until_closed(state: ServerState, connections: set, seconds: float) -> None:
    """Wait for the connections that are open now, not for those that come."""
    present = set(connections)
    deadline = time.monotonic() + seconds
    while present & connections and time.monotonic() < deadline:
        if not state.may_wait:
            return
        await asyncio.sleep(0.05)
