"""A right is asked for when it is used, and at the next heartbeat at the latest."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from channels.testing import WebsocketCommunicator
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db.models import CASCADE, ForeignKey, ManyToManyField, Model
from django.db.models.signals import m2m_changed
from django.test.utils import isolate_apps

from chat import rooms
from chat.consumers import ChatConsumer
from chat.models import Message, Room
from realtime import sessions
from realtime.threads import in_thread
from serving.close_codes import CloseCode
from tests.chat.accounts import Account, Browser, change_in
from tests.chat.client import Client
from tests.live import ANSWER_SECONDS

SOON_SECONDS = 3

User: Any = get_user_model()


async def closes(chat_socket: Client, code: int) -> bool:
    """Whether the server closes the socket soon, with this code."""
    async with asyncio.timeout(SOON_SECONDS):
        closed, frames = await chat_socket.expect_close()
    return (closed, frames[-1]["type"], frames[-1]["code"]) == (code, "system.disconnect", code)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"open_to_guests": False}, CloseCode.UNAUTHENTICATED),
        ({"slug": "another"}, CloseCode.NOT_FOUND),
        ({}, CloseCode.NOT_FOUND),
    ],
    ids=["closed to guests", "renamed", "deleted"],
)
async def test_a_changed_room_ends_the_sockets_that_may_not_stay(
    join, one, two, room, members_room, ann, changes, code
):
    async with (
        join(one, room) as here,
        join(two, room) as there,
        join(two, members_room, ann) as other,
    ):
        await change_in(one, room, **changes)
        assert await closes(here, code)
        assert await closes(there, code)
        assert (await other.ask("system.ping"))["type"] == "system.pong"


async def test_members_stay_in_a_room_that_is_closed_to_guests(join, one, two, room, ann):
    async with join(one, room, ann) as member, join(two, room) as guest:
        await change_in(one, room, open_to_guests=False)
        assert await closes(guest, CloseCode.UNAUTHENTICATED)
        assert (await member.say("among us"))["seq"] == 1


async def send(chat_socket: Client) -> None:
    await chat_socket.send("chat.send", id=str(uuid4()), text="still here?")


async def sync(chat_socket: Client) -> None:
    await chat_socket.send("chat.sync", after=0)


async def type_(chat_socket: Client) -> None:
    await chat_socket.send("chat.typing")


async def ping(chat_socket: Client) -> None:
    await chat_socket.send("system.ping")


def change_silently(found: Model, **fields: object) -> int:
    """Update without a signal, as raw SQL and other programs do."""
    return type(found)._default_manager.filter(pk=found.pk).update(**fields)


@pytest.mark.parametrize("use", [send, sync, type_, ping])
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"open_to_guests": False}, CloseCode.UNAUTHENTICATED),
        ({"slug": "gone"}, CloseCode.NOT_FOUND),
    ],
    ids=["closed to guests", "renamed"],
)
async def test_a_silent_change_of_a_room_is_noticed_at_the_next_use(
    join, one, two, room, ann, use, changes, code
):
    async with join(one, room) as guest, join(two, room) as listener:
        await in_thread(lambda: change_silently(room, **changes))
        await use(guest)
        assert await closes(guest, code)
        await listener.send("system.ping")  # before it, nothing of the guest's arrives
        _, frames = await listener.expect_close()
        assert {frame["type"] for frame in frames} <= {"presence.diff", "system.disconnect"}
    assert not await in_thread(Message.objects.filter(room=room).exists)


@pytest.mark.parametrize("use", [send, sync, type_, ping])
async def test_a_user_deactivated_without_a_signal_is_out_at_the_next_use(
    join, one, room, ann, use
):
    async with join(one, room, ann) as chat_socket:
        await in_thread(lambda: change_silently(ann.user, is_active=False))
        await use(chat_socket)
        assert await closes(chat_socket, CloseCode.UNAUTHENTICATED)
    assert not await in_thread(Message.objects.filter(room=room).exists)


async def test_a_deleted_user_is_out_at_once(join, one, two, room, ann, bob):
    async with join(one, room, ann) as chat_socket, join(two, room, bob) as other:
        await change_in(one, ann.user)
        assert await closes(chat_socket, CloseCode.UNAUTHENTICATED)
        assert (await other.ask("system.ping"))["type"] == "system.pong"


async def test_a_new_room_of_the_same_address_is_another_room(join, one, two, room, ann):
    query = {"epoch": room.epoch, "after": 0}
    async with join(one, room) as guest, join(two, room, ann) as member:
        slug, topic = room.slug, room.topic
        await change_in(one, room)
        assert await closes(guest, CloseCode.NOT_FOUND)
        assert await closes(member, CloseCode.NOT_FOUND)
    again = await in_thread(lambda: Room.objects.create(slug=slug, title="Members now"))
    assert again.topic != topic
    async with join(two, again, ann, **query) as member:
        assert member.welcome["recovered"] is False
        assert (await member.say("to the new room"))["seq"] == 1


async def alone(account: Account, room: Room) -> WebsocketCommunicator:
    """A socket of the consumer alone, as Channels' documentation tests one."""
    socket = WebsocketCommunicator(ChatConsumer.as_asgi(), f"/ws/chat/{room.slug}/")
    socket.scope["user"] = account.user
    assert await socket.connect(ANSWER_SECONDS) == (True, None)
    welcome = await socket.receive_json_from(ANSWER_SECONDS)
    assert (welcome["type"], welcome["you"]) == ("chat.welcome", account.person)
    return socket


