"""A client that speaks in frames, for tests that read like a conversation."""

import asyncio
import json
from types import TracebackType
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.live import ANSWER_SECONDS, Server

QUIET_SECONDS = 0.3


class Wire:
    """One socket. It does what a test says, and nothing by itself.

    Unless ``is_welcome`` is False, it is open when the server has sent the first frames.
    """

    welcome: dict[str, Any]
    history: dict[str, Any]
    direct_history: dict[str, Any]

    def __init__(
        self, server: Server, room: str, cookie: str = "", is_welcome: bool = True, **query: object
    ) -> None:
        self.is_welcome = is_welcome
        self.origin = f"http://127.0.0.1:{server.port}"
        self.address = f"ws://127.0.0.1:{server.port}/ws/chat/{room}/?{urlencode(query)}"
        self.headers = {"Cookie": cookie} if cookie else {}
        self.websocket: ClientConnection

    async def __aenter__(self) -> "Wire":
        self.websocket = await connect(
            self.address,
            origin=self.origin,  # ty: ignore[invalid-argument-type]
            additional_headers=self.headers,
            open_timeout=ANSWER_SECONDS,
            close_timeout=1,
            max_size=None,
            ping_interval=None,
            proxy=None,
        )
        if self.is_welcome:
            self.welcome = await self.expect("chat.welcome")
            self.history = await self.expect("chat.history")
            if self.welcome["you"]["id"].startswith("user-"):
                self.direct_history = await self.expect("chat.history", direct=True)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.websocket.close()

    async def send(self, kind: str, **fields: object) -> None:
        await self.send_text(json.dumps({"type": kind, **fields}))

    async def send_text(self, text: str | bytes) -> None:
        await self.websocket.send(text)

    async def receive(self, seconds: float = ANSWER_SECONDS) -> dict[str, Any]:
        """Return the next frame."""
        async with asyncio.timeout(seconds):
            return json.loads(await self.websocket.recv())

    async def expect(self, kind: str, **fields: object) -> dict[str, Any]:
        """Return the next frame of this type with these fields; those before it are skipped."""
        skipped = []
        try:
            while True:
                frame = await self.receive()
                if frame["type"] == kind and fields.items() <= frame.items():
                    return frame
                skipped.append(frame)
        except TimeoutError:
            raise AssertionError(f"no {kind} {fields}, but {skipped}") from None

    async def say(self, text: str, **fields: object) -> dict[str, Any]:
        """Send a message; return its acknowledgement."""
        message = {"ref": str(uuid4()), "id": str(uuid4()), "text": text, **fields}
        await self.send("chat.send", **message)
        return await self.expect("system.ack", ref=message["ref"])

    async def quiet(self, *kinds: str) -> None:
        """Assert that no frame of these types comes for a moment."""
        try:
            while True:
                frame = await self.receive(QUIET_SECONDS)
                assert frame["type"] not in kinds, frame
        except TimeoutError:
            pass

    async def expect_close(self) -> tuple[int, list[dict[str, Any]]]:
        """Return the close code, and the frames that came before."""
        frames = []
        try:
            while True:
                frames.append(await self.receive())
        except ConnectionClosed as closed:
            return (closed.rcvd.code if closed.rcvd else 1006), frames
