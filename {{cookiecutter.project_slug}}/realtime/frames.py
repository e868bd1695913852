"""The frames that every protocol here shares, as JSON texts with a ``type``.

An app adds frames of its own: subclasses of ``ClientFrame`` and ``Frame`` with a tag.
https://jcristharif.com/msgspec/structs.html#tagged-unions
"""

import json
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from serving.close_codes import CloseCode

Ref = Annotated[str, Meta(max_length=64)] | Annotated[int, Meta(ge=-(2**53), le=2**53)]


class Frame(msgspec.Struct, omit_defaults=True, tag_field="type"):
    """A frame that the server sends."""

    def encode(self) -> str:
        try:
            return msgspec.json.encode(self).decode()
        except UnicodeEncodeError:  # the ``ref`` of a client has half a surrogate pair
            return json.dumps(msgspec.to_builtins(self))


class ClientFrame(Frame, kw_only=True):
    """A frame that a client sends. The answer repeats its ``ref``."""

    ref: Ref | None = None


class PingRequest(ClientFrame, tag="system.ping"):
    """The heartbeat of a client."""


class AckFrame(Frame, tag="system.ack"):
    """A message is stored as ``seq``: from here on it cannot be lost."""

    seq: int
    ref: Ref | None = None


class ErrorFrame(Frame, tag="system.error"):
    """A frame of the client was refused. The socket stays open."""

    code: str
    detail: str
    ref: Ref | None = None


class DisconnectFrame(Frame, tag="system.disconnect"):
    """The socket closes next. Not every server passes on a reason, so it stands here."""

    code: int
    reason: str
    retry_in_ms: int = 0


class Person(msgspec.Struct, frozen=True):
    """A user or a guest, with any number of sockets."""

    id: str
    name: str

    def encode(self) -> str:
        return msgspec.json.encode(self).decode()


class PresenceDiffFrame(Frame, tag="presence.diff"):
    """The people that joined a topic, or left it with their last socket."""

    joins: list[Person]
    leaves: list[Person]


class FrameError(Exception):
    """A frame that is refused. Its sender gets an ``ErrorFrame``; the socket stays open."""

    def __init__(self, code: str, detail: str, ref: str | int | None = None) -> None:
        super().__init__(code, detail)
        self.code, self.detail, self.ref = code, detail, ref


class BadFrameError(FrameError):
    """A frame that is the client's mistake, not its user's. Too many in a row close the socket."""


class CloseSocket(Exception):
    """Raised to close the socket. Its client gets a ``DisconnectFrame`` first."""

    def __init__(self, code: CloseCode, reason: str, retry_in_ms: int = 0) -> None:
        super().__init__(code, reason)
        self.code, self.reason, self.retry_in_ms = code, reason, retry_in_ms


class _Reference(msgspec.Struct):
    ref: Ref | None = None


def decode(text: str | None, decoder: msgspec.json.Decoder) -> ClientFrame:
    """Return the frame in ``text``. Raises FrameError, with the frame's ``ref`` if it has one.

    It is a BadFrameError unless a text that the user typed is to blame.
    """
    if text is None:
        raise BadFrameError("bad_frame", "binary frames are not understood")
    try:
        return decoder.decode(text)
    except msgspec.ValidationError as error:
        detail = str(error)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise _unreadable(text, error) from error
    try:
        ref = msgspec.json.decode(text, type=_Reference).ref
    except msgspec.MsgspecError:
        ref = None
    if detail.endswith("`$.type`") or detail.endswith("field `type`"):
        raise BadFrameError("unknown_type", detail, ref)
    if "length <=" in detail and ref is not None:
        raise FrameError("too_long", detail, ref)
    raise BadFrameError("too_long" if "length <=" in detail else "invalid", detail, ref)


def _unreadable(text: str, error: Exception) -> FrameError:
    """Return the reason to refuse ``text``, which msgspec cannot decode.

    Half a surrogate pair is no text, but JSON.stringify() writes one that a user has typed.
    """
    try:
        frame: Any = json.loads(text)
        json.dumps(frame, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        try:
            ref = msgspec.convert(frame, type=_Reference).ref
        except msgspec.ValidationError:
            ref = None
        return FrameError("bad_frame", "half of a surrogate pair", ref)
    except (ValueError, RecursionError):
        pass
    return BadFrameError("bad_frame", str(error))
