import asyncio
import os
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings

from tests.live import Server


@pytest.fixture
def dice() -> random.Random:
    """Chance that can be repeated: FAULTS_SEED=… takes the seed that a failure shows."""
    seed = int(os.environ.get("FAULTS_SEED") or random.randrange(10**9))
    print(f"FAULTS_SEED={seed}")
    return random.Random(seed)


@contextmanager
def launching(start: Callable, environment: dict[str, str]) -> Iterator[Callable[..., Server]]:
    servers = []

    def launch(settings_module: str = "tests.chat.faults.settings", **variables: str) -> Server:
        mine = {**environment, "DJANGO_SETTINGS_MODULE": settings_module, **variables}
        servers.append(start("manage.py serve --port PORT", mine))
        return servers[-1]

    yield launch
    for server in servers:
        server.process.terminate()
    for server in servers:
        server.stop()


@pytest.fixture
def launch(start, chat_environment) -> Iterator[Callable[..., Server]]:
    """Start a server, with these variables, for one test, which looks at its log."""
    with launching(start, chat_environment) as launch:
        yield launch


@pytest.fixture(scope="module")
def launch_for_all(start, chat_environment) -> Iterator[Callable[..., Server]]:
    """Start a server for all tests of a module."""
    with launching(start, chat_environment) as launch:
        yield launch


@pytest.fixture
def redis(tmp_path: Path):
    """A Redis that this test may break."""
    from tests.chat.faults.valkey import Redis  # not every variant has one

    redis = Redis(tmp_path)
    yield redis
    redis.thaw()
    redis.end()


@pytest.fixture
def processes() -> int:
    """How many server processes hear each other."""
    return 1 if "InMemory" in settings.CHANNEL_LAYERS["default"]["BACKEND"] else 2


@pytest.fixture
def layer_url(request, processes) -> dict[str, str]:
    """The variables that lead a server to a layer of this test's own."""
    return {} if processes == 1 else {"REDIS_URL": request.getfixturevalue("redis").url}


@pytest.fixture
def break_the_layer(request, processes) -> Callable[[float], Awaitable[None]]:
    """Take the layer away for some seconds; where it lies in memory, it ends with its process."""

    async def break_the_layer(seconds: float) -> None:
        if processes > 1:
            redis = request.getfixturevalue("redis")
            redis.end()
            await asyncio.sleep(seconds)
            await asyncio.to_thread(redis.start)

    return break_the_layer
