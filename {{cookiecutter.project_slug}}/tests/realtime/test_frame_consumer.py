"""A consumer that does something at the wrong moment is told what was expected."""

import re
from typing import Any, ClassVar

import pytest
from channels.testing import WebsocketCommunicator

from realtime.frame_consumer import FrameConsumer
from realtime.frames import AckFrame, ClientFrame, Person
from realtime.hub import hub
from serving.close_codes import CloseCode
from tests.live import ANSWER_SECONDS

pytestmark = pytest.mark.usefixtures("no_task_left")


class Question(ClientFrame, tag="test.question"):
    pass


class Right(FrameConsumer):
    def topic(self) -> Any:
        return "test.wrong"

    def join(self) -> Any:
        self.person = Person("guest-1", "guest")

    def welcome(self, state: Any, members: list[Person]) -> Any:
        return [AckFrame(0)]

    def position(self) -> Any:
        return AckFrame(1)

    def on_question(self, frame: Question) -> Any:
        return AckFrame(2, frame.ref)

    handlers: ClassVar = {Question: lambda self, frame: self.on_question(frame)}


def consumer(**methods: Any) -> type[Right]:
    """Return a consumer with these methods."""
    for name, method in methods.items():
        method.__qualname__ = f"Wrong.{name}"
    handlers = {Question: methods.get("on_question", Right.on_question)}
    return type("Wrong", (Right,), {**methods, "handlers": handlers})


async def frame_of(socket: WebsocketCommunicator, *kinds: str) -> dict:
    """Return the next frame of one of these types."""
    while (frame := await socket.receive_json_from(ANSWER_SECONDS))["type"] not in kinds:
        pass
    return frame


async def test_a_consumer_without_mistakes_answers():
    socket = WebsocketCommunicator(Right.as_asgi(), "/")
    await socket.connect()
    await socket.send_json_to({"type": "test.question", "ref": "r"})
    while (await frame_of(socket, "system.ack")).get("ref") != "r":
        pass
    await socket.disconnect()


REFUSED = {
    "a topic that is none": (
        consumer(topic=lambda self: 5),
        "Wrong.topic: expected to return str, not 5",
    ),
    "joining as nobody": (
        consumer(join=lambda self: None),
        "Wrong.join: expected to set self.person",
    ),
    "a welcome that is one frame": (
        consumer(welcome=lambda self, state, members: AckFrame(0)),
        "Wrong.welcome: expected to return list, not AckFrame(seq=0, ref=None)",
    ),
    "a welcome of no frames": (
        consumer(welcome=lambda self, state, members: ["Hello"]),
        "Wrong.welcome: expected to return Frame, not 'Hello'",
    ),
}


@pytest.mark.parametrize(("wrong", "complaint"), REFUSED.values(), ids=REFUSED)
async def test_a_socket_whose_consumer_cannot_join_is_closed_and_the_log_says_why(
    caplog, wrong, complaint
):
    socket = WebsocketCommunicator(wrong.as_asgi(), "/")
    await socket.connect()
    assert (await frame_of(socket, "system.disconnect"))["code"] == CloseCode.UNAVAILABLE
    assert complaint in caplog.text
    await socket.wait(ANSWER_SECONDS)


ANSWERED = {
    "a dict as the answer": (
        consumer(on_question=lambda self, frame: {"seq": 1}),
        "Wrong.on_question: expected to return Frame, not {'seq': 1}",
    ),
    "a text as the answer": (
        consumer(on_question=lambda self, frame: "yes"),
        "Wrong.on_question: expected to return Frame, not 'yes'",
    ),
    "a frame written in a thread": (
        consumer(on_question=lambda self, frame: self.write_frame(AckFrame(1))),
        "write_frame: expected an async def: plain handlers run in threads",
    ),
    "a catch-up in a thread": (
        consumer(on_question=lambda self, frame: self.catch_up()),
        "catch_up: expected an async def: plain handlers run in threads",
    ),
}


@pytest.mark.parametrize(("wrong", "complaint"), ANSWERED.values(), ids=ANSWERED)
async def test_a_handler_that_does_what_it_cannot_is_an_error_with_its_reason_in_the_log(
    caplog, wrong, complaint
):
    socket = WebsocketCommunicator(wrong.as_asgi(), "/")
    await socket.connect()
    await socket.send_json_to({"type": "test.question", "ref": "r"})
    error = await frame_of(socket, "system.error")
    assert (error["code"], error["ref"]) == ("internal", "r")
    assert complaint in caplog.text
    await socket.disconnect()


async def test_a_position_that_is_no_frame_is_an_error_with_its_reason_in_the_log(caplog):
    socket = WebsocketCommunicator(consumer(position=lambda self: 7).as_asgi(), "/")
    await socket.connect()
    await socket.send_json_to({"type": "system.ping", "ref": "r"})
    assert (await frame_of(socket, "system.error"))["code"] == "internal"
    assert "Wrong.position: expected to return Frame, not 7" in caplog.text
    await socket.disconnect()


async def test_an_event_that_no_method_handles_is_an_error_with_its_reason_in_the_log(caplog):
    socket = WebsocketCommunicator(Right.as_asgi(), "/")
    await socket.connect()
    await frame_of(socket, "system.ack")
    hub().send("test.wrong", {"type": "poll.changed"})
    assert (await frame_of(socket, "system.error"))["code"] == "internal"
    assert "Right: no method for the event poll.changed" in caplog.text
    assert len(re.findall("Traceback", caplog.text)) == 1
    await socket.disconnect()
