"""Direct messages: between two people, in all their tabs, wherever they are."""

from uuid import uuid4

import pytest
from django.conf import settings

from realtime.threads import in_thread
from tests.chat.client import together


async def test_a_direct_message_reaches_all_tabs_of_both(
    join, one, two, room, members_room, ann, bob
):
    tabs = [
        join(one, room, ann),
        join(two, members_room, await ann.elsewhere()),
        join(one, members_room, bob),
        join(two, room, bob),
    ]
    async with together(tabs):
        await tabs[0].send("chat.direct", id=str(uuid4()), to=bob.id, text="psst")
        for tab in tabs:
            heard = await tab.expect("chat.direct")
            assert (heard["user"], heard["to"]) == (ann.person, bob.person)
            assert (heard["seq"], heard["text"]) == (1, "psst")


async def test_a_direct_message_reaches_no_other_socket(join, one, two, room, ann, bob, cat):
    async with join(one, room, ann) as socket, join(two, room, cat) as other:
        await socket.send_direct(bob.id, "psst")
        await other.expect_nothing("chat.direct", "chat.message")
        pong = await other.ask("system.ping")
        assert (pong["seq"], pong["direct_seq"]) == (0, 0)


async def test_a_direct_message_arrives_at_the_next_connect(join, one, two, room, ann, bob):
    async with join(one, room, ann) as socket:
        await socket.send_direct(bob.id, "first")
        await socket.send_direct(bob.id, "second")
    async with join(two, room, bob) as socket:
        texts = [message["text"] for message in socket.direct_history["messages"]]
        assert texts == ["first", "second"]
        assert socket.welcome["direct_seq"] == 2


async def test_each_counts_in_a_log_of_their_own(join, one, two, room, ann, bob, cat):
    async with join(one, room, ann) as a, join(two, room, bob) as b:
        assert (await a.send_direct(cat.id, "for cat"))["seq"] == 1
        assert (await a.send_direct(bob.id, "for bob"))["seq"] == 2
        assert (await b.expect("chat.direct"))["seq"] == 1
        assert (await b.send_direct(ann.id, "for ann"))["seq"] == 2
        assert (await a.expect("chat.direct", text="for ann"))["seq"] == 3
        assert (await a.ask("system.ping"))["direct_seq"] == 3


async def test_the_same_id_twice_is_one_direct_message(join, one, two, room, ann, bob):
    message_id = str(uuid4())
    async with join(one, room, ann) as a, join(two, room, bob) as b:
        assert (await a.send_direct(bob.id, "once", id=message_id))["seq"] == 1
        assert (await a.send_direct(bob.id, "once", id=message_id))["seq"] == 1
        assert (await a.send_direct(bob.id, "next"))["seq"] == 2
        assert (await b.expect("chat.direct"))["text"] == "once"
        assert (await b.expect("chat.direct"))["text"] == "next"


async def test_one_id_may_be_a_message_and_a_direct_one(join, one, room, ann, bob):
    message_id = str(uuid4())
    async with join(one, room, ann) as socket:
        assert (await socket.say("to all", id=message_id))["seq"] == 1
        assert (await socket.send_direct(bob.id, "to one", id=message_id))["seq"] == 1


async def test_guests_send_no_direct_messages(join, one, room, ann):
    async with join(one, room) as guest:
        error = await guest.send_direct(ann.id, "psst")
        assert (error["type"], error["code"]) == ("system.error", "forbidden")


@pytest.mark.parametrize(
    "to", ["", "user-", "user-0", "user-99999", "user-²", f"user-{10**30}", "guest-1f0c9a", "ann"]
)
async def test_an_unknown_recipient_is_invalid(join, one, room, ann, to):
    async with join(one, room, ann) as socket:
        error = await socket.send_direct(to, "psst")
        assert (error["type"], error["code"]) == ("system.error", "invalid")
        assert "to" in error["detail"]


async def test_oneself_and_inactive_users_are_no_recipients(join, one, room, ann, bob):
    bob.user.is_active = False
    await in_thread(bob.user.save)
    async with join(one, room, ann) as socket:
        assert (await socket.send_direct(ann.id, "note"))["code"] == "invalid"
        assert (await socket.send_direct(bob.id, "hello?"))["code"] == "invalid"
        assert (await socket.ask("system.ping"))["direct_seq"] == 0


async def test_a_direct_text_has_the_same_limits(join, one, room, ann, bob):
    async with join(one, room, ann) as socket:
        assert (await socket.send_direct(bob.id, " "))["code"] == "invalid"
        assert (await socket.send_direct(bob.id, "a\0b"))["code"] == "invalid"
        long_text = "x" * (settings.CHAT_TEXT_LENGTH + 1)
        assert (await socket.send_direct(bob.id, long_text))["code"] == "too_long"