async def answer(socket: WebsocketCommunicator) -> dict[str, Any]:
    await socket.send_json_to({"type": "system.ping", "ref": "p"})
    while (frame := await socket.receive_json_from(ANSWER_SECONDS)).get("ref") != "p":
        if frame["type"] == "system.disconnect":
            break
    return frame


@pytest.mark.usefixtures("no_connection_left", "no_task_left")
async def test_a_consumer_works_without_the_applications_around_it(room, ann):
    socket = await alone(ann, room)
    assert (await answer(socket))["type"] == "system.pong"
    await socket.disconnect()


RIGHTS = ("chat.mine", "chat.ours")


def has_all_rights(user: Any, room: Room) -> bool:
    """Rights as an owner may write them into ``can_join``."""
    return user.has_perms(RIGHTS)


def create_permission(name: str) -> Permission:
    kind, _ = ContentType.objects.get_or_create(app_label="chat", model="test")
    return Permission.objects.create(content_type=kind, codename=name, name=name)


def give_rights(user: Any) -> dict[str, Any]:
    """Give a user one permission of the user's own, and one of a group."""
    mine, ours = [create_permission(name.removeprefix("chat.")) for name in RIGHTS]
    group = Group.objects.create(name="friends")
    group.permissions.add(ours)
    user.groups.add(group)
    user.user_permissions.add(mine)
    return {"user": user, "group": group, "mine": mine, "ours": ours}


TAKEN = {
    "a permission out of a group": lambda user, group, mine, ours: group.permissions.remove(ours),
    "a group out of a permission": lambda user, group, mine, ours: ours.group_set.remove(group),
    "all permissions out of a group": lambda user, group, mine, ours: group.permissions.clear(),
    "all groups out of a permission": lambda user, group, mine, ours: ours.group_set.clear(),
    "a permission from a user": lambda user, group, mine, ours: user.user_permissions.remove(mine),
    "a user from a permission": lambda user, group, mine, ours: mine.user_set.remove(user),
    "all users from a permission": lambda user, group, mine, ours: mine.user_set.clear(),
    "a group from a user": lambda user, group, mine, ours: user.groups.remove(group),
    "all groups from a user": lambda user, group, mine, ours: user.groups.set([]),
    "a user out of a group": lambda user, group, mine, ours: group.user_set.remove(user),
    "all users out of a group": lambda user, group, mine, ours: group.user_set.clear(),
    "a group that is deleted": lambda user, group, mine, ours: group.delete(),
    "a permission that is deleted": lambda user, group, mine, ours: ours.delete(),
}


@pytest.mark.usefixtures("no_connection_left", "no_task_left")
@pytest.mark.parametrize("take", TAKEN.values(), ids=TAKEN)
async def test_a_right_that_is_taken_ends_the_socket_at_once(take, room, ann, monkeypatch):
    monkeypatch.setattr(rooms, "can_join", has_all_rights)
    linked = await in_thread(give_rights, ann.user)
    socket = await alone(ann, room)
    assert (await answer(socket))["type"] == "system.pong"
    await in_thread(lambda: take(**linked))
    while (frame := await socket.receive_json_from(SOON_SECONDS))["type"] != "system.disconnect":
        pass
    assert frame["code"] == CloseCode.FORBIDDEN
    await socket.disconnect()


GIVEN = {
    "a permission to a group": lambda user, group, new, other: group.permissions.add(new),
    "a group to a permission": lambda user, group, new, other: new.group_set.add(group),
    "a permission to a user": lambda user, group, new, other: user.user_permissions.add(new),
    "a user to a permission": lambda user, group, new, other: new.user_set.add(user),
    "a group to a user": lambda user, group, new, other: user.groups.add(other),
    "a user to a group": lambda user, group, new, other: other.user_set.add(user),
}


