"""The base of consumers that speak in frames: decoding, limits, heartbeat, errors, close.

A subclass lists its frames and their handlers, ``async def`` or plain ``def``. A plain
handler may block, on the ORM for example: it runs in a thread. See chat/consumers.py.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from functools import reduce
from inspect import iscoroutinefunction
from operator import or_
from typing import Any, ClassVar
from uuid import uuid4

import msgspec
from channels.consumer import get_handler_name
from django.conf import settings

from realtime import frames
from realtime.frames import BadFrameError, ClientFrame, CloseSocket, Frame, FrameError, Person
from realtime.hub import hub
from realtime.presence import RELOAD_SECONDS, people, presence
from realtime.sessions import LoginBoundMixin
from realtime.tasks import in_event_loop, spawn
from realtime.threads import OUTAGES, in_thread
from realtime.writer import Writer
from serving.asgi import Receive, Scope, Send
from serving.close_codes import CloseCode
from serving.connections import WebSocketConnection
from serving.limits import COST_BYTES, LimitedSocket

logger = logging.getLogger(__name__)

MAX_BAD_FRAMES = 10  # in a row
# Before a socket catches up it waits for a random time, so that not all query at once.
MIN_CATCH_UP_SECONDS = 0.2
MAX_CATCH_UP_SECONDS = 1.2

Handler = Callable[..., Any]  # of a frame or an event: ``async def`` or plain ``def``


def _expect(kind: type, value: Any, method: Any) -> Any:
    """Return ``value``, which ``method`` returned. Raises TypeError unless it is a ``kind``."""
    if not isinstance(value, kind):
        expected = f"{method.__qualname__}: expected to return {kind.__name__}"
        raise TypeError(f"{expected}, not {value!r:.100}")
    return value


def _require_event_loop(method: str) -> None:
    if not in_event_loop():
        raise RuntimeError(f"{method}: expected an async def: plain handlers run in threads")


class FrameConsumer(LoginBoundMixin):
    """One user's WebSocket, subscribed to one or more topics through the hub.

    A subclass has ``handlers``, one for each type of frame, and the methods ``topic``,
    ``join``, ``welcome``, ``position`` and ``current_person``. Handlers return a frame as
    the answer, or None, and raise FrameError or CloseSocket. The user is read anew before each.

    It is an ASGI application like a consumer of Channels, and an event that is sent to a
    topic calls the method that its type names. It does not inherit from one: the hub takes
    the place of its groups, and frames that of ``send``.
    """

    handlers: ClassVar[dict[type[ClientFrame], Handler]] = {}
    decoder: ClassVar[msgspec.json.Decoder]

    person: Person
    topics: list[str]  # presence is kept in the first

    def topic(self) -> Any:
        """Return the topic named by the URL, whether or not the user may join it.

        Raises CloseSocket.
        """
        raise NotImplementedError

    def join(self) -> Any:
        """Set ``person`` and return the state to send on joining. Raises CloseSocket."""
        raise NotImplementedError

    def welcome(self, state: Any, members: list[Person]) -> list[Frame]:
        """Return the first frames, without waiting."""
        raise NotImplementedError

    def position(self) -> Any:
        """Return the frame that shows a client whether it has missed anything.

        Raises CloseSocket when the user may not be in the topic any more.
        """
        raise NotImplementedError

    def current_person(self) -> Person:
        """Return the person of the session and user as they are now. It may block."""
        return self.person

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.handlers = {frames.PingRequest: FrameConsumer.on_ping, **cls.handlers}
        union: Any = reduce(or_, cls.handlers)
        cls.decoder = msgspec.json.Decoder(union)

    @classmethod
    def as_asgi(cls) -> Any:
        """Return an ASGI application that makes a consumer for each socket, as in Channels."""

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await cls()(scope, receive, send)

        return application

    def __init__(self) -> None:
        self.id = uuid4().hex
        self.bad_frames = 0  # in a row
        self.is_catching_up = False
        self.first_receive: asyncio.Task | None = None  # one that arrived while the socket joined
        # Done when joining has ended. A future: an Event takes 0.7 KiB more of each socket.
        self.joined = asyncio.get_running_loop().create_future()
        self.refresh_lock = asyncio.Lock()  # one at a time: the newest name stays
        self.tracked: list[tuple[str, str, float]] = []  # topic, member, seconds until it leaves
        self.is_disconnected = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        limited: LimitedSocket | None = scope.get("limited")
        if limited is None:  # a test of the consumer alone
            limited = LimitedSocket(WebSocketConnection(scope, receive, send))
            receive, send = limited.receive, limited.send
        self.scope = scope
        self.server_receive = receive
        self.server_send = send
        self.socket = limited.socket
        self.bucket = limited.bucket
        self.writer = Writer(self.socket, self._on_overflow)
        try:
            while (event := await self._next_event())["type"] != "websocket.disconnect":
                await self.dispatch(event)
            # Where a limit ended the socket, it is still open.
            await self.close(event["code"], event.get("reason", ""))
        finally:
            self._disconnected()

    async def dispatch(self, event: dict) -> None:
        """Call the method that the event's type names: ``websocket_connect`` or ``…_receive``.

        Channels' own looks after database connections at each event, in a thread. Here
        ``in_thread`` does that where the database is used.
        """
        await getattr(self, get_handler_name(event))(event)

    def _disconnected(self) -> None:
        """Clean up, however the socket ended; a server may never send a disconnect."""
        self.is_disconnected = True
        if self.first_receive is not None:
            self.first_receive.cancel()
        for topic in getattr(self, "topics", ()):
            hub().leave(topic, self)
        for topic, member, seconds in self.tracked:
            presence().untrack(topic, member, seconds)

    async def websocket_connect(self, event: dict) -> None:
        await self.server_send({"type": "websocket.accept"})  # only an open socket gets a code
        spread_ms = random.randint(1, 1000 * settings.WEBSOCKET_RESTART_SECONDS)
        goodbye = frames.DisconnectFrame(CloseCode.RESTART, "restart", spread_ms)
        self.socket.restart_frame = goodbye.encode()
        try:
            await self._join_unless_disconnected()
        except CloseSocket as close:
            await self.close(close.code, close.reason, close.retry_in_ms)
        except Exception as error:
            logger.warning("No welcome: %r", error, exc_info=not isinstance(error, OUTAGES))
            await self.close(CloseCode.UNAVAILABLE, "not available, try again later")
        finally:
            self.joined.set_result(None)

    async def _next_event(self) -> dict:
        first, self.first_receive = self.first_receive, None
        return await (first or self.server_receive())

    async def _join_unless_disconnected(self) -> None:
        """Join, or give up, with the slot in the queue, when the client disconnects meanwhile."""
        joining = asyncio.ensure_future(self._join())
        first = self.first_receive = asyncio.ensure_future(self.server_receive())
        try:
            await asyncio.wait({joining, first}, return_when=asyncio.FIRST_COMPLETED)
            if joining.done() or not _is_disconnect(first):
                await joining
        finally:
            joining.cancel()
            await asyncio.wait({joining})

    async def _join(self) -> None:
        tracker = presence()  # made first: it handles events of the topic from the first on
        async with hub().connect_limiter.slot():
            topic = _expect(str, await self._call(type(self).topic), self.topic)
        self.topics = [topic, *self.login_topics()]
        await asyncio.gather(*(hub().join(topic, self) for topic in self.topics))
        # The state is read after the subscription, so that no message falls between.
        async with hub().connect_limiter.slot():
            state = await self._call(type(self).join)
        if not hasattr(self, "person"):
            raise TypeError(f"{self.join.__qualname__}: expected to set self.person")
        sockets = f"sockets.{self.person.id}"
        self.tracked.append((sockets, self.id, 0))
        if await tracker.count(sockets, self.id) > settings.WEBSOCKETS_PER_PERSON:
            detail = f"{settings.WEBSOCKETS_PER_PERSON} sockets are open"
            raise CloseSocket(CloseCode.TOO_MANY, detail)
        members = await self._track(topic, self.person.encode(), RELOAD_SECONDS)
        welcome = _expect(list, self.welcome(state, people(members)), self.welcome)
        self.writer.start(*(_expect(Frame, frame, self.welcome).encode() for frame in welcome))

    async def _track(self, topic: str, member: str, seconds: float) -> set[str]:
        self.tracked.append((topic, member, seconds))
        return await presence().track(topic, member)

    async def websocket_receive(self, event: dict) -> None:
        try:
            frame = self._decode(event.get("text"))
        except Exception as error:
            await self._report(error)
            return
        try:
            await self._answer(frame)
        except Exception as error:
            await self._report(error, frame.ref)

    async def _answer(self, frame: ClientFrame) -> None:
        if self.user.is_authenticated:
            await in_thread(self.read_user)
        handler = self.handlers[type(frame)]
        answer = await self._call(handler, frame)
        if answer is not None:
            self.bucket.pay(self.write_frame(_expect(Frame, answer, handler)) / COST_BYTES)

    def _decode(self, text: str | None) -> ClientFrame:
        try:
            frame = frames.decode(text, self.decoder)
        except FrameError as error:
            self.bad_frames += isinstance(error, BadFrameError)
            if self.bad_frames >= MAX_BAD_FRAMES:
                raise CloseSocket(CloseCode.BAD_FRAMES, error.detail) from error
            raise
        self.bad_frames = 0
        return frame

    async def _report(self, error: Exception, ref: str | int | None = None) -> None:
        """Report an error to the client; keep the socket open where possible."""
        if isinstance(error, FrameError):
            ref = ref if error.ref is None else error.ref
            self.write_frame(frames.ErrorFrame(error.code, error.detail, ref))
        elif isinstance(error, CloseSocket):
            await self.close(error.code, error.reason, error.retry_in_ms)
        elif isinstance(error, OUTAGES):
            logger.warning("No database: %r", error)
            self.write_frame(frames.ErrorFrame("unavailable", "try again later", ref))
        else:
            number = uuid4().hex[:8]
            logger.error("Error %s", number, exc_info=error)
            self.write_frame(frames.ErrorFrame("internal", f"error {number} in the log", ref))

    async def on_ping(self, frame: frames.PingRequest) -> Frame:
        await self._refresh_login()  # some changes send no event
        return msgspec.structs.replace(await self._position(), ref=frame.ref)

    async def _position(self) -> Frame:
        return _expect(Frame, await self._call(type(self).position), self.position)

    async def login_changed(self, event: dict) -> None:
        await self._refresh_login()
        self.catch_up()  # position() checks whether the user may stay in the topic

    async def _refresh_login(self) -> None:
        """Read session, user and name anew. Raises CloseSocket when the login is over."""
        async with self.refresh_lock:
            person = await in_thread(self._read_person)
            if person.id == self.person.id and person != self.person and not self.is_disconnected:
                await self._rename(person)

    def _read_person(self) -> Person:
        self.read_session()
        self.read_user()
        return self.current_person()

    async def _rename(self, person: Person) -> None:
        """Show the new name in place of the old one."""
        old, self.person = self.person.encode(), person
        for topic, member, seconds in list(self.tracked):
            if member == old:
                await self._track(topic, person.encode(), seconds)
                if self.is_disconnected:
                    return
                self.tracked.remove((topic, member, seconds))
                presence().untrack(topic, member, 0)

    async def _call(self, handler: Handler, *args: Any) -> Any:
        if iscoroutinefunction(handler):
            return await handler(self, *args)
        return await in_thread(handler, self, *args)

    def write(self, event: dict) -> None:
        self.writer.write(event)

    def handle(self, event: dict) -> None:
        spawn(self._handle(event))

    async def _handle(self, event: dict) -> None:
        await asyncio.wait({self.joined})  # handlers need the attributes that joining sets
        if self.socket.is_closing:
            return
        try:
            handler = getattr(type(self), get_handler_name(event), None)
            if handler is None:
                raise ValueError(f"{type(self).__name__}: no method for the event {event['type']}")
            await self._call(handler, event)
        except Exception as error:
            await self._report(error)

    def catch_up(self) -> None:
        _require_event_loop("catch_up")
        if not self.is_catching_up:  # two topics may say so
            self.is_catching_up = True
            self.handle({"type": "events.missed"})

    async def events_missed(self, event: dict) -> None:
        await asyncio.sleep(random.uniform(MIN_CATCH_UP_SECONDS, MAX_CATCH_UP_SECONDS))
        self.is_catching_up = False
        self.write_frame(await self._position())

    def write_frame(self, frame: Frame) -> int:
        """Write a frame, and return its size in bytes."""
        _require_event_loop("write_frame")
        text = frame.encode()
        self.writer.write({"type": "websocket.send", "text": text})
        return len(text.encode())

    async def close(self, code: int, reason: str, retry_in_ms: int = 0) -> None:
        """Send a DisconnectFrame, and close: servers do not pass on a reason."""
        await asyncio.sleep(0)  # let the writer's task begin, so that earlier frames go out
        goodbye = frames.DisconnectFrame(code, reason, retry_in_ms)
        await self.socket.close(code, goodbye.encode())

    def _on_overflow(self) -> None:
        spawn(self.close(CloseCode.TOO_SLOW, "too much is waiting to be read"))


def _is_disconnect(event: asyncio.Task) -> bool:
    """Whether the client has disconnected: a server sends an event, or raises."""
    if event.cancelled() or event.exception() is not None:
        return True
    return event.result()["type"] == "websocket.disconnect"
