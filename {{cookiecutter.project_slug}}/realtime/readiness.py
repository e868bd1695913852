"""``/ready/`` for load balancers and process managers, whatever host they ask for.

Status 200: send people here. 503: what is missing stands in the answer, as JSON.
"""

import asyncio
import json

from django.db import connection

from realtime.asgi import path_below
from realtime.connections import traffic
from realtime.hub import hub
from realtime.threads import in_thread

PATH = "/ready/"
DATABASE_SECONDS = 2


class Readiness:
    """Answers here, in front of Django, which would ask for a known host and for HTTPS."""

    def __init__(self, application) -> None:
        self.application = application

    async def __call__(self, scope, receive, send) -> None:
        if path_below(scope) != PATH:
            await self.application(scope, receive, send)
            return
        missing = await find_missing()
        status = 503 if missing else 200
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        body = json.dumps({"ready": not missing, "missing": missing}).encode()
        await send({"type": "http.response.body", "body": body})


async def find_missing() -> list[str]:
    """Return what is away. While a layer is, the chat goes on: it is stored, and shown later."""
    missing = ["process: it is stopping"] if traffic().is_stopping else []
    if not await hub().is_ready():
        missing.append("channel layer")
    try:
        async with asyncio.timeout(DATABASE_SECONDS):
            await in_thread(_ask_database)
    except Exception:
        missing.append("database")
    return missing


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