@pytest.mark.usefixtures("no_connection_left", "no_task_left")
@pytest.mark.parametrize("give", GIVEN.values(), ids=GIVEN)
async def test_a_right_that_is_given_is_noticed_at_once(give, room, ann):
    group = (await in_thread(give_rights, ann.user))["group"]
    new = await in_thread(create_permission, "new")
    other = await in_thread(lambda: Group.objects.create(name="others"))
    socket = await alone(ann, room)
    assert (await answer(socket))["type"] == "system.pong"
    await in_thread(lambda: give(ann.user, group, new, other))
    while (await socket.receive_json_from(SOON_SECONDS))["type"] != "system.pong":
        pass
    await socket.disconnect()


def test_links_of_a_user_to_anything_else_tell_nobody(ann, monkeypatch):
    events: list[tuple] = []
    monkeypatch.setattr(sessions, "broadcast", lambda *event: events.append(event))
    link = {"instance": ann.user, "action": "post_add", "model": Room, "pk_set": {1}}
    m2m_changed.send(sender=Room, reverse=False, **link)
    assert events == []
    ann.user.groups.add(Group.objects.create(name="friends"))
    assert events == [(sessions.user_topic(ann.user), {"type": "login.changed"})]


@isolate_apps("users")
def test_a_user_model_may_have_other_rights_than_those_of_django(ann, monkeypatch):
    class Plain(AbstractBaseUser):
        class Meta:
            app_label = "users"

    class Rich(AbstractBaseUser):
        role = ForeignKey(Group, CASCADE)
        powers = ManyToManyField(Permission)

        class Meta:
            app_label = "users"

    names = [field.name for field in sessions.right_fields(Rich)]
    assert names == ["role", "powers"]
    monkeypatch.setattr(sessions, "RIGHT_FIELDS", sessions.right_fields(Plain))
    monkeypatch.setattr(sessions, "broadcast", pytest.fail)
    group = Group.objects.create(name="friends")
    group.permissions.add(create_permission("mine"))
    group.delete()


@pytest.mark.usefixtures("no_connection_left", "no_task_left")
async def test_a_right_that_is_taken_silently_is_noticed_at_the_next_heartbeat(
    room, ann, monkeypatch
):
    monkeypatch.setattr(rooms, "can_join", has_all_rights)
    await in_thread(give_rights, ann.user)
    socket = await alone(ann, room)
    assert (await answer(socket))["type"] == "system.pong"
    await in_thread(ann.user.groups.through.objects.all().delete)
    assert (await answer(socket))["code"] == CloseCode.FORBIDDEN
    await socket.disconnect()


async def names(chat_socket: Client, count: int) -> list[list[str]]:
    """Return the names of the next diffs' joins, and of their leaves."""
    diffs = [await chat_socket.expect("presence.diff") for _ in range(count)]
    return [
        [person["name"] for diff in diffs for person in diff[key]] for key in ("joins", "leaves")
    ]


async def test_a_user_with_a_new_name_has_it_everywhere_at_once(join, one, two, room, ann, bob):
    tabs = [join(one, room, ann), join(two, room, ann)]
    async with join(one, room, bob) as here, tabs[0], tabs[1], join(two, room) as there:
        while "ann" not in [p["name"] for p in (await here.expect("presence.diff"))["joins"]]:
            pass
        await change_in(one, ann.user, **{User.USERNAME_FIELD: "anna"})
        for watcher in (here, there):
            joins = leaves = []
            while "anna" not in joins:
                joins, leaves = await names(watcher, 1)
                assert leaves == []
        for tab in tabs:
            await tab.say("by my new name")
        said = [await here.expect("chat.message") for _ in tabs]
        assert {message["user"]["name"] for message in said} == {"anna"}
        async with join(one, room) as late:
            members = [person["name"] for person in late.welcome["members"]]
            assert (members.count("anna"), members.count("ann")) == (1, 0)


async def test_a_guest_with_a_new_name_is_one_person(join, one, two, room):
    browser = Browser(one)
    await browser.get(f"/rooms/{room.slug}/")
    tabs = [Client(server, room.slug, browser.cookie) for server in (one, two)]
    async with join(one, room) as watcher, tabs[0], tabs[1]:
        me = tabs[0].welcome["you"]
        assert tabs[1].welcome["you"] == me
        assert (await browser.post("/name/", name="Ann")).status == 302
        joins: list[str] = []
        while "Ann" not in joins:
            joins, leaves = await names(watcher, 1)
            assert leaves == []
        async with join(two, room) as late:
            same = [person for person in late.welcome["members"] if person["id"] == me["id"]]
            assert same == [{"id": me["id"], "name": "Ann"}]
        page = await Browser(one).get("/")
        assert "2 here now" in page.text or "3 here now" in page.text  # the late one may linger
        for tab in tabs:
            await tab.say("by my new name")
            assert (await watcher.expect("chat.message"))["user"]["name"] == "Ann"
