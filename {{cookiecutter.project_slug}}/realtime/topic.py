"""The subscription of this process to one group of the channel layer."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

from channels.layers import BaseChannelLayer, get_channel_layer

from realtime.tasks import cancel_and_wait, spawn
from serving.logs import current_connection

if TYPE_CHECKING:
    from realtime.hub import Hub

logger = logging.getLogger(__name__)

SUBSCRIBE_SECONDS = 5  # for a layer to add a channel to a group
UNSUBSCRIBE_SECONDS = 5  # for a layer to take a channel out of a group
TURN_EVENTS = 4  # events handled before yielding to the event loop

require_valid_group_name = BaseChannelLayer().require_valid_group_name  # not every layer has it


class Subscriber(Protocol):
    """A socket, as the hub sees it."""

    def write(self, event: dict) -> None:
        """Take a ``websocket.send`` event without waiting."""

    def handle(self, event: dict) -> None:
        """Take any other event of the group without waiting."""

    def catch_up(self) -> None:
        """Fetch what may have been missed, without waiting: events may have been lost."""


class Topic:
    """A group, and the local sockets it is for.

    Its listener ends when the layer fails. The hub, which notices when the layer is back,
    restarts it then. Raises TypeError for a bad group name.
    """

    def __init__(self, name: str, hub: "Hub") -> None:
        require_valid_group_name(name)  # here, since the listener would take it for a failure
        self.name = name
        self.hub = hub
        self.subscribers: set[Subscriber] = set()
        self.channel = ""
        self.subscribed = asyncio.Event()
        self.missed_events = False
        self.listener = asyncio.ensure_future(self._listen())

    @property
    def is_lost(self) -> bool:
        """Whether a subscription that was there is not yet there again."""
        return self.missed_events and not self.subscribed.is_set()

    async def _listen(self) -> None:
        current_connection.set(None)  # in the log this task belongs to no connection
        try:
            await self._receive()
        except Exception as error:
            if asyncio.current_task() is self.listener:  # else another one has taken over
                self._lose_subscription()
                self.hub.layer_failed(error)

    def _lose_subscription(self) -> None:
        self.subscribed.clear()
        self.missed_events = True

    async def _receive(self) -> None:
        layer: Any = get_channel_layer()
        channel = ""
        try:
            async with self.hub.layer_calls, asyncio.timeout(SUBSCRIBE_SECONDS):
                channel = await layer.new_channel()
                await layer.group_add(self.name, channel)
            self.channel = channel
            self.subscribed.set()
            if self.missed_events:
                self.missed_events = False
                self.catch_up()
            for number in count(1):
                event = await layer.receive(channel)
                try:
                    self.hub.deliver(self, event)
                except Exception:
                    logger.exception("An event for %s was dropped", self.name)
                if number % TURN_EVENTS == 0:
                    await asyncio.sleep(0)  # let the sockets write
        finally:
            if channel:
                self.hub.unsubscribe(self.name, channel)

    def restart(self) -> None:
        """Subscribe anew, and let the sockets catch up then."""
        if self.listener.cancelled():
            logger.error("The listener of %s had ended, and is started again", self.name)
        self.end()
        self._lose_subscription()
        self.listener = asyncio.ensure_future(self._listen())

    def end(self) -> None:
        spawn(cancel_and_wait(self.listener))

    async def renew(self) -> None:
        """Stay in the group, whose members expire."""
        with suppress(Exception):  # the listener meets the same, and starts again
            async with self.hub.layer_calls:
                await get_channel_layer().group_add(self.name, self.channel)

    def write(self, text: str) -> None:
        """Hand the same text to each local socket."""
        message = {"type": "websocket.send", "text": text}
        for subscriber in self.subscribers:
            subscriber.write(message)

    def catch_up(self) -> None:
        for subscriber in self.subscribers:
            subscriber.catch_up()


async def find_lost(channels: Mapping[str, str]) -> set[str]:
    """Return the groups, of these groups and channels, whose members the layer has forgotten.

    Pub/sub has no members to look at: all its subscriptions are those of one connection,
    which a heartbeat shows to be there.
    """
    layer: Any = get_channel_layer()
    if hasattr(layer, "_group_key"):  # channels_redis.core
        return await _find_lost_in_redis(layer, channels)
    if hasattr(layer, "_clean_expired"):  # channels.layers.InMemoryChannelLayer
        return {g for g, channel in channels.items() if channel not in layer.groups.get(g, ())}
    return set()


async def _find_lost_in_redis(layer: Any, channels: Mapping[str, str]) -> set[str]:
    shards = defaultdict(list)
    for group in channels:
        shards[layer.consistent_hash(group)].append(group)
    lost = set()
    for index, groups in shards.items():
        arguments = [layer._group_key(group) for group in groups]
        arguments += [channels[group] for group in groups]
        found = await layer.connection(index).eval(FIND_LOST, len(groups), *arguments)
        lost.update(groups[number - 1] for number in found)
    return lost


FIND_LOST = """
local lost = {}
for i = 1, #KEYS do
    if not redis.call('ZSCORE', KEYS[i], ARGV[i]) then
        lost[#lost + 1] = i
    end
end
return lost
"""
