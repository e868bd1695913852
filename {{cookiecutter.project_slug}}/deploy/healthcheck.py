"""Ask /live/ on a port, or on a Unix socket: exit status 0 if the process answers.

python deploy/healthcheck.py 8000
python deploy/healthcheck.py /run/{{ cookiecutter.project_slug }}/1.sock
"""

import socket
import sys

ANSWER_SECONDS = 4  # less than the timeout of the health check
REQUEST = b"GET /live/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def main(place: str) -> None:
    if place.isdecimal():
        client = socket.create_connection(("127.0.0.1", int(place)), ANSWER_SECONDS)
    else:
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(ANSWER_SECONDS)
        client.connect(place)
    with client:
        client.sendall(REQUEST)
        status = client.makefile("rb").readline()
    if b" 200 " not in status:
        sys.exit(f"{place}: {status!r}")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except OSError as error:
        sys.exit(f"{sys.argv[1]}: {error}")
