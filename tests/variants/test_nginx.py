"""A real nginx, as ``docker=yes`` configures it, in front of two processes on Unix sockets."""

import asyncio
import http.client
import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

import pytest
from gate import Gate
from nginx import NGINX, Nginx
from ports import ANSWER_SECONDS, run_async
from variants import CHOICES, MULTIPLIED, combinations, one_for_each_server, variant_id
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

START_SECONDS = 60
STOP_SECONDS = 30
MAX_POSTS = 300  # more than two minutes' worth for one address, by POSTS_PER_MINUTE

# Of two processes, and else with the defaults: each server once.
PROXIED = one_for_each_server(
    [
        variant
        for variant in combinations(CHOICES)
        if (variant["docker"], variant["starter"]) == ("yes", "chat")
        and variant["channel_layer"] != "memory"
        and all(v == CHOICES[q][0] for q, v in variant.items() if q not in (*MULTIPLIED, "docker"))
    ]
)

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


class Site:
    """Two processes behind nginx. As root, they are in the group of nginx's workers."""

    def __init__(self, gate: Gate, nginx: Nginx, redis_url: str) -> None:
        self.gate, self.nginx, self.origin = gate, nginx, f"https://localhost:{nginx.port}"
        self.environment = {
            **gate.variables,
            "DJANGO_DEBUG": "false",
            "DJANGO_SECRET_KEY": "x1" * 25 + "y",
            "DJANGO_ALLOWED_HOSTS": "localhost",
            "EMAIL_URL": "smtp://localhost",
            "DEFAULT_FROM_EMAIL": "desk@example.com",
            "REDIS_URL": redis_url,
            "SQLITE_PATH": str(nginx.folder / "db.sqlite3"),
        }
        for command in ("migrate", "collectstatic"):
            words = ("manage.py", command, "--noinput", "--verbosity", "0")
            gate.run("python", *words, **self.environment)
        self.processes: dict[int, subprocess.Popen] = {}
        for number in (1, 2):
            self.start(number)
        nginx.start()

    def log(self, number: int) -> str:
        return (self.nginx.folder / f"{number}.log").read_text()

    def start(self, number: int) -> None:
        """Start a process, and wait until the health check of the image says that it is well."""
        python = self.gate.environment / "bin" / "python"
        path = str(self.nginx.socket(number))
        with open(self.nginx.folder / f"{number}.log", "a") as log:
            self.processes[number] = process = subprocess.Popen(
                [python, "manage.py", "serve", "--uds", path],
                cwd=self.gate.project,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                group=self.nginx.worker_group,
            )
        check = [python, "deploy/healthcheck.py", path]
        deadline = time.monotonic() + START_SECONDS
        while subprocess.run(check, cwd=self.gate.project, capture_output=True).returncode:
            assert process.poll() is None, self.log(number)
            assert time.monotonic() < deadline, self.log(number)
            time.sleep(0.1)

    def stop(self, number: int) -> int:
        process = self.processes.pop(number)
        process.terminate()
        try:
            return process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
            raise

    def ask(
        self, path: str, method: str = "GET", body: str | None = None, **headers: str
    ) -> tuple[int, http.client.HTTPMessage, str]:
        """Return status, headers and text. In names of headers, "_" stands for "-"."""
        connection = http.client.HTTPSConnection(
            "localhost", self.nginx.port, context=self.nginx.tls, timeout=ANSWER_SECONDS
        )
        try:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            if body is not None:
                sent["Content-Type"] = "application/x-www-form-urlencoded"
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            return response.status, response.headers, response.read().decode()
        finally:
            connection.close()

    def socket(self, path: str = "/ws/echo/", origin: str | None = None) -> connect:
        return connect(
            f"wss://localhost:{self.nginx.port}{path}",
            ssl=self.nginx.tls,
            origin=origin or self.origin,
            open_timeout=ANSWER_SECONDS,
            proxy=None,
        )


@pytest.fixture(params=PROXIED, ids=variant_id)
def proxied(request, bake, environments, redis_url) -> Iterator[Site]:
    slug = f"site_of_{request.param['asgi_server']}"  # in Redis, each has keys of its own
    project: Path = bake(**request.param, project_slug=slug)
    gate = Gate(project, environments, None)
    gate.install()
    with Nginx(project, slug) as nginx:
        site = Site(gate, nginx, redis_url)
        try:
            yield site
        finally:
            for number in list(site.processes):
                site.stop(number)


async def say(socket, text: str) -> str:
    await socket.send(text)
    return await asyncio.wait_for(socket.recv(), ANSWER_SECONDS)


def code_of(end: ConnectionClosed) -> int | None:
    return end.rcvd.code if end.rcvd else None


async def echo_or_reason(site: Site) -> str:
    try:
        async with site.socket() as socket:
            return await say(socket, "new")
    except ConnectionClosed as end:
        return f"closed: {code_of(end)}"
    except InvalidStatus:
        return "refused"


