"""One subscription of the channel layer for each topic and process, whatever its sockets.

Channels gives each socket a channel of its own and copies every group message into each.
Here a frame comes once, encoded, and the same text goes to each local socket.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Collection
from contextlib import suppress
from itertools import count
from uuid import uuid4
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer

from realtime.connect_limiter import ConnectLimiter
from realtime.tasks import cancel_and_wait, run_forever, spawn
from realtime.topic import TURN_EVENTS, UNSUBSCRIBE_SECONDS, Subscriber, Topic, find_lost
from serving.connections import server_state
from serving.outages import is_outage

logger = logging.getLogger(__name__)

FRAME = "hub.frame"  # an event for all sockets; its "text" is an encoded frame
CATCH_UP = "hub.catch_up"  # an event: others may have been lost
HEARTBEAT = "hub.beat"  # an event that a hub sends to itself
JOIN_SECONDS = 2  # for a layer to subscribe; without it the socket opens, and catches up
SEND_SECONDS = 5  # for a layer to take an event
HEARTBEAT_SECONDS = 3
PROBE_SECONDS = 0.5  # between two looks at a layer that is away
FIRST_HEARTBEAT_SECONDS = 2  # until the state of the layer is known
WARNING_SECONDS = 10  # between two lines about the same outage
RENEW_HEARTBEATS = 5000  # some hours: memberships of groups expire after days
MAX_OUTGOING = 10_000  # events that wait for the layer; further ones are dropped
MAX_LAYER_CALLS = 20  # to subscribe or unsubscribe at a time: each may open a connection
CHECKED_TOPICS = 1000  # subscriptions that are looked up at each heartbeat


class Hub:
    """Subscriptions of all sockets on one event loop. Get it with ``hub()``."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.process = os.getpid()
        self.handlers: dict[str, Callable[[Topic], None]] = {
            HEARTBEAT: self._on_heartbeat,
            CATCH_UP: Topic.catch_up,
        }
        self.topics: dict[str, Topic] = {}
        self.outgoing: asyncio.Queue[tuple[str, dict]] = asyncio.Queue(MAX_OUTGOING)
        self._topics_with_losses: set[str] = set()  # an event could not be sent there
        self.layer_calls = asyncio.Semaphore(MAX_LAYER_CALLS)
        self.unsubscribing: set[asyncio.Task] = set()
        self.layer_is_down = False
        self._layer_failing = asyncio.Event()  # set by a failure, until the next heartbeat
        self.layer_state_known = asyncio.Event()  # set by the first success or failure
        self.connect_limiter = ConnectLimiter()
        self._next_warning_at = 0.0
        self._next_check = 0  # index of the topic whose subscription is looked up next
        self._heartbeats: asyncio.Task | None = None
        self._heartbeat_topic: Topic | None = None
        self.heartbeat_seen = asyncio.Event()
        spawn(run_forever(self._send_outgoing))
        server_state().before_exit(self.close)

    @property
    def is_serving(self) -> bool:
        """Whether the event loop runs in this process: it does not after a fork, or when closed."""
        return self.process == os.getpid() and self.loop.is_running()

    async def join(self, name: str, subscriber: Subscriber) -> None:
        """Subscribe to ``name``. While the layer is down, events arrive once it is back."""
        self.start_heartbeat()
        topic = self.topics.get(name)
        if topic is None:
            topic = self.topics[name] = Topic(name, self)
        topic.subscribers.add(subscriber)
        try:
            async with asyncio.timeout(0 if self.layer_is_down else JOIN_SECONDS):
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

    def unsubscribe(self, name: str, channel: str) -> None:
        """Take a channel out of a group. While the layer is down, that is left to expiry."""
        task = spawn(self._unsubscribe(name, channel), UNSUBSCRIBE_SECONDS)
        self.unsubscribing.add(task)
        task.add_done_callback(self.unsubscribing.discard)

    async def _unsubscribe(self, name: str, channel: str) -> None:
        with suppress(Exception):
            async with self.layer_calls:
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
            self._topics_with_losses.add(name)

    async def _send_outgoing(self) -> None:
        try:
            for number in count(1):
                name, event = await self.outgoing.get()
                await self._send(name, event)
                if number % TURN_EVENTS == 0:
                    await asyncio.sleep(0)  # let it be received: a channel has a capacity
        except asyncio.CancelledError:
            # The event loop ends, as that of an async command does: send the rest first.
            with suppress(TimeoutError):
                async with asyncio.timeout(SEND_SECONDS):
                    while not self.outgoing.empty():
                        await self._send(*self.outgoing.get_nowait())
            raise

    async def _send(self, name: str, event: dict) -> None:
        """Hand an event to the layer. One that it cannot encode is dropped."""
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await get_channel_layer().group_send(name, event)
        except asyncio.CancelledError:
            self._put(name, event)
            raise
        except Exception as error:
            self.layer_failed(error)
            if is_outage(error):
                self._topics_with_losses.add(name)
        finally:
            self.outgoing.task_done()

    def _all_topics(self) -> list[Topic]:
        return [*self.topics.values(), *([self._heartbeat_topic] if self._heartbeat_topic else [])]

    def start_heartbeat(self) -> None:
        """Begin to send heartbeats, which keep ``layer_is_down`` right."""
        global _serving_hub
        if serving_hub() is None:
            _serving_hub = self
        if self._heartbeats is None:
            self._heartbeat_topic = Topic(f"hub.{uuid4().hex}", self)
            self._heartbeats = spawn(run_forever(self._send_heartbeats))

    async def is_ready(self) -> bool:
        """Return whether the layer carries events and holds each subscription."""
        self.start_heartbeat()
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_HEARTBEAT_SECONDS):
                await self.layer_state_known.wait()
        is_lost = any(topic.is_lost for topic in self.topics.values())
        return self.layer_state_known.is_set() and not self.layer_is_down and not is_lost

    async def _send_heartbeats(self) -> None:
        for number in count(1):
            try:
                self._layer_works(await self._check_layer())
            except Exception as error:
                self.layer_failed(error)
            with suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    await self._layer_failing.wait()
            self._layer_failing.clear()
            if self.layer_is_down:
                await asyncio.sleep(PROBE_SECONDS)
            if number % RENEW_HEARTBEATS == 0:
                await asyncio.gather(*(topic.renew() for topic in self._all_topics()))

    async def _check_layer(self) -> set[str]:
        """Send ourselves a heartbeat, and return the names of topics that the layer forgot.

        A layer can lose its groups without raising: then no heartbeat comes back.
        """
        own_topic = self._heartbeat_topic
        assert own_topic is not None
        self.heartbeat_seen.clear()
        async with asyncio.timeout(SEND_SECONDS):
            # It raises while the layer is away, so that nothing subscribes meanwhile.
            await get_channel_layer().group_send(own_topic.name, {"type": HEARTBEAT})
            lost = await self._find_lost()
            if own_topic.listener.done() or own_topic.name in lost:
                own_topic.restart()
            if not own_topic.subscribed.is_set():
                await own_topic.subscribed.wait()
                await get_channel_layer().group_send(own_topic.name, {"type": HEARTBEAT})
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self.heartbeat_seen.wait()
        except TimeoutError:
            for topic in self._all_topics():
                topic.restart()
            raise
        return lost

    def _layer_works(self, lost: Collection[str]) -> None:
        """Restart the topics that are lost, and let others catch up on what they missed."""
        self.layer_state_known.set()
        was_down, self.layer_is_down = self.layer_is_down, False
        if was_down:
            logger.warning("The channel layer is back")
        topics, self._topics_with_losses = self._topics_with_losses, set()
        for name in topics:  # a full queue fills the new set
            self._put(name, {"type": CATCH_UP})
        for topic in self.topics.values():
            if topic.listener.done() or topic.name in lost:
                topic.restart()
            elif was_down and topic.subscribed.is_set():  # some losses go unnoticed
                topic.catch_up()

    async def _find_lost(self) -> set[str]:
        """Return the names of topics, among the next CHECKED_TOPICS, that the layer forgot."""
        topics = [topic for topic in self._all_topics() if topic.subscribed.is_set()]
        if self._next_check >= len(topics):
            self._next_check = 0
        looked_at = topics[self._next_check :][:CHECKED_TOPICS]
        self._next_check += CHECKED_TOPICS
        lost = await find_lost({topic.name: topic.channel for topic in looked_at})
        if lost:
            names = ", ".join(sorted(lost)[:3])
            logger.warning("The channel layer lost %s subscriptions: %s …", len(lost), names)
        return lost

    def layer_failed(self, error: Exception) -> None:
        """Note that the layer is down. An error that is no outage is only logged, in full.

        The log has a line in WARNING_SECONDS, not one for each topic and event.
        """
        if not is_outage(error):
            logger.error("The channel layer cannot do this: dropped", exc_info=error)
            return
        self.layer_is_down = True
        self._layer_failing.set()
        self.layer_state_known.set()
        if self.loop.time() > self._next_warning_at:
            self._next_warning_at = self.loop.time() + WARNING_SECONDS
            logger.warning("The channel layer fails, will retry: %s", str(error) or repr(error))

    def on_event(self, event_type: str, handler: Callable[[Topic], None]) -> None:
        """Call ``handler`` with the topic for each event of this type; sockets do not get it."""
        self.handlers[event_type] = handler

    def _on_heartbeat(self, topic: Topic) -> None:
        self.heartbeat_seen.set()

    async def close(self) -> None:
        """Flush the queue and stop the listeners; a server waits for every task before it exits."""
        await self.outgoing.join()
        if self._heartbeats is not None:
            await cancel_and_wait(self._heartbeats)
            self._heartbeats = None  # for another server on this event loop
        for topic in self._all_topics():
            await cancel_and_wait(topic.listener)
        if self.unsubscribing:
            await asyncio.wait(self.unsubscribing)


_serving_hub: Hub | None = None  # that of the event loop that serves this process's sockets
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
    """Return the hub that serves this process's sockets, from any thread."""
    return _serving_hub if _serving_hub is not None and _serving_hub.is_serving else None
