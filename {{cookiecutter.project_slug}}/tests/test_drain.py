import asyncio
import threading
from unittest.mock import Mock

import pytest

from realtime.drain import RESTART, Drain, drain


@pytest.fixture(autouse=True)
def _as_before(monkeypatch) -> None:
    monkeypatch.setattr(Drain, "started", None)
    monkeypatch.setattr("realtime.drain.READ_SECONDS", 0)  # nobody here answers a close frame
    monkeypatch.setattr(threading, "Timer", Mock())  # the last resort would end the test run


async def test_an_open_socket_is_closed_and_its_consumer_ends(echo):
    await echo.connect()
    await drain()
    closed = await echo.receive_output()
    assert (closed["type"], closed["code"]) == ("websocket.close", RESTART)
    assert not Drain.sockets
    await echo.wait()


async def test_a_handshake_that_comes_late_is_closed_at_once(echo):
    await drain()
    assert (await echo.connect())[0]
    assert (await echo.receive_output())["code"] == RESTART
    await echo.wait()


async def test_a_request_under_way_may_end():
    async def slow(scope, receive, send):
        await asyncio.sleep(0.2)
        ended.append(True)

    ended: list[bool] = []
    request = asyncio.ensure_future(Drain(slow)({"type": "http"}, None, None))
    await asyncio.sleep(0)
    await drain()
    assert ended
    await request


async def test_all_who_ask_wait_for_the_same_end(echo):
    await echo.connect()
    await asyncio.gather(drain(), drain())
    assert (await echo.receive_output())["code"] == RESTART
    assert await echo.receive_nothing()
    await echo.wait()
