"""One subscription for each topic, which comes back when the channel layer does."""

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
{% if cookiecutter.channel_layer == 'redis_pubsub' %}
from channels.layers import channel_layers
{% else %}
from channels.layers import channel_layers, get_channel_layer
{% endif %}
from django.db import transaction

from realtime import hub as hub_module
from realtime.broadcast import broadcast
from realtime.frames import AckFrame
from realtime.hub import hub, serving_hub
from realtime.presence import presence

pytestmark = pytest.mark.usefixtures("no_task_left")

TOPIC = "room.test"
HELLO = {"type": "websocket.send", "text": AckFrame(1).encode()}


class Subscriber:
    """Keeps the frames and events that one socket is handed."""

    def __init__(self) -> None:
        self.received: asyncio.Queue[dict] = asyncio.Queue()

    def write(self, event: dict) -> None:
        self.received.put_nowait(event)

    def handle(self, event: dict) -> None:
        self.received.put_nowait(event)

    def catch_up(self) -> None:
        self.received.put_nowait({"type": "catch_up"})

    async def next(self) -> dict:
        async with asyncio.timeout(5):
            return await self.received.get()


class Layer:
    """A channel layer that can fail, as one does whose server is away."""

    def __init__(self) -> None:
        self.is_away = False
        self.groups: dict[str, set[str]] = {}
        self.queues: dict[str, asyncio.Queue] = {}
        self.sent: list[tuple[str, dict]] = []
        self.subscriptions = 0  # that were asked for

    def fail(self) -> None:
        self.is_away = True
        for queue in self.queues.values():
            queue.put_nowait(None)
        self.groups.clear()

    def _check(self) -> None:
        if self.is_away:
            raise ConnectionError("away")

    async def new_channel(self) -> str:
        self.subscriptions += 1
        channel = uuid4().hex
        self.queues[channel] = asyncio.Queue()
        return channel

    async def group_add(self, group: str, channel: str) -> None:
        self._check()
        self.groups.setdefault(group, set()).add(channel)

    async def group_discard(self, group: str, channel: str) -> None:
        self._check()
        self.groups.get(group, set()).discard(channel)

    async def group_send(self, group: str, event: dict) -> None:
        self._check()
        json.dumps(event)
        self.sent.append((group, event))
        for channel in self.groups.get(group, ()):
            self.queues[channel].put_nowait(event)

    async def receive(self, channel: str) -> dict:
        event = await self.queues[channel].get()
        if event is None:
            raise ConnectionError("away")
        return event


@pytest.fixture
def layer(monkeypatch) -> Layer:
    layer = Layer()
    monkeypatch.setitem(channel_layers.backends, "default", layer)
    return layer


async def all_done() -> None:
    """Let everything run that waits for nothing."""
    for _ in range(20):
        await asyncio.sleep(0)


