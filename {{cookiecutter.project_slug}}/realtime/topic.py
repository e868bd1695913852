"""The subscription of this process to one group of the channel layer."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any, Protocol

from channels.layers import get_channel_layer

from realtime.broadcast import require_valid_group_name
from realtime.tasks import end, in_background

LEAVE_SECONDS = 5  # for a layer to take away a subscription
TURN_EVENTS = 4  # in a row, before other tasks have their turn
MIN_RETRY_SECONDS, MAX_RETRY_SECONDS = 0.2, 5


class Subscriber(Protocol):
    """A socket, as the hub sees it."""

    def write(self, event: dict) -> None:
        """Take a ``websocket.send`` event without waiting."""

    def handle(self, event: dict) -> None:
        """Take any other event of the group without waiting."""

    def catch_up(self) -> None:
        """Events may have been missed. Do not wait."""


class Topic:
    """A group, and the local sockets it is for. A layer that fails is tried again and again.

    Raises TypeError for a bad group name.
    """

    def __init__(
        self, name: str, deliver: Callable[["Topic", dict], None], failed: Callable
    ) -> None:
        require_valid_group_name(name)  # here, since the listener would take it for a failure
        self.name, self.deliver, self.failed = name, deliver, failed
        self.subscribers: set[Subscriber] = set()
        self.channel = ""
        self.subscribed = asyncio.Event()
        self.missed_events = False
        self.listener = asyncio.ensure_future(self._listen())

    async def _listen(self) -> None:
        retry_seconds = MIN_RETRY_SECONDS
        while True:
            try:
                await self._receive()
            except Exception as error:
                if asyncio.current_task() is not self.listener:
                    return  # another one has taken over
                self.failed(error)
                if self.subscribed.is_set():
                    retry_seconds = MIN_RETRY_SECONDS
                self.subscribed.clear()
                self.missed_events = True
                await asyncio.sleep(random.uniform(0, retry_seconds))
                retry_seconds = min(2 * retry_seconds, MAX_RETRY_SECONDS)

    async def _receive(self) -> None:
        layer: Any = get_channel_layer()
        channel = self.channel = await layer.new_channel()
        try:
            await layer.group_add(self.name, channel)
            self.subscribed.set()
            if self.missed_events:
                self.missed_events = False
                self.catch_up()
            for number in count(1):
                self.deliver(self, await layer.receive(channel))
                if number % TURN_EVENTS == 0:
                    await asyncio.sleep(0)  # let the sockets write what they were handed
        finally:
            in_background(_leave_group(layer, self.name, channel), LEAVE_SECONDS)

    def restart(self) -> None:
        """Subscribe anew, where the layer has lost the subscription without an error."""
        self.end()
        self.subscribed.clear()
        self.missed_events = True
        self.listener = asyncio.ensure_future(self._listen())

    def end(self) -> None:
        in_background(end(self.listener))

    async def renew(self) -> None:
        """Stay in the group, whose members expire."""
        with suppress(Exception):  # the listener meets the same, and starts again
            await get_channel_layer().group_add(self.name, self.channel)

    def write(self, text: str) -> None:
        """Hand the same text to each local socket."""
        message = {"type": "websocket.send", "text": text}
        for subscriber in self.subscribers:
            subscriber.write(message)

    def catch_up(self) -> None:
        for subscriber in self.subscribers:
            subscriber.catch_up()


async def _leave_group(layer: Any, group: str, channel: str) -> None:
    with suppress(Exception):  # without the layer, the group's member expires
        await layer.group_discard(group, channel)
