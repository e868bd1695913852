"""The chosen server as a process: in development, in production, by its own command line."""

import http.client
import io
import json
import re
import shlex
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.sync.client import unix_connect

from serving.close_codes import CloseCode
from serving.drain import EXIT_SECONDS
from serving.management.commands.runserver import DevelopmentServer
from tests.live import (
    ANSWER_SECONDS,
    START_SECONDS,
    STOP_SECONDS,
    Server,
    ask,
    can_connect,
    manage,
    wait_until,
)

# As in README.md, on a port of its own.
OWN_COMMAND = """
{% include 'asgi_server/' ~ cookiecutter.asgi_server ~ '/command' %}
""".replace("8000", "PORT")

PAGE = "/admin/login/"  # one that every project has

HANDSHAKE = """\
GET PATH HTTP/1.1\r
Host: localhost\r
Origin: http://localhost\r
Connection: Upgrade\r
Upgrade: websocket\r
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
Sec-WebSocket-Version: 13\r
\r
"""


@pytest.mark.parametrize(
    "text", ["Hello", "안녕 👋 \u202eRTL <script>", "x" * (settings.WEBSOCKET_MAX_BYTES - 100)]
)
def test_each_text_is_answered(server, text):
    with server.connect() as websocket:
        assert ask(websocket, text) == f"You said: {text}"


def test_an_empty_message_is_one(odd):
    with odd.connect("/ws/repeating/") as websocket:
        for message in ("", b"", "text", b"bytes"):
            websocket.send(message)
            assert websocket.recv(timeout=ANSWER_SECONDS) == message


def test_nothing_is_compressed(server):
    """Each socket would keep a window of memory, and a secret could be guessed by its size."""
    with server.connect(compression="deflate") as websocket:
        assert websocket.protocol.extensions == []
        assert ask(websocket, "Hello") == "You said: Hello"
        websocket.protocol.extensions = [PerMessageDeflate(True, True, 15, 15)]  # all the same
        websocket.send("0" * 100 * settings.WEBSOCKET_MAX_BYTES)
        with pytest.raises(ConnectionClosed):
            websocket.recv(timeout=ANSWER_SECONDS)
    assert "Traceback" not in server.log


def test_the_close_code_of_a_client_comes_back(server):
    with server.connect() as websocket:
        websocket.close(3456)
    assert websocket.close_code == 3456


def test_a_binary_frame_does_not_end_the_socket(server):
    with server.connect() as websocket:
        websocket.send(b"\x00\xff")
        assert websocket.recv(timeout=ANSWER_SECONDS) == "You said: 2 bytes"
        assert ask(websocket, "still here") == "You said: still here"


@pytest.mark.parametrize(
    "size", [settings.WEBSOCKET_MAX_BYTES + 1, 8 * settings.WEBSOCKET_MAX_BYTES]
)
def test_a_message_that_is_too_big_closes_its_own_socket_only(server, size):
    with server.connect() as other, server.connect() as websocket:
        websocket.send("x" * size)
        with pytest.raises(ConnectionClosed) as closed:
            websocket.recv(timeout=ANSWER_SECONDS)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4009
        assert ask(other, "still here") == "You said: still here"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", None])
def test_pages_of_other_sites_are_refused(server, origin):
    with pytest.raises(InvalidStatus) as refused:
        server.connect(origin=origin, additional_headers={"Cookie": "sessionid=secret"})
    assert refused.value.response.status_code == 403
    reason = f"origin {repr(origin) if origin else '(none)'} is not in ALLOWED_HOSTS"
    wait_until(lambda: reason in server.log, ANSWER_SECONDS, lambda: server.log)
    assert "secret" not in server.log


