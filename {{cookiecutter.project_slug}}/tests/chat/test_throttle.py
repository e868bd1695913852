"""A limit on people who are written to for the first time."""

from uuid import uuid4

import pytest

from chat import rooms
from realtime.frames import FrameError
from tests.chat.accounts import create_account


def test_users_cannot_be_listed_by_writing_to_each(settings, transactional_db):
    settings.NEW_RECIPIENTS_PER_HOUR = 2
    ann, *others = [create_account(f"user-{number}").user for number in range(4)]
    for other in others[:2]:
        rooms.post_direct(ann, f"user-{other.pk}", uuid4(), "Hi")
    with pytest.raises(FrameError, match="too many new people"):
        rooms.post_direct(ann, f"user-{others[2].pk}", uuid4(), "Hi")
    rooms.post_direct(ann, f"user-{others[0].pk}", uuid4(), "again")
    rooms.post_direct(others[2], f"user-{ann.pk}", uuid4(), "Hi")
    rooms.post_direct(ann, f"user-{others[2].pk}", uuid4(), "an answer")
