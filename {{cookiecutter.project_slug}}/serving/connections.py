"""Open WebSockets and HTTP requests: each is tracked, and can be closed while it waits.

As in ASGI, a connection is one WebSocket, or one request with its response.
https://asgi.readthedocs.io/en/stable/specs/www.html
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import Enum, auto
from typing import Any
from weakref import WeakKeyDictionary

from serving.asgi import Application, Receive, Scope, Send
from serving.close_codes import CloseCode
from serving.forced_exit import ForcedExit, python_is_ending
from serving.logs import current_connection
from serving.outages import is_outage

logger = logging.getLogger(__name__)

NO_CODE = 1005  # RFC 6455, section 7.4.1: there was no close frame, or none with a code
CLOSE_SECONDS = 1  # for a client to take the close frame
LEAVE_SECONDS = 0.2  # for a client to close by itself after the last text
READ_SECONDS = 5  # for a client to answer the close frame

ExitStep = Callable[[], Awaitable[None]]


class ClientDisconnected(OSError):
    """The client is gone, so the consumer or view may end: nothing that it sends arrives."""


class State(Enum):
    """How far a connection is. A WebSocket starts at CONNECTING, a request at OPEN."""

    CONNECTING = auto()  # the handshake is not accepted
    OPEN = auto()
    ENDED = auto()  # by its consumer
    LEFT = auto()  # by its client
    CLOSING = auto()  # by the process: the consumer receives and sends nothing any more


# The events that a consumer may send next. After its client has left, it may send any of them
# for a moment: it does not know yet.
EXPECTED = {
    State.CONNECTING: ("websocket.accept", "websocket.close"),
    State.OPEN: ("websocket.send", "websocket.close"),
    State.ENDED: ("nothing after websocket.close",),
}


class Connection:
    """Base of WebSockets and requests: both can be closed while they wait."""

    state: State
    user_id: Any = None  # of the user that a middleware found, for the log

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.id = secrets.token_hex(4)  # for the log
        self.name = repr(f"{scope.get('method', 'WebSocket')} {scope.get('path', '')}")
        self.server_receive = receive
        self.server_send = send
        self.task = _current_task()  # that of the application
        self.pending: set[asyncio.Task] = set()  # tasks that wait for the client

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} {self.state.name}>"

    @property
    def is_closing(self) -> bool:
        """Whether the process has begun to close it."""
        return self.state is State.CLOSING

    async def _cancellable(self, call: Awaitable) -> Any:
        """Return the result of ``call``, or None when ``cancel_pending`` cancels it."""
        task = _current_task()
        self.pending.add(task)
        try:
            return await call
        except asyncio.CancelledError:
            if not self.is_closing:
                raise
            task.uncancel()
        finally:
            self.pending.discard(task)

    async def _send(self, event: dict) -> None:
        try:
            await self._cancellable(self.server_send(event))
        except OSError as error:  # the error of a server, by the specification of ASGI
            raise ClientDisconnected(str(error)) from error

    def cancel_pending(self) -> None:
        """Cancel the tasks that wait for the client. The application sends nothing any more."""
        self.state = State.CLOSING
        for task in list(self.pending):
            task.cancel()


def _current_task() -> asyncio.Task:
    task = asyncio.current_task()
    assert task is not None  # a server calls the application in one
    return task


class WebSocketConnection(Connection):
    """One WebSocket, as ``scope["socket"]``: it can be closed whatever its consumer waits for."""

    restart_frame: str | None = None  # a text to send before the close on a restart

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        super().__init__(scope, receive, send)
        self.server_state = server_state()
        self.state = State.CONNECTING
        self.close_code = int(CloseCode.RESTART)
        # Done when the close frame is out. A future: an Event takes 0.7 KiB more of each socket.
        self.closed = asyncio.get_running_loop().create_future()
        self.reading: asyncio.Task | None = None  # until the client answers the close frame

    async def receive(self) -> dict:
        event = None if self.is_closing else await self._cancellable(self.server_receive())
        if event is None or self.is_closing:
            # A consumer that ends first would close with its own code.
            await asyncio.wait({self.closed})
            if self.reading is not None:  # a server may cut off what is still on its way
                await asyncio.wait({self.reading}, timeout=CLOSE_SECONDS)
            return {"type": "websocket.disconnect", "code": self.close_code}
        if event["type"] == "websocket.disconnect":
            self.state = State.LEFT
            # A server may leave the code out, or give None for it.
            return {**event, "code": event.get("code") or NO_CODE}
        return event

    async def send(self, event: dict) -> None:
        if self.is_closing:
            return
        kind = event["type"]
        opens = kind in ("websocket.accept", "websocket.send")
        expected = EXPECTED.get(self.state, (kind,))
        if opens and kind not in expected:
            raise RuntimeError(f"{self!r}: expected {' or '.join(expected)}, not {kind}")
        if kind == "websocket.close" and self.state is State.ENDED:
            return  # two handlers may close it
        if self.state is not State.LEFT:
            self.state = State.OPEN if opens else State.ENDED
        if isinstance(event.get("code"), CloseCode):
            event = {**event, "code": int(event["code"])}  # not every server takes an IntEnum
        await self._send(event)
        if self.server_state.is_stopping:  # the handshake ended after the signal
            await self.close(CloseCode.RESTART, self.restart_frame)

    async def close(self, code: int, last_text: str | None = None) -> None:
        """Close the socket. Its consumer receives ``websocket.disconnect`` with ``code``.

        Returns when the close frame is out, or after CLOSE_SECONDS if the client reads nothing.
        """
        if self.is_closing:
            return
        was_open = self.state is State.OPEN
        self.close_code = int(code)  # not every server takes an IntEnum
        self.cancel_pending()  # a server may hold the close back while a receive waits
        await asyncio.sleep(0)
        try:
            if was_open:
                with suppress(TimeoutError):
                    async with asyncio.timeout(CLOSE_SECONDS):
                        await self._send_close(last_text)
        finally:
            self.closed.set_result(None)

    async def _send_close(self, last_text: str | None) -> None:
        if last_text is not None:
            await self.server_send({"type": "websocket.send", "text": last_text})
            if await self._client_leaves(LEAVE_SECONDS):
                return
        await self.server_send({"type": "websocket.close", "code": self.close_code})
        self.reading = asyncio.ensure_future(self._client_leaves(READ_SECONDS))

    async def _client_leaves(self, seconds: float) -> bool:
        """Read until the client leaves, and return whether it has in so many seconds.

        What stays unread may keep a connection open, or let the server cut it off.
        """
        with suppress(Exception):
            async with asyncio.timeout(seconds):
                while (await self.server_receive())["type"] != "websocket.disconnect":
                    pass
                return True
        return False

    async def fail(self, error: Exception) -> None:
        """Close the socket of a consumer that raised, with one code: the servers differ."""
        if isinstance(error, RuntimeError) and python_is_ending():
            return  # after Ctrl-C, runserver's thread goes on for a moment, and no other can start
        if is_outage(error):  # all sockets meet it at once
            logger.warning("A consumer failed: %s", error)
        else:
            logger.error("A consumer failed", exc_info=error)
        with suppress(Exception):  # the client may be gone
            await self.send({"type": "websocket.close", "code": CloseCode.UNAVAILABLE})


class HTTPConnection(Connection):
    """One HTTP request and its response: when it takes too long, its view is cut off."""

    state = State.OPEN
    response_started = False

    async def receive(self) -> dict:
        event = None if self.is_closing else await self._cancellable(self.server_receive())
        return event or {"type": "http.disconnect"}

    async def send(self, event: dict) -> None:
        if not self.is_closing:
            self.response_started = True
            await self._send(event)

    async def refuse(self) -> None:
        """Answer with status 503 for a view that has not begun to answer."""
        if self.response_started:
            return
        self.response_started = True
        headers = [(b"content-length", b"0"), (b"connection", b"close")]
        start = {"type": "http.response.start", "status": 503, "headers": headers}
        with suppress(Exception):  # the client may be gone
            await self.server_send(start)
            await self.server_send({"type": "http.response.body"})


class ServerState:
    """The open connections of one event loop, and how far its server is with stopping."""

    drain_task: asyncio.Future  # since ``is_stopping``

    def __init__(self) -> None:
        self.sockets: set[WebSocketConnection] = set()
        self.requests: set[HTTPConnection] = set()
        self.is_stopping = False
        self.may_wait = True  # for connections to end by themselves
        self.forced_exit: ForcedExit | None = None
        self.exit_steps: list[ExitStep] = []

    def before_exit(self, step: ExitStep) -> None:
        """Call ``step`` when the last connection is closed, before the server stops."""
        self.exit_steps.append(step)

    def open_names(self) -> list[str]:
        """Return the open connections, such as "'GET /slow/'", for the log."""
        return sorted(connection.name for connection in [*self.sockets, *self.requests])


_states: WeakKeyDictionary[asyncio.AbstractEventLoop, ServerState] = WeakKeyDictionary()


def server_state() -> ServerState:
    """Return the state of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _states:
        for closed in [other for other in _states if other.is_closed()]:
            del _states[closed]  # an exit step may know its loop, and so keep the two alive
        _states[loop] = ServerState()
    return _states[loop]


class ConnectionTracker:
    """The outermost middleware: it tracks each open socket and each request in progress."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._track_socket(scope, receive, send)
        elif scope["type"] == "http":
            await self._track_request(scope, receive, send)
        else:  # lifespan
            server_state().is_stopping = False  # this loop's last server may have stopped before
            await self.application(scope, receive, send)

    async def _track_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        socket = WebSocketConnection(scope, receive, send)
        sockets = socket.server_state.sockets
        sockets.add(socket)
        current_connection.set(socket)
        try:
            await self.application({**scope, "socket": socket}, socket.receive, socket.send)
        except ClientDisconnected:
            pass
        except Exception as error:
            await socket.fail(error)
        finally:
            sockets.discard(socket)

    async def _track_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = HTTPConnection(scope, receive, send)
        requests = server_state().requests
        requests.add(request)
        current_connection.set(request)
        try:
            with suppress(ClientDisconnected):
                await self.application(scope, request.receive, request.send)
        except asyncio.CancelledError:
            if not request.is_closing:
                raise
            request.task.uncancel()
        finally:
            if request.is_closing:
                await request.refuse()
            requests.discard(request)
