"""What people do in rooms, for consumers, views and commands alike. It is plain, blocking ORM."""

from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection, transaction
from django.db.models import Q

from chat.frames import Said, SaidDirectly
from chat.guests import guest
from chat.models import SLUG_LENGTH, Message, Room, person_of
from realtime.frames import Close, Closed, Person, Refused
from realtime.hub import publish
from realtime.sessions import user_topic


def can_join(user: Any, room: Room) -> bool:
    """Whether ``user``, or a guest, may read and write in ``room``. The one place that decides."""
    if room.owner_id is not None:
        return False  # an inbox is read by the way
    return room.open_to_guests or user.is_authenticated


def topic_of(slug: str) -> str:
    """Return the topic of a room, whether or not there is such a room. Raises Closed."""
    if len(slug) > SLUG_LENGTH:
        raise Closed(Close.NOT_FOUND, "no such room")
    return Room(slug=slug).topic


def enter(slug: str, user: Any, session: dict, name: str) -> tuple[Room, Room | None, Person]:
    """Return a room, the inbox of a user, and who they or a guest are there. Raises Closed."""
    own = Q(owner=user) if user.is_authenticated else Q()
    logs = list(Room.objects.filter(Q(slug=slug) | own))
    room = next((log for log in logs if log.slug == slug), None)
    if room is None:
        raise Closed(Close.NOT_FOUND, f"no room {slug}")
    if not can_join(user, room):
        code = Close.FORBIDDEN if user.is_authenticated else Close.UNAUTHENTICATED
        raise Closed(code, f"{slug} is not open to you")
    if not user.is_authenticated:
        return room, None, guest(session, name)
    own_inbox = next((log for log in logs if log.owner_id is not None), None)
    return room, own_inbox or inbox(user), person_of(user)


def post(room: Room, author: Person, user: Any, client_id: UUID, text: str) -> int:
    """Store a message, tell the room after the commit, and return the message's seq.

    The same ``client_id`` again changes nothing and returns the same seq. Raises Refused
    for a text without content, and for a ``client_id`` that somebody else has used, and
    Closed when the room is gone.
    """
    check_text(text)
    try:
        with transaction.atomic():
            return _append(room, room.topic, author, user, client_id, text)
    except IntegrityError as error:
        return _seq_of(client_id, author, [room], error)


def post_direct(user: Any, to: str, client_id: UUID, text: str) -> int:
    """Store a message in the inboxes of both, tell them, and return its seq in ``user``'s.

    Raises Refused, as ``post`` does, and when ``to`` is nobody to write to.
    """
    check_text(text)
    recipient = find_recipient(user, to)
    author, seqs = person_of(user), {}
    inboxes = {owner: inbox(owner) for owner in (user, recipient)}
    try:
        with transaction.atomic():
            for owner in sorted(inboxes, key=lambda owner: owner.pk):  # against deadlocks
                seqs[owner] = _append(
                    inboxes[owner], user_topic(owner), author, user, client_id, text, recipient
                )
    except IntegrityError as error:
        return _seq_of(client_id, author, list(inboxes.values()), error)
    return seqs[user]


def check_text(text: str) -> None:
    if not text.strip():
        raise Refused("invalid", "text: nothing but white space")
    if "\0" in text:
        raise Refused("invalid", "text: contains a null character")


def find_recipient(user: Any, to: str) -> Any:
    """Return the active user whose person has the id ``to``. Raises Refused."""
    if not user.is_authenticated:
        raise Refused("forbidden", "log in to write to one person")
    pk = to.removeprefix("user-")
    users = get_user_model().objects.filter(is_active=True).exclude(pk=user.pk)
    recipient = users.filter(pk=pk).first() if pk.isdecimal() and len(pk) < 19 else None
    if recipient is None:
        raise Refused("invalid", "to: nobody to write to")
    return recipient


def inbox(user: Any) -> Room:
    """Return the log of the direct messages that ``user`` wrote and got."""
    room, _ = Room.objects.get_or_create(
        owner=user, defaults={"slug": f"direct-{uuid4().hex}", "title": f"To and from {user}"}
    )
    return room


def _append(
    room: Room,
    topic: str,
    author: Person,
    user: Any,
    client_id: UUID,
    text: str,
    recipient: Any = None,
) -> int:
    """Store a message under the room's next seq, and return that. To be called in a transaction.

    Raises IntegrityError when ``client_id`` is taken.
    """
    seq, is_user = _next_seq(room), user.is_authenticated
    message = Message.objects.create(
        room=room,
        seq=seq,
        client_id=client_id,
        author=user if is_user else None,
        guest_id="" if is_user else author.id,
        guest_name="" if is_user else author.name,
        recipient=recipient,
        text=text,
    )
    if recipient is None:
        said = Said(seq, client_id, author, text, message.sent_at)
    else:
        to = person_of(recipient)
        said = SaidDirectly(seq, client_id, author, text, message.sent_at, to)
    transaction.on_commit(partial(publish, topic, said), robust=True)
    return seq


def _next_seq(room: Room) -> int:
    """Count a room's messages up, and return the new number. Raises Closed.

    The update locks the room until the transaction ends: no two writers get the same seq,
    and a seq whose transaction fails is given again. PostgreSQL and SQLite return it at once.
    """
    with connection.cursor() as cursor:
        cursor.execute("UPDATE chat_room SET seq = seq + 1 WHERE id = %s RETURNING seq", [room.pk])
        row = cursor.fetchone()
    if row is None:
        raise Closed(Close.NOT_FOUND, f"no room {room.slug} any more")
    return row[0]


def _seq_of(client_id: UUID, author: Person, logs: list[Room], error: IntegrityError) -> int:
    """Return the seq, in the first log, of what ``author`` has stored under ``client_id``.

    Raises Refused when somebody else has, and ``error`` when nobody has: it has another cause.
    """
    stored = {m.room_id: m for m in Message.objects.filter(room__in=logs, client_id=client_id)}
    if not stored:
        raise error
    message = stored.get(logs[0].pk)
    if message is None or message.person.id != author.id:
        raise Refused("invalid", "id: used by somebody else")
    return message.seq