@pytest.mark.parametrize("path", ["/ws/", "/ws/nothing/", "/ws/tests/nothing/"])
def test_an_unknown_path_is_refused(server, path):
    with pytest.raises(InvalidStatus) as refused:
        server.connect(path)
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("admin/css/base.css", "text/css"),
        ("admin/img/search.svg", "image/svg"),
        ("realtime/socket.js", "text/javascript"),
    ],
)
def test_static_files_of_every_app_are_served(server, path, kind):
    status, headers, body = server.get(f"/static/{path}")
    assert (status, bool(body)) == (200, True)
    assert headers["content-type"].startswith(kind)
    assert headers["x-content-type-options"] == "nosniff"
    assert server.get(f"/static/{path}.nothing")[0] == 404


@pytest.mark.parametrize("prefix", ["", "/talk"])  # a proxy may take it away, or leave it
def test_pages_static_files_and_sockets_below_a_prefix(odd, prefix):
    page = odd.get(f"{prefix}{PAGE}")[2].decode()
    addresses = re.findall(r'(?:href|src)="(/talk/static/[^"]+)"', page)
    assert addresses
    for address in addresses:
        assert odd.get(prefix + address.removeprefix("/talk"))[0] == 200
    with odd.connect(f"{prefix}/ws/tests/") as websocket:
        assert ask(websocket, "Hello") == "You said: Hello"


def nothing_is_under_way(server: Server) -> bool:
    return json.loads(server.get("/under-way/")[2]) == {"requests": 0, "sockets": 0}


def test_a_download_that_is_broken_off_is_nothing_for_the_log(odd):
    before = len(odd.log)
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", odd.port), ANSWER_SECONDS) as client:
            client.sendall(b"GET /static/large.bin HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b" 200 " in client.recv(64 * 1024)
    assert odd.get(PAGE)[0] == 200
    wait_until(lambda: nothing_is_under_way(odd), ANSWER_SECONDS, lambda: odd.log)
    assert not re.search("WARNING|ERROR|[Ee]xception|Disconnected", odd.log[before:])


def test_a_client_that_leaves_while_it_is_written_to_is_nothing_for_the_log(odd):
    before = len(odd.log)
    with socket.create_connection(("127.0.0.1", odd.port), ANSWER_SECONDS) as client:
        client.sendall(HANDSHAKE.replace("PATH", "/ws/ticking/").encode())
        assert b" 101 " in client.recv(4096)
        client.sendall(b"\x81\x80" + bytes(4))  # an empty text
        client.recv(4096)
    wait_until(lambda: nothing_is_under_way(odd), ANSWER_SECONDS, lambda: odd.log)
    assert not re.search("WARNING|ERROR|Traceback|[Cc]losed", odd.log[before:])


def test_the_log_is_free_of_noise(server):
    server.get(PAGE)
    with server.connect() as websocket:
        ask(websocket, "Hello")
    with pytest.raises(InvalidStatus):
        server.connect("/ws/nothing/")
    assert not re.search(r"Traceback|\bERROR\b|[Ll]ifespan", server.log)


def test_runserver_says_what_runs(runserver):
    assert "Performing system checks" in runserver.log
    assert re.search(r"You have \d+ unapplied migration", runserver.log)
    banner = r"Starting {{ cookiecutter.asgi_server }} \d+\.\d+.* development server at http://127.0.0.1:\d+/"
    assert re.search(banner, runserver.log)


def test_runserver_explains_a_taken_port(db, monkeypatch):
    monkeypatch.setattr(DevelopmentServer, "serve_forever", lambda self: pytest.fail("it serves"))
    monkeypatch.setattr("os._exit", sys.exit)  # as the command ends
    output = io.StringIO()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(SystemExit) as ended:
            call_command("runserver", address, use_reloader=False, stderr=output)
    assert "That port is already in use." in output.getvalue()
    assert ended.value.code == 1


def test_runserver_takes_up_an_edited_consumer(runserver, developed_project):
    with runserver.connect() as websocket:
        assert ask(websocket, "old") == "You said: old"
    consumers = developed_project / "tests" / "consumers.py"
    said, edited = "{said}", "{said.replace('old', 'new')}"  # other texts stay as they are
    consumers.write_text(consumers.read_text().replace(said, edited))

    def answers_anew() -> bool:
        try:
            with runserver.connect() as websocket:
                answer = ask(websocket, "old")
        except (OSError, EOFError, ConnectionClosed, InvalidMessage, InvalidStatus):
            return False  # between the old code and the new
        if answer == "You said: old":
            consumers.touch()  # Django misses a change in the first second of its watch
        return answer == "You said: new"

    wait_until(answers_anew, START_SECONDS, lambda: runserver.log)


def test_a_consumer_that_raises_ends_its_own_socket_only(odd):
    with odd.connect("/ws/obedient/") as other, odd.connect("/ws/obedient/") as websocket:
        with pytest.raises(ConnectionClosed) as closed:
            ask(websocket, "raise as told")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == CloseCode.UNAVAILABLE
        (line,) = [line for line in odd.log.splitlines() if "IndexError: as told" in line]
        assert len(json.loads(line)["connection"]) == 8
        assert ask(other, "Hello") == "You said: Hello"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    "command", ["manage.py serve --port PORT", OWN_COMMAND], ids=["serve", "own command"]
)
def test_a_server_serves_and_says_goodbye_when_asked_to_stop(start, production, command, number):
    server = start(command, {**production, "TRUSTED_PROXIES": "192.0.2.1"})
    # No header of 127.0.0.1 is believed, whatever the server's own defaults are.
    status, headers, _ = server.get(PAGE, {"X-Forwarded-Proto": "https"})
    assert (status, headers["location"][:8]) == (301, "https://")
    with server.connect() as websocket:
        assert ask(websocket, "Hello") == "You said: Hello"
        with pytest.raises(InvalidStatus):
            server.connect(origin="https://evil.example")
        server.process.send_signal(number)
        with pytest.raises(ConnectionClosed) as closed:
            websocket.recv(timeout=ANSWER_SECONDS)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == CloseCode.RESTART
    assert server.process.wait(EXIT_SECONDS + 5) == 0
    assert "Traceback" not in server.log