async def becomes(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_topic_that_can_be_no_group_is_refused_at_once():
    with pytest.raises(TypeError):
        await hub().join("room." + "x" * 100, Subscriber())
    assert not hub().topics
    assert not hub().layer_is_down


async def test_a_frame_reaches_each_subscriber_of_its_topic():
    ann, bob, other = Subscriber(), Subscriber(), Subscriber()
    await asyncio.gather(hub().join(TOPIC, ann), hub().join(TOPIC, bob))
    await hub().join("room.other", other)
    broadcast(TOPIC, AckFrame(1))
    assert await ann.next() == await bob.next() == HELLO
    broadcast("room.other", AckFrame(1))
    assert await other.next() == HELLO
    assert ann.received.empty()


async def test_another_event_is_handled_as_it_is():
    ann = Subscriber()
    await hub().join(TOPIC, ann)
    broadcast(TOPIC, {"type": "user.changed", "more": [1, "안녕"]})
    assert await ann.next() == {"type": "user.changed", "more": [1, "안녕"]}


async def test_frames_keep_their_order_from_any_thread():
    ann = Subscriber()
    await hub().join(TOPIC, ann)

    def broadcast_all() -> None:
        for number in range(100):
            broadcast(TOPIC, {"type": "number", "number": number})

    thread = threading.Thread(target=broadcast_all)
    thread.start()
    assert [(await ann.next())["number"] for _ in range(100)] == list(range(100))
    thread.join()


async def test_a_topic_ends_with_its_last_subscriber(layer):
    ann, bob = Subscriber(), Subscriber()
    await hub().join(TOPIC, ann)
    await hub().join(TOPIC, bob)
    assert len(layer.groups[TOPIC]) == 1
    hub().leave(TOPIC, ann)
    broadcast(TOPIC, AckFrame(1))
    assert await bob.next() == HELLO
    assert ann.received.empty()
    hub().leave(TOPIC, bob)
    await all_done()
    assert not hub().topics
    assert not layer.groups[TOPIC]
    hub().leave(TOPIC, bob)  # twice does no harm


async def test_joining_again_at_once_receives_events_again(layer):
    ann = Subscriber()
    for _ in range(3):
        await hub().join(TOPIC, ann)
        broadcast(TOPIC, AckFrame(1))
        assert await ann.next() == HELLO
        hub().leave(TOPIC, ann)


async def test_subscribers_are_told_when_the_layer_is_back(layer, caplog):
    ann, bob = Subscriber(), Subscriber()
    await hub().join(TOPIC, ann)
    await hub().join(TOPIC, bob)
    layer.fail()
    await all_done()
    broadcast(TOPIC, AckFrame(1))  # lost
    layer.is_away = False
    assert await ann.next() == await bob.next() == {"type": "catch_up"}
    broadcast(TOPIC, AckFrame(1))
    assert await ann.next() == await bob.next() == HELLO
    assert caplog.text.count("The channel layer fails") == 1


@pytest.fixture
def quick_beat(monkeypatch) -> None:
    monkeypatch.setattr(hub_module, "HEARTBEAT_SECONDS", 0.05)
    monkeypatch.setattr(hub_module, "SEND_SECONDS", 0.2)


async def test_a_layer_that_forgot_all_without_an_error_is_noticed(layer, quick_beat):
    ann = Subscriber()
    await hub().join(TOPIC, ann)
    layer.groups.clear()
    assert await ann.next() == {"type": "catch_up"}
    broadcast(TOPIC, AckFrame(1))
    assert await ann.next() == HELLO


async def test_subscriptions_are_renewed_before_they_end(layer, quick_beat, monkeypatch):
    monkeypatch.setattr(hub_module, "RENEW_HEARTBEATS", 1)
    ann = Subscriber()
    await hub().join(TOPIC, ann)
    channels, layer.groups[TOPIC] = layer.groups[TOPIC], set()  # its time is over
    await becomes(lambda: layer.groups[TOPIC] == channels)
    broadcast(TOPIC, AckFrame(1))
    assert await ann.next() == HELLO


async def test_a_subscription_that_fails_as_it_is_replaced_does_no_harm(layer, monkeypatch):
    receive, failures = layer.receive, [ConnectionError("cut off")]

    async def fails_at_its_end(channel: str) -> dict:
        try:
            return await receive(channel)
        except asyncio.CancelledError as cancelled:
            raise (failures.pop() if failures else cancelled) from None

    monkeypatch.setattr(layer, "receive", fails_at_its_end)
    ann = Subscriber()
    await hub().join(TOPIC, ann)
    topic = hub().topics[TOPIC]
    await all_done()
    topic.restart()
    assert await ann.next() == {"type": "catch_up"}
    await all_done()
    assert topic.subscribed.is_set()
    assert not hub().layer_is_down
    assert len(layer.groups[TOPIC]) == 1


async def test_all_sockets_catch_up_after_a_heartbeat_that_failed(layer, quick_beat):
    ann = Subscriber()
    await hub().join(TOPIC, ann)
    layer.is_away = True
    await becomes(lambda: hub().layer_is_down)
    layer.is_away = False
    assert await ann.next() == {"type": "catch_up"}


async def test_other_processes_catch_up_on_events_that_could_not_be_sent(layer, quick_beat):
    hub().start_heartbeat()
    elsewhere = await layer.new_channel()  # as if of another process
    await layer.group_add(TOPIC, elsewhere)
    await all_done()
    layer.is_away = True  # for what is sent alone: the subscriptions stay
    broadcast(TOPIC, AckFrame(1))
    await all_done()
    assert hub().layer_is_down
    layer.is_away = False
    assert await asyncio.wait_for(layer.receive(elsewhere), 5) == {"type": "hub.catch_up"}
    assert not hub().layer_is_down


async def test_a_socket_that_joined_during_an_outage_catches_up_after_it(layer, monkeypatch):
    monkeypatch.setattr(hub_module, "JOIN_SECONDS", 0.05)
    layer.fail()
    ann = Subscriber()
    await hub().join(TOPIC, ann)
    layer.is_away = False
    assert await ann.next() == {"type": "catch_up"}
    broadcast(TOPIC, AckFrame(1))
    assert await ann.next() == HELLO


async def test_a_layer_that_takes_no_event_delays_only_sending(layer, monkeypatch):
    monkeypatch.setattr(hub_module, "SEND_SECONDS", 0.05)
    never, send = asyncio.Event(), layer.group_send
    sent: list[Any] = []

    async def hangs_at_first(group: str, event: dict) -> None:
        if group == TOPIC:
            sent.append(event)
            if len(sent) == 1:
                await never.wait()
        await send(group, event)

    monkeypatch.setattr(layer, "group_send", hangs_at_first)
    ann = Subscriber()
    await hub().join(TOPIC, ann)
    broadcast(TOPIC, AckFrame(0))
    broadcast(TOPIC, AckFrame(1))
    assert await ann.next() == HELLO


async def test_the_queue_for_the_layer_has_a_bound(layer, monkeypatch):
    monkeypatch.setattr(hub_module, "MAX_OUTGOING", 5)
    monkeypatch.setattr(hub_module, "_hubs", {})
    ann = Subscriber()
    await hub().join(TOPIC, ann)
    for number in range(10):
        broadcast(TOPIC, {"type": "number", "number": number})
    await all_done()
    await asyncio.wait_for(ann.next(), 5)
    assert hub().outgoing.qsize() == 0
    assert ann.received.qsize() < 9


async def test_there_is_one_hub_for_each_event_loop():
    hub().start_heartbeat()
    assert hub() is hub() is serving_hub()


@pytest.mark.parametrize("topic", ["user.ann@example.com", "room.caf\u00e9", "x" * 100, ""])
async def test_a_name_that_can_be_no_group_is_refused_where_it_is_used(layer, topic):
    with pytest.raises(TypeError):
        broadcast(topic, AckFrame(1))
    with pytest.raises(ValueError, match="type"):
        broadcast(TOPIC, {"text": "of no type"})
    assert not hub().layer_is_down


async def test_an_event_that_cannot_be_encoded_is_dropped_and_logged(layer, caplog):
    ann = Subscriber()
    await hub().join(TOPIC, ann)
    broadcast(TOPIC, {"type": "user.changed", "user": object()})
    broadcast(TOPIC, AckFrame(1))
    assert await ann.next() == HELLO
    assert not hub().layer_is_down
    assert await hub().is_ready()
    assert "is not JSON serializable" in caplog.text
    assert "Traceback" in caplog.text


async def test_a_connection_that_uvloop_finds_closed_is_an_outage(layer, monkeypatch, caplog):
    send, closed = layer.group_send, "unable to perform operation on <X>; the handler is closed"
    errors = [RuntimeError(closed)]

    async def fails_once(group: str, event: dict) -> None:
        if group == TOPIC and errors:
            raise errors.pop()
        await send(group, event)

    monkeypatch.setattr(layer, "group_send", fails_once)
    ann = Subscriber()
    await hub().join(TOPIC, ann)
    broadcast(TOPIC, AckFrame(1))
    assert await ann.next() == {"type": "catch_up"}
    assert "The channel layer fails" in caplog.text
    assert "Traceback" not in caplog.text


async def test_an_event_that_raises_where_it_arrives_is_dropped_and_logged(layer, caplog):
    ann = Subscriber()
    await hub().join(TOPIC, ann)
    await layer.group_send(TOPIC, {"type": "hub.frame"})  # without its text
    await layer.group_send(TOPIC, {})
    broadcast(TOPIC, AckFrame(1))
    assert await ann.next() == HELLO
    assert caplog.text.count("was dropped") == caplog.text.count("KeyError: ") == 2
    assert not hub().layer_is_down


async def test_a_listener_that_has_ended_is_noticed_and_started_again(layer, quick_beat, caplog):
    ann = Subscriber()
    await hub().join(TOPIC, ann)
    hub().topics[TOPIC].listener.cancel()
    assert await ann.next() == {"type": "catch_up"}
    broadcast(TOPIC, AckFrame(1))
    assert await ann.next() == HELLO
    assert f"The listener of {TOPIC} had ended" in caplog.text


async def test_a_listener_that_met_no_outage_is_started_again_too(
    layer, quick_beat, monkeypatch, caplog
):
    receive, mistakes = layer.receive, [ValueError("no event")]

    async def fails_once(channel: str) -> dict:
        event = await receive(channel)
        if channel in layer.groups[TOPIC] and mistakes:
            raise mistakes.pop()
        return event

    monkeypatch.setattr(layer, "receive", fails_once)
    ann = Subscriber()
    await hub().join(TOPIC, ann)
    broadcast(TOPIC, AckFrame(0))
    assert await ann.next() == {"type": "catch_up"}
    broadcast(TOPIC, AckFrame(1))
    assert await ann.next() == HELLO
    assert not hub().layer_is_down
    assert "ValueError: no event" in caplog.text


async def test_a_closed_hub_starts_no_listener_again_until_it_is_used(layer, quick_beat, caplog):
    hub().start_heartbeat()
    await becomes(hub().layer_state_known.is_set)
    await hub().close()
    before = layer.subscriptions
    await asyncio.sleep(0.2)  # of several heartbeats
    assert layer.subscriptions == before
    assert "had ended" not in caplog.text
    ann = Subscriber()
    await hub().join(TOPIC, ann)
    layer.groups.clear()
    assert await ann.next() == {"type": "catch_up"}


async def test_one_alone_asks_for_a_layer_that_is_away(layer, monkeypatch):
    monkeypatch.setattr(hub_module, "PROBE_SECONDS", 0.05)
    monkeypatch.setattr(hub_module, "JOIN_SECONDS", 0.05)
    subscribers = [Subscriber() for _ in range(30)]
    for number, subscriber in enumerate(subscribers):
        await hub().join(f"{TOPIC}.{number}", subscriber)
    layer.fail()
    await becomes(lambda: hub().layer_is_down)
    await hub().join(f"{TOPIC}.late", Subscriber())
    before = layer.subscriptions
    await asyncio.sleep(1)
    assert layer.subscriptions == before
    assert not await hub().is_ready()
    layer.is_away = False
    for subscriber in subscribers:
        assert await subscriber.next() == {"type": "catch_up"}
    async with asyncio.timeout(10):  # the last topics may still be subscribing
        while not await hub().is_ready():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_layer_that_was_never_there_is_not_taken_for_ready(layer):
    layer.is_away = True
    assert not await hub().is_ready()
    layer.is_away = False
    await becomes(lambda: hub().layer_state_known.is_set() and not hub().layer_is_down)
    assert await hub().is_ready()
{% if cookiecutter.channel_layer != 'redis_pubsub' %}


async def forget(group: str) -> None:
    """Let the layer lose a group, as one whose memory is full does."""
    layer: Any = get_channel_layer()
{% if cookiecutter.channel_layer == 'redis' %}
    await layer.connection(0).delete(layer._group_key(group))
{% else %}
    layer.groups.pop(group)
{% endif %}


async def test_a_subscription_lost_alone_comes_back(quick_beat, caplog):
    ann, bob = Subscriber(), Subscriber()
    await hub().join(TOPIC, ann)
    await hub().join("room.other", bob)
    await forget(TOPIC)
    assert await ann.next() == {"type": "catch_up"}
    broadcast(TOPIC, AckFrame(1))
    assert await ann.next() == HELLO
    assert f"The channel layer lost 1 subscriptions: {TOPIC}" in caplog.text
    assert bob.received.empty()
{% endif %}


async def test_event_loops_that_come_and_go_own_nothing_and_leave_nothing():
    ann = Subscriber()
    await hub().join(TOPIC, ann)

    async def elsewhere(number: int) -> None:
        await presence().members([TOPIC])
        broadcast(TOPIC, {"type": "number", "number": number})

    for number in range(20):
        await asyncio.to_thread(asyncio.run, elsewhere(number))
        assert (await ann.next())["number"] == number
    assert serving_hub() is hub()
    assert len(hub_module._hubs) <= 2


def test_events_of_an_async_command_are_sent_before_it_ends(layer):
    async def command() -> None:
        for number in range(5):
            broadcast(TOPIC, {"type": "number", "number": number})

    asyncio.run(command())
    assert [event["number"] for _, event in layer.sent] == list(range(5))


async def test_a_forked_process_sends_by_itself(layer, monkeypatch):
    hub().start_heartbeat()
    monkeypatch.setattr(hub(), "process", 0)  # that of the parent
    await asyncio.to_thread(broadcast, TOPIC, {"type": "from.a.child"})
    assert (TOPIC, {"type": "from.a.child"}) in layer.sent


@pytest.mark.parametrize("error", [ConnectionError("away"), ValueError("a mistake")])
async def test_a_stored_message_stays_stored_when_it_cannot_be_broadcast(
    layer, monkeypatch, transactional_db, caplog, error
):
    async def fail(group: str, event: dict) -> None:
        raise error

    @sync_to_async
    def store() -> None:
        with transaction.atomic():
            broadcast(TOPIC, AckFrame(1))

    monkeypatch.setattr(layer, "group_send", fail)
    await store()
    assert str(error) in caplog.text
    assert ("Traceback" in caplog.text) == isinstance(error, ValueError)
