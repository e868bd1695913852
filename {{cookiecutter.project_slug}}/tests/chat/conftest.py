from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from chat.models import Room
from tests.chat.client import Wire
from tests.live import Server


@pytest.fixture(scope="session")
def start_chat(start, production, django_db_setup) -> Callable[..., Server]:
    """Start a server on the tests' database, with these settings."""

    def start_chat(settings_module: str = "tests.chat.settings") -> Server:
        environment = {
            **production,
            "DJANGO_SETTINGS_MODULE": settings_module,
            "DJANGO_SECRET_KEY": settings.SECRET_KEY,  # so that sessions made here hold there
            "SQLITE_PATH": str(connection.settings_dict["NAME"]),
        }
        return start("manage.py serve --port PORT", environment)

    return start_chat


@pytest.fixture(scope="session")
def one(start_chat) -> Server:
    return start_chat()


@pytest.fixture(scope="session")
{% if cookiecutter.channel_layer == 'memory' %}
def two(one) -> Server:
    """The same server: the memory layer reaches one process."""
    return one
{% else %}
def two(start_chat) -> Server:
    """Another process."""
    return start_chat()
{% endif %}


@pytest.fixture(scope="session")
def strict(start_chat) -> Server:
    """A server whose limits are met soon."""
    return start_chat("tests.chat.strict_settings")


@pytest.fixture
def room(transactional_db) -> Room:
    """A room that is open to guests."""
    return Room.objects.create(slug=f"room-{uuid4().hex[:8]}", title="Room", open_to_guests=True)


@pytest.fixture
def members_room(transactional_db) -> Room:
    """A room that is not open to guests."""
    return Room.objects.create(slug=f"room-{uuid4().hex[:8]}", title="Members")


@pytest.fixture
def make_user(transactional_db) -> Callable[[str], Any]:
    def make_user(name: str) -> Any:
        return User.objects.create_user(name, password=name)

    return make_user


@pytest.fixture
def ann(make_user) -> Any:
    return make_user("ann")


@pytest.fixture
def bob(make_user) -> Any:
    return make_user("bob")


@pytest.fixture
def login() -> Callable[[Any], Client]:
    """Log a user in; return the browser's client, whose cookies a socket can bring."""

    def login(user: Any) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return login


def cookie_of(client: Client) -> str:
    return f"sessionid={client.cookies['sessionid'].value}"


@pytest.fixture
def join(login) -> Callable[..., Wire]:
    """Open a socket in a room, as ``user`` or as a guest."""

    def join(server: Server, room: Room, user: Any = None, **query: object) -> Wire:
        cookie = cookie_of(login(user)) if user else ""
        return Wire(server, room.slug, cookie, **query)

    return join
