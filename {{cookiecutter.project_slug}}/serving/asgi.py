"""Small ASGI applications that Channels does not bring.

https://asgi.readthedocs.io/en/stable/specs/main.html
"""

import logging

logger = logging.getLogger(__name__)


def path_below(scope: dict) -> str:
    """Return the path without the prefix that the whole project is below."""
    return scope["path"].removeprefix(scope.get("root_path", ""))


async def lifespan(scope, receive, send):
    """Say yes to a server's start and stop: without an answer some servers complain."""
    while True:
        event = await receive()
        await send({"type": f"{event['type']}.complete"})
        if event["type"] == "lifespan.shutdown":
            return


async def refuse(reason: str, receive, send) -> None:
    """Refuse a WebSocket before it is open: the client sees status 403."""
    logger.warning("WebSocket refused: %s", reason)
    await receive()
    await send({"type": "websocket.close"})


async def unknown_path(scope, receive, send):
    """Refuse a WebSocket that no route answers."""
    await refuse(f"no route for {scope['path']!r}", receive, send)
