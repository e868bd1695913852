"""Limits on sign-ups, and on people who are written to for the first time."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from chat import rooms
from realtime.frames import FrameError


def test_an_address_signs_up_only_so_often(client, settings, transactional_db):
    settings.SIGN_UPS_PER_HOUR = 2
    User.objects.create_user("ann")
    responses = [client.post("/accounts/signup/", {"username": "ann"}) for _ in range(3)]
    assert [response.status_code for response in responses] == [200, 200, 429]
    assert client.get("/accounts/signup/").status_code == 200


def test_nobody_lists_all_users_by_writing_to_each(settings, transactional_db):
    settings.NEW_RECIPIENTS_PER_HOUR = 2
    ann, *others = [User.objects.create_user(f"user-{number}") for number in range(4)]
    for other in others[:2]:
        rooms.post_direct(ann, f"user-{other.pk}", uuid4(), "Hi")
    with pytest.raises(FrameError, match="too many new people"):
        rooms.post_direct(ann, f"user-{others[2].pk}", uuid4(), "Hi")
    rooms.post_direct(ann, f"user-{others[0].pk}", uuid4(), "again")
    rooms.post_direct(others[2], f"user-{ann.pk}", uuid4(), "Hi")
    rooms.post_direct(ann, f"user-{others[2].pk}", uuid4(), "an answer")
