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

API = """\
from rest_framework import permissions, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from polls.models import Choice, Poll


class ChoiceSerializer(serializers.ModelSerializer):
    class Meta:
        model = Choice
        fields = ["id", "text"]


class PollSerializer(serializers.ModelSerializer):
    choices = ChoiceSerializer(many=True, read_only=True)
    state = serializers.CharField(source="get_state_display", read_only=True)

    class Meta:
        model = Poll
        fields = ["id", "question", "state", "choices"]


class PollViewSet(viewsets.ModelViewSet):
    queryset = Poll.objects.prefetch_related("choices")
    serializer_class = PollSerializer
    permission_classes = [permissions.IsAuthenticatedOrReadOnly]

    @action(detail=True, methods=["post"])
    def close(self, request, pk=None):
        poll = self.get_object()
        poll.state = Poll.State.CLOSED
        poll.save()
        return Response(self.get_serializer(poll).data)
"""

URLS = """\
from django.urls import include, path
from rest_framework.routers import DefaultRouter

from polls import api, views

router = DefaultRouter()
router.register("polls", api.PollViewSet)

urlpatterns = [
    path("<int:pk>/", views.show, name="show"),
    path("<int:pk>/suggest/", views.suggest, name="suggest"),
    path("api/", include(router.urls)),
]
"""

TESTS = """\
import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from polls.models import Poll


@pytest.fixture
def poll(db):
    poll = Poll.objects.create(question="What colour?")
    poll.choices.create(text="Green")
    return poll


@pytest.fixture
def ann(client, db):
    user = get_user_model().objects.create_user("ann", "ann@example.com")
    client.force_login(user)
    return user


def test_a_poll_is_shown(client, poll):
    assert client.get(reverse("show", args=[poll.pk])).json() == {
        "state": "Open",
        "choices": ["Green"],
    }


def test_a_choice_is_suggested(client, ann, poll):
    response = client.post(reverse("suggest", args=[poll.pk]), {"text": "Red"})
    assert response.json()["by"] == "ann@example.com"
    assert poll.choices.count() == 2


def test_the_api_lists_and_closes_polls(client, poll, ann):
    (shown,) = client.get(reverse("poll-list")).json()
    assert (shown["state"], shown["choices"][0]["text"]) == ("Open", "Green")
    closed = client.post(reverse("poll-close", args=[poll.pk])).json()
    assert closed["state"] == "Closed"
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
    """An app as ``startapp`` and ``makemigrations`` write it, with what many projects have."""
    project = bake(starter="minimal")
    Gate(project, environments)("uv", "add", "--no-sync", "djangorestframework")
    gate = Gate(project, environments)
    gate.install()
    gate.run("python", "manage.py", "startapp", "news", DJANGO_DEBUG="true")
    gate.run("python", "manage.py", "startapp", "polls", DJANGO_DEBUG="true")
    for name, text in (("models", MODELS), ("views", VIEWS), ("api", API), ("urls", URLS)):
        (project / "polls" / f"{name}.py").write_text(text)
    tests = project / "tests" / "polls"
    tests.mkdir()
    (tests / "__init__.py").write_text("")
    (tests / "test_polls.py").write_text(TESTS)
    add_line(
        project / "config" / "settings.py", '    "echo",', '    "polls",\n    "rest_framework",'
    )
    echo = '    path("", include("echo.urls")),'
    add_line(project / "config" / "urls.py", echo, '    path("polls/", include("polls.urls")),')
    gate.run("python", "manage.py", "makemigrations", "polls", DJANGO_DEBUG="true")
    readme = (project / "README.md").read_text("utf-8")
    check = code(section(readme, "Test it"), "sh")[0].splitlines()[0]
    gate("bash", "-e", "-c", check)
    gate.lint()
    gate.test("uv", "run", "pytest", "tests/polls")


def add_line(path: Path, before: str, line: str) -> None:
    text = path.read_text()
    assert text.count(f"{before}\n") == 1, path
    path.write_text(text.replace(f"{before}\n", f"{before}\n{line}\n"))
