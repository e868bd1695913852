"""One subscription of the channel layer for each topic and process, whatever its sockets.

Channels gives each socket a channel of its own and copies every group message into each.
Here a frame comes once, encoded, and the same text goes to each local socket.
"""

import asyncio
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import ClassVar
from uuid import uuid4
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer
from django.db import transaction

from realtime.broadcast import broadcast, require_valid
from realtime.entrance import Entrance
from realtime.frames import Frame
from realtime.tasks import end, forever, in_background
from realtime.topic import LEAVE_SECONDS, TURN_EVENTS, Subscriber, Topic, find_lost
from serving.drain import Drain
from serving.outages import is_outage

logger = logging.getLogger(__name__)

FRAME = "hub.frame"  # an event with the text of a frame
CATCH_UP = "hub.catch_up"  # an event that says: others were lost
BEAT = "hub.beat"  # an event of a hub's to itself
JOIN_SECONDS = 2  # for a layer to subscribe; without it the socket opens, and catches up
SEND_SECONDS = 5  # for a layer to take an event
BEAT_SECONDS = 3
PROBE_SECONDS = 0.5  # between two looks at a layer that is away
KNOWN_SECONDS = 2  # for the first beat
LOG_SECONDS = 10  # between two lines about the same outage
RENEW_BEATS = 5000  # some hours, after which to renew what expires in days
MAX_OUTGOING = 10_000  # events that wait for the layer; those above are dropped
CALLS = 20  # subscriptions that are added and taken away at the same time
LOOK_AT = 1000  # subscriptions that one beat checks


class Hub:
    """The topics of one event loop. Get it with ``hub()``."""

    serving: ClassVar["Hub | None"] = None  # that of this process's sockets: see is_serving
    handlers: ClassVar[dict[str, Callable[[Topic], object]]] = {}  # by the type of an event

    def __init__(self) -> None:
        self.loop, self.process = asyncio.get_running_loop(), os.getpid()
        self.topics: dict[str, Topic] = {}
        self.outgoing: asyncio.Queue[tuple[str, dict]] = asyncio.Queue(MAX_OUTGOING)
        self.lost_in: set[str] = set()  # topics that an event could not be sent to
        self.calls = asyncio.Semaphore(CALLS)  # a layer may give each call a connection
        self.leaving: set[asyncio.Task] = set()
        self.is_away = False  # the layer
        self.works = asyncio.Event()  # the contrary, to wait for
        self.works.set()
        self.fails = asyncio.Event()  # it has just failed
        self.known = asyncio.Event()  # whether the layer works: the first beat has come, or not
        self.entrance = Entrance()
        self.next_log = 0.0
        self.next_look = 0  # at which of the topics
        self.own: Topic | None = None  # for the beat
        self.heard = asyncio.Event()
        in_background(forever(self._send_outgoing))

    @property
    def is_serving(self) -> bool:
        """Whether its event loop runs, in this process: not after a fork, and not after its end."""
        return self.process == os.getpid() and self.loop.is_running()

    async def join(self, name: str, subscriber: Subscriber) -> None:
        """Subscribe to ``name``. Where the layer is away, events come once it is back."""
        self.watch()
        topic = self.topics.get(name)
        if topic is None:
            topic = self.topics[name] = Topic(name, self)
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

    def leave_group(self, name: str, channel: str) -> None:
        """Take a channel out of a group. Without the layer, the group's member expires."""
        task = in_background(self._leave_group(name, channel), LEAVE_SECONDS)
        self.leaving.add(task)
        task.add_done_callback(self.leaving.discard)

    async def _leave_group(self, name: str, channel: str) -> None:
        with suppress(Exception):
            async with self.calls:
                await get_channel_layer().group_discard(name, channel)

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
        try:
            for number in count(1):
                name, event = await self.outgoing.get()
                await self._send_next(name, event)
                if number % TURN_EVENTS == 0:
                    await asyncio.sleep(0)  # let it be received: a channel has a capacity
        except asyncio.CancelledError:
            # The event loop ends, as that of an async command does: send the rest first.
            with suppress(TimeoutError):
                async with asyncio.timeout(SEND_SECONDS):
                    while not self.outgoing.empty():
                        await self._send_next(*self.outgoing.get_nowait())
            raise

    async def _send_next(self, name: str, event: dict) -> None:
        try:
            if not await self._send(name, event):
                self.lost_in.add(name)
        except asyncio.CancelledError:
            self._put(name, event)
            raise
        finally:
            self.outgoing.task_done()

    async def _send(self, name: str, event: dict) -> bool:
        """Return whether the layer is there. What it cannot encode is dropped."""
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await get_channel_layer().group_send(name, event)
        except Exception as error:
            self.layer_failed(error)
            return not is_outage(error)
        return True

    def _all(self) -> list[Topic]:
        return [*self.topics.values(), *([self.own] if self.own else [])]

    def watch(self) -> None:
        """From now on, see whether the layer carries events: ``is_away``."""
        if Hub.serving is None or not Hub.serving.is_serving:
            Hub.serving = self
        if self.own is None:
            self.own = Topic(f"hub.{uuid4().hex}", self, probes=True)
            in_background(forever(self._beat))

    async def is_ready(self) -> bool:
        """Return whether the layer carries events, and holds each subscription."""
        self.watch()
        with suppress(TimeoutError):
            async with asyncio.timeout(KNOWN_SECONDS):
                await self.known.wait()
        is_lost = any(topic.is_lost for topic in self.topics.values())
        return self.known.is_set() and not self.is_away and not is_lost

    async def _beat(self) -> None:
        for beat in count(1):
            await self._check_layer()
            with suppress(TimeoutError):
                async with asyncio.timeout(BEAT_SECONDS):
                    await self.fails.wait()
            self.fails.clear()
            if self.is_away:
                await asyncio.sleep(PROBE_SECONDS)
            if beat % RENEW_BEATS == 0:
                await asyncio.gather(*(topic.renew() for topic in self._all()))

    async def _check_layer(self) -> None:
        """Send to oneself, and look for what the layer has lost without an error."""
        own = self.own
        assert own is not None
        for topic in self._all():
            topic.check_listener()
        with suppress(TimeoutError):
            async with asyncio.timeout(JOIN_SECONDS):
                await own.subscribed.wait()
        self.heard.clear()
        if not own.subscribed.is_set():
            return  # it is being tried again
        await self._subscribe_to_the_lost()
        if not own.subscribed.is_set() or not await self._send(own.name, {"type": BEAT}):
            return
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self.heard.wait()
        except TimeoutError as error:
            self.layer_failed(error)
            for topic in self._all():
                topic.restart()
        else:
            self._layer_works()

    async def _subscribe_to_the_lost(self) -> None:
        topics = [topic for topic in self._all() if topic.subscribed.is_set()]
        if self.next_look >= len(topics):
            self.next_look = 0
        looked_at = topics[self.next_look :][:LOOK_AT]
        self.next_look += LOOK_AT
        try:
            async with asyncio.timeout(SEND_SECONDS):
                lost = await find_lost({topic.name: topic.channel for topic in looked_at})
        except Exception as error:
            self.layer_failed(error)
            return
        missing = [t for t in looked_at if t.name in lost and t.subscribed.is_set()]
        if missing:
            names = ", ".join(topic.name for topic in missing[:3])
            logger.warning("The channel layer lost %s subscriptions: %s …", len(missing), names)
        for topic in missing:
            topic.restart()

    def layer_failed(self, error: Exception) -> None:
        """Note that the layer is away. An error that is no outage is only logged, in full.

        The log has a line once in a while, not for each topic and event.
        """
        if not is_outage(error):
            logger.error("The channel layer cannot do this: dropped", exc_info=error)
            return
        self.is_away = True
        self.works.clear()
        self.fails.set()
        self.known.set()
        if self.loop.time() > self.next_log:
            self.next_log = self.loop.time() + LOG_SECONDS
            logger.warning("The channel layer fails, will retry: %s", str(error) or repr(error))

    def _layer_works(self) -> None:
        self.known.set()
        self.works.set()
        if self.is_away:
            self.is_away = False
            logger.warning("The channel layer is back")
            for topic in self.topics.values():
                if topic.subscribed.is_set():  # not each loss shows; the others do it later
                    topic.catch_up()
        lost_in, self.lost_in = self.lost_in, set()  # which a full queue fills again
        for name in lost_in:
            self._put(name, {"type": CATCH_UP})


