"""Settings of servers that are sent nonsense: guests may come without end."""

import os

from tests.chat.faults.settings import *  # noqa: F403

os.environ["DJANGO_SETTINGS_MODULE"] = __name__

WEBSOCKETS_PER_PERSON = 1_000
