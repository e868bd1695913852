"""The project's settings, without the limits on what one person or address may do."""

import os

from config.settings import *  # noqa: F403

os.environ["DJANGO_SETTINGS_MODULE"] = __name__  # for workers

ROOT_URLCONF = "benchmark.urls"
WEBSOCKET_RATE = 1_000_000
WEBSOCKET_BURST = 1_000_000
WEBSOCKETS_PER_PERSON = 1_000_000
WEBSOCKETS_PER_ADDRESS = 1_000_000
WEBSOCKET_IDLE_SECONDS = 24 * 3600  # the load generator sends no heartbeat
