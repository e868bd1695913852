"""The base of consumers that speak in frames, with tests/realtime/counting.py built on it."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from channels.testing import WebsocketCommunicator
from django.contrib.auth import get_user_model

from realtime.frame_consumer import MAX_BAD_FRAMES
from realtime.hub import hub
from realtime.threads import in_thread
from tests.live import ANSWER_SECONDS


class Peer(WebsocketCommunicator):
    """A client that sends and receives frames."""

    async def send(self, kind: str, **fields: object) -> None:
        await self.send_json_to({"type": kind, **fields})

    async def expect(self, kind: str) -> dict[str, Any]:
        """Return the next frame of this type, without its type; those before it are skipped."""
        while (frame := await self.receive_json_from(ANSWER_SECONDS)).pop("type") != kind:
            pass
        return frame

    async def expect_close(self) -> tuple[int, dict[str, Any]]:
        """Return the close code, and the frame that told of it."""
        frame = await self.expect("system.disconnect")
        closed = await self.receive_output(ANSWER_SECONDS)
        assert closed["type"] == "websocket.close"
        await self.wait(ANSWER_SECONDS)
        return closed["code"], frame


@pytest.fixture
def name(application) -> str:
    """A name that no other test counts."""
    return uuid4().hex


@pytest.fixture
def join(application) -> Callable:
    """Open a socket, with the cookie of a login or as a guest."""

    @asynccontextmanager
    async def join(name: str, cookie: str = "") -> AsyncGenerator[Peer]:
        headers = [(b"origin", b"http://localhost"), (b"cookie", cookie.encode())]
        peer = Peer(application, f"/ws/count/{name}/", headers=headers)
        assert (await peer.connect(ANSWER_SECONDS))[0]
        yield peer
        await peer.disconnect(timeout=ANSWER_SECONDS)

    return join


@pytest.fixture
def ann(transactional_db) -> Any:
    model: Any = get_user_model()
    return model._default_manager.create_user(**{model.USERNAME_FIELD: "ann"})


@pytest.fixture
def cookie(ann, client) -> str:
    client.force_login(ann)
    return client.cookies.output(header="", sep=";").strip().partition(";")[0]


async def test_a_socket_is_welcomed_and_shown_to_the_members(join, name, ann, cookie):
    nobody = {"id": f"guest-{name}", "name": "guest"}
    async with join(name) as guest:
        assert await guest.expect("count.welcome") == {"you": nobody, "members": [nobody]}
        async with join(name, cookie) as user:
            person = {"id": f"user-{ann.pk}", "name": "ann"}
            welcome = await user.expect("count.welcome")
            assert welcome["you"] == person
            assert sorted(welcome["members"], key=str) == sorted([nobody, person], key=str)
            assert (await guest.expect("presence.diff"))["joins"] == [person]
    assert not hub().topics


async def test_a_frame_is_answered_by_its_ref_and_published_to_all(join, name):
    async with join(name) as one, join(name) as two:
        await two.expect("count.welcome")  # from then on it hears the others
        await one.send("count.add", number=2, ref="r")
        frames = [await one.expect("count.total") for _ in range(2)]
        assert sorted(frames, key=len) == [{"total": 2}, {"total": 2, "ref": "r"}]
        assert await two.expect("count.total") == {"total": 2}


async def test_a_heartbeat_is_answered_with_the_position(join, name):
    async with join(name) as peer:
        await peer.send("system.ping", ref=7)
        assert await peer.expect("count.total") == {"total": 0, "ref": 7}


async def test_a_socket_that_may_have_missed_events_gets_the_position(join, name):
    async with join(name) as peer:
        await peer.expect("count.welcome")
        hub().topics[f"count.{name}"].catch_up()
        assert await peer.expect("count.total") == {"total": 0}


async def test_a_refused_socket_gets_a_reason_and_a_close_code(join):
    async with join("closed") as peer:
        code, frame = await peer.expect_close()
        assert (code, frame) == (4003, {"code": 4003, "reason": "closed"})


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{nonsense", "bad_frame"),
        (b"{}", "bad_frame"),
        ("[]", "invalid"),
        ('{"type": "count.add", "number": "x"}', "invalid"),
        ('{"type": "count.total"}', "unknown_type"),
    ],
)
async def test_a_bad_frame_is_answered_with_an_error(join, name, text, code):
    async with join(name) as peer:
        await peer.send_to(**{"bytes_data" if isinstance(text, bytes) else "text_data": text})
        assert (await peer.expect("system.error"))["code"] == code
        await peer.send("system.ping")
        await peer.expect("count.total")


async def test_many_bad_frames_in_a_row_close_the_socket(join, name, settings):
    settings.WEBSOCKET_BURST = 2 * MAX_BAD_FRAMES
    async with join(name) as peer:
        for _ in range(MAX_BAD_FRAMES):
            await peer.send("count.unknown")
        assert (await peer.expect_close())[0] == 4002


@pytest.mark.parametrize(
    ("number", "code"), [(-1, "invalid"), (-3, "unavailable"), (-4, "internal")]
)
async def test_an_error_in_a_handler_is_answered(join, name, caplog, number, code):
    async with join(name) as peer:
        await peer.send("count.add", number=number, ref=1)
        error = await peer.expect("system.error")
        assert (error["code"], error["ref"]) == (code, 1)
        await peer.send("system.ping")
        await peer.expect("count.total")
    assert ("Traceback" in caplog.text) == (code == "internal")


async def test_a_handler_can_close_the_socket(join, name):
    async with join(name) as peer:
        await peer.send("count.add", number=-2)
        assert await peer.expect_close() == (4003, {"code": 4003, "reason": "not for you"})


async def test_one_person_has_a_number_of_sockets_at_most(join, name, settings):
    settings.WEBSOCKETS_PER_PERSON = 1
    async with join(name) as first:
        await first.expect("count.welcome")
        async with join(name) as second:
            assert (await second.expect_close())[0] == 4100


async def test_a_user_who_logs_out_has_no_socket_left(join, name, client, cookie):
    async with join(name, cookie) as peer:
        await peer.expect("count.welcome")
        await in_thread(client.logout)
        assert (await peer.expect_close())[0] == 4001


async def test_a_user_deactivated_without_a_signal_is_noticed_at_the_next_frame(
    join, name, ann, cookie
):
    async with join(name, cookie) as peer:
        await peer.expect("count.welcome")
        await in_thread(type(ann)._default_manager.update, is_active=False)
        await peer.send("count.add", number=1)
        assert (await peer.expect_close())[0] == 4001
