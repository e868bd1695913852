"""A consumer that speaks in frames, for tests of its base and of the client in the browser."""

from collections import Counter
from typing import Any

from django.db import OperationalError
from django.urls import path

from realtime.broadcast import broadcast
from realtime.frame_consumer import FrameConsumer
from realtime.frames import ClientFrame, CloseSocket, Frame, FrameError, Person, Ref
from serving.close_codes import CloseCode

totals: Counter[str] = Counter()  # of this process


class AddRequest(ClientFrame, tag="count.add"):
    number: int


class TotalFrame(Frame, tag="count.total"):
    total: int
    ref: Ref | None = None


class WelcomeFrame(Frame, tag="count.welcome"):
    you: Person
    members: list[Person]


def fail(number: int) -> None:
    """Raise what a handler may raise; nothing for a number that can be added."""
    errors: dict[int, Exception] = {
        -1: FrameError("invalid", "only upwards"),
        -2: CloseSocket(CloseCode.FORBIDDEN, "not for you"),
        -3: OperationalError("the database is away"),
        -4: IndexError("a mistake"),
    }
    if number in errors:
        raise errors[number]


class CountingConsumer(FrameConsumer):
    """Adds numbers up, for all sockets of one name. Nobody may join the name "closed"."""

    name: str

    def topic(self) -> str:
        self.name = self.scope["url_route"]["kwargs"]["name"]
        return f"count.{self.name}"

    def join(self) -> None:
        if self.name == "closed":
            raise CloseSocket(CloseCode.FORBIDDEN, "closed")
        self.person = self.current_person()

    def current_person(self) -> Person:
        if self.user.is_authenticated:
            return Person(f"user-{self.user.pk}", self.user.get_username())
        return Person(f"guest-{self.name}", "guest")

    def welcome(self, state: Any, members: list[Person]) -> list[Frame]:
        return [WelcomeFrame(self.person, members)]

    def position(self) -> Frame:
        return TotalFrame(totals[self.name])

    def on_add(self, frame: AddRequest) -> Frame:
        fail(frame.number)
        totals[self.name] += frame.number
        broadcast(f"count.{self.name}", TotalFrame(totals[self.name]))
        return TotalFrame(totals[self.name], frame.ref)

    handlers = {AddRequest: on_add}


websocket_urlpatterns = [path("ws/count/<slug:name>/", CountingConsumer.as_asgi())]
