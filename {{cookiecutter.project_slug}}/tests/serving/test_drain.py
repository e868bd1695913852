import asyncio
import logging
import os
import threading
import time
from unittest.mock import Mock

import pytest
from django.conf import settings

from config import asgi
from serving import forced_exit
from serving.close_codes import CloseCode
from serving.connections import ConnectionTracker, server_state
from serving.drain import drain, skip_wait
from serving.forced_exit import ForcedExit
from tests.live import ANSWER_SECONDS, run_python


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch) -> None:
    monkeypatch.setattr("serving.connections.READ_SECONDS", 0)  # nobody here answers a close frame
    monkeypatch.setattr("serving.drain.REQUESTS_SECONDS", 0.5)


@pytest.fixture
def exits(monkeypatch) -> list:
    """The thread that would end the test run, and the statuses it would exit with."""
    exits: list = []
    monkeypatch.setattr(forced_exit, "_exit", lambda: exits.append(forced_exit.STATUS))
    monkeypatch.setattr("serving.drain.fail_at_exit", lambda: exits.append("at exit"))
    return exits


# As under runserver: the server's thread goes on while Python waits for another one to end.
AFTER_THE_MAIN_THREAD = """
import asyncio, threading
from serving.connections import ConnectionTracker

async def consumer(scope, receive, send):
    while True:
        await asyncio.to_thread(int)

async def serve():
    tracker = ConnectionTracker(consumer)
    await tracker({"type": "websocket", "path": "/"}, asyncio.Future, print)
    ended.set()

ended = threading.Event()
threading.Thread(target=lambda: asyncio.run(serve()), daemon=True).start()
threading.Thread(target=lambda: ended.wait(SECONDS) and print("ended")).start()
"""


async def begin(view) -> tuple[asyncio.Task, list]:
    """Begin a request to ``view(receive, send)``. Return its task, and what is sent."""

    async def application(scope, receive, send) -> None:
        await view(receive, send)

    async def receive() -> dict:
        return await asyncio.Future()  # the client stays

    async def send(event: dict) -> None:
        sent.append(event.get("status", event.get("body")))

    sent: list = []
    scope = {"type": "http", "method": "GET", "path": "/slow/"}
    task = asyncio.create_task(ConnectionTracker(application)(scope, receive, send))
    await asyncio.sleep(0)
    return task, sent


def open_socket(accept: asyncio.Event) -> tuple[asyncio.Task, list]:
    """Begin a WebSocket that is accepted, and then never ends by itself.

    Return its task, and the types and codes of what is sent.
    """

    async def application(scope, receive, send) -> None:
        await accept.wait()
        await send({"type": "websocket.accept"})
        await asyncio.Event().wait()

    async def send(event: dict) -> None:
        sent.append((event["type"], event.get("code")))

    sent: list = []
    scope = {"type": "websocket", "path": "/"}
    task = asyncio.create_task(ConnectionTracker(application)(scope, asyncio.Future, send))
    return task, sent


def test_a_socket_that_outlives_the_main_thread_is_no_failure():
    program = AFTER_THE_MAIN_THREAD.replace("SECONDS", str(ANSWER_SECONDS))
    output = run_python("-c", program, env=dict(os.environ), folder=settings.BASE_DIR)
    assert output == "ended\nexit status 0"


async def test_an_open_socket_is_closed_and_its_consumer_ends(peer):
    await peer.connect()
    await drain()
    closed = await peer.receive_output()
    assert (closed["type"], closed["code"]) == ("websocket.close", CloseCode.RESTART)
    assert not server_state().sockets
    await peer.wait()


async def test_a_handshake_that_comes_late_is_closed_at_once(peer):
    await drain()
    assert (await peer.connect())[0]
    assert (await peer.receive_output())["code"] == CloseCode.RESTART
    await peer.wait()


async def test_a_handshake_under_way_is_ended_and_then_closed(monkeypatch):
    """A server would answer one that is broken off with status 500."""
    monkeypatch.setattr("serving.drain.SOCKETS_SECONDS", 0.2)
    accept = asyncio.Event()
    socket, sent = open_socket(accept)
    await asyncio.sleep(0)
    draining = asyncio.create_task(drain())
    await asyncio.sleep(0)
    accept.set()
    await draining
    assert sent == [("websocket.accept", None), ("websocket.close", CloseCode.RESTART)]
    await asyncio.wait({socket}, timeout=ANSWER_SECONDS)
    assert socket.cancelled()


