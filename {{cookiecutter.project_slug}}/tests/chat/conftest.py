import re
from collections.abc import Callable, Generator
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.contenttypes.management import create_contenttypes
from django.db.models.signals import post_migrate

from chat.models import Room
from realtime import threads
from tests.chat.accounts import Account, create_account
from tests.chat.client import Client
from tests.live import Server


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup) -> None:
    """Keep Django from storing all permissions anew whenever a test has emptied the database."""
    post_migrate.disconnect(create_contenttypes)
    post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
    threads.KEEP_SECONDS = 0  # no connection is left when the database is taken away


@pytest.fixture(autouse=True)
def _as_the_servers_have_it(settings) -> None:
    """Use the settings of tests/chat/settings.py in this process too."""
    settings.CHAT_GUESTS_PICK_NAMES = True
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def chat_environment(production, database) -> dict[str, str]:
    """An environment for production, on the tests' database."""
    return {
        **production,
        "DJANGO_SETTINGS_MODULE": "tests.chat.settings",
        "DJANGO_SECRET_KEY": settings.SECRET_KEY,  # so that sessions made here hold there
        **database,
    }


@pytest.fixture(scope="session")
def chat_servers() -> list[Server]:
    return []


@pytest.fixture(scope="session")
def start_chat(start, chat_environment, chat_servers) -> Callable[..., Server]:
    """Start a server on the tests' database, with these settings."""

    def start_chat(settings_module: str = "tests.chat.settings") -> Server:
        environment = {**chat_environment, "DJANGO_SETTINGS_MODULE": settings_module}
        server = start("manage.py serve --port PORT", environment)
        chat_servers.append(server)
        return server

    return start_chat


@pytest.fixture(autouse=True)
def _no_error_in_the_logs(chat_servers) -> Generator[None]:
    """Fail when a server has met something that it did not expect, whoever noticed."""
    sizes = {server.port: len(server.log) for server in chat_servers}
    yield
    for server in chat_servers:
        news = server.log[sizes.get(server.port, 0) :]
        assert not re.search(r"Traceback|\bERROR\b|\bCRITICAL\b", news), news


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
def ann(transactional_db) -> Account:
    return create_account("ann")


@pytest.fixture
def bob(transactional_db) -> Account:
    return create_account("bob")


@pytest.fixture
def cat(transactional_db) -> Account:
    return create_account("cat")


@pytest.fixture
def admin(transactional_db) -> Account:
    return create_account("admin", is_staff=True, is_superuser=True)


@pytest.fixture
def join() -> Callable[..., Client]:
    """Open a socket in a room, with an account or as a guest."""

    def join(server: Server, room: Room, account: Account | None = None, **query: Any) -> Client:
        return Client(server, room.slug, account.cookie if account else "", **query)

    return join
