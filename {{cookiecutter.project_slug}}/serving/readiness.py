"""``/live/`` and ``/ready/`` for load balancers and process managers, whatever host they ask for.

``/live/`` has status 200 while the process answers at all: restart it when it does not.
``/ready/`` has status 200: send people here; or 503: what is missing stands in the answer, as JSON.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping

from channels.db import database_sync_to_async
from django.db import connection

from serving.asgi import Application, Receive, Scope, Send, path_below
from serving.connections import server_state

LIVE_PATH = "/live/"  # asks nothing else: a restart brings no database back
READY_PATH = "/ready/"
PROBE_SECONDS = 3  # for a part to answer

Probe = Callable[[], Awaitable[bool]]  # whether a part is there; one that raises is not


class Readiness:
    """Answers here, in front of Django, which would ask for a known host and for HTTPS.

    ``probes`` has one for each part that the project cannot do without, by its name.
    """

    def __init__(self, application: Application, probes: Mapping[str, Probe]) -> None:
        self.application = application
        self.probes = probes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = path_below(scope)
        if path == LIVE_PATH:
            await _answer(send, 200, {"live": True})
        elif path == READY_PATH:
            missing = await self.find_missing()
            await _answer(send, 503 if missing else 200, {"ready": not missing, "missing": missing})
        else:
            await self.application(scope, receive, send)

    async def find_missing(self) -> list[str]:
        """Return the names of the parts that are away."""
        missing = ["process: it is stopping"] if server_state().is_stopping else []
        return missing + [name for name, probe in self.probes.items() if not await _is_there(probe)]


async def _answer(send: Send, status: int, content: dict) -> None:
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(content).encode()})


async def _is_there(probe: Probe) -> bool:
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            return await probe()
    except Exception:
        return False


async def database_is_ready() -> bool:
    """Return whether the database answers. It raises what the database does."""
    await database_sync_to_async(_ask_database, thread_sensitive=False)()
    return True


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
