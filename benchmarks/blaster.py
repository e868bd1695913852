"""A program that writes prepared frames: only to see how fast the load generator reads.

It takes connections until somebody speaks. Then each gets ``TEXTS`` frames, one by one.
"""

import selectors
import socket
import sys

from benchmarks.wire import server_frame

TEXTS = 5000
ANSWER = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"


def main(port: int, frame: bytes) -> None:
    poll = selectors.DefaultSelector()
    listener = socket.create_server(("127.0.0.1", port), backlog=1024)
    poll.register(listener, selectors.EVENT_READ)
    members: list[socket.socket] = []
    while True:
        for key, _ in poll.select():
            if key.fileobj is listener:
                member, _ = listener.accept()
                poll.register(member, selectors.EVENT_READ)
            elif data := key.fileobj.recv(65536):
                if data.startswith(b"GET"):
                    key.fileobj.sendall(ANSWER)
                    members.append(key.fileobj)
                else:
                    for _ in range(TEXTS):
                        for member in members:
                            member.sendall(frame)
            else:
                poll.unregister(key.fileobj)


if __name__ == "__main__":
    main(int(sys.argv[1]), server_frame(sys.argv[2].encode()))
