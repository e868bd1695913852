"""Old messages are deleted when their owner says so, and the others stay as they are."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.management import CommandError, call_command
from django.utils import timezone

from chat import history, rooms
from chat.management.commands import prune_messages
from chat.models import Message, Room
from realtime.frames import Person


def post(room: Room, days_ago: int) -> int:
    author = Person("guest-1", "guest")
    seq = rooms.post(room, author, AnonymousUser(), uuid4(), f"{days_ago} days ago")
    sent_at = timezone.now() - timedelta(days=days_ago)
    Message.objects.filter(room=room, seq=seq).update(sent_at=sent_at)
    return seq


def test_messages_older_than_that_are_deleted_and_numbers_go_on(room, monkeypatch, capsys):
    monkeypatch.setattr(prune_messages, "BATCH", 2)
    for days_ago in (40, 30, 20, 10, 0):
        post(room, days_ago)
    call_command("prune_messages", "15")
    assert capsys.readouterr().out == "3 messages deleted\n"
    page = history.history(room, after=1)
    assert [message.seq for message in page.messages] == [4, 5]
    assert post(room, 0) == 6


@pytest.mark.parametrize("days", ["0", "-1", "40000"])
def test_a_number_of_days_that_cannot_be_is_refused(room, days):
    post(room, 10)
    with pytest.raises(CommandError, match=f"days is {days}: give a number"):
        call_command("prune_messages", "--", days)
    assert Message.objects.exists()
