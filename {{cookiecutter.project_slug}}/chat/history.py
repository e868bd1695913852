"""Frames for clients, read from the logs: history, welcome and position."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model

from chat import frames, rooms
from chat.frames import DirectMessageFrame, HistoryFrame, MessageFrame, PongFrame
from chat.models import Message, Room, user_person
from realtime.frames import Person

PAGE = 50  # messages
RESUME_LIMIT = 1000  # messages; a client that missed more starts over

# Columns, not instances: a page is read at each connect.
User: Any = get_user_model()
SHOWN = ["seq", "client_id", "text", "sent_at", "guest_id", "guest_name"]
AUTHOR = ["author_id", f"author__{User.USERNAME_FIELD}"]
RECIPIENT = ["recipient_id", f"recipient__{User.USERNAME_FIELD}"]


def history(
    room: Room, after: int | None = None, before: int | None = None, ref: str | int | None = None
) -> HistoryFrame:
    """Return a page of messages: after a seq, or just before one, or else the newest."""
    messages = Message.objects.filter(room=room).values_list(*SHOWN, *AUTHOR, *RECIPIENT)
    if after is not None:
        page = list(messages.filter(seq__gt=after).order_by("seq")[: PAGE + 1])
        shown = page[:PAGE]
    else:
        if before is not None:
            messages = messages.filter(seq__lt=before)
        page = list(messages.order_by("-seq")[: PAGE + 1])
        shown = page[:PAGE][::-1]
    is_direct = room.owner_id is not None
    return HistoryFrame(
        ref=ref,
        messages=[_message_frame(is_direct, *row) for row in shown],
        more=len(page) > PAGE,
        direct=is_direct,
    )


def _message_frame(
    is_direct: bool,
    seq: int,
    client_id: UUID,
    text: str,
    sent_at: datetime,
    guest_id: str,
    guest_name: str,
    *people: Any,
) -> MessageFrame | DirectMessageFrame:
    author_id, author_name, recipient_id, recipient_name = people
    author = Person(guest_id, guest_name) if guest_id else user_person(author_id, author_name)
    if not is_direct:
        return MessageFrame(seq, client_id, author, text, sent_at)
    recipient = user_person(recipient_id, recipient_name)
    return DirectMessageFrame(seq, client_id, author, text, sent_at, recipient)


def sync(user: Any, room: Room, log: Room, frame: frames.SyncRequest) -> HistoryFrame:
    """Answer a ``chat.sync`` on ``log``, to a socket in ``room``. Raises CloseSocket."""
    rooms.recheck_access(user, room)
    return history(log, frame.after, frame.before, frame.ref)


class JoinState(NamedTuple):
    """The answer to joining ``room``. The consumer fills in the members of ``welcome``."""

    room: Room
    inbox: Room | None
    welcome: frames.WelcomeFrame
    logs: list[HistoryFrame]


def join(found: Room, user: Any, session: Any, query: dict[str, str]) -> JoinState:
    """Return the messages after the seqs in ``query``, or the newest. Raises CloseSocket."""
    room, inbox = rooms.find_logs(found, user)
    you = rooms.person(user, session, query.get("name", ""))
    after, direct_after = as_seq(query.get("after")), as_seq(query.get("direct_after"))
    recovered = (
        query.get("epoch") == room.epoch
        and _is_near(room, after)
        and (inbox is None or direct_after is None or _is_near(inbox, direct_after))
    )
    welcome = frames.WelcomeFrame(
        room=frames.RoomInfo(room.slug, room.title),
        you=you,
        epoch=room.epoch,
        seq=room.seq,
        direct_seq=inbox.seq if inbox else 0,
        recovered=recovered,
        members=[],
        limits=frames.Limits(
            frame_bytes=settings.WEBSOCKET_MAX_BYTES,
            text_length=settings.CHAT_TEXT_LENGTH,
            rate=settings.WEBSOCKET_RATE,
            burst=settings.WEBSOCKET_BURST,
        ),
        heartbeat=settings.WEBSOCKET_HEARTBEAT_SECONDS,
    )
    logs = [_since(room, after if recovered else None)]
    if inbox is not None:
        logs.append(_since(inbox, direct_after if recovered else None))
    return JoinState(room, inbox, welcome, logs)


def _since(log: Room, after: int | None) -> HistoryFrame:
    """Return the messages after a seq, without a query where there are none.

    That is the usual case when all clients reconnect at once.
    """
    if log.seq == (after or 0):
        return HistoryFrame(messages=[], more=False, direct=log.owner_id is not None)
    return history(log, after)


def _is_near(log: Room, after: int | None) -> bool:
    """Whether a client that has seen ``after`` can go on from there."""
    return after is not None and 0 <= log.seq - after <= RESUME_LIMIT


def as_seq(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) < 16 else None


def position(user: Any, room: Room, own_inbox: Room | None) -> PongFrame:
    """Return the last seqs of a room and of an inbox. Raises CloseSocket."""
    logs = Room.objects.in_bulk([log.pk for log in (room, own_inbox) if log])
    found = rooms.check_access(user, logs.get(room.pk), room.slug)
    inbox = logs.get(own_inbox.pk) if own_inbox else None
    return PongFrame(seq=found.seq, direct_seq=inbox.seq if inbox else 0)
