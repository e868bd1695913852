"""One subscription of the channel layer for each topic and process, whatever its sockets.

Channels gives each socket a channel of its own and copies every group message into each.
Here a frame comes once, encoded, and the same text goes to each local socket.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar, Protocol
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer

from realtime.broadcast import broadcast
from realtime.frames import Frame
from realtime.tasks import end, in_background

logger = logging.getLogger(__name__)

FRAME = "hub.frame"  # an event with the text of a frame
JOIN_SECONDS = 2  # for a layer to subscribe; without it the socket opens, and catches up
SEND_SECONDS = 5  # for a layer to take an event
LOG_SECONDS = 10
RENEW_SECONDS = 6 * 3600  # groups expire
MIN_RETRY_SECONDS, MAX_RETRY_SECONDS = 0.2, 5
MAX_OUTGOING = 10_000  # events that wait for the layer; those above are dropped


class Subscriber(Protocol):
    """A socket, as the hub sees it."""

    def write(self, event: dict) -> None:
        """Take a ``websocket.send`` event without waiting."""

    def handle(self, event: dict) -> None:
        """Take any other event of the group without waiting."""

    def catch_up(self) -> None:
        """Events may have been missed. Do not wait."""


class Topic:
    """The subscription to one group, and the local sockets it is for."""

    def __init__(self, name: str) -> None:
        self.name = name
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
                hub().layer_failed(error)
                if self.subscribed.is_set():
                    retry_seconds = MIN_RETRY_SECONDS
                self.subscribed.clear()
                self.missed_events = True
                await asyncio.sleep(random.uniform(0, retry_seconds))
                retry_seconds = min(2 * retry_seconds, MAX_RETRY_SECONDS)

    async def _receive(self) -> None:
        layer: Any = get_channel_layer()
        self.channel = await layer.new_channel()
        try:
            await layer.group_add(self.name, self.channel)
            self.subscribed.set()
            if self.missed_events:
                self.missed_events = False
                for subscriber in self.subscribers:
                    subscriber.catch_up()
            while True:
                self._deliver(await layer.receive(self.channel))
                await asyncio.sleep(0)  # let the sockets write what they were handed
        finally:
            in_background(_leave_group(layer, self.name, self.channel), SEND_SECONDS)

    def write(self, text: str) -> None:
        """Hand the same text to each local socket."""
        message = {"type": "websocket.send", "text": text}
        for subscriber in self.subscribers:
            subscriber.write(message)

    def _deliver(self, event: dict) -> None:
        if event["type"] == FRAME:
            self.write(event["text"])
        elif handler := Hub.handlers.get(event["type"]):
            handler(self.name)
        else:
            for subscriber in self.subscribers:
                subscriber.handle(event)


class Hub:
    """The topics of one event loop. Get it with ``hub()``."""

    serving: ClassVar["Hub | None"] = None  # that of this process's server
    handlers: ClassVar[dict[str, Callable[[str], object]]] = {}  # event type: for a topic

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.topics: dict[str, Topic] = {}
        self.next_log = 0.0
        self.outgoing: asyncio.Queue[tuple[str, dict]] = asyncio.Queue(MAX_OUTGOING)
        in_background(self._send_outgoing())
        in_background(self._renew())
        Hub.serving = self

    async def join(self, name: str, subscriber: Subscriber) -> None:
        """Subscribe to ``name``. Where the layer is away, events come once it is back."""
        topic = self.topics.get(name) or self.topics.setdefault(name, Topic(name))
        topic.subscribers.add(subscriber)
        try:
            async with asyncio.timeout(JOIN_SECONDS):
                await topic.subscribed.wait()
        except TimeoutError:
            topic.missed_events = True

    def leave(self, name: str, subscriber: Subscriber) -> None:
        topic = self.topics.get(name)
        if topic is not None:
            topic.subscribers.discard(subscriber)
            if not topic.subscribers:
                del self.topics[name]
                in_background(end(topic.listener))

    def send(self, name: str, event: dict) -> None:
        """Send to all processes, in the order of the calls, from any thread, without waiting."""
        self.loop.call_soon_threadsafe(self._put, name, event)

    def _put(self, name: str, event: dict) -> None:
        with suppress(asyncio.QueueFull):  # the layer is away for long: clients catch up
            self.outgoing.put_nowait((name, event))

    async def _send_outgoing(self) -> None:
        while True:
            name, event = await self.outgoing.get()
            try:
                async with asyncio.timeout(SEND_SECONDS):
                    await get_channel_layer().group_send(name, event)
            except Exception as error:
                self.layer_failed(error)
            await asyncio.sleep(0)  # let it be received: a channel has a capacity

    async def _renew(self) -> None:
        """Stay in the groups, whose members expire."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            for topic in list(self.topics.values()):
                with suppress(Exception):  # its listener meets the same, and starts again
                    await get_channel_layer().group_add(topic.name, topic.channel)

    def layer_failed(self, error: Exception) -> None:
        """Log that the layer is away: once in a while, not for each topic and event."""
        if self.loop.time() > self.next_log:
            self.next_log = self.loop.time() + LOG_SECONDS
            logger.warning("The channel layer fails, will retry: %r", error)


async def _leave_group(layer: Any, group: str, channel: str) -> None:
    with suppress(Exception):  # without the layer, the group's member expires
        await layer.group_discard(group, channel)


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """Return the hub of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]


def publish(topic: str, event: dict | Frame) -> None:
    """Send a frame, or an event as Channels knows them, to all sockets of ``topic``.

    From any thread of a server process it does not wait, and does not fail. In another
    process, such as a management command, it raises what the channel layer raises.
    """
    if isinstance(event, Frame):
        event = {"type": FRAME, "text": event.encode()}
    try:
        serving = hub()
    except RuntimeError:  # no event loop in this thread
        serving = Hub.serving
    if serving is not None and serving.loop.is_running():
        serving.send(topic, event)
    else:
        broadcast(topic, event)
