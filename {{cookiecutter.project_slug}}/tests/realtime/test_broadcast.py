import threading

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from channels.layers import channel_layers, get_channel_layer
from django.db import transaction
from django.http import HttpResponse
from django.urls import path

from realtime.broadcast import abroadcast, broadcast


def say(text: str) -> dict:
    return {"type": "tests.message", "text": text}


def view(request):
    broadcast("tests", say("from a view"))
    return HttpResponse()


async def async_view(request):
    await abroadcast("tests", say("from an async view"))
    return HttpResponse()


urlpatterns = [path("view/", view), path("async_view/", async_view)]


@pytest.mark.parametrize(
    ("address", "text"),
    [("/view/", "from a view"), ("/async_view/", "from an async view")],
)
async def test_from_a_view(peer, settings, async_client, address, text):
    settings.ROOT_URLCONF = __name__
    await peer.connect()
    await async_client.get(address)
    assert await peer.receive_from() == text
    await peer.disconnect()


async def test_from_any_thread(peer):
    await peer.connect()
    thread = threading.Thread(target=broadcast, args=("tests", say("from a thread")))
    thread.start()  # nothing but the event itself may wake this event loop
    assert await peer.receive_from(timeout=5) == "from a thread"
    thread.join()
    await peer.disconnect()


async def test_after_the_commit(peer):
    @sync_to_async
    def save():
        with transaction.atomic():
            broadcast("tests", say("after"))
            async_to_sync(get_channel_layer().group_send)("tests", say("before"))

    await peer.connect()
    await save()
    assert [await peer.receive_from(), await peer.receive_from()] == ["before", "after"]
    await peer.disconnect()


async def test_never_after_a_rollback(peer):
    @sync_to_async
    def fail():
        with transaction.atomic():
            broadcast("tests", say("not stored"))
            transaction.set_rollback(True)
        broadcast("tests", say("next"))

    await peer.connect()
    await fail()
    assert await peer.receive_from() == "next"
    await peer.disconnect()


class BrokenLayer:
    """A channel layer whose server is away, or whose caller has made a mistake."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def group_send(self, group: str, event: dict) -> None:
        raise self.error


@pytest.mark.parametrize("error", [ConnectionError("away"), ValueError("a mistake")])
async def test_a_commit_stays_when_its_event_cannot_be_sent(
    transactional_db, monkeypatch, caplog, error
):
    monkeypatch.setitem(channel_layers.backends, "default", BrokenLayer(error))

    @sync_to_async
    def save():
        with transaction.atomic():
            broadcast("tests", say("stored"))

    await save()
    assert str(error) in caplog.text
    assert ("Traceback" in caplog.text) == isinstance(error, ValueError)
    with pytest.raises(type(error)):
        await abroadcast("tests", say("not stored"))


async def test_an_outage_raises_nothing_and_a_mistake_is_raised(
    transactional_db, monkeypatch, caplog
):
    monkeypatch.setitem(channel_layers.backends, "default", BrokenLayer(ConnectionError("away")))
    await sync_to_async(broadcast)("tests", say("not sent"))
    assert "Not sent to tests: ConnectionError('away')" in caplog.text
    monkeypatch.setitem(channel_layers.backends, "default", BrokenLayer(ValueError("a mistake")))
    with pytest.raises(ValueError, match="a mistake"):
        await sync_to_async(broadcast)("tests", say("not sent"))


@pytest.mark.parametrize("group", ["", "with space", "ünïcode", "x" * 100])
async def test_a_bad_group_name_is_refused_at_once(group):
    with pytest.raises(TypeError):
        await abroadcast(group, say("nobody"))
    with pytest.raises(TypeError):
        await sync_to_async(broadcast)(group, say("nobody"))
