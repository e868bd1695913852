"""What people do in rooms, for consumers, views and commands alike. It is plain, blocking ORM."""

from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.db.models import F

from chat.history import said
from chat.models import Message, Room, person_of
from realtime.frames import Close, Closed, Person, Refused
from realtime.hub import publish
from realtime.sessions import user_topic


def can_join(user: Any, room: Room) -> bool:
    """Whether ``user``, or a guest, may read and write in ``room``. The one place that decides."""
    if room.owner_id is not None:
        return False  # an inbox is read by the way
    return room.open_to_guests or user.is_authenticated


def find(slug: str, user: Any) -> Room:
    """Return the room that ``user``, or a guest, may join. Raises Closed."""
    room = Room.objects.filter(slug=slug).first()
    if room is None:
        raise Closed(Close.NOT_FOUND, f"no room {slug}")
    if not can_join(user, room):
        code = Close.FORBIDDEN if user.is_authenticated else Close.UNAUTHENTICATED
        raise Closed(code, f"{slug} is not open to you")
    return room


def post(room: Room, author: Person, user: Any, client_id: UUID, text: str) -> int:
    """Store a message, tell the room after the commit, and return the message's seq.

    The same ``client_id`` again changes nothing and returns the same seq. Raises Refused
    for a text without content, and for a ``client_id`` that somebody else has used.
    """
    check_text(text)
    with transaction.atomic():
        message, is_new = _append(room, author, user, client_id, text)
        if is_new:
            transaction.on_commit(partial(publish, room.topic, said(message)), robust=True)
    return message.seq


def post_direct(user: Any, to: str, client_id: UUID, text: str) -> int:
    """Store a message in the inboxes of both, tell them, and return its seq in ``user``'s.

    Raises Refused, as ``post`` does, and when ``to`` is nobody to write to.
    """
    check_text(text)
    recipient = find_recipient(user, to)
    seq = 0
    with transaction.atomic():
        for owner in sorted([user, recipient], key=lambda owner: owner.pk):  # against deadlocks
            message, is_new = _append(
                inbox(owner), person_of(user), user, client_id, text, recipient
            )
            if is_new:
                event = partial(publish, user_topic(owner), said(message))
                transaction.on_commit(event, robust=True)
            if owner == user:
                seq = message.seq
    return seq


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
    room: Room, author: Person, user: Any, client_id: UUID, text: str, recipient: Any = None
) -> tuple[Message, bool]:
    """Store a message under the room's next seq, unless it is there. To be called in a transaction.

    The update locks the room, so that no two writers get the same seq, and a seq whose
    transaction fails is given again.
    """
    is_user = user.is_authenticated
    try:
        with transaction.atomic():
            Room.objects.filter(pk=room.pk).update(seq=F("seq") + 1)
            return Message.objects.create(
                room=room,
                seq=Room.objects.values_list("seq", flat=True).get(pk=room.pk),
                client_id=client_id,
                author=user if is_user else None,
                guest_id="" if is_user else author.id,
                guest_name="" if is_user else author.name,
                recipient=recipient,
                text=text,
            ), True
    except IntegrityError:
        first = Message.objects.filter(room=room, client_id=client_id).first()
        if first is None:
            raise
        if first.person.id != author.id:
            raise Refused("invalid", "id: used by somebody else") from None
        return first, False
