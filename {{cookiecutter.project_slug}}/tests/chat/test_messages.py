"""A message reaches every member of its room: on one server process, and on two."""

from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser

from chat import rooms
from realtime.frames import Person
from realtime.threads import in_thread

HOSTILE_TEXT = (
    "<script>alert('1')</script> &amp; \u202ertl\u202c \u200b\u2028 \x01\x7f \uffff e\u0301 "
    '안녕 👩\u200d👩\u200d👧 "\\u0041" \\ %s $(id) \'; DROP TABLE chat_room; --\r\n\ttab '
)


async def test_a_message_is_acknowledged_and_reaches_all(join, one, two, room):
    async with join(one, room, name="ann") as ann, join(two, room, name="bob") as bob:
        ack = await ann.say("안녕", ref=7)
        assert ack == {"type": "system.ack", "seq": 1, "ref": 7}
        heard = await bob.expect("chat.message")
        assert (heard["seq"], heard["text"]) == (1, "안녕")
        assert heard["user"] == ann.welcome["you"]
        assert heard["sent_at"].endswith("Z")
        await bob.say("Hello")
        assert (await ann.expect("chat.message", seq=2))["text"] == "Hello"


async def test_a_message_reaches_its_author_too(join, one, room):
    async with join(one, room) as ann:
        message_id = str(uuid4())
        await ann.send("chat.send", id=message_id, text="Hello")
        assert (await ann.expect("chat.message"))["id"] == message_id


async def test_another_room_hears_nothing(join, one, two, room, members_room, ann, bob):
    async with join(one, room, ann) as here, join(two, members_room, bob) as there:
        await here.say("Hello")
        await there.expect_nothing("chat.message")


async def test_the_same_id_twice_is_one_message(join, one, two, room):
    message_id = str(uuid4())
    async with join(one, room, name="ann") as ann, join(two, room, name="bob") as bob:
        assert (await ann.say("once", id=message_id))["seq"] == 1
        assert (await ann.say("once", id=message_id))["seq"] == 1
        assert (await ann.say("next"))["seq"] == 2
        assert (await bob.expect("chat.message"))["text"] == "once"
        assert (await bob.expect("chat.message"))["text"] == "next"


async def test_the_id_of_another_author_is_invalid(join, one, two, room):
    message_id = str(uuid4())
    async with join(one, room, name="ann") as ann, join(two, room, name="bob") as bob:
        await ann.say("mine", id=message_id)
        error = await bob.say("mine", id=message_id)
        assert (error["type"], error["code"]) == ("system.error", "invalid")
        assert (await bob.say("other"))["seq"] == 2


@pytest.mark.parametrize("text", [" \t\r\n", "\u3000\u2003", "a\0b", "\0"])
async def test_a_text_without_content_or_with_a_null_is_invalid(join, one, room, text):
    async with join(one, room) as ann:
        error = await ann.say(text, ref="r")
        assert (error["type"], error["code"], error["ref"]) == ("system.error", "invalid", "r")
        assert (await ann.say("fine"))["seq"] == 1


@pytest.mark.parametrize("character", ["x", "👋"])
async def test_a_text_has_a_number_of_characters_at_most(join, one, two, room, character):
    async with join(one, room) as ann, join(two, room) as bob:
        text = character * settings.CHAT_TEXT_LENGTH
        error = await ann.say(text + character)
        assert (error["type"], error["code"]) == ("system.error", "too_long")
        await ann.say(text)
        assert (await bob.expect("chat.message"))["text"] == text


async def test_a_hostile_text_arrives_unchanged(join, one, two, room):
    async with join(one, room) as ann, join(two, room) as bob:
        await ann.say(HOSTILE_TEXT)
        assert (await bob.expect("chat.message"))["text"] == HOSTILE_TEXT
    async with join(two, room) as cat:
        assert cat.history["messages"][0]["text"] == HOSTILE_TEXT


async def test_a_ping_is_answered_with_the_newest_seq(join, one, room):
    async with join(one, room) as ann:
        await ann.say("first")
        pong = await ann.ask("system.ping", ref="p")
        assert pong == {"type": "system.pong", "seq": 1, "direct_seq": 0, "ref": "p"}
        await ann.send("system.ping")
        assert "ref" not in await ann.expect("system.pong")


async def test_a_pong_shows_a_message_that_was_missed(join, one, room):
    async with join(one, room) as ann:
        author = Person("guest-program", "program")
        await in_thread(rooms.post, room, author, AnonymousUser(), uuid4(), "silent")
        assert (await ann.ask("system.ping"))["seq"] == 1
        page = await ann.ask("chat.sync", after=0)
        assert [message["text"] for message in page["messages"]] == ["silent"]


async def test_typing_reaches_the_others_and_is_not_stored(join, one, two, room):
    async with join(one, room, name="ann") as ann, join(two, room) as bob:
        await ann.send("chat.typing")
        typing = await bob.expect("chat.typing")
        assert typing == {"type": "chat.typing", "user": ann.welcome["you"]}
        assert (await bob.ask("system.ping"))["seq"] == 0
    async with join(two, room) as cat:
        assert cat.history["messages"] == []
