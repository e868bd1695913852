"""What a client may send: how much, how fast, how seldom, and what is understood."""

import asyncio
import time
from collections.abc import Callable

import msgspec
from django.conf import settings

from realtime.frames import BadFrame, ClientFrame, Close, Closed, Refused, decode

MAX_BAD_FRAMES = 10  # in a row
MAX_REFUSED_FRAMES = 100  # in a row, for coming too fast


class TokenBucket:
    """Lets ``burst`` through at once, and ``rate`` a second in the long run."""

    def __init__(self, rate: float, burst: int) -> None:
        self.rate, self.burst = rate, burst
        self.tokens = float(burst)
        self.filled_at = time.monotonic()

    def take(self) -> bool:
        """Whether one more is within the limit."""
        now = time.monotonic()
        self.tokens = min(self.burst, self.tokens + (now - self.filled_at) * self.rate)
        self.filled_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Silence:
    """Calls ``too_long`` once, when nothing has ended the silence of a socket for too long."""

    def __init__(self, too_long: Callable[[], object]) -> None:
        self.too_long = too_long
        self.end()
        self._watch()

    def end(self) -> None:
        """Something has come."""
        self.heard_at = time.monotonic()

    def stop(self) -> None:
        self.timer.cancel()

    def _watch(self) -> None:
        remaining = self.heard_at + settings.WEBSOCKET_IDLE_SECONDS - time.monotonic()
        if remaining <= 0:
            self.too_long()
        else:
            self.timer = asyncio.get_running_loop().call_later(remaining, self._watch)


class Reader:
    """Reads the frames of one socket."""

    def __init__(self, decoder: msgspec.json.Decoder) -> None:
        self.decoder = decoder
        self.bucket = TokenBucket(settings.WEBSOCKET_RATE, settings.WEBSOCKET_BURST)
        self.bad_frames = self.refused_frames = 0

    def read(self, message: dict) -> ClientFrame:
        """Return the frame in a ``websocket.receive`` event. Raises Refused or Closed."""
        text = message.get("text")
        size = len(message["bytes"] if text is None else text.encode())
        if size > settings.WEBSOCKET_MAX_BYTES:
            raise Closed(Close.TOO_BIG, f"more than {settings.WEBSOCKET_MAX_BYTES} bytes")
        try:
            frame = decode(text, self.decoder)
        except Refused as refused:
            self.bad_frames += isinstance(refused, BadFrame)
            if self.bad_frames >= MAX_BAD_FRAMES:
                raise Closed(Close.BAD_FRAMES, refused.detail) from refused
            self._count(refused.ref)
            raise
        self.bad_frames = 0
        self._count(frame.ref)
        return frame

    def _count(self, ref: str | int | None) -> None:
        if self.bucket.take():
            self.refused_frames = 0
            return
        self.refused_frames += 1
        if self.refused_frames >= MAX_REFUSED_FRAMES:
            raise Closed(Close.RATE_LIMITED, "too many frames")
        raise Refused("rate_limited", f"{settings.WEBSOCKET_RATE} frames a second", ref)
