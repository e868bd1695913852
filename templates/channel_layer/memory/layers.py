"""The memory channel layer, made safe to call from any thread of the process."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress

from channels import layers
from channels.exceptions import ChannelFull

CLEAN_SECONDS = 1  # between two looks at all that has expired
SEND_SECONDS = 5  # for another event loop to take an event


class InMemoryChannelLayer(layers.InMemoryChannelLayer):
    """Hand each event to the event loop in which its channel's socket waits.

    Channels' own puts it into an ``asyncio.Queue`` from whichever thread calls, and
    those queues are not thread-safe: the socket may sleep on.
    """

    next_cleaning = 0.0

    def __init__(self, **config) -> None:
        super().__init__(**config)
        self.loops: dict[str, asyncio.AbstractEventLoop] = {}  # of the channels

    def _clean_expired(self) -> None:
        """Channels' own goes through all channels for each event that is sent or received."""
        now = time.monotonic()
        if now > self.next_cleaning:
            self.next_cleaning = now + CLEAN_SECONDS
            super()._clean_expired()

    async def receive(self, channel: str) -> dict:
        self.loops[channel] = asyncio.get_running_loop()
        try:
            return await super().receive(channel)
        except BaseException:  # the socket ends
            self.loops.pop(channel, None)
            raise

    async def send(self, channel: str, message: dict) -> None:
        self.require_valid_channel_name(channel)
        loop = self.loops.get(channel)
        if loop in (None, asyncio.get_running_loop()) or not loop.is_running():
            await super().send(channel, message)
        else:
            sending = asyncio.run_coroutine_threadsafe(super().send(channel, message), loop)
            await self._until_sent(sending)

    async def group_send(self, group: str, message: dict) -> None:
        self.require_valid_group_name(group)
        self._clean_expired()
        channels: dict[asyncio.AbstractEventLoop, list[str]] = defaultdict(list)
        here = asyncio.get_running_loop()
        for channel in list(self.groups.get(group, ())):
            loop = self.loops.get(channel, here)
            channels[loop if loop.is_running() else here].append(channel)
        await self._send_to_all(channels.pop(here, ()), message)
        for loop, elsewhere in channels.items():
            sending = self._send_to_all(elsewhere, message)
            await self._until_sent(asyncio.run_coroutine_threadsafe(sending, loop))

    async def _send_to_all(self, channels: Iterable[str], message: dict) -> None:
        """Channels' own makes a task for each channel, though none of them waits."""
        for channel in channels:
            with suppress(ChannelFull):
                await super().send(channel, message)

    async def _until_sent(self, sending) -> None:
        async with asyncio.timeout(SEND_SECONDS):
            await asyncio.wrap_future(sending)
