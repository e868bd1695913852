"""What is said reaches everybody: on one server process, and on two."""

from uuid import uuid4


async def test_a_member_is_welcomed_with_the_history(join, one, room):
    async with join(one, room, name="ann") as ann:
        await ann.say("first")
    async with join(one, room, name="bob") as bob:
        assert bob.welcome["room"] == {"slug": room.slug, "title": "Room"}
        assert bob.welcome["you"]["name"] == "bob"
        assert (bob.welcome["seq"], bob.welcome["recovered"]) == (1, False)
        assert [message["text"] for message in bob.history["messages"]] == ["first"]
        assert bob.history["more"] is False


async def test_what_is_said_is_acknowledged_and_reaches_all(join, one, two, room):
    async with join(one, room, name="ann") as ann, join(two, room, name="bob") as bob:
        ack = await ann.say("안녕 <b>", ref=7)
        assert (ack["seq"], ack["ref"]) == (1, 7)
        heard = await bob.expect("chat.message", seq=1)
        assert heard["text"] == "안녕 <b>"
        assert heard["user"]["name"] == "ann"
        await bob.say("Hello")
        assert (await ann.expect("chat.message", seq=2))["text"] == "Hello"


async def test_the_same_id_twice_is_one_message(join, one, two, room):
    message_id = str(uuid4())
    async with join(one, room, name="ann") as ann, join(two, room, name="bob") as bob:
        assert (await ann.say("once", id=message_id))["seq"] == 1
        assert (await ann.say("once", id=message_id))["seq"] == 1
        assert (await ann.say("next"))["seq"] == 2
        assert (await bob.expect("chat.message"))["text"] == "once"
        assert (await bob.expect("chat.message"))["text"] == "next"