async def hear(socket, kind: str) -> dict:
    """Return the next frame of this type."""
    async with asyncio.timeout(ANSWER_SECONDS):
        while (frame := json.loads(await socket.recv()))["type"] != kind:
            pass
    return frame


def test_a_site_behind_nginx(proxied):
    """One test, since what it needs takes longer to start than all that follows."""
    site = proxied
    check_pages(site)
    check_cross_site_requests(site)
    run_async(check_sockets(site))
    for number in site.processes:
        assert "Traceback" not in site.log(number), site.log(number)
    run_async(check_that_a_stop_of_one_process_goes_unnoticed(site))
    check_forged_headers(site)  # last: then this address may not post any more
    for number in list(site.processes):
        assert site.stop(number) == 0
    assert "Permission denied" not in site.nginx.log


def check_pages(site: Site) -> None:
    plain = http.client.HTTPConnection("localhost", site.nginx.http_port, timeout=ANSWER_SECONDS)
    plain.request("GET", "/accounts/?next=/")
    redirect = plain.getresponse()
    assert (redirect.status, redirect.headers["Location"]) == (
        301,
        f"{site.origin}/accounts/?next=/",
    )
    plain.close()
    status, headers, page = site.ask("/")
    assert status == 200
    assert headers["Strict-Transport-Security"]
    assert headers["Server"] == "nginx"
    _, headers, _ = site.ask("/admin/login/")
    assert "; Secure" in headers["Set-Cookie"]
    address = re.search(r'"(/static/[^"]+\.css)"', page)[1]
    for _ in range(2):  # from the project, and from nginx's cache
        status, headers, text = site.ask(address)
        assert (status, "immutable" in headers["Cache-Control"]) == (200, True)
        assert "{" in text
    assert any((site.nginx.folder / "cache").rglob("*"))
    assert site.ask("/admin/login/", "POST", "x" * 1_100_000)[0] == 413


def check_cross_site_requests(site: Site) -> None:
    _, headers, _ = site.ask("/admin/login/")
    cookie = headers["Set-Cookie"].partition(";")[0]
    form = f"username=nobody&password=wrong&csrfmiddlewaretoken={cookie.partition('=')[2]}"

    def post(**headers: str) -> int:
        return site.ask("/admin/login/", "POST", form, Cookie=cookie, **headers)[0]

    assert post(Origin=site.origin) == 200
    assert post(Referer=f"{site.origin}/admin/login/") == 200
    assert post(Origin="https://evil.example") == 403
    assert post() == 403


def check_forged_headers(site: Site) -> None:
    forged = {"X_Forwarded_Proto": "http", "X_Forwarded_Host": "evil.example"}
    status, _, page = site.ask("/", **forged)
    assert status == 200  # and no redirect to https
    assert "evil.example" not in page
    for number in range(MAX_POSTS):
        address = f"10.0.{number // 250}.{number % 250}"
        status, _, _ = site.ask("/admin/login/", "POST", "", X_Forwarded_For=address)
        if status == 429:  # all of them count for the address that nginx has seen
            break
    assert status == 429


async def check_sockets(site: Site) -> None:
    async with site.socket() as socket:
        assert await say(socket, "Hello") == "You said: Hello"
    for path, origin in (("/ws/echo/", "https://evil.example"), ("/ws/nothing/", site.origin)):
        with pytest.raises(InvalidStatus) as refused:
            await site.socket(path, origin)
        assert refused.value.response.status_code == 403
    async with AsyncExitStack() as stack:  # on both processes
        people = [await stack.enter_async_context(site.socket("/ws/chat/lobby/")) for _ in range(4)]
        for person in people:
            await hear(person, "chat.welcome")
        frame = {"type": "chat.send", "ref": 1, "id": str(uuid4()), "text": "Hello"}
        await people[0].send(json.dumps(frame))
        for person in people:
            assert (await hear(person, "chat.message"))["text"] == "Hello"


async def check_that_a_stop_of_one_process_goes_unnoticed(site: Site) -> None:
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(site.socket()) for _ in range(6)]
        stopping = asyncio.create_task(asyncio.to_thread(site.stop, 1))
        while not stopping.done():
            # The process that stops may still have accepted or refused it: clients come back.
            assert await echo_or_reason(site) in ("You said: new", "closed: 4200", "refused")
            assert (await asyncio.to_thread(site.ask, "/"))[0] == 200
            await asyncio.sleep(0.05)  # nginx takes 20 handshakes a second
        assert await stopping == 0
        closed = []
        for socket in sockets:
            try:
                assert await say(socket, "still here") == "You said: still here"
            except ConnectionClosed as end:
                closed.append(code_of(end))
        assert set(closed) == {4200}
        assert len(closed) < len(sockets)
    assert await echo_or_reason(site) == "You said: new"
    await asyncio.to_thread(site.start, 1)
