"""Settings of a server whose texts are long enough to fill the buffers of a slow reader."""

import os

from tests.chat.settings import *  # noqa: F403

os.environ["DJANGO_SETTINGS_MODULE"] = __name__  # for workers: tests/__init__.py sets another

CHAT_TEXT_LENGTH = 2000
