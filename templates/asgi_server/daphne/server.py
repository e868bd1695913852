"""How daphne runs this project. https://github.com/django/daphne"""

import asyncio
import sys
from typing import Any

from channels.routing import get_default_application
from daphne.access import AccessLogGenerator
from daphne.endpoints import build_endpoint_description_strings
from daphne.server import Server, reactor
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet.defer import Deferred

from serving.drain import drain, skip_wait_on_second_signal

NAME = "daphne"
MAX_WORKERS = 1
READ_LIMIT_BYTES = 1024 * 1024  # the consumer's own limit is lower, and says so
FULL_SECONDS = 0.05  # between two looks at a buffer that is full
MAX_UNREAD = 32  # messages that a consumer has not taken yet; then its socket is not read


def serve_development(application, host: str, port: int) -> None:
    """Serve in this process, for development."""
    Server(
        application,
        endpoints=build_endpoint_description_strings(host=host, port=port),
        signal_handlers=False,
        action_logger=AccessLogGenerator(sys.stdout),
    ).run()


def serve(host: str, port: int, uds: str | None, uds_mode: int, workers: int) -> None:
    """Serve for production, until SIGTERM. There is one worker."""
    Server(
        get_default_application(),
        endpoints=build_endpoint_description_strings(unix_socket=f"{uds}:mode={uds_mode:o}")
        if uds
        else build_endpoint_description_strings(host=host, port=port),
        websocket_timeout=-1,  # its default ends every socket after a day
        websocket_max_message_size=READ_LIMIT_BYTES,
        websocket_max_frame_size=READ_LIMIT_BYTES,
        server_name="",
    ).run()


def patch_server() -> None:
    """Put the drain in front of daphne's shutdown, however daphne was started."""
    kill_all_applications = Server.kill_all_applications

    def drain_and_kill_all_applications(self) -> Deferred:
        if self.signal_handlers:  # Twisted's would only complain of a second signal
            skip_wait_on_second_signal()
        draining = drain(_stop_listening, ends_process=self.signal_handlers)
        drained = Deferred.fromFuture(asyncio.ensure_future(draining))
        return drained.addBoth(lambda _: kill_all_applications(self))

    Server.kill_all_applications = drain_and_kill_all_applications
    _install_send()
    _install_read_pauses()
    _install_close_codes()


def _install_send() -> None:
    """Let ``send`` wait for a client that does not read: daphne keeps all of it in memory.
    And let it send an empty message, which daphne takes for none.
    """
    handle_reply = Server.handle_reply

    def is_open(server: Server, protocol: Any) -> bool:
        return "disconnected" not in server.connections.get(protocol, ("disconnected",))

    async def handle_reply_and_wait(self, protocol, message: dict) -> None:
        await handle_reply(self, protocol, message)
        if message["type"] != "websocket.send":
            return
        if not message.get("text") and not message.get("bytes") and is_open(self, protocol):
            protocol.sendMessage(b"", isBinary=message.get("text") is None)
        while is_open(self, protocol) and protocol.transport._isSendBufferFull():  # noqa: ASYNC110
            await asyncio.sleep(FULL_SECONDS)

    Server.handle_reply = handle_reply_and_wait


def _install_read_pauses() -> None:
    """Stop reading a socket whose consumer is behind: daphne keeps all messages in memory."""
    on_message = WebSocketProtocol.onMessage

    def on_message_and_pause(self, payload: bytes, isBinary: bool) -> None:
        on_message(self, payload, isBinary)
        if self.application_queue.qsize() == MAX_UNREAD:
            self.transport.pauseProducing()
            _read_on_later(self)

    WebSocketProtocol.onMessage = on_message_and_pause


def _read_on_later(protocol: Any) -> None:
    unread = protocol.application_queue.qsize()
    if protocol.state == protocol.STATE_OPEN and unread >= MAX_UNREAD:
        asyncio.get_running_loop().call_later(FULL_SECONDS, _read_on_later, protocol)
    else:
        protocol.transport.resumeProducing()


def _install_close_codes() -> None:
    """Answer a mistake in the protocol by a close frame, and a close by the client's own code."""
    set_protocol_options = WebSocketFactory.setProtocolOptions

    def set_options_and_ours(self, **options: Any) -> None:
        set_protocol_options(self, **options, failByDrop=False, echoCloseCodeReason=True)

    WebSocketFactory.setProtocolOptions = set_options_and_ours  # ty: ignore[invalid-assignment]


def _stop_listening() -> None:
    for reader in reactor.getReaders():  # ty: ignore[too-many-positional-arguments]
        if hasattr(reader, "stopListening"):
            reader.stopListening()
