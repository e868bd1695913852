"""The frames of the chat."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from django.conf import settings
from msgspec import Meta, Struct

from realtime.frames import ClientFrame, Frame, Person, Ref

Text = Annotated[str, Meta(min_length=1, max_length=settings.CHAT_TEXT_LENGTH)]
Seq = Annotated[int, Meta(ge=0, le=2**53)]


class SendRequest(ClientFrame, tag="chat.send"):
    """Post a text in the room. The same ``id`` again is the same message."""

    id: UUID
    text: Text


class DirectRequest(ClientFrame, tag="chat.direct"):
    """Send a text to one person, whose id is ``to``."""

    id: UUID
    to: str
    text: Text


class SyncRequest(ClientFrame, tag="chat.sync"):
    """Ask for the messages after, or just before, a seq: of the room, or the direct ones."""

    after: Seq | None = None
    before: Seq | None = None
    direct: bool = False


class TypingRequest(ClientFrame, tag="chat.typing"):
    """The user is typing. It is shown to the room, and not stored."""


class RoomInfo(Struct, frozen=True):
    slug: str
    title: str


class Limits(Struct, frozen=True):
    frame_bytes: int
    text_length: int
    rate: float
    burst: int


class WelcomeFrame(Frame, tag="chat.welcome"):
    """The first frame. Where ``recovered``, the history goes on from the client's position."""

    room: RoomInfo
    you: Person
    epoch: str
    seq: int
    direct_seq: int
    recovered: bool
    members: list[Person]
    limits: Limits
    heartbeat: float


class MessageFrame(Frame, tag="chat.message"):
    """A stored message of the room. ``seq`` counts up by one in each log."""

    seq: int
    id: UUID
    user: Person
    text: str
    sent_at: datetime


class DirectMessageFrame(MessageFrame, tag="chat.direct"):
    """A direct message, to both of its people. ``seq`` is that of the reader's own inbox."""

    to: Person


class HistoryFrame(Frame, tag="chat.history"):
    """A page of messages, the oldest first. ``more`` says whether there are others."""

    messages: list[MessageFrame]
    more: bool
    direct: bool = False
    ref: Ref | None = None


class TypingFrame(Frame, tag="chat.typing"):
    """Somebody in the room is typing."""

    user: Person


class PongFrame(Frame, tag="system.pong"):
    """The last seq of both logs: a client that has missed a message sees a gap."""

    seq: int
    direct_seq: int
    ref: Ref | None = None
