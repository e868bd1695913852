import asyncio

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from channels.layers import get_channel_layer
from django.db import transaction

from realtime.broadcast import abroadcast, broadcast


def say(text: str) -> dict:
    return {"type": "echo.message", "text": text}


async def test_from_sync_code(echo):
    await echo.connect()
    await sync_to_async(broadcast)("echo", say("from a view"))
    assert await echo.receive_from() == "from a view"
    await echo.disconnect()


async def test_from_async_code(echo):
    await echo.connect()
    await abroadcast("echo", say("from an async view"))
    assert await echo.receive_from() == "from an async view"
    await echo.disconnect()


async def test_from_any_thread(echo):
    await echo.connect()
    await asyncio.to_thread(broadcast, "echo", say("from a thread"))
    assert await echo.receive_from() == "from a thread"
    await echo.disconnect()


async def test_after_the_commit(echo):
    @sync_to_async
    def save():
        with transaction.atomic():
            broadcast("echo", say("after"))
            async_to_sync(get_channel_layer().group_send)("echo", say("before"))

    await echo.connect()
    await save()
    assert [await echo.receive_from(), await echo.receive_from()] == ["before", "after"]
    await echo.disconnect()


async def test_never_after_a_rollback(echo):
    @sync_to_async
    def fail():
        with transaction.atomic():
            broadcast("echo", say("not stored"))
            transaction.set_rollback(True)
        broadcast("echo", say("next"))

    await echo.connect()
    await fail()
    assert await echo.receive_from() == "next"
    await echo.disconnect()


@pytest.mark.parametrize("group", ["", "with space", "ünïcode", "x" * 100])
async def test_a_bad_group_name_is_refused_at_once(group):
    with pytest.raises(TypeError):
        await abroadcast(group, say("nobody"))
    with pytest.raises(TypeError):
        await sync_to_async(broadcast)(group, say("nobody"))
