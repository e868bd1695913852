"""Ports for servers that are started as somebody would, from a command line."""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def own_port() -> Iterator[int]:
    """Give a port of 127.0.0.1 that nobody else is given as long as the block lasts."""
    with socket.socket() as place:
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        place.bind(("127.0.0.1", 0))
        port = place.getsockname()[1]
        if sys.platform != "linux":  # there a bound socket lets a server in
            place.close()
        yield port