async def test_a_handshake_that_comes_meanwhile_is_not_broken_off(monkeypatch):
    monkeypatch.setattr("serving.drain.SOCKETS_SECONDS", 0.2)
    accept = asyncio.Event()
    accept.set()
    old, _ = open_socket(accept)
    await asyncio.sleep(0)
    draining = asyncio.create_task(drain())
    await asyncio.sleep(0)
    accept.clear()
    new, sent = open_socket(accept)
    await draining
    assert old.cancelled()
    accept.set()
    await wait_for_close(sent)
    assert sent == [("websocket.accept", None), ("websocket.close", CloseCode.RESTART)]
    new.cancel()


async def wait_for_close(sent: list) -> None:
    async with asyncio.timeout(ANSWER_SECONDS):
        while not sent or sent[-1][0] != "websocket.close":  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_all_callers_wait_for_the_same_end(peer):
    await peer.connect()
    await asyncio.gather(drain(), drain())
    assert (await peer.receive_output())["code"] == CloseCode.RESTART
    assert await peer.receive_nothing()
    await peer.wait()


async def test_a_second_server_in_one_process_is_open(peer):
    await drain()
    sent = await lifespan()
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert (await peer.connect())[0]
    await peer.send_to(text_data="Hello")
    assert await peer.receive_from() == "You said: Hello"
    await peer.disconnect()


async def lifespan() -> list[str]:
    """Start and stop a server, as far as the application sees it."""
    events, sent = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}], []

    async def receive() -> dict:
        return events.pop(0)

    async def send(event: dict) -> None:
        sent.append(event["type"])

    await asgi.application({"type": "lifespan"}, receive, send)
    return sent


def test_another_event_loop_has_its_own_drain():
    async def drained() -> bool:
        await drain()
        return server_state().is_stopping

    async def is_stopping() -> bool:
        return server_state().is_stopping

    assert asyncio.run(drained())
    assert not asyncio.run(is_stopping())


async def test_a_request_under_way_may_end():
    async def slow(receive, send) -> None:
        await asyncio.sleep(0.1)
        await send({"type": "http.response.start", "status": 200})

    under_way, sent = await begin(slow)
    await drain()
    assert sent == [200]
    await under_way


