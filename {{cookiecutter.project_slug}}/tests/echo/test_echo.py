import pytest
from channels.testing import WebsocketCommunicator
from django.conf import settings

from realtime.broadcast import abroadcast


@pytest.fixture
def echo(application) -> WebsocketCommunicator:
    """A client of the echo endpoint, through the whole application."""
    return WebsocketCommunicator(
        application, "/ws/echo/", headers=[(b"origin", b"http://localhost")]
    )


async def test_the_echo_answers_each_text(echo):
    assert (await echo.connect())[0]
    await echo.send_to(text_data="안녕, world 👋")
    assert await echo.receive_from() == "You said: 안녕, world 👋"
    await echo.disconnect()


async def test_it_counts_bytes(echo):
    await echo.connect()
    await echo.send_to(bytes_data=b"\x00\xff\x00")
    assert await echo.receive_from() == "You said: 3 bytes"
    await echo.disconnect()


async def test_its_group_hears_other_code(echo):
    await echo.connect()
    await abroadcast("echo", {"type": "echo.message", "text": "Hello, all"})
    assert await echo.receive_from() == "Hello, all"
    await echo.disconnect()


async def test_a_message_at_the_limit_is_answered(echo):
    await echo.connect()
    await echo.send_to(text_data="ü" * (settings.WEBSOCKET_MAX_BYTES // 2))
    assert (await echo.receive_from()).startswith("You said: ü")
    await echo.disconnect()


async def test_a_message_above_the_limit_closes_the_socket(echo):
    await echo.connect()
    await echo.send_to(text_data="ü" * (settings.WEBSOCKET_MAX_BYTES // 2) + "u")
    closed = await echo.receive_output()
    assert (closed["type"], closed["code"]) == ("websocket.close", 4009)
    await echo.disconnect()
