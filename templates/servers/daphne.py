"""How daphne runs this project. https://github.com/django/daphne"""

import os
import sys

from channels.routing import get_default_application
from daphne.access import AccessLogGenerator
from daphne.endpoints import build_endpoint_description_strings
from daphne.server import Server

NAME = "daphne"
MAX_WORKERS = 1
READ_LIMIT_BYTES = 1024 * 1024  # the consumer's own limit is lower, and says so


def run_in_thread(application, host: str, port: int) -> None:
    """Serve in this process, for development."""
    Server(
        application,
        endpoints=build_endpoint_description_strings(host=host, port=port),
        signal_handlers=False,
        action_logger=AccessLogGenerator(sys.stdout),
    ).run()


def run(host: str, port: int, uds: str | None, workers: int) -> None:
    """Serve for production, until SIGTERM. There is one worker."""
    Server(
        get_default_application(),
        endpoints=build_endpoint_description_strings(unix_socket=uds)
        if uds
        else build_endpoint_description_strings(host=host, port=port),
        websocket_timeout=-1,  # its default ends every socket after a day
        websocket_max_message_size=READ_LIMIT_BYTES,
        websocket_max_frame_size=READ_LIMIT_BYTES,
        server_name="",
    ).run()
    # Do not join threads that may wait for ever for the event loop that has just ended.
    os._exit(0)
