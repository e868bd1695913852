"""Types of ASGI, and small ASGI applications that Channels does not bring.

https://asgi.readthedocs.io/en/stable/specs/main.html
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

logger = logging.getLogger(__name__)

Scope = dict[str, Any]  # "type", "path", "headers" … of one connection
Receive = Callable[[], Awaitable[dict[str, Any]]]  # returns the next event of the client
Send = Callable[[dict[str, Any]], Awaitable[None]]  # sends an event to the client
Application = Callable[..., Awaitable[None]]  # of the three; packages type them differently


def path_below(scope: Scope) -> str:
    """Return the path without the prefix that the whole project is below."""
    return scope["path"].removeprefix(scope.get("root_path", ""))


async def lifespan(scope: Scope, receive: Receive, send: Send) -> None:
    """Acknowledge a server's start and stop: without an answer some servers complain."""
    while True:
        event = await receive()
        await send({"type": f"{event['type']}.complete"})
        if event["type"] == "lifespan.shutdown":
            return


async def refuse(reason: str, receive: Receive, send: Send) -> None:
    """Refuse a WebSocket before it is open: the client sees status 403."""
    logger.warning("WebSocket refused: %s", reason)
    await receive()
    await send({"type": "websocket.close"})


async def unknown_path(scope: Scope, receive: Receive, send: Send) -> Any:
    """Refuse a WebSocket that no route answers."""
    await refuse(f"no route for {scope['path']!r}", receive, send)
