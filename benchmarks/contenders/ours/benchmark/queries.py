"""Print, as JSON, the database and the statements of one stored message but for transactions."""

import json
from uuid import uuid4

import django

django.setup()

from django.contrib.auth.models import AnonymousUser  # noqa: E402
from django.db import connection  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from chat import rooms  # noqa: E402
from chat.models import Room  # noqa: E402
from realtime.frames import Person  # noqa: E402

room = Room.objects.get(slug="stored")
with CaptureQueriesContext(connection) as queries:
    rooms.post(room, Person("guest-x", "x"), AnonymousUser(), uuid4(), "Hello")
words = [query["sql"].split()[0] for query in queries]
version = ".".join(map(str, connection.get_database_version()))
found = {
    "database": f"{connection.display_name} {version}",
    "statements": [word for word in words if word in ("SELECT", "INSERT", "UPDATE")],
}
print(json.dumps(found))
