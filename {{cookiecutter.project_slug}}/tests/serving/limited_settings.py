"""Settings of a server whose limits are met soon. test_limits.py has the same numbers."""

import os

from config.settings import *  # noqa: F403

os.environ["DJANGO_SETTINGS_MODULE"] = __name__  # for workers: tests/__init__.py sets another

WEBSOCKET_RATE = 10
WEBSOCKET_BURST = 10
WEBSOCKET_IDLE_SECONDS = 2
WEBSOCKETS_PER_ADDRESS = 3
