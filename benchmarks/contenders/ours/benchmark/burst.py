"""Send to a room from another process than the server: room, count, text."""

import sys

import django

django.setup()

from benchmark.frames import Heard  # noqa: E402
from realtime.broadcast import broadcast  # noqa: E402

room, count, text = sys.argv[1:]
for _ in range(int(count)):
    broadcast(f"room.{room}", Heard(text=text))
