"""Settings of servers that soon take a silent client for gone."""

import os

from tests.chat.faults.settings import *  # noqa: F403

os.environ["DJANGO_SETTINGS_MODULE"] = __name__

WEBSOCKET_HEARTBEAT_SECONDS = 1
WEBSOCKET_IDLE_SECONDS = 3
