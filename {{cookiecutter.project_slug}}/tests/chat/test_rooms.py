"""A seq counts up by one in each room, whatever happens while messages are stored."""

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, connections, transaction

from chat import rooms
from chat.history import history
from chat.models import Message, Room
from realtime import broadcast
from realtime.frames import CloseSocket, FrameError, Person
from realtime.sessions import user_topic
from serving.close_codes import CloseCode

GUEST = Person("guest-1", "guest")


def post(room: Room, text: str, client_id: UUID | None = None) -> int:
    return rooms.post(room, GUEST, AnonymousUser(), client_id or uuid4(), text)


def test_seqs_count_up_by_one_in_each_room(room, members_room):
    assert [post(room, "a"), post(room, "b")] == [1, 2]
    assert post(members_room, "c") == 1
    assert post(room, "d") == 3


def test_a_rollback_consumes_no_seq(room):
    with transaction.atomic():
        assert post(room, "taken back") == 1
        transaction.set_rollback(True)
    room.refresh_from_db()
    assert room.seq == 0
    assert post(room, "stored") == 1


def test_nothing_is_sent_before_the_commit(room, ann, bob, monkeypatch):
    sent: list[str] = []

    def send(topic: str, event: object) -> None:
        sent.append(topic)

    monkeypatch.setattr(broadcast, "_send", send)
    for is_stored in (False, True):
        with transaction.atomic():
            post(room, "to all")
            rooms.post_direct(ann.user, bob.id, uuid4(), "to one")
            assert sent == []
            transaction.set_rollback(not is_stored)
    assert sent[0] == room.topic
    assert set(sent[1:]) == {user_topic(ann.user), user_topic(bob.user)}


def test_posting_as_a_deleted_user_closes_the_socket(room, ann, bob):
    user = type(ann.user)._default_manager.get(pk=ann.user.pk)
    ann.user.delete()
    for say in (
        lambda: rooms.post(room, Person(ann.id, "ann"), user, uuid4(), "still here"),
        lambda: rooms.post_direct(user, bob.id, uuid4(), "still here"),
    ):
        with pytest.raises(CloseSocket) as closed:
            say()
        assert closed.value.code == CloseCode.UNAUTHENTICATED
    assert not Message.objects.exists()


def test_the_same_again_consumes_no_seq(room):
    client_id = uuid4()
    assert [post(room, "once", client_id) for _ in range(3)] == [1, 1, 1]
    with pytest.raises(FrameError):
        rooms.post(room, Person("guest-2", "other"), AnonymousUser(), client_id, "once")
    room.refresh_from_db()
    assert room.seq == 1
    assert post(room, "next") == 2


def test_the_first_text_of_an_id_is_kept(room):
    client_id = uuid4()
    post(room, "first", client_id)
    post(room, "second", client_id)
    assert [message.text for message in Message.objects.filter(room=room)] == ["first"]


def test_threads_write_without_gaps_or_doubles(room):
    def post_all(name: str) -> list[int]:
        try:
            return [post(room, f"{name} {number}") for number in range(25)]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        seqs = list(pool.map(post_all, "abcd"))
    assert sorted(chain.from_iterable(seqs)) == list(range(1, 101))
    assert all(mine == sorted(mine) for mine in seqs)


def test_the_same_id_from_many_threads_is_one_message(room):
    client_id, together = uuid4(), threading.Barrier(8)

    def post_once(_: int) -> int:
        try:
            together.wait(5)
            return post(room, "once", client_id)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(post_once, range(8))) == {1}
    assert Message.objects.filter(room=room).count() == 1


def test_another_conflict_is_not_taken_for_a_message_sent_again(room):
    post(room, "first")
    Room.objects.filter(pk=room.pk).update(seq=0)  # as a damaged database has it
    with pytest.raises(IntegrityError):
        post(room, "second")


def test_posting_in_a_deleted_room_closes_the_socket(room):
    Room.objects.filter(pk=room.pk).delete()
    with pytest.raises(CloseSocket) as closed:
        post(room, "anybody?")
    assert closed.value.code == CloseCode.NOT_FOUND


def test_direct_messages_cross_without_a_deadlock(ann, bob):
    def write(pair: tuple) -> list[int]:
        sender, recipient = pair
        try:
            return [rooms.post_direct(sender.user, recipient.id, uuid4(), "x") for _ in range(20)]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, [(ann, bob), (bob, ann)]))
    for account in (ann, bob):
        log = Message.objects.filter(room__owner=account.user)
        assert list(log.values_list("seq", flat=True)) == list(range(1, 41))


def test_a_room_has_one_inbox_for_each_user(ann):
    assert rooms.inbox(ann.user) == rooms.inbox(ann.user)


def test_a_deleted_author_is_shown_as_deleted(room, ann):
    rooms.post(room, Person(ann.id, "ann"), ann.user, uuid4(), "Hello")
    ann.user.delete()
    (message,) = history(room).messages
    assert message.user == Person("", "(deleted)")
