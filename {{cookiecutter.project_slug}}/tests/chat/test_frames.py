"""A text that is no frame is answered with an error, and the socket stays open."""

import json
import random
import re
from collections import Counter
from uuid import UUID, uuid4

import pytest
from django.conf import settings

from chat.consumers import ChatConsumer
from chat.frames import SendRequest, SyncRequest
from realtime.frame_consumer import MAX_BAD_FRAMES
from realtime.frames import ClientFrame, ErrorFrame, FrameError, PingRequest, decode

ID = str(uuid4())
LONG_TEXT = "x" * (settings.CHAT_TEXT_LENGTH + 1)
MAX_BYTES = settings.WEBSOCKET_MAX_BYTES


def frame(kind: object, **fields: object) -> str:
    return json.dumps({"type": kind, **fields})


def send(**fields: object) -> str:
    return frame("chat.send", **{"id": ID, "text": "Hello", **fields})


# Texts, with the code of the error and what stands in its detail.
BAD_FRAMES = {
    "nothing": ("", "bad_frame", ""),
    "no JSON": ("{nonsense", "bad_frame", ""),
    "half a frame": (frame("system.ping")[:-1], "bad_frame", ""),
    "two frames": (2 * frame("system.ping"), "bad_frame", ""),
    "deep nesting": ("[" * 10_000, "invalid", "array"),
    "deep nesting in a frame": ('{"type": "system.ping", "x": ' + "[" * 10_000, "bad_frame", ""),
    "half a surrogate pair": (send(text="\ud800"), "bad_frame", ""),
    "a binary frame": (frame("system.ping").encode(), "bad_frame", ""),
    "no object": ("[1, 2]", "invalid", "object"),
    "null": ("null", "invalid", "object"),
    "an unknown type": (frame("chat.shout"), "unknown_type", "chat.shout"),
    "a frame of the server's": (frame("system.pong", seq=1), "unknown_type", "system.pong"),
    "a type that is no text": (frame(5), "unknown_type", "type"),
    "no type": ('{"ref": "r"}', "unknown_type", "type"),
    "no id": (frame("chat.send", text="Hello"), "invalid", "id"),
    "an id that is none": (send(id="1"), "invalid", "id"),
    "no text": (frame("chat.send", id=ID), "invalid", "text"),
    "an empty text": (send(text=""), "invalid", "text"),
    "a text that is a number": (send(text=5), "invalid", "text"),
    "a text that is null": (send(text=None), "invalid", "text"),
    "a long text": (send(text=LONG_TEXT), "too_long", "text"),
    "a seq that is a text": (frame("chat.sync", after="1"), "invalid", "after"),
    "a seq below zero": (frame("chat.sync", before=-1), "invalid", "before"),
    "a huge seq": (frame("chat.sync", after=2**63), "invalid", "after"),
    "a flag that is a number": (frame("chat.sync", after=0, direct=1), "invalid", "direct"),
    "a recipient that is a list": (
        frame("chat.direct", id=ID, text="Hello", to=["user-1"]),
        "invalid",
        "to",
    ),
    "a ref that is a flag": (frame("system.ping", ref=True), "invalid", "ref"),
    "a ref that is a list": (frame("system.ping", ref=[]), "invalid", "ref"),
    "a ref with a fraction": (frame("system.ping", ref=1.5), "invalid", "ref"),
}


@pytest.mark.parametrize(
    ("text", "code", "part_of_detail"), BAD_FRAMES.values(), ids=list(BAD_FRAMES)
)
async def test_a_bad_frame_is_answered_with_an_error(join, one, room, text, code, part_of_detail):
    async with join(one, room) as ann:
        await ann.send_text(text)
        error = await ann.expect("system.error")
        assert error["code"] == code
        assert part_of_detail in error["detail"]
        assert (await ann.say("still here"))["seq"] == 1


@pytest.mark.parametrize("ref", ["r", "", "x" * 64, "안녕", 0, 7, -1, 2**53])
async def test_the_ref_is_repeated(join, one, room, ref):
    async with join(one, room) as ann:
        assert (await ann.ask("system.ping", ref=ref))["type"] == "system.pong"
        assert (await ann.ask("chat.sync", ref=ref))["type"] == "chat.history"
        assert (await ann.ask("chat.shout", ref=ref))["code"] == "unknown_type"
        assert (await ann.ask("chat.send", ref=ref))["code"] == "invalid"
        assert (await ann.say(LONG_TEXT, ref=ref))["code"] == "too_long"
        assert (await ann.say(" ", ref=ref))["code"] == "invalid"


async def test_a_ref_that_is_too_long_is_refused(join, one, room):
    async with join(one, room) as ann:
        await ann.send("system.ping", ref="x" * 65)
        error = await ann.expect("system.error")
        assert "ref" in error["detail"]
        assert "ref" not in error


# What people can type, or paste. Some of it makes a text that is refused.
TYPED = [
    *["a", " ", "\n", '"', "\\", "\\u0000", "</script>", "안녕", "👩\u200d👧"],
    *["\u200f", "\u2028", "\u3164", "\ufeff", "\0", "\x1f", "\x7f", "\uffff", "\U0010ffff"],
    *["\ud83d", "\udc69", "\ud800", "\udfff"],
]


