import asyncio
import io
import json
import logging
import os
import re
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
{% if cookiecutter.channel_layer == 'memory' %}
from contextlib import ExitStack
{% else %}
from contextlib import ExitStack, nullcontext
{% endif %}
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from channels.layers import channel_layers
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.db import connections

from config import asgi, routing
from serving import logs, throttle
{% if cookiecutter.channel_layer != 'memory' %}
from serving.embedded_redis import valkey_in
from tests import VALKEY, consumers
{% else %}
from tests import consumers
{% endif %}
from tests.database import *  # noqa: F403
from tests.live import NOT_COPIED, Server, manage

# Tests that ask for one of these start a process: they are marked ``live``.
LIVE_FIXTURES = {"production", "project_copy", "server", "start"}

# The last route of the project matches every path, so those of the tests come first: in this
# process, and in the copies of the project that the servers run.
routing.websocket_urlpatterns[:0] = consumers.websocket_urlpatterns
ADD_ROUTES = """
from tests import {module}

websocket_urlpatterns[:0] = {module}.websocket_urlpatterns
"""

ODD_SETTINGS = """
ROOT_URLCONF = "tests.odd"
FORCE_SCRIPT_NAME = "/talk"
"""

LARGE_BYTES = 200 * 1024 * 1024  # more than a server sends before its client leaves


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if LIVE_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("live")


{% if cookiecutter.channel_layer != 'memory' %}
@pytest.fixture(scope="session", autouse=True)
def _valkey() -> Iterator[None]:
    """A Valkey of this test run's own, unless REDIS_URL names one."""
    with valkey_in(VALKEY) if VALKEY else nullcontext():
        yield


{% endif %}
@pytest.fixture(autouse=True)
def _fresh_channel_layer() -> None:
    channel_layers.backends = {}


@pytest.fixture(autouse=True)
def _english(settings) -> None:
    """Compare texts in the language in which they are written."""
    settings.LANGUAGE_CODE = "en"


@pytest.fixture(autouse=True)
def _fresh_counts(settings, monkeypatch) -> None:
    """Let no test count what another one did."""
    fresh = {"KEY_PREFIX": uuid4().hex}
    settings.CACHES = {name: {**cache, **fresh} for name, cache in settings.CACHES.items()}
    monkeypatch.setattr(throttle, "counts", throttle.Counts())


@pytest.fixture
def json_log() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Return what this process logs, as production writes it with LOG_FORMAT=json."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.JSONFormatter())
    handler.addFilter(logs.OneLineForBadRequests())
    root = logging.getLogger()
    root.addHandler(handler)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(handler)


@pytest.fixture
async def no_connection_left(transactional_db) -> AsyncIterator[None]:
    yield
    await sync_to_async(connections.close_all)()


@pytest.fixture
async def no_task_left() -> AsyncIterator[None]:
    """End all tasks for sure: a channel layer may swallow a cancellation, and waits on."""
    yield
    while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.sleep(0)  # let them begin
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=1)


@pytest.fixture
def application(no_connection_left, no_task_left) -> Any:
    """The whole application, in this process."""
    return asgi.application


@pytest.fixture
def peer(application) -> WebsocketCommunicator:
    """A client of tests/consumers.py, through the whole application."""
    return WebsocketCommunicator(
        application, "/ws/tests/", headers=[(b"origin", b"http://localhost")]
    )


@pytest.fixture(scope="session")
def production(empty_database, tmp_path_factory) -> dict[str, str]:
    """An environment for production, with the static files collected."""
    folder = tmp_path_factory.mktemp("production")
    environment = {
        **os.environ,
        "DJANGO_DEBUG": "false",
        "DJANGO_SECRET_KEY": secrets.token_urlsafe(50),
        "DJANGO_ALLOWED_HOSTS": "localhost,127.0.0.1",
{% if cookiecutter.starter == 'chat' %}
        "EMAIL_URL": "smtp://localhost",
        "DEFAULT_FROM_EMAIL": "desk@example.com",
{% endif %}
        **empty_database,
        "STATIC_ROOT": str(folder / "static"),
        "WEB_CONCURRENCY": "1",
    }
    assert "exit status 0" in manage("collectstatic", "--noinput", env=environment)
    return environment


@pytest.fixture(scope="session")
def served_project(tmp_path_factory) -> Path:
    """A copy of the project, whose servers have the consumers of the tests."""
    return copy_project(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="session")
def start(tmp_path_factory, served_project) -> Iterator[Callable[..., Server]]:
    """Start a server process, ready for requests. All of them end with the test run."""
    servers = ExitStack()

    def start(command: str, env: dict[str, str], folder: Path = served_project) -> Server:
        log = tmp_path_factory.mktemp("server") / "log"
        server = Server(command, env, folder, log)
        servers.callback(server.stop)
        server.wait_until_ready()
        return server

    with servers:
        yield start


@pytest.fixture(scope="session")
def developed_project(tmp_path_factory) -> Path:
    """A copy of the project, which the development server runs."""
    return copy_project(tmp_path_factory.mktemp("developed"))


@pytest.fixture(scope="session")
def runserver(start, developed_project, empty_database) -> Server:
    """The development server."""
    return start("manage.py runserver 127.0.0.1:PORT", empty_database, developed_project)


@pytest.fixture(scope="session")
def serve(start, production) -> Server:
    """The production server."""
    return start("manage.py serve --port PORT", production)


@pytest.fixture(params=["runserver", "serve"])
def server(request) -> Server:
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def odd_project(tmp_path_factory) -> Path:
    """A copy of the project, below a prefix, with what tests/odd.py has."""
    project = copy_project(tmp_path_factory.mktemp("odd"))
    append(project / "config" / "routing.py", ADD_ROUTES.format(module="odd"))
    append(project / "config" / "settings.py", ODD_SETTINGS)
    return project


@pytest.fixture(scope="session")
def odd(start, odd_project, production, tmp_path_factory) -> Iterator[Server]:
    """A server whose consumers and clients do what they should not. It ends in order."""
    static = tmp_path_factory.mktemp("odd-static") / "static"
    shutil.copytree(production["STATIC_ROOT"], static, copy_function=os.link)
    with open(static / "large.bin", "wb") as large:
        large.truncate(LARGE_BYTES)
    environment = {**production, "STATIC_ROOT": str(static), "LOG_FORMAT": "json"}
    server = start("manage.py serve --port PORT", environment, odd_project)
    yield server
    before = len(server.log)
    server.stop()
    assert server.process.returncode == 0
    assert not re.search("Cut off|ERROR|Traceback", server.log[before:])
    for line in server.log.splitlines():
        assert json.loads(line)["message"]


@pytest.fixture
def project_copy(tmp_path) -> Path:
    """A copy of the project, for tests that edit it."""
    return copy_project(tmp_path)


def copy_project(folder: Path) -> Path:
    project = Path(shutil.copytree(settings.BASE_DIR, folder / "project", ignore=NOT_COPIED))
    append(project / "config" / "routing.py", ADD_ROUTES.format(module="consumers"))
    return project


def append(path: Path, text: str) -> None:
    with open(path, "a") as file:
        file.write(text)
