"""One subscription of the channel layer for each topic and process, whatever its sockets.

Channels gives each socket a channel of its own and copies every group message into each.
Here a frame comes once, encoded, and the same text goes to each local socket.
"""

import asyncio
import logging
from collections.abc import Callable
from itertools import count
from typing import ClassVar
from uuid import uuid4
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer

from realtime.broadcast import broadcast
from realtime.drain import Drain
from realtime.entrance import Entrance
from realtime.frames import Frame
from realtime.tasks import end, in_background
from realtime.topic import TURN_EVENTS, Subscriber, Topic

logger = logging.getLogger(__name__)

FRAME = "hub.frame"  # an event with the text of a frame
CATCH_UP = "hub.catch_up"  # an event that says: others were lost
BEAT = "hub.beat"  # an event of a hub's to itself
JOIN_SECONDS = 2  # for a layer to subscribe; without it the socket opens, and catches up
SEND_SECONDS = 5  # for a layer to take an event
BEAT_SECONDS, LOG_SECONDS = 3, 10
RENEW_BEATS = 5000  # some hours, after which to renew what expires in days
MAX_OUTGOING = 10_000  # events that wait for the layer; those above are dropped


class Hub:
    """The topics of one event loop. Get it with ``hub()``."""

    serving: ClassVar["Hub | None"] = None  # that of this process's server
    handlers: ClassVar[dict[str, Callable[[Topic], object]]] = {}  # by the type of an event

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.topics: dict[str, Topic] = {}
        self.outgoing: asyncio.Queue[tuple[str, dict]] = asyncio.Queue(MAX_OUTGOING)
        self.lost_in: set[str] = set()  # topics that an event could not be sent to
        self.is_away = False  # the layer
        self.entrance = Entrance()
        self.next_log = 0.0
        self.own: Topic | None = None  # for the beat
        self.heard = asyncio.Event()
        in_background(self._send_outgoing())
        Hub.serving = self

    async def join(self, name: str, subscriber: Subscriber) -> None:
        """Subscribe to ``name``. Where the layer is away, events come once it is back."""
        self.watch()
        topic = self.topics.get(name)
        if topic is None:
            topic = self.topics[name] = Topic(name, self.deliver, self.layer_failed)
        topic.subscribers.add(subscriber)
        try:
            async with asyncio.timeout(0 if self.is_away else JOIN_SECONDS):
                await topic.subscribed.wait()
        except TimeoutError:
            topic.missed_events = True

    def leave(self, name: str, subscriber: Subscriber) -> None:
        topic = self.topics.get(name)
        if topic is not None:
            topic.subscribers.discard(subscriber)
            if not topic.subscribers:
                del self.topics[name]
                topic.end()

    def deliver(self, topic: Topic, event: dict) -> None:
        if event["type"] == FRAME:
            topic.write(event["text"])
        elif handler := self.handlers.get(event["type"]):
            handler(topic)
        else:
            for subscriber in topic.subscribers:
                subscriber.handle(event)

    def send(self, name: str, event: dict) -> None:
        """Send to all processes, in the order of the calls, from any thread, without waiting."""
        self.loop.call_soon_threadsafe(self._put, name, event)

    def _put(self, name: str, event: dict) -> None:
        try:
            self.outgoing.put_nowait((name, event))
        except asyncio.QueueFull:
            self.lost_in.add(name)

    async def _send_outgoing(self) -> None:
        for number in count(1):
            name, event = await self.outgoing.get()
            if not await self._send(name, event):
                self.lost_in.add(name)
            self.outgoing.task_done()
            if number % TURN_EVENTS == 0:
                await asyncio.sleep(0)  # let it be received: a channel has a capacity

    async def _send(self, name: str, event: dict) -> bool:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await get_channel_layer().group_send(name, event)
        except Exception as error:
            self.layer_failed(error)
            return False
        return True

    def _all(self) -> list[Topic]:
        return [*self.topics.values(), *([self.own] if self.own else [])]

    def watch(self) -> None:
        """From now on, see whether the layer carries events: ``is_away``."""
        if self.own is None:
            self.own = Topic(f"hub.{uuid4().hex}", self.deliver, self.layer_failed)
            in_background(self._beat(self.own))

    async def _beat(self, own: Topic) -> None:
        """Send to oneself, since some layers lose their groups without an error."""
        for beat in count(1):
            await asyncio.sleep(BEAT_SECONDS)
            if beat % RENEW_BEATS == 0:
                await asyncio.gather(*(topic.renew() for topic in self._all()))
            self.heard.clear()
            if not own.subscribed.is_set():
                continue  # it is being tried again
            if not await self._send(own.name, {"type": BEAT}):
                continue
            try:
                async with asyncio.timeout(SEND_SECONDS):
                    await self.heard.wait()
            except TimeoutError as error:
                self.layer_failed(error)
                for topic in self._all():
                    topic.restart()
            else:
                self._layer_works()

    def layer_failed(self, error: Exception) -> None:
        """Log that the layer is away: once in a while, not for each topic and event."""
        self.is_away = True
        if self.loop.time() > self.next_log:
            self.next_log = self.loop.time() + LOG_SECONDS
            logger.warning("The channel layer fails, will retry: %s", str(error) or repr(error))

    def _layer_works(self) -> None:
        if self.is_away:
            self.is_away = False
            logger.warning("The channel layer is back")
            for topic in self.topics.values():  # not each loss shows
                topic.catch_up()
        lost_in, self.lost_in = self.lost_in, set()  # which a full queue fills again
        for name in lost_in:
            self._put(name, {"type": CATCH_UP})


Hub.handlers[BEAT] = lambda topic: hub().heard.set()
Hub.handlers[CATCH_UP] = Topic.catch_up

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


async def _finish() -> None:
    """Send the rest, and leave nothing that waits for the layer: a server waits for all tasks."""
    await hub().outgoing.join()
    for topic in hub()._all():
        await end(topic.listener)


Drain.last_steps.append(_finish)
