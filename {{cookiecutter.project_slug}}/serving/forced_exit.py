"""The end of a process that was told to stop and did not, and the exit status of lost work."""

import asyncio
import atexit
import faulthandler
import logging
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.util import Finalize

logger = logging.getLogger(__name__)

STATUS = 1
STDERR = 2  # whatever has been done to sys.stderr
LOOK_SECONDS = 0.1  # between two looks at the clock


class ForcedExit(threading.Thread):
    """Ends the process after ``seconds``, and logs the names of open connections.

    A server may wait forever for a client that reads nothing, and Python for a thread. A
    program that goes on after its event loop has ended is left alone: it is not the server's.
    """

    def __init__(self, seconds: float, open_names: Callable[[], list[str]]) -> None:
        super().__init__(name="forced exit", daemon=True)
        self.loop = asyncio.get_running_loop()
        self.open_names = open_names
        self.deadline = time.monotonic() + seconds

    def run(self) -> None:
        while (remaining := self.deadline - time.monotonic()) > 0:
            time.sleep(min(remaining, LOOK_SECONDS))  # the deadline may come closer
        if self.loop.is_running() or python_is_ending():
            still_running = ", ".join(self.open_names()) or "the server"
            logger.error("Forced to exit, still running: %s", still_running)
            faulthandler.dump_traceback(STDERR)  # of all threads: one may hang
            _exit()


def fail_at_exit() -> None:
    """Let the process exit with STATUS once it has come to its end."""
    if multiprocessing.parent_process() is None:
        atexit.register(_exit)
    else:  # a worker, which runs nothing of atexit
        Finalize(None, _exit, exitpriority=0)


def _exit() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(STATUS)


def python_is_ending() -> bool:
    """Whether the main thread has ended its program, and waits for other threads."""
    return threading._SHUTTING_DOWN  # ty: ignore[missing-attribute]
