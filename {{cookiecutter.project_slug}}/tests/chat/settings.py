"""Settings of the servers in these tests: English, high limits, and passwords that cost little."""

import os

from config.settings import *  # noqa: F403
from config.settings import CACHES

os.environ["DJANGO_SETTINGS_MODULE"] = __name__  # for workers: tests/__init__.py sets another

CACHES["throttle"]["KEY_PREFIX"] = "tests"  # apart from a server that you run meanwhile
CHAT_GUESTS_PICK_NAMES = True
LANGUAGE_CODE = "en"
ROOT_URLCONF = "tests.chat.urls"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
WEBSOCKET_RATE = 10_000
WEBSOCKET_BURST = 10_000
WEBSOCKETS_PER_ADDRESS = 10_000
POSTS_PER_MINUTE = 10_000
SIGN_UPS_PER_HOUR = 10_000
PASSWORD_RESETS_PER_HOUR = 10_000
LOGIN_FAILURES = 10_000
NEW_RECIPIENTS_PER_HOUR = 10_000
WEBSOCKET_HEARTBEAT_SECONDS = 1
