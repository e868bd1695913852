"""What clients are shown of the logs, as frames."""

from django.conf import settings

from chat import frames
from chat.frames import History, Pong, Said, SaidDirectly
from chat.models import Message, Room, person_of
from realtime.frames import Frame, Person

PAGE = 50  # messages
RESUME_LIMIT = 1000  # messages; a client that missed more starts over


def said(message: Message) -> Said:
    """Return the frame that shows ``message``."""
    fields = {
        "seq": message.seq,
        "id": message.client_id,
        "user": message.person,
        "text": message.text,
        "sent_at": message.sent_at,
    }
    if message.room.owner_id is None:
        return Said(**fields)
    return SaidDirectly(**fields, to=person_of(message.recipient))


def history(
    room: Room, after: int | None = None, before: int | None = None, ref: str | int | None = None
) -> History:
    """Return a page of messages: those after a seq, or those just before one, or the newest."""
    messages = Message.objects.filter(room=room).select_related("room", "author", "recipient")
    if after is not None:
        page = list(messages.filter(seq__gt=after).order_by("seq")[: PAGE + 1])
        shown = page[:PAGE]
    else:
        if before is not None:
            messages = messages.filter(seq__lt=before)
        page = list(messages.order_by("-seq")[: PAGE + 1])
        shown = page[:PAGE][::-1]
    return History(
        ref=ref,
        messages=[said(message) for message in shown],
        more=len(page) > PAGE,
        direct=room.owner_id is not None,
    )


def welcome(
    room: Room, inbox: Room | None, you: Person, members: list[Person], query: dict[str, str]
) -> list[Frame]:
    """Return the first frames for a socket: from ``query``'s seqs on, or the newest messages."""
    newest_seqs = newest(room, inbox)
    after, direct_after = as_seq(query.get("after")), as_seq(query.get("direct_after"))
    recovered = (
        query.get("epoch") == room.epoch
        and after is not None
        and 0 <= newest_seqs.seq - after <= RESUME_LIMIT
    )
    first = frames.Welcome(
        room=frames.RoomInfo(room.slug, room.title),
        you=you,
        epoch=room.epoch,
        seq=newest_seqs.seq,
        direct_seq=newest_seqs.direct_seq,
        recovered=recovered,
        members=members,
        limits=frames.Limits(
            frame_bytes=settings.WEBSOCKET_MAX_BYTES,
            text_length=settings.CHAT_TEXT_LENGTH,
            rate=settings.WEBSOCKET_RATE,
            burst=settings.WEBSOCKET_BURST,
        ),
        heartbeat=settings.WEBSOCKET_HEARTBEAT_SECONDS,
    )
    logs = [history(room, after if recovered else None)]
    if inbox is not None:
        logs.append(history(inbox, direct_after if recovered else None))
    return [first, *logs]


def as_seq(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) < 16 else None


def newest(room: Room, own_inbox: Room | None) -> Pong:
    """Return the newest seq of a room and of an inbox."""
    pks = [log.pk for log in (room, own_inbox) if log]
    seqs = dict(Room.objects.filter(pk__in=pks).values_list("pk", "seq"))
    return Pong(seq=seqs.get(room.pk, 0), direct_seq=seqs.get(own_inbox.pk, 0) if own_inbox else 0)
