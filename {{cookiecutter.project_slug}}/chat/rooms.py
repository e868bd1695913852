"""Rights and messages of rooms, for consumers, views and commands. Plain synchronous ORM code."""

from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth import get_user_model
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.utils.translation import gettext as _

from chat.frames import DirectMessageFrame, MessageFrame
from chat.guests import guest
from chat.models import Message, Room, person_of
from realtime.broadcast import broadcast
from realtime.frames import CloseSocket, FrameError, Person
from realtime.sessions import user_topic
from realtime.text import has_visible
from serving.close_codes import CloseCode
from serving.throttle import Throttle

NEW_RECIPIENTS = Throttle("NEW_RECIPIENTS_PER_HOUR", seconds=3600)


def can_join(user: Any, room: Room) -> bool:
    """Whether ``user``, or a guest, may read and write in ``room``. The one place that decides."""
    if room.owner_id is not None:
        return False  # inboxes cannot be joined; direct messages arrive in any room
    return room.open_to_guests or user.is_authenticated


def slug_of(scope: dict) -> str:
    """Return the slug in a WebSocket's address, with or without the route that found it."""
    route = scope.get("url_route") or {"kwargs": {}}
    return route["kwargs"].get("slug") or scope["path"].strip("/").rpartition("/")[2]


def find(slug: str) -> Room:
    """Return the room of a slug, whether or not the user may join it. Raises CloseSocket."""
    room = Room.objects.filter(slug=slug).first()
    if room is None:
        raise CloseSocket(CloseCode.NOT_FOUND, f"no room {slug}")
    return room


def check_access(user: Any, room: Room | None, slug: str) -> Room:
    """Return ``room`` if ``user`` may be in it and ``slug`` is its own. Raises CloseSocket.

    Permissions change while sockets are open, so each use of a socket and each heartbeat
    checks them, with the room and the user as the database has them now.
    """
    if room is None or room.slug != slug:
        raise CloseSocket(CloseCode.NOT_FOUND, f"no room {slug}")
    if not can_join(user, room):
        code = CloseCode.FORBIDDEN if user.is_authenticated else CloseCode.UNAUTHENTICATED
        raise CloseSocket(code, f"{slug} is not open to you")
    return room


def recheck_access(user: Any, room: Room) -> Room:
    """Check access to ``room`` read anew. Raises CloseSocket."""
    return check_access(user, Room.objects.filter(pk=room.pk).first(), room.slug)


def find_logs(room: Room, user: Any) -> tuple[Room, Room | None]:
    """Return ``room`` read anew, and the inbox of a logged-in user. Raises CloseSocket."""
    own = Q(owner=user) if user.is_authenticated else Q()
    logs = list(Room.objects.filter(Q(pk=room.pk) | own))
    found = check_access(user, next((log for log in logs if log.pk == room.pk), None), room.slug)
    if not user.is_authenticated:
        return found, None
    own_inbox = next((log for log in logs if log.owner_id is not None), None)
    return found, own_inbox or inbox(user)


def person(user: Any, session: Any, name: str = "") -> Person:
    """Return the person that a user is, or that a guest with this session is."""
    return person_of(user) if user.is_authenticated else guest(session, name)


def post_if_allowed(room: Room, author: Person, user: Any, client_id: UUID, text: str) -> int:
    """Post as ``post`` does, if ``user`` may be in the room now. Raises CloseSocket if not."""
    recheck_access(user, room)
    return post(room, author, user, client_id, text)


def post(room: Room, author: Person, user: Any, client_id: UUID, text: str) -> int:
    """Store a message, tell the room after the commit, and return the message's seq.

    The same ``client_id`` again changes nothing and returns the same seq. Raises FrameError
    for a text without content, and for a ``client_id`` that somebody else has used, and
    CloseSocket when the room or the user is gone.
    """
    check_text(text)
    try:
        with transaction.atomic():
            return _append(room, room.topic, author, user, client_id, text)
    except IntegrityError as error:
        return _seq_of(client_id, author, [room], user, error)