def test_a_client_that_reads_nothing_cannot_hold_the_server(start, production):
    server = start("manage.py serve --port PORT", {**production, "GRACE_SECONDS": "5"})
    with socket.create_connection(("127.0.0.1", server.port), ANSWER_SECONDS) as peer:
        peer.sendall(HANDSHAKE.replace("PATH", "/ws/tests/").encode())
        assert b" 101 " in peer.recv(4096)
        peer.settimeout(1)
        with suppress(TimeoutError):  # all buffers are full
            for _ in range(400):
                peer.sendall(b"\x81\xfe" + (60_000).to_bytes(2) + bytes(4) + b"x" * 60_000)
        server.process.terminate()
        server.process.wait(EXIT_SECONDS + 5)
    assert "Traceback" not in server.log


@pytest.fixture
def slow_server(start, odd_project, production) -> Server:
    """A server with views that take long, whose requests have 2.5 seconds on SIGTERM."""
    return start("manage.py serve --port PORT", {**production, "GRACE_SECONDS": "5"}, odd_project)


@contextmanager
def request_under_way(server: Server, path: str, view_begins: str) -> Generator[Future]:
    """Within the block, the request has reached its view."""
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(server.get, path)
        wait_until(lambda: view_begins in server.log, ANSWER_SECONDS, lambda: server.log)
        yield answer


def test_requests_under_way_are_answered_and_streams_ended_before_the_server_stops(slow_server):
    with (
        request_under_way(slow_server, "/stream/", "stream begins") as stream,
        slow_server.connect() as websocket,
        request_under_way(slow_server, "/slow/1/", "slow view") as answer,
    ):
        slow_server.process.terminate()
        assert answer.result(ANSWER_SECONDS)[::2] == (200, b"done")
        with pytest.raises(ConnectionClosed):
            websocket.recv(timeout=ANSWER_SECONDS)
        with suppress(http.client.IncompleteRead):
            stream.result(ANSWER_SECONDS)
    assert slow_server.process.wait(STOP_SECONDS) == 0
    assert "stream ended" in slow_server.log
    assert "Cut off to stop the server: 'GET /stream/'" in slow_server.log
    assert not re.search(r"Traceback|\bERROR\b", slow_server.log)