def typed(dice: random.Random) -> str:
    """Return random words as a browser has them: two halves side by side are a whole pair."""
    words = "".join(dice.choices(TYPED, k=dice.randint(1, 8)))
    return words.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def stringify(value: object) -> str:
    """Return what JSON.stringify() does: as it is, but for half of a pair."""
    text = json.dumps(value, ensure_ascii=False)
    return re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text)


def read(text: str) -> ClientFrame | FrameError:
    try:
        return decode(text, ChatConsumer.decoder)
    except FrameError as error:
        return error


def test_each_text_of_a_browser_is_read_or_refused_with_its_ref():
    found = Counter()
    for number in range(2000):
        dice = random.Random(number)
        text, ref = typed(dice), dice.choice([typed(dice), number, -number])
        sent = stringify({"type": "chat.send", "id": ID, "text": text, "ref": ref})
        answer = read(sent)
        found[type(answer)] += 1
        assert answer.ref == ref, sent
        sent_on = SendRequest(id=UUID(ID), text=text, ref=ref)
        assert answer == sent_on or type(answer) is FrameError, sent
        assert json.loads(ErrorFrame("invalid", "no", ref).encode())["ref"] == ref, sent
    # No BadFrameError: no user loses the connection for what they typed.
    assert found.keys() == {SendRequest, FrameError}


async def test_all_that_people_type_is_answered_and_closes_no_socket(join, one, room, ann, bob):
    async with join(one, room, ann) as socket:
        for text in [*TYPED, *MAX_BAD_FRAMES * ["\ud800", LONG_TEXT]]:
            for answer in [await socket.say(text), await socket.send_direct(bob.id, text)]:
                assert answer["type"] in ("system.ack", "system.error")
                assert answer.get("code") in (None, "bad_frame", "invalid", "too_long")
            assert (await socket.send_direct(text, "to nobody"))["type"] == "system.error"
        assert (await socket.ask("system.ping", ref="\ud800"))["type"] == "system.error"


async def test_unknown_fields_are_fine(join, one, room):
    async with join(one, room) as ann:
        assert (await ann.say("Hello", color="red", more={"a": [1, None]}))["seq"] == 1


async def test_ten_bad_frames_in_a_row_close_the_socket(join, one, room):
    async with join(one, room) as ann:
        for _ in range(MAX_BAD_FRAMES):
            await ann.send("chat.shout")
        code, frames = await ann.expect_close()
    assert code == 4002
    assert [frame["type"] for frame in frames if frame["type"] != "presence.diff"] == [
        *["system.error"] * (MAX_BAD_FRAMES - 1),
        "system.disconnect",
    ]
    assert (frames[-1]["code"], bool(frames[-1]["reason"])) == (4002, True)


async def test_a_good_frame_ends_a_row_of_bad_ones(join, one, room):
    async with join(one, room) as ann:
        for _ in range(2):
            for _ in range(MAX_BAD_FRAMES - 1):
                await ann.send("chat.shout")
            assert (await ann.ask("system.ping"))["type"] == "system.pong"


@pytest.mark.parametrize(
    "frame", ["x" * (MAX_BYTES + 1), b"x" * (MAX_BYTES + 1), "x" * 10 * MAX_BYTES]
)
async def test_a_frame_that_is_too_big_closes_its_own_socket_only(join, one, room, frame):
    async with join(one, room) as other, join(one, room) as ann:
        await ann.send_text(frame)
        code, frames = await ann.expect_close()
        assert code == 4009
        assert (frames[-1]["type"], frames[-1]["code"]) == ("system.disconnect", 4009)
        assert (await other.say("still here"))["seq"] == 1


async def test_a_frame_at_the_limit_is_read(join, one, room):
    async with join(one, room) as ann:
        padding = MAX_BYTES - len(frame("system.ping", x=""))
        await ann.send("system.ping", x="x" * padding)
        await ann.expect("system.pong")


def test_decode_returns_a_frame():
    assert decode(frame("system.ping", ref=1), ChatConsumer.decoder) == PingRequest(ref=1)
    assert decode(frame("chat.sync", after=3), ChatConsumer.decoder) == SyncRequest(after=3)


@pytest.mark.parametrize(
    ("text", "code", "ref"),
    [
        (None, "bad_frame", None),
        ("{", "bad_frame", None),
        ("[]", "invalid", None),
        (frame("chat.shout", ref="r"), "unknown_type", "r"),
        (frame("chat.send", ref=7), "invalid", 7),
        (frame("chat.send", ref=[]), "invalid", None),
        (send(text=LONG_TEXT, ref="r"), "too_long", "r"),
    ],
)
def test_decode_refuses(text, code, ref):
    with pytest.raises(FrameError) as refused:
        decode(text, ChatConsumer.decoder)
    assert (refused.value.code, refused.value.ref) == (code, ref)
