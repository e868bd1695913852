"""Limits of every WebSocket, whatever its consumer: see the settings WEBSOCKET_….

They bound the sockets of one client address, and the size, rate and idle time of the
messages of each. Each process counts for itself.
"""

import asyncio
import time
from collections import defaultdict
from ipaddress import IPv6Address, ip_network

from django.conf import settings

from serving.asgi import Application, Receive, Scope, Send, refuse
from serving.close_codes import CloseCode
from serving.connections import WebSocketConnection
from serving.middleware import parse_address

COST_BYTES = 16 * 1024  # a message or an answer of this size costs one message more
MAX_WAIT_SECONDS = 5  # until the next message is read; clients wait 10 s for a pong
MAX_MESSAGES_ABOVE_RATE = 1000  # in a row; the next one closes the socket
SEND_SECONDS = 10  # for a client to read what a consumer sends


def network_of(host: str) -> str:
    """Return the address that limits count: of IPv6 the /64 network, which one household has."""
    address = parse_address(host)
    if isinstance(address, IPv6Address):
        return str(ip_network((int(address) >> 64 << 64, 64)))
    return str(address or host)  # "" behind a Unix socket without X-Forwarded-For


class TokenBucket:
    """Allows ``burst`` messages at once, and ``rate`` messages a second in the long run.

    https://en.wikipedia.org/wiki/Token_bucket
    """

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = rate
        self.burst = burst
        self.tokens = burst
        self.filled_at = time.monotonic()

    def pay(self, cost: float) -> None:
        """Take ``cost`` tokens. Fewer than none are a debt of MAX_WAIT_SECONDS at most."""
        self._fill()
        self.tokens = max(self.tokens - cost, 1 - MAX_WAIT_SECONDS * self.rate)

    def seconds_to_wait(self, tokens: float = 1) -> float:
        """Return the seconds until there are so many tokens."""
        self._fill()
        return max(0.0, (tokens - self.tokens) / self.rate)

    def _fill(self) -> None:
        now = time.monotonic()
        self.tokens = min(self.burst, self.tokens + (now - self.filled_at) * self.rate)
        self.filled_at = now


class LimitedSocket:
    """The ``receive`` and ``send`` that a consumer gets.

    A message above the rate waits, unread: the server stops reading, and TCP slows the
    client down. At other limits the consumer receives ``websocket.disconnect``.
    """

    close_code: int | None = None

    def __init__(self, socket: WebSocketConnection) -> None:
        self.socket = socket
        self.bucket = TokenBucket(settings.WEBSOCKET_RATE, settings.WEBSOCKET_BURST)
        self.messages_above_rate = 0

    async def receive(self) -> dict:
        if seconds := self.bucket.seconds_to_wait():
            self.messages_above_rate += 1
            await asyncio.sleep(seconds)
        else:
            self.messages_above_rate = 0
        try:
            async with asyncio.timeout(settings.WEBSOCKET_IDLE_SECONDS):
                event = await self.socket.receive()
        except TimeoutError:
            return self._end(CloseCode.IDLE, "no heartbeat")
        if event["type"] != "websocket.receive":
            return event
        text = event.get("text")
        size = len(event["bytes"] if text is None else text.encode())
        if size > settings.WEBSOCKET_MAX_BYTES:
            return self._end(CloseCode.TOO_BIG, f"more than {settings.WEBSOCKET_MAX_BYTES} bytes")
        if self.messages_above_rate >= MAX_MESSAGES_ABOVE_RATE:
            return self._end(CloseCode.RATE_LIMITED, "too many frames")
        self.bucket.pay(1 + size / COST_BYTES)
        return event

    def _end(self, code: CloseCode, reason: str) -> dict:
        self.close_code = int(code)
        return {"type": "websocket.disconnect", "code": self.close_code, "reason": reason}

    async def send(self, event: dict) -> None:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self.socket.send(event)
        except TimeoutError:
            await self.socket.close(CloseCode.TOO_SLOW)


class Address:
    """The sockets of one address. When they come and go too fast, the next ones wait."""

    def __init__(self) -> None:
        self.sockets = 0
        self.bucket = TokenBucket(settings.WEBSOCKET_RATE, settings.WEBSOCKETS_PER_ADDRESS)

    def seconds_to_forget(self) -> float:
        """Return the seconds until the address may be forgotten: its bucket is full again."""
        return self.bucket.seconds_to_wait(self.bucket.burst)


class SocketLimits:
    """Middleware for the limits of WebSockets, within ``TrustedProxies``."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.addresses: dict[str, Address] = defaultdict(Address)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = network_of((scope.get("client") or [""])[0])
        address = self.addresses[name]
        if name and address.sockets >= settings.WEBSOCKETS_PER_ADDRESS:
            await refuse(f"WEBSOCKETS_PER_ADDRESS are open from {name}", receive, send)
            return
        address.sockets += 1
        try:
            address.bucket.pay(1)
            if name and (seconds := address.bucket.seconds_to_wait(0)):
                await asyncio.sleep(seconds)
            await self._run(scope)
        finally:
            address.sockets -= 1
            if not address.sockets:
                rest = address.seconds_to_forget()
                asyncio.get_running_loop().call_later(rest, self._forget, name)

    async def _run(self, scope: Scope) -> None:
        limited = LimitedSocket(scope["socket"])
        await self.application({**scope, "limited": limited}, limited.receive, limited.send)
        if limited.close_code is not None:
            await limited.socket.close(limited.close_code)

    def _forget(self, name: str) -> None:
        address = self.addresses.get(name)
        if address and not address.sockets and not address.seconds_to_forget():
            del self.addresses[name]
