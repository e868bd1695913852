"""A project moves from SQLite to PostgreSQL with all its rows, by the commands of the document."""

import json
import re
import shutil

from gate import UV, Gate
from markdown import code, section
from variants import ROOT

UPDATING = (ROOT / "docs" / "updating.md").read_text("utf-8")

STORE = """
from uuid import uuid4
from django.contrib.auth.models import Group, Permission
from django.contrib.sessions.backends.db import SessionStore
from chat import rooms
from chat.models import Room
from users.models import User
ann = User.objects.create_user("ann", "ann@example.com", "secret")
bob = User.objects.create_user("bob", "bob@example.com", "secret")
group = Group.objects.create(name="editors")
group.permissions.add(Permission.objects.get(codename="add_room"))
ann.groups.add(group)
SessionStore().save()
room = Room.objects.create(slug="garden", title="Garten 🌱")
Room.objects.get(slug="lobby").delete()
for number in range(3):
    rooms.post(room, rooms.person_of(ann), ann, uuid4(), f"{number} 안녕 <b>")
    rooms.post_direct(bob, f"user-{ann.pk}", uuid4(), f"{number} direct")
"""
GO_ON = """
from uuid import uuid4
from chat import rooms
from chat.models import Room
from users.models import User
ann = User.objects.get(username="ann")
print("seq", rooms.post(Room.objects.get(slug="garden"), rooms.person_of(ann), ann, uuid4(), "on"))
User.objects.create_user("cat")
"""


def test_all_rows_move_by_the_commands_of_the_document(bake, environments):
    dump, update, lock, *moves, tests = (
        code(section(UPDATING, "From SQLite to PostgreSQL"), "sh")[0].strip().splitlines()
    )
    assert (lock, tests) == ("uv lock", "uv run pytest")
    assert json.loads(re.search("'(.*)'", update)[1]) == {"database": "postgresql"}
    project = bake()
    gate = Gate(project, environments)
    gate.install()
    manage = ("python", "manage.py")
    gate.run(*manage, "migrate", "--verbosity", "0")
    gate.run(*manage, "shell", "-c", STORE)
    gate("bash", "-e", "-c", dump.replace("uv run", f"{UV} run --no-sync"))
    before = (project / "all.jsonl").read_text().splitlines()
    assert len(before) > 15

    answered_anew = bake(database="postgresql")
    shutil.copytree(answered_anew, project, dirs_exist_ok=True)
    gate = Gate(project, environments)
    gate.install()
    for command in moves:
        gate("bash", "-e", "-c", command.replace("uv run", f"{UV} run --no-sync"))
    gate("bash", "-e", "-c", dump.replace("uv run", f"{UV} run --no-sync"))
    assert sorted((project / "all.jsonl").read_text().splitlines()) == sorted(before)
    assert "seq 4\n" in gate.run(*manage, "shell", "-c", GO_ON)
