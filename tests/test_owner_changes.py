"""A project's own tests stay green when its owner changes what an owner is meant to change."""

import re
from pathlib import Path

import pytest
from gate import Gate

# Each differs from what is generated. All at once: they touch each other nowhere.
CHANGES = {
    "WEBSOCKET_MAX_BYTES": "32 * 1024",
    "WEBSOCKET_HEARTBEAT_SECONDS": "10",
    "WEBSOCKET_IDLE_SECONDS": "40",
    "WEBSOCKET_RESTART_SECONDS": "5",
    "WEBSOCKET_RATE": "50",
    "WEBSOCKET_BURST": "100",
    "WEBSOCKETS_PER_PERSON": "6",
    "WEBSOCKET_THREADS": "4",
    "CHAT_TEXT_LENGTH": "500",
    "CHAT_GUESTS_PICK_NAMES": "False",
    "LOGIN_REDIRECT_URL": '"password_change"',
    "LOGOUT_REDIRECT_URL": '"login"',
    "LANGUAGE_CODE": '"de"',
    "TIME_ZONE": '"Asia/Seoul"',
    "SECURE_HSTS_SECONDS": "31536000 if HTTPS else 0",
}

USERS = """\
from uuid import uuid4

from django.contrib.auth.models import AbstractUser
from django.db import models


class Member(AbstractUser):
    id = models.UUIDField(primary_key=True, default=uuid4)
"""

# What speaks of users: their pages, their rights, their direct messages.
TESTS_OF_USERS = [f"tests/chat/test_{name}.py" for name in ("direct", "http", "rights", "sessions")]


def change_settings(project: Path, changes: dict[str, str]) -> None:
    path = project / "config" / "settings.py"
    text = path.read_text()
    for name, value in changes.items():
        text, count = re.subn(rf"^{name} = .*$", f"{name} = {value}", text, flags=re.MULTILINE)
        assert count == 1, name
    path.write_text(text)


@pytest.mark.parametrize(
    "answers",
    [
        {"asgi_server": "uvicorn", "channel_layer": "memory", "consumer_style": "async"},
        {"asgi_server": "granian", "channel_layer": "redis", "consumer_style": "sync"},
    ],
    ids=lambda answers: "-".join(answers.values()),
)
def test_other_settings_leave_the_tests_green(bake, environments, answers):
    project = bake(**answers, starter="chat")
    change_settings(project, CHANGES)
    gate = Gate(project, environments)
    gate.install()
    gate.test(
        "uv",
        "run",
        "pytest",
        "tests/chat",
        "tests/echo/test_echo.py",
        "tests/config/test_settings.py",
    )


def test_a_user_model_of_the_owner_works(bake, environments):
    project = bake(starter="chat", consumer_style="sync")
    (project / "members").mkdir()
    (project / "members" / "__init__.py").write_text("")
    (project / "members" / "models.py").write_text(USERS)
    settings = project / "config" / "settings.py"
    text = settings.read_text().replace('    "chat",\n', '    "chat",\n    "members",\n')
    settings.write_text(f'{text}\nAUTH_USER_MODEL = "members.Member"\n')
    gate = Gate(project, environments)
    gate.install()
    gate.run("python", "manage.py", "makemigrations", "members", DJANGO_DEBUG="true")
    gate.test("uv", "run", "pytest", *TESTS_OF_USERS)