def _hear_the_beat(topic: Topic) -> None:
    topic.hub.heard.set()


Hub.handlers[BEAT] = _hear_the_beat
Hub.handlers[CATCH_UP] = Topic.catch_up

_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """Return the hub of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        for closed in [other for other in _hubs if other.is_closed()]:
            del _hubs[closed]  # a hub knows its loop, so that nothing else would end the two
        _hubs[loop] = Hub()
    return _hubs[loop]


def serving_hub() -> Hub | None:
    """Return the hub of this process's sockets, from any thread. Other loops come and go."""
    return Hub.serving if Hub.serving is not None and Hub.serving.is_serving else None


def publish(topic: str, event: dict | Frame) -> None:
    """Send a frame, or an event as Channels knows them, to all sockets of ``topic``.

    From any thread or event loop of a server process it does not wait, and does not fail.
    In another process, such as a management command, it raises what the channel layer
    raises; in an event loop there it is sent before that ends, and failures are logged.
    Raises TypeError or ValueError for a topic or an event that no layer could carry.
    """
    event = _as_event(event)
    require_valid(topic, event)
    if serving := serving_hub():
        serving.send(topic, event)
    elif _has_event_loop():
        hub().send(topic, event)
    else:
        broadcast(topic, event)


def publish_on_commit(topic: str, event: dict | Frame) -> None:
    """Publish after the commit, or now where no transaction is open.

    An outage of the layer raises nothing then: what is stored stays stored.
    """
    event = _as_event(event)
    require_valid(topic, event)
    transaction.on_commit(lambda: _publish_what_is_stored(topic, event), robust=True)


def _publish_what_is_stored(topic: str, event: dict) -> None:
    try:
        publish(topic, event)
    except Exception as error:
        if not is_outage(error):
            raise  # Django logs it, with its traceback
        logger.warning("Stored, but not published in %s: %r", topic, error)


def _as_event(event: dict | Frame) -> dict:
    return {"type": FRAME, "text": event.encode()} if isinstance(event, Frame) else event


def _has_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def _finish() -> None:
    """Send the rest, and leave nothing that waits for the layer: a server waits for all tasks."""
    await hub().outgoing.join()
    for topic in hub()._all():
        await end(topic.listener)
    if hub().leaving:
        await asyncio.wait(hub().leaving)


Drain.last_steps.append(_finish)
