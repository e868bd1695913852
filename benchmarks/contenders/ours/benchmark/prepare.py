"""Make the tables, rooms, and people: prints a cookie for each, as a JSON list."""

import json
import sys

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402

from chat.models import Room  # noqa: E402

people, rooms = map(int, sys.argv[1:])
call_command("migrate", verbosity=0)
call_command("flush", verbosity=0, interactive=False)  # of an earlier run
Room.objects.bulk_create(
    Room(slug=slug, title=slug, open_to_guests=True)
    for slug in ["stored", *(f"room-{number}" for number in range(rooms))]
)
cookies = []
name = settings.SESSION_COOKIE_NAME
for number in range(people):
    client = Client()
    client.force_login(get_user_model().objects.create_user(f"person-{number}"))
    cookies.append(f"{name}={client.cookies[name].value}")
print(json.dumps(cookies))
