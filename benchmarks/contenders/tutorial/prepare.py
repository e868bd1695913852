"""Make the tables, and people: prints a cookie for each, as a JSON list."""

import json
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402

call_command("migrate", verbosity=0)
cookies = []
for number in range(int(sys.argv[1])):
    client = Client()
    client.force_login(User.objects.create_user(f"person-{number}"))
    cookies.append(f"sessionid={client.cookies['sessionid'].value}")
print(json.dumps(cookies))