def post_direct(user: Any, to: str, client_id: UUID, text: str) -> int:
    """Store a message in the inboxes of both, tell them, and return its seq in ``user``'s.

    Raises FrameError as ``post`` does, and when ``to`` is no active user or ``user`` itself.
    """
    check_text(text)
    recipient = find_recipient(user, to)
    author, seqs, inboxes = person_of(user), {}, {}
    try:
        inboxes = {owner: inbox(owner) for owner in (user, recipient)}
        limit_new_recipients(user, recipient, inboxes[user])
        with transaction.atomic():
            for owner in sorted(inboxes, key=lambda owner: owner.pk):  # against deadlocks
                seqs[owner] = _append(
                    inboxes[owner], user_topic(owner), author, user, client_id, text, recipient
                )
    except IntegrityError as error:
        find_recipient(user, to)  # deleted meanwhile?
        return _seq_of(client_id, author, list(inboxes.values()), user, error)
    return seqs[user]


def check_text(text: str) -> None:
    if not has_visible(text):
        raise FrameError("invalid", _("there is nothing to see in this text"))
    if "\0" in text:
        raise FrameError("invalid", _("this text contains a null character"))


def find_recipient(user: Any, to: str) -> Any:
    """Return the active user whose person has the id ``to``. Raises FrameError."""
    if not user.is_authenticated:
        raise FrameError("forbidden", _("log in to write to one person"))
    try:
        recipient = get_user_model()._default_manager.get(pk=to.removeprefix("user-"))
    except (ObjectDoesNotExist, ValidationError, ValueError):  # the last two: not a key
        recipient = None
    if (
        recipient is None
        or recipient == user
        or not recipient.is_active
        or person_of(recipient).id != to  # as "user-01" is not, for user 1
    ):
        raise FrameError("invalid", _("there is nobody to write to"))
    return recipient


def limit_new_recipients(user: Any, recipient: Any, own_inbox: Room) -> None:
    """Raise FrameError when ``user`` writes to too many new people: it would list all users."""
    talk = Q(author=recipient) | Q(recipient=recipient)
    if Message.objects.filter(talk, room=own_inbox).exists():
        return
    if NEW_RECIPIENTS.is_over(f"user-{user.pk}"):
        raise FrameError("forbidden", _("you wrote to too many new people, try again in an hour"))


def inbox(user: Any) -> Room:
    """Return the log of the direct messages that ``user`` wrote and got."""
    room, _created = Room.objects.get_or_create(
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
        frame = MessageFrame(seq, client_id, author, text, message.sent_at)
    else:
        to = person_of(recipient)
        frame = DirectMessageFrame(seq, client_id, author, text, message.sent_at, to)
    broadcast(topic, frame)
    return seq


def _next_seq(room: Room) -> int:
    """Count a room's messages up, and return the new number. Raises CloseSocket.

    The update locks the room until the transaction ends: no two writers get the same seq,
    and a seq whose transaction fails is given again. RETURNING saves a query:
    PostgreSQL has it, and SQLite since 3.35, but MySQL has not.
    """
    with connection.cursor() as cursor:
        table = connection.ops.quote_name(Room._meta.db_table)
        cursor.execute(f"UPDATE {table} SET seq = seq + 1 WHERE id = %s RETURNING seq", [room.pk])
        row = cursor.fetchone()
    if row is None:
        raise CloseSocket(CloseCode.NOT_FOUND, f"no room {room.slug} any more")
    return row[0]


def _seq_of(
    client_id: UUID, author: Person, logs: list[Room], user: Any, error: IntegrityError
) -> int:
    """Return the seq, in the first log, of what ``author`` has stored under ``client_id``.

    Raises FrameError when somebody else has, CloseSocket when ``user`` was deleted meanwhile, and
    ``error`` when it has another cause.
    """
    stored = {m.room_id: m for m in Message.objects.filter(room__in=logs, client_id=client_id)}
    if not stored:
        users = get_user_model()._default_manager
        if user.is_authenticated and not users.filter(pk=user.pk).exists():
            raise CloseSocket(CloseCode.UNAUTHENTICATED, "the user was deleted") from error
        raise error
    message = stored.get(logs[0].pk)
    if message is None or message.person.id != author.id:
        raise FrameError("invalid", "id: used by somebody else")
    return message.seq


@receiver([post_save, post_delete], sender=Room)
def _on_room_changed(instance: Room, created: bool = False, **kwargs: Any) -> None:
    """Let the sockets of a room check whether they may stay."""
    topic = instance.topic  # now: a deleted instance loses its primary key
    if not created:
        broadcast(topic, {"type": "room.changed"})
