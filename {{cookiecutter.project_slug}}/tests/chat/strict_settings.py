"""Settings of a server whose limits are met soon."""

import os

from config.settings import *  # noqa: F403

os.environ["DJANGO_SETTINGS_MODULE"] = __name__  # for workers: tests/__init__.py sets another

CHAT_GUESTS_PICK_NAMES = True
WEBSOCKET_HEARTBEAT_SECONDS = 1
WEBSOCKET_IDLE_SECONDS = 3