async def test_a_request_that_takes_too_long_is_told_that_its_client_left(caplog, exits):
    async def endless(receive, send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        ended.append(True)

    ended: list[bool] = []
    under_way, sent = await begin(endless)
    await drain(ends_process=True)
    await under_way
    assert ended
    assert sent == [503, None]
    assert "Cut off to stop the server: 'GET /slow/'" in caplog.text
    assert exits == ["at exit"]


async def test_a_request_that_does_not_listen_is_cancelled():
    async def deaf(receive, send) -> None:
        try:
            await asyncio.sleep(ANSWER_SECONDS)
        finally:
            ended.append(True)

    ended: list[bool] = []
    under_way, sent = await begin(deaf)
    await drain()
    await under_way
    assert ended
    assert sent == [503, None]


async def test_a_stream_is_ended_and_that_is_no_failure(exits):
    async def stream(receive, send) -> None:
        await send({"type": "http.response.start", "status": 200})
        await receive()

    under_way, sent = await begin(stream)
    await drain(ends_process=True)
    await under_way
    assert sent == [200]
    assert exits == []


async def test_a_second_signal_skips_the_wait(monkeypatch, exits):
    async def endless(receive, send) -> None:
        await receive()

    monkeypatch.setattr("serving.drain.REQUESTS_SECONDS", ANSWER_SECONDS)
    under_way, _ = await begin(endless)
    draining = asyncio.ensure_future(drain(ends_process=True))
    await asyncio.sleep(0)
    skip_wait()
    async with asyncio.timeout(ANSWER_SECONDS / 2):
        await draining
        await under_way
    deadline = server_state().forced_exit
    assert deadline is not None
    assert deadline.deadline < time.monotonic() + ANSWER_SECONDS


async def test_a_server_in_another_program_starts_nothing_that_ends_it():
    before = threading.enumerate()
    await drain()
    assert server_state().forced_exit is None
    assert threading.enumerate() == before


async def test_a_server_that_does_not_end_is_ended_and_the_log_says_what_ran(caplog, capfd, exits):
    end = ForcedExit(0, lambda: ["'GET /slow/'"])
    end.start()
    await asyncio.to_thread(end.join)
    assert exits == [1]
    assert "Forced to exit, still running: 'GET /slow/'" in caplog.text
    assert "(most recent call first)" in capfd.readouterr().err  # what each thread does


def test_a_program_that_goes_on_after_its_server_is_left_alone(exits, caplog):
    async def start() -> ForcedExit:
        end = ForcedExit(0.2, list)
        end.start()
        return end

    asyncio.run(start()).join()
    assert exits == []
    assert not caplog.records


class ClientDisconnected(OSError):
    """An error that a server may raise when the client has left."""


async def test_a_client_that_leaves_while_it_is_written_to_is_ordinary(caplog):
    async def writes_for_ever(scope, receive, send) -> None:
        await send({"type": "websocket.accept"})
        while True:
            await send({"type": "websocket.send", "text": "tick"})
            written.append(True)

    async def send(event: dict) -> None:
        if len(written) == 3:
            raise ClientDisconnected
        await asyncio.sleep(0)

    written: list[bool] = []
    caplog.set_level(logging.DEBUG)
    await ConnectionTracker(writes_for_ever)({"type": "websocket"}, Mock(), send)
    assert len(written) == 3
    assert not caplog.records


async def play(events: list[str], received: list[dict] | None = None) -> list[str]:
    """Let a consumer receive and then send events, and return those that the server gets."""

    async def consumer(scope, receive, send) -> None:
        for _ in received or ():
            await receive()
        for kind in events:
            await send({"type": f"websocket.{kind}"})

    async def receive() -> dict:
        return (received or []).pop(0)

    async def send(event: dict) -> None:
        sent.append(event["type"].removeprefix("websocket."))

    sent: list[str] = []
    await ConnectionTracker(consumer)({"type": "websocket", "path": "/ws/echo/"}, receive, send)
    return sent


@pytest.mark.parametrize(
    ("events", "complaint"),
    [
        (["send"], "CONNECTING>: expected websocket.accept or websocket.close, not websocket.send"),
        (
            ["accept", "accept"],
            "OPEN>: expected websocket.send or websocket.close, not websocket.accept",
        ),
        (
            ["accept", "close", "send"],
            "ENDED>: expected nothing after websocket.close, not websocket.send",
        ),
        (["close", "accept"], "ENDED>: expected nothing after websocket.close"),
    ],
)
async def test_a_consumer_that_sends_at_a_wrong_moment_is_told_what_was_expected(
    caplog, events, complaint
):
    sent = await play(events)
    assert complaint in caplog.text
    assert sent[-1] == "close"
    assert sent.count("close") == 1


async def test_a_consumer_may_close_twice_and_send_to_a_client_that_has_left(caplog):
    assert await play(["accept", "close", "close"]) == ["accept", "close"]
    await play(["accept", "send", "close"], [{"type": "websocket.disconnect"}])
    assert not caplog.records


async def test_a_consumer_that_sends_before_it_accepts_is_refused_and_told_why(caplog):
    async def forgets_to_accept(scope, receive, send) -> None:
        await send({"type": "websocket.send", "text": "Hello"})

    async def send(event: dict) -> None:
        sent.append(event["type"])

    sent: list[str] = []
    scope = {"type": "websocket", "path": "/ws/tests/"}
    await ConnectionTracker(forgets_to_accept)(scope, Mock(), send)
    assert sent == ["websocket.close"]
    assert "'WebSocket /ws/tests/' CONNECTING>: expected websocket.accept" in caplog.text


async def test_an_error_of_the_system_is_no_client_that_left(caplog):
    async def reads_a_file(scope, receive, send) -> None:
        raise FileNotFoundError("settings.toml")

    async def send(event: dict) -> None:
        sent.append(event)

    sent: list[dict] = []
    await ConnectionTracker(reads_a_file)({"type": "websocket"}, Mock(), send)
    assert "FileNotFoundError" in caplog.text


async def test_a_consumer_may_close_by_the_name_of_a_code():
    async def consumer(scope, receive, send) -> None:
        await send({"type": "websocket.close", "code": CloseCode.NOT_FOUND})

    async def send(event: dict) -> None:
        codes.append(event["code"])

    codes: list[int] = []
    await ConnectionTracker(consumer)({"type": "websocket", "path": "/"}, Mock(), send)
    assert codes == [4004]
    assert type(codes[0]) is int  # not every server takes an IntEnum


@pytest.mark.parametrize("event", [{}, {"code": None}, {"code": 1005}])
async def test_a_disconnect_always_has_a_code(event):
    heard = []

    async def consumer(scope, receive, send) -> None:
        heard.append(await receive())

    async def receive() -> dict:
        return {"type": "websocket.disconnect", **event}

    async def send(event: dict) -> None:
        raise AssertionError(event)

    await ConnectionTracker(consumer)({"type": "websocket", "path": "/"}, receive, send)
    assert heard == [{"type": "websocket.disconnect", "code": 1005}]
