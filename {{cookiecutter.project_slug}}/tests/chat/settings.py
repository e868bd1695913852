"""Settings of the servers in these tests: without a limit on the rate."""

from config.settings import *  # noqa: F403

WEBSOCKET_RATE = 10_000
WEBSOCKET_BURST = 10_000
