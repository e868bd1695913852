"""A server that stops sends its clients away for a moment, and they lose nothing."""

import asyncio

from django.conf import settings

from chat.models import Room
from tests.chat.client import Member, together
from tests.live import STOP_SECONDS


async def test_a_restart_loses_nothing(join, start_chat, one, room: Room):
    old = start_chat()
    members = [Member(old, room.slug, name=str(number)) for number in range(3)]
    async with join(old, room) as socket, together(members):
        for number, member in enumerate(members):
            await member.say(f"before {number}")
        for member in members:
            member.server = one  # where a load balancer would lead it
        old.process.terminate()
        code, frames = await socket.expect_close()
        assert code == 4200
        assert (frames[-1]["type"], frames[-1]["code"]) == ("system.disconnect", 4200)
        assert 0 <= frames[-1]["retry_in_ms"] <= 1000 * settings.WEBSOCKET_RESTART_SECONDS
        for number, member in enumerate(members):
            await member.say(f"after {number}")
        for member in members:
            await member.until(lambda member=member: len(member.room.texts) == 6)
            await member.until(lambda member=member: not member.outbox)
            assert member.closes == [4200]
            assert sorted(member.room.texts) == sorted(
                f"{when} {number}" for when in ("before", "after") for number in range(3)
            )
    exit_code = await asyncio.to_thread(old.process.wait, STOP_SECONDS)
    assert exit_code in (0, -15)
    assert "Traceback" not in old.log
