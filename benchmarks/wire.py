"""As much of RFC 6455 as a cheap client needs."""

import socket

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
FIN, MASKED = 0x80, 0x80
NO_MASK = bytes(4)  # a mask of zeros leaves the payload as it is

HANDSHAKE = """\
GET {path} HTTP/1.1\r
Host: 127.0.0.1:{port}\r
Origin: http://127.0.0.1:{port}\r
Connection: Upgrade\r
Upgrade: websocket\r
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
Sec-WebSocket-Version: 13\r
{cookie}\r
"""


class Closed(Exception):
    """The server has closed the socket."""


def handshake(port: int, path: str, cookie: str = "") -> bytes:
    line = f"Cookie: {cookie}\r\n" if cookie else ""
    return HANDSHAKE.format(port=port, path=path, cookie=line).encode()


def client_frame(payload: bytes, opcode: int = TEXT) -> bytes:
    return _head(opcode, len(payload), MASKED) + NO_MASK + payload


def server_frame(payload: bytes) -> bytes:
    return _head(TEXT, len(payload), 0) + payload


def _head(opcode: int, size: int, mask: int) -> bytes:
    if size < 126:
        return bytes([FIN | opcode, mask | size])
    return bytes([FIN | opcode, mask | 126]) + size.to_bytes(2)


class Wire:
    """One connection. Reading it answers the server's pings."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.rest = b""  # of a frame that has not come whole
        self.is_open = False  # after the server's 101

    def send(self, data: bytes) -> None:
        """Send all of it: what is sent here is small, and the server reads."""
        sent = self.socket.send(data)
        if sent < len(data):
            self.socket.setblocking(True)
            self.socket.sendall(data[sent:])
            self.socket.setblocking(False)

    def feed(self, data: bytes) -> list[bytes]:
        """Return the texts that are complete with ``data``. Raises Closed."""
        if not data:
            raise Closed("without a close frame")
        self.rest += data
        if not self.is_open:
            self._finish_handshake()
        texts, start = [], 0
        while (frame := _frame_at(self.rest, start)) is not None:
            opcode, payload, start = frame
            if opcode == TEXT:
                texts.append(payload)
            elif opcode == PING:
                self.send(client_frame(payload, PONG))
            elif opcode == CLOSE:
                raise Closed(int.from_bytes(payload[:2]))
        self.rest = self.rest[start:]
        return texts

    def _finish_handshake(self) -> None:
        head, end, rest = self.rest.partition(b"\r\n\r\n")
        if end:
            if b" 101 " not in head.partition(b"\r\n")[0]:
                raise Closed(head.decode("latin1"))
            self.is_open, self.rest = True, rest

    def close(self) -> None:
        self.socket.close()


def _frame_at(data: bytes, start: int) -> tuple[int, bytes, int] | None:
    """Return opcode, payload and end of the frame that starts there, if it is whole."""
    if len(data) < start + 2:
        return None
    size, head = data[start + 1], 2
    if size >= 126:
        width = 2 if size == 126 else 8
        head += width
        if len(data) < start + head:
            return None
        size = int.from_bytes(data[start + 2 : start + head])
    end = start + head + size
    if len(data) < end:
        return None
    return data[start] & 15, data[start + head : end], end
