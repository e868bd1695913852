"""Settings of servers that are broken: only a hub can catch up in time, not a heartbeat."""

import os

from tests.chat.settings import *  # noqa: F403
from tests.chat.settings import DATABASES, INSTALLED_APPS

os.environ["DJANGO_SETTINGS_MODULE"] = __name__

INSTALLED_APPS = [*INSTALLED_APPS, "tests.chat.faults.apps.Config"]
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"]["timeout"] = 1
else:
    DATABASES["default"]["OPTIONS"]["options"] += " -c lock_timeout=1s"
WEBSOCKET_HEARTBEAT_SECONDS = 60
WEBSOCKET_IDLE_SECONDS = 120
