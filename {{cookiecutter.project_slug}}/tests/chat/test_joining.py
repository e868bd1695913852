"""A socket is let in or not, and shown what it has missed, a page at a time."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from websockets.exceptions import InvalidStatus

from chat import rooms
from chat.models import Message, Room
from realtime.threads import in_thread


def fill(room: Room, count: int) -> None:
    """Store messages with the texts 1 to ``count``."""
    messages = [
        Message(
            room=room,
            seq=seq,
            client_id=uuid4(),
            guest_id="guest-1",
            guest_name="guest",
            text=str(seq),
            sent_at=datetime.now(UTC),
        )
        for seq in range(1, count + 1)
    ]
    Message.objects.bulk_create(messages)
    Room.objects.filter(pk=room.pk).update(seq=count)


def seqs(history: dict) -> list[int]:
    found = [message["seq"] for message in history["messages"]]
    assert [int(message["text"]) for message in history["messages"]] == found
    return found


def span(first: int, last: int) -> list[int]:
    return list(range(first, last + 1))


async def test_a_guest_is_welcomed(join, strict, room):
    async with join(strict, room, name="ann") as ann:
        you = ann.welcome["you"]
        assert you["id"].startswith("guest-")
        assert ann.welcome == {
            "type": "chat.welcome",
            "room": {"slug": room.slug, "title": "Room"},
            "you": {"id": you["id"], "name": "ann"},
            "epoch": room.epoch,
            "seq": 0,
            "direct_seq": 0,
            "recovered": False,
            "members": [you],
            "limits": {
                "frame_bytes": settings.WEBSOCKET_MAX_BYTES,
                "text_length": settings.CHAT_TEXT_LENGTH,
                "rate": settings.WEBSOCKET_RATE,
                "burst": settings.WEBSOCKET_BURST,
            },
            "heartbeat": 1,
        }
        assert ann.history == {"type": "chat.history", "messages": [], "more": False}


async def test_a_user_is_welcomed_by_name(join, one, room, ann):
    async with join(one, room, ann, name="somebody else") as socket:
        assert socket.welcome["you"] == ann.person
        assert socket.direct_history["messages"] == []


async def test_guests_without_a_name_get_one(join, one, room):
    async with join(one, room) as ann, join(one, room) as bob:
        assert ann.welcome["you"]["name"].startswith("guest-")
        assert ann.welcome["you"]["id"] != bob.welcome["you"]["id"]


async def test_the_history_is_read_backwards_to_the_very_first(join, one, room):
    await in_thread(fill, room, 120)
    async with join(one, room) as ann:
        assert ann.welcome["seq"] == 120
        assert (seqs(ann.history), ann.history["more"]) == (span(71, 120), True)
        page = await ann.ask("chat.sync", before=71)
        assert (seqs(page), page["more"]) == (span(21, 70), True)
        page = await ann.ask("chat.sync", before=21)
        assert (seqs(page), page["more"]) == (span(1, 20), False)
        page = await ann.ask("chat.sync", before=1)
        assert (seqs(page), page["more"]) == ([], False)


async def test_the_history_is_read_forwards_to_the_newest(join, one, room):
    await in_thread(fill, room, 120)
    async with join(one, room) as ann:
        page = await ann.ask("chat.sync", after=20)
        assert (seqs(page), page["more"]) == (span(21, 70), True)
        page = await ann.ask("chat.sync", after=70)
        assert (seqs(page), page["more"]) == (span(71, 120), False)
        page = await ann.ask("chat.sync", after=120)
        assert (seqs(page), page["more"]) == ([], False)
        page = await ann.ask("chat.sync", after=10_000)
        assert (seqs(page), page["more"]) == ([], False)


async def test_a_full_page_that_is_the_last_has_no_more(join, one, room):
    await in_thread(fill, room, 50)
    async with join(one, room) as ann:
        assert (seqs(ann.history), ann.history["more"]) == (span(1, 50), False)
        assert (await ann.ask("chat.sync", after=0))["more"] is False


async def test_a_sync_without_a_seq_asks_for_the_newest(join, one, room):
    await in_thread(fill, room, 60)
    async with join(one, room) as ann:
        page = await ann.ask("chat.sync")
        assert (seqs(page), page["more"]) == (span(11, 60), True)


async def test_a_sync_with_both_seqs_asks_for_messages_after(join, one, room):
    await in_thread(fill, room, 60)
    async with join(one, room) as ann:
        page = await ann.ask("chat.sync", after=50, before=20)
        assert (seqs(page), page["more"]) == (span(51, 60), False)


async def test_direct_messages_have_pages_of_their_own(join, one, room, ann):
    inbox = await in_thread(rooms.inbox, ann.user)
    await in_thread(fill, inbox, 60)
    async with join(one, room, ann) as socket:
        assert (socket.welcome["seq"], socket.welcome["direct_seq"]) == (0, 60)
        assert (seqs(socket.direct_history), socket.direct_history["more"]) == (span(11, 60), True)
        page = await socket.ask("chat.sync", direct=True, before=11)
        assert (seqs(page), page["more"], page["direct"]) == (span(1, 10), False, True)
        page = await socket.ask("chat.sync", direct=True, after=0)
        assert (seqs(page), page["more"]) == (span(1, 50), True)
        assert seqs(await socket.ask("chat.sync", after=0)) == []


async def test_a_guest_has_no_direct_messages(join, one, room):
    async with join(one, room) as ann:
        assert (await ann.ask("chat.sync", direct=True))["code"] == "forbidden"


async def test_a_reconnect_gets_the_missed_messages(join, one, two, room, ann):
    await in_thread(fill, await in_thread(rooms.inbox, ann.user), 5)
    await in_thread(fill, room, 60)
    async with join(two, room, ann, epoch=room.epoch, after=57, direct_after=3) as socket:
        assert socket.welcome["recovered"] is True
        assert (seqs(socket.history), socket.history["more"]) == (span(58, 60), False)
        assert (seqs(socket.direct_history), socket.direct_history["more"]) == ([4, 5], False)


async def test_a_client_that_missed_many_messages_asks_for_the_rest(join, one, room):
    await in_thread(fill, room, 1000)
    async with join(one, room, epoch=room.epoch, after=0) as ann:
        assert ann.welcome["recovered"] is True
        assert (seqs(ann.history), ann.history["more"]) == (span(1, 50), True)


async def test_a_client_that_missed_nothing_gets_nothing(join, one, room):
    await in_thread(fill, room, 3)
    async with join(one, room, epoch=room.epoch, after=3) as ann:
        assert ann.welcome["recovered"] is True
        assert (seqs(ann.history), ann.history["more"]) == ([], False)


UNKNOWN = [
    {"epoch": "another", "after": 1000},
    {"after": 0},
    {"after": 2000},
    {"after": -1},
    {"after": 10**30},
    {"after": "1' OR 1"},
    {"after": "²"},
    {"after": ""},
    {"after": "\0"},
    {"epoch": "", "after": 1000},
    {"epoch": "\0\ud7ff" * 100, "after": 1000},
]


async def test_a_client_that_cannot_be_recovered_starts_over(join, one, room):
    await in_thread(fill, room, 1001)
    for query in UNKNOWN:
        async with join(one, room, **{"epoch": room.epoch, **query, "direct_after": "x"}) as ann:
            assert ann.welcome["recovered"] is False, query
            assert (seqs(ann.history), ann.history["more"]) == (span(952, 1001), True), query


async def test_an_after_without_its_epoch_starts_over(join, one, room):
    await in_thread(fill, room, 3)
    async with join(one, room, after=2) as ann:
        assert ann.welcome["recovered"] is False
        assert seqs(ann.history) == span(1, 3)


@pytest.mark.parametrize("direct_after", ["x", "-1", "", 10**30])
async def test_garbage_as_direct_after_does_no_harm(join, one, room, ann, direct_after):
    await in_thread(fill, await in_thread(rooms.inbox, ann.user), 2)
    query = {"epoch": room.epoch, "after": 0, "direct_after": direct_after}
    async with join(one, room, ann, **query) as socket:
        assert socket.welcome["recovered"] is True
        assert seqs(socket.direct_history) == [1, 2]


async def test_a_direct_after_beyond_the_inbox_starts_over(join, one, room, ann):
    await in_thread(fill, await in_thread(rooms.inbox, ann.user), 2)
    query = {"epoch": room.epoch, "after": 0, "direct_after": 3}  # from before a backup
    async with join(one, room, ann, **query) as socket:
        assert socket.welcome["recovered"] is False
        assert seqs(socket.direct_history) == [1, 2]


async def refused(socket) -> int:
    """Return the code that both the last frame and the close have."""
    async with socket:
        code, frames = await socket.expect_close()
    (frame,) = frames
    assert (frame["type"], frame["code"]) == ("system.disconnect", code)
    return code


async def test_an_unknown_room_is_not_found(room, join, one):
    assert await refused(join(one, Room(slug="nothing"), is_welcome=False)) == 4004


async def test_an_impossible_room_name_is_not_found_and_does_no_harm(room, join, one):
    assert await refused(join(one, Room(slug="x" * 1000), is_welcome=False)) == 4004
    assert one.get("/ready/")[0] == 200


async def test_a_guest_may_not_join_a_room_of_members(join, one, members_room):
    assert await refused(join(one, members_room, is_welcome=False)) == 4001


async def test_a_user_may_join_a_room_of_members(join, one, members_room, ann):
    async with join(one, members_room, ann) as socket:
        assert socket.welcome["room"]["title"] == "Members"


async def test_an_inbox_cannot_be_joined(join, one, ann, bob):
    inbox = await in_thread(rooms.inbox, ann.user)
    assert await refused(join(one, inbox, bob, is_welcome=False)) == 4003
    assert await refused(join(one, inbox, is_welcome=False)) == 4001


def test_a_page_of_another_site_is_refused(one, room, ann):
    with pytest.raises(InvalidStatus) as error:
        one.connect(
            f"/ws/chat/{room.slug}/",
            origin="https://evil.example",
            additional_headers={"Cookie": ann.cookie},
        )
    assert error.value.response.status_code == 403


def test_guests_join_open_rooms_users_all_rooms_and_no_one_an_inbox(room, members_room, ann, bob):
    inbox = rooms.inbox(ann.user)
    table = {
        room: [True, True, True],
        members_room: [False, True, True],
        inbox: [False, False, False],
    }
    for place, expected in table.items():
        people = [AnonymousUser(), ann.user, bob.user]
        assert [rooms.can_join(person, place) for person in people] == expected
