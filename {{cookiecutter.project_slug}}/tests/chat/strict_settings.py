"""Settings of a server whose limits are met soon."""

from config.settings import *  # noqa: F403

WEBSOCKET_HEARTBEAT_SECONDS = 1
WEBSOCKET_IDLE_SECONDS = 3
