"""Send to a room from another process than the server: room, count, text."""

import asyncio
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
django.setup()

from channels.layers import get_channel_layer  # noqa: E402


async def burst(room: str, count: str, text: str) -> None:
    for _ in range(int(count)):
        event = {"type": "chat.message", "message": text}
        await get_channel_layer().group_send(f"chat_{room}", event)


asyncio.run(burst(*sys.argv[1:]))
