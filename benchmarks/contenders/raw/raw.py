"""A room without Django or Channels: what the server itself can do. Nothing is checked.

``/ws/chat/…/`` hands each text to all sockets, ``/ws/echo/`` back to its sender.
"""

from collections import defaultdict

rooms = defaultdict(set)  # the send functions of each path


async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
    elif scope["type"] == "websocket":
        await websocket(scope["path"], receive, send)


async def websocket(path, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    members = {send} if path == "/ws/echo/" else rooms[path]
    members.add(send)
    try:
        while (event := await receive())["type"] == "websocket.receive":
            message = {"type": "websocket.send", "text": event["text"]}
            for member in list(members):
                await member(message)
    finally:
        members.discard(send)


async def lifespan(receive, send):
    while True:
        event = await receive()
        await send({"type": f"{event['type']}.complete"})
        if event["type"] == "lifespan.shutdown":
            return
