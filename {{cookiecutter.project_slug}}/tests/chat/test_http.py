"""The pages, messages by HTTP, and messages by programs."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import pytest
from channels.testing import HttpCommunicator
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.shortcuts import resolve_url

from chat import rooms
from chat.guests import clean_name
from chat.models import Message, person_of
from realtime.threads import in_thread
from tests.chat.accounts import Browser
from tests.chat.client import Client
from tests.live import ANSWER_SECONDS, manage

PASSWORD = "correct horse battery staple"

User: Any = get_user_model()


async def test_a_message_by_http_reaches_the_members(join, one, two, room, ann):
    message_id = str(uuid4())
    browser = Browser(one, ann.cookie)
    async with join(two, room) as listener:
        for _ in range(2):  # the second is the same
            response = await browser.post(f"/rooms/{room.slug}/messages/", text="Hi", id=message_id)
            assert response.status == 201
            assert json.loads(response.text) == {"seq": 1, "id": message_id}
        heard = await listener.expect("chat.message")
        assert (heard["text"], heard["user"], heard["id"]) == ("Hi", ann.person, message_id)
        await browser.post(f"/rooms/{room.slug}/messages/", text="next")
        assert (await listener.expect("chat.message"))["seq"] == 2


async def test_a_guest_is_the_same_person_by_http_and_in_a_socket(join, one, room):
    browser = Browser(one)
    await browser.post("/name/", name="  Bob \u202e\n the  1st", next="/")
    await browser.post(f"/rooms/{room.slug}/messages/", text="Hi")
    async with Client(one, room.slug, browser.cookie) as chat_socket:
        assert chat_socket.welcome["you"] == chat_socket.history["messages"][0]["user"]
        assert chat_socket.welcome["you"]["name"] == "Bob the 1st"


@pytest.mark.parametrize("fields", [{}, {"text": ""}, {"text": " \n"}, {"text": "a\0b"}])
async def test_a_post_without_content_is_refused(one, room, fields):
    assert (await Browser(one).post(f"/rooms/{room.slug}/messages/", **fields)).status == 400


async def test_an_invalid_frame_is_refused(one, room):
    path = f"/rooms/{room.slug}/messages/"
    assert (await Browser(one).post(path, text="x" * settings.CHAT_TEXT_LENGTH)).status == 201
    assert (await Browser(one).post(path, text="x" * (settings.CHAT_TEXT_LENGTH + 1))).status == 400
    assert (await Browser(one).post(path, text="Hi", id="1")).status == 400


async def test_the_id_of_another_author_is_refused(one, room, ann, bob):
    path, message_id = f"/rooms/{room.slug}/messages/", str(uuid4())
    assert (await Browser(one, ann.cookie).post(path, text="Hi", id=message_id)).status == 201
    assert (await Browser(one, bob.cookie).post(path, text="Hi", id=message_id)).status == 400


async def test_users_without_access_cannot_post(one, room, members_room, ann):
    path = f"/rooms/{room.slug}/messages/"
    assert (await Browser(one).get(path)).status == 405
    assert (await Browser(one).post(path, csrf_token="x" * 32, text="Hi")).status == 403
    assert (await Browser(one).post("/rooms/nothing/messages/", text="Hi")).status == 404
    members_path = f"/rooms/{members_room.slug}/messages/"
    assert (await Browser(one).post(members_path, text="Hi")).status == 403
    inbox = await in_thread(rooms.inbox, ann.user)
    inbox_path = f"/rooms/{inbox.slug}/messages/"
    assert (await Browser(one, ann.cookie).post(inbox_path, text="Hi")).status == 404


def test_a_room_that_is_deleted_meanwhile_is_not_there(client, room, monkeypatch):
    monkeypatch.setattr(rooms, "can_join", lambda user, room: room.delete())
    assert client.post(f"/rooms/{room.slug}/messages/", {"text": "Hi"}).status_code == 404


async def test_a_program_says_something(join, one, two, room, chat_environment):
    async with join(two, room) as listener:
        arguments = ["say", room.slug, "first", "안녕", "--name", "robot"]
        output = await asyncio.to_thread(manage, *arguments, env=chat_environment)
        assert output == "Room, 1\nRoom, 2\nexit status 0"
{% if cookiecutter.channel_layer != 'memory' %}
        heard = await listener.expect("chat.message")
        assert (heard["text"], heard["user"]["name"]) == ("first", "robot")
{% endif %}
        assert (await listener.ask("system.ping"))["seq"] == 2
    async with join(one, room) as late:
        assert [message["text"] for message in late.history["messages"]] == ["first", "안녕"]


def test_a_program_is_told_when_there_is_no_such_room(room):
    with pytest.raises(CommandError, match="No room 'nothing'"):
        call_command("say", "nothing", "Hi")


async def test_the_list_of_rooms(join, one, room, members_room, ann):
    await in_thread(rooms.inbox, ann.user)
    page = await Browser(one, ann.cookie).get("/")
    assert page.status == 200
    assert room.slug in page.text
    assert members_room.slug in page.text
    assert "To and from" not in page.text


async def test_the_list_counts_people_not_tabs(join, one, two, room, ann, bob):
    async with join(one, room, ann), join(two, room, ann), join(two, room, bob):
        page = await Browser(one).get("/")
        assert "2 here now" in page.text


async def test_a_room_s_page_is_open_to_users_that_may_join(one, room, members_room, ann):
    assert (await Browser(one).get(f"/rooms/{room.slug}/")).status == 200
    assert (await Browser(one, ann.cookie).get(f"/rooms/{members_room.slug}/")).status == 200
    response = await Browser(one).get(f"/rooms/{members_room.slug}/")
    assert response.status == 302
    assert response.location == f"/accounts/login/?next=/rooms/{members_room.slug}/"
    assert (await Browser(one).get("/rooms/nothing/")).status == 404
    inbox = await in_thread(rooms.inbox, ann.user)
    assert (await Browser(one, ann.cookie).get(f"/rooms/{inbox.slug}/")).status == 404


def test_a_visit_makes_no_session(client, transactional_db):
    assert client.get("/").status_code == 200
    assert not Session.objects.exists()


def test_a_guest_keeps_one_session(client, room):
    for _ in range(3):
        client.get(f"/rooms/{room.slug}/")
    client.get("/")
    assert Session.objects.count() == 1


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil.example"],
)
def test_picking_a_name_redirects_to_this_site_alone(client, transactional_db, elsewhere):
    response = client.post("/name/", {"name": "Ann", "next": elsewhere})
    assert (response.status_code, response["Location"]) == (302, "/")


@pytest.mark.parametrize("back", ["/rooms/lobby/", "room", "guest_name", "rooms/lobby"])
def test_picking_a_name_returns_to_the_page(client, transactional_db, back):
    response = client.post("/name/", {"name": "Ann", "next": back})
    assert (response.status_code, response["Location"]) == (302, back)


@pytest.mark.parametrize(
    "name", ["ann", "ANN", " an\u200dn ", "\uff41nn", "ann\u3164", "\u3164", "\u2800"]
)
def test_a_name_of_a_user_or_that_cannot_be_seen_is_refused(client, ann, name):
    response = client.post("/name/", {"name": name, "next": "/"}, follow=True)
    assert "Choose another one" in response.content.decode()
    assert "guest_name" not in client.session


async def test_a_program_does_not_get_the_name_of_a_user(join, one, room, ann):
    async with join(one, room, name="Ann") as chat_socket:
        assert chat_socket.welcome["you"]["name"].startswith("guest-")


def test_the_admin_shows_no_direct_message(client, ann, bob, admin, room):
    rooms.post(room, person_of(ann.user), ann.user, uuid4(), "for everybody")
    rooms.post_direct(ann.user, bob.id, uuid4(), "for bob alone")
    client.cookies.load(admin.cookie)
    logs = client.get("/admin/chat/room/").content.decode()
    messages = client.get("/admin/chat/message/").content.decode()
    assert (room.slug in logs, "for everybody" in messages) == (True, True)
    assert "direct-" not in logs
    assert "for bob alone" not in messages
    message = Message.objects.get(room__owner=bob.user)
    for path in (f"room/{message.room_id}", f"message/{message.pk}"):
        assert client.get(f"/admin/chat/{path}/change/").status_code == 302  # to its first page


async def test_signing_up_logs_in(join, one, members_room):
    browser = Browser(one)
    assert (await browser.get("/accounts/signup/")).status == 200
    response = await browser.post(
        "/accounts/signup/",
        **{User.USERNAME_FIELD: "dan", "password1": PASSWORD, "password2": PASSWORD},
        email="dan@example.com",
    )
    assert (response.status, response.location) == (302, resolve_url(settings.LOGIN_REDIRECT_URL))
    async with Client(one, members_room.slug, browser.cookie) as chat_socket:
        assert chat_socket.welcome["you"]["name"] == "dan"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("ann", "ann"),
        ("  ann\t\r\n smith ", "ann smith"),
        ("<b>안녕</b>", "<b>안녕</b>"),
        ("\u202eann\u200b\0\x1b", "ann"),
        ("x" * 100, "x" * 40),
        (" \n", ""),
        ("می\u200cرود", "می\u200cرود"),
        ("👩\u200d👩\u200d👧", "👩\u200d👩\u200d👧"),
        ("\u3164", ""),
        ("\u2800 \u200d\ufe0f", ""),
        ("\u0301", ""),
        ("\U0003ffff", "\U0003ffff"),  # perhaps an emoji of tomorrow
        ("", ""),
    ],
)
def test_a_guest_name_is_one_line_of_40_characters(name, shown):
    assert clean_name(name) == shown


def test_guests_may_have_no_say_in_their_name(settings):
    settings.CHAT_GUESTS_PICK_NAMES = False
    assert clean_name("ann") == ""


async def test_the_addresses_of_a_room_below_a_prefix(room, settings, application):
    settings.FORCE_SCRIPT_NAME = "/talk"
    path = f"/rooms/{room.slug}/"
    page = HttpCommunicator(application, "GET", path, headers=[(b"host", b"localhost")])
    text = (await page.get_response(ANSWER_SECONDS))["body"].decode()
    await page.wait(ANSWER_SECONDS)  # until the request's body is closed
    assert f'data-socket="/talk/ws/chat/{room.slug}/"' in text
    assert f'name="next" value="/talk{path}"' in text
    assert f"/talk/accounts/login/?next=/talk{path}" in text