def test_a_request_that_takes_too_long_shows_in_log_and_exit_status(slow_server):
    with request_under_way(slow_server, "/slow/60/", "slow view") as answer:
        slow_server.process.terminate()
        assert answer.result(ANSWER_SECONDS)[0] == 503
    assert slow_server.process.wait(STOP_SECONDS) == 1
    assert "Cut off to stop the server: 'GET /slow/60/'" in slow_server.log


def test_a_second_signal_skips_the_wait(start, odd_project, production):
    environment = {**production, "GRACE_SECONDS": "600"}
    server = start("manage.py serve --port PORT", environment, odd_project)
    with request_under_way(server, "/slow/60/", "slow view") as answer:
        with server.connect() as websocket:
            server.process.terminate()
            with pytest.raises(ConnectionClosed):  # the drain has begun
                websocket.recv(timeout=ANSWER_SECONDS)
        server.process.terminate()
        assert server.process.wait(STOP_SECONDS) == 1
        answer.exception(ANSWER_SECONDS)
    assert "Cut off to stop the server: 'GET /slow/60/'" in server.log


def test_serve_on_a_unix_socket(served_project, production, tmp_path, not_serving):
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))  # a server that was killed leaves such a file
    command = f"manage.py serve --uds {path}"
    server = Server(command, production, served_project, tmp_path / "log")
    try:
        wait_until(lambda: can_connect(path), START_SECONDS, lambda: server.log)
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        with pytest.raises(CommandError, match="another server listens there"):
            call_command("serve", "--uds", str(path))
        address = "ws://localhost/ws/tests/"
        with unix_connect(str(path), address, origin="http://localhost") as client:
            assert ask(client, "Hello") == "You said: Hello"
        send_garbage(path)
    finally:
        server.stop()
    assert server.process.returncode == 0
    assert not path.exists()
    assert server.log
    for line in server.log.splitlines():  # as the settings have it
        assert re.match(r"\d{4}-\d\d-\d\d [\d:,]+ [A-Z]+ [\w.]+: ", line), line


def test_the_own_command_fails_on_a_taken_port(production):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        program, *words = shlex.split(OWN_COMMAND.replace("PORT", str(taken.getsockname()[1])))
        done = subprocess.run(
            [Path(sys.executable).with_name(program), *words],
            cwd=settings.BASE_DIR,
            env=production,
            capture_output=True,
            timeout=START_SECONDS,
        )
    assert done.returncode > 0


def send_garbage(path: Path) -> None:
    """Send what is not HTTP, which some servers log."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(ANSWER_SECONDS)
        client.connect(str(path))
        client.sendall(b"this is not HTTP\r\n\r\n")
        client.recv(4096)


@pytest.fixture
def not_serving(monkeypatch) -> None:
    """Let ``serve`` in this process fail where it does not refuse."""
    monkeypatch.setattr("serving.server.serve", lambda *_: pytest.fail("it serves"))


@pytest.mark.usefixtures("not_serving")
def test_serve_refuses_a_taken_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError) as refused:
            call_command("serve", "--port", str(port))
    assert str(refused.value) == (
        f"Cannot listen on 127.0.0.1, port {port}: Address already in use."
    )


@pytest.mark.usefixtures("not_serving")
@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--workers", "0"], "--workers is 0"),
        (["--workers", "99"], "--workers 1"),
        (["--port", "70000"], "--port is 70000"),
    ],
)
def test_serve_refuses(arguments, complaint):
    with pytest.raises(CommandError, match=complaint):
        call_command("serve", *arguments)


def test_serve_refuses_without_static_files_in_a_line(production, tmp_path):
    output = manage("serve", env={**production, "STATIC_ROOT": str(tmp_path / "nothing")})
    *_, line, status = output.splitlines()
    assert line.startswith(f"CommandError: No static files in {tmp_path / 'nothing'}: run")
    assert "collectstatic" in line
    assert status == "exit status 1"
    assert "Traceback" not in output
