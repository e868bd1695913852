"""A project's own tests stay green when its owner changes what an owner is meant to change."""

import re
import shutil
from pathlib import Path

import pytest
from gate import Gate
from markdown import code, section

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
    "SIGN_UPS_PER_HOUR": "1",
    "PASSWORD_RESETS_PER_HOUR": "1",
    "PASSWORD_MAILS_PER_HOUR": "1",
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

ADMIN = """\
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from members.models import Member

admin.site.register(Member, UserAdmin)
"""

# Tests that use the user model: pages of accounts, rights, direct messages.
TESTS_OF_USERS = [
    "tests/serving/test_throttle.py",
    "tests/users",
    *(f"tests/chat/test_{name}.py" for name in ("direct", "http", "rights", "sessions")),
]

# Files of the project's own user model. docs/updating.md names them too.
USER_MODEL = ["users/admin.py", "users/migrations", "users/models.py"]

MODELS = """\
from django.db import models


class Poll(models.Model):
    class State(models.TextChoices):
        OPEN = "open", "Open"
        CLOSED = "closed", "Closed"

    question = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)

    def __str__(self):
        return f"{self.question} ({self.get_state_display()})"


class Choice(models.Model):
    poll = models.ForeignKey(Poll, models.CASCADE, related_name="choices")
    text = models.CharField(max_length=200)

    def __str__(self):
        return self.text
"""

VIEWS = """\
from django.contrib.auth.decorators import login_required
from django.http import JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

from polls.models import Poll


@require_GET
def show(request, pk):
    poll = get_object_or_404(Poll, pk=pk)
    texts = [choice.text for choice in poll.choices.all()]
    return JsonResponse({"state": poll.get_state_display(), "choices": texts})


@login_required
@require_POST
def suggest(request, pk):
    poll = get_object_or_404(Poll, pk=pk, state=Poll.State.OPEN)
    choice = poll.choices.create(text=request.POST["text"])
    return JsonResponse({"id": choice.id, "by": request.user.email})
"""

URLS = """\
from django.urls import path

from polls import views

urlpatterns = [path("<int:pk>/", views.show), path("<int:pk>/suggest/", views.suggest)]
"""


def change_settings(project: Path, changes: dict[str, str]) -> None:
    path = project / "config" / "settings.py"
    text = path.read_text()
    for name, value in changes.items():
        text, count = re.subn(rf"^{name} = .*$", f"{name} = {value}", text, flags=re.MULTILINE)
        assert count == 1, name
    path.write_text(text)


def test_other_settings_leave_the_tests_green(bake, environments, owned):
    project = bake(**owned)
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
        "tests/users",
    )


def own_model(project: Path) -> str:
    """Give the project a user model in an app of its owner's. Return the model's name."""
    (project / "members").mkdir()
    (project / "members" / "__init__.py").write_text("")
    (project / "members" / "models.py").write_text(USERS)
    (project / "members" / "admin.py").write_text(ADMIN)
    settings = project / "config" / "settings.py"
    text = settings.read_text()
    assert text.count('    "users",\n') == 1
    settings.write_text(text.replace('    "users",\n', '    "members",\n    "users",\n'))
    return "members.Member"


@pytest.mark.parametrize("name_model", [own_model, lambda project: "auth.User"])
def test_another_user_model_works(bake, environments, name_model):
    project = bake(starter="chat", consumer_style="sync")
    for name in USER_MODEL:
        path = project / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    model = name_model(project)
    change_settings(project, {"AUTH_USER_MODEL": f'"{model}"'})
    gate = Gate(project, environments)
    gate.install()
    if model != "auth.User":
        gate.run("python", "manage.py", "makemigrations", "members", DJANGO_DEBUG="true")
    gate.test("uv", "run", "pytest", *TESTS_OF_USERS)


def test_ordinary_django_passes_the_project_s_own_check(bake, environments):
    """An app as ``startapp`` and ``makemigrations`` write it, with models as many projects have."""
    project = bake(starter="minimal")
    gate = Gate(project, environments)
    gate.install()
    gate.run("python", "manage.py", "startapp", "news", DJANGO_DEBUG="true")
    gate.run("python", "manage.py", "startapp", "polls", DJANGO_DEBUG="true")
    for name, text in (("models", MODELS), ("views", VIEWS), ("urls", URLS)):
        (project / "polls" / f"{name}.py").write_text(text)
    settings = project / "config" / "settings.py"
    settings.write_text(settings.read_text().replace('"echo",\n', '"echo",\n    "polls",\n'))
    gate.run("python", "manage.py", "makemigrations", "polls", DJANGO_DEBUG="true")
    readme = (project / "README.md").read_text("utf-8")
    check = code(section(readme, "Test it"), "sh")[0].splitlines()[0]
    gate("bash", "-e", "-c", check)
    gate.lint()
