"""The image of a project, built by its Dockerfile and run as compose.yaml does.

By buildah, podman and runc, which need no service, on a Python of Debian's instead of the
official image's.
"""

import asyncio
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from ports import own_port, run_async
from variants import CHOICES
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

TOOLS = ("buildah", "podman", "runc", "debootstrap")
MISSING = [tool for tool in TOOLS if shutil.which(tool, path="/usr/sbin:/usr/bin:/sbin") is None]
MIRROR = "http://deb.debian.org/debian"
PACKAGES = "python3,python3-venv,python3-pip,ca-certificates"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"

BASE = "localhost/python-slim:test"
IMAGE = "localhost/site:test"
SLUG = "site_in_an_image"
VARIANT = {question: choices[0] for question, choices in CHOICES.items()} | {"docker": "yes"}

BUILD_SECONDS = 600
ANSWER_SECONDS = 20
STOP_SECONDS = 15

STORAGE = """\
[storage]
driver = "overlay"
graphroot = "{folder}/graph"
runroot = "{folder}/run"
"""
CONTAINERS = """\
[containers]
default_ulimits = ["nofile=10000:10000", "nproc=20000:20000"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""

pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
    pytest.mark.skipif(os.getuid() != 0, reason="only root can make a base image"),
]


class Failure(AssertionError):
    """A command of the engine failed. The text is what it printed."""


class Engine:
    """podman and buildah, with a storage of their own."""

    def __init__(self, folder: Path) -> None:
        (folder / "storage.conf").write_text(STORAGE.format(folder=folder))
        (folder / "containers.conf").write_text(CONTAINERS)
        self.environment = {
            **os.environ,
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
            "CONTAINERS_CONF": str(folder / "containers.conf"),
        }

    def __call__(self, *words: str, cwd: Path | None = None, check: bool = True) -> str:
        done = subprocess.run(
            words,
            cwd=cwd,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=BUILD_SECONDS,
        )
        if check and done.returncode:
            raise Failure(f"{' '.join(map(str, words))}\n{done.stdout}")
        return done.stdout.strip()

    def make_base(self, root: Path) -> None:
        """Make an image with Python and pip of Debian, which passes for the official one."""
        self("debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", root, MIRROR)
        (root / "usr/local/bin/python").symlink_to("/usr/bin/python3")
        for marker in root.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
            marker.unlink()
        shutil.copy(CERTIFICATES, root / CERTIFICATES.removeprefix("/"))
        path = "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
        self("tar", "-C", str(root), "-cf", f"{root}.tar", ".")
        self(
            *("podman", "import", "--change", f"ENV PATH={path}"),
            *("--change", f"ENV SSL_CERT_FILE={CERTIFICATES}", f"{root}.tar", BASE),
        )
        os.unlink(f"{root}.tar")


@pytest.fixture
def engine(tmp_path) -> Iterator[Engine]:
    engine = Engine(tmp_path)
    try:
        engine.make_base(tmp_path / "root")
        engine("podman", "run", "--rm", "--network", "host", BASE, "true")
    except Failure as failure:  # such as no right to mount, or no mirror of Debian
        pytest.skip(f"no container runs here: {failure}")
    shutil.rmtree(tmp_path / "root")
    try:
        yield engine
    finally:
        engine("podman", "rm", "--all", "--force", "--time", "0", check=False)
        engine("podman", "rmi", "--all", "--force", check=False)
        engine("umount", str(tmp_path / "graph" / "overlay"), check=False)


def test_the_image_is_built_and_serves(engine, bake):
    project = bake(**VARIANT, project_slug=SLUG)
    build(engine, project)
    values = {
        "DJANGO_SECRET_KEY": "x1" * 25 + "y",
        "DJANGO_ALLOWED_HOSTS": "localhost",
        "DJANGO_HTTPS": "false",
        "EMAIL_URL": "smtp://localhost",
        "DEFAULT_FROM_EMAIL": "desk@example.com",
        "WEB_CONCURRENCY": "1",
    }
    options = (  # as in compose.yaml
        *("--read-only", "--tmpfs", "/tmp", "--cap-drop", "all", "--network", "host"),
        *("--security-opt", "no-new-privileges", "--no-healthcheck"),
        *("--volume", f"data:/var/lib/{SLUG}"),
        *(word for item in values.items() for word in ("--env", "=".join(item))),
    )
    engine("podman", "run", "--rm", *options, IMAGE, "python", "manage.py", "migrate")
    with own_port() as port:
        serve = ("python", "manage.py", "serve", "--port", str(port))
        engine("podman", "run", "--detach", "--name", "web", *options, IMAGE, *serve)
        check = ("python", "deploy/healthcheck.py", str(port))
        wait_until_well(engine, check)
        run_async(check_sockets_and_stop(engine, port))
    assert engine("podman", "inspect", "--format", "{{.State.ExitCode}}", "web") == "0"
    assert "Traceback" not in engine("podman", "logs", "web")


def build(engine: Engine, project: Path) -> None:
    try:
        engine(
            *("buildah", "bud", "--isolation", "chroot", "--format", "docker"),
            *("--build-arg", f"PYTHON={BASE}", "--file", "deploy/Dockerfile", "--tag", IMAGE, "."),
            cwd=project,
        )
    except Failure as failure:
        *_, step = re.findall(r"STEP \d+/\d+: (\w+ \w+ \w+)", str(failure)) or [""]
        if step in ("RUN pip install", "RUN uv sync"):
            pytest.skip(f"a build finds no package index here: {failure}")
        raise


def wait_until_well(engine: Engine, check: tuple[str, ...]) -> None:
    """Wait until the image's own health check passes; then look at what the process may do."""
    deadline = time.monotonic() + 60
    while engine("podman", "exec", "web", "sh", "-c", f"{' '.join(check)}; echo $?")[-1] != "0":
        assert time.monotonic() < deadline, engine("podman", "logs", "web")
        time.sleep(0.2)
    seen = engine("podman", "exec", "web", "cat", "/proc/1/status")
    assert "\nUid:\t10001\t10001\t10001\t10001\n" in seen
    assert "\nCapEff:\t0000000000000000\n" in seen
    refused = engine("podman", "exec", "web", "touch", "/app/file", "/opt/venv/file", check=False)
    assert refused.count("cannot touch") == 2
    owners = engine("podman", "exec", "web", "find", "/app", "/opt/venv", "!", "-user", "root")
    assert owners == ""
    tools = engine("podman", "exec", "web", "sh", "-c", "command -v uv gcc make", check=False)
    assert tools == ""
    assert (
        engine("podman", "exec", "web", "sh", "-c", "ls -d tests .env docs", check=False).count(
            "No such file"
        )
        == 3
    )
    # The HEALTHCHECK of the image asks the port of its CMD.
    inspected = json.loads(engine("podman", "image", "inspect", IMAGE))[0]
    assert inspected["Healthcheck"]["Test"] == ["CMD", "python", "deploy/healthcheck.py", "8000"]
    assert inspected["Config"]["Cmd"][-1] == "8000"
    assert not any("SECRET" in variable for variable in inspected["Config"]["Env"])


async def check_sockets_and_stop(engine: Engine, port: int) -> None:
    def socket(path: str) -> connect:
        address = f"ws://localhost:{port}{path}"
        return connect(address, origin=f"http://localhost:{port}", proxy=None)

    async with socket("/ws/echo/") as echo, socket("/ws/chat/lobby/") as chat:
        await echo.send("Hello")
        assert await asyncio.wait_for(echo.recv(), ANSWER_SECONDS) == "You said: Hello"
        frame = {"type": "chat.send", "ref": 1, "id": str(uuid4()), "text": "Hello"}
        await chat.send(json.dumps(frame))
        async with asyncio.timeout(ANSWER_SECONDS):
            while json.loads(await chat.recv())["type"] != "system.ack":
                pass
        started = time.monotonic()
        await asyncio.to_thread(engine, "podman", "stop", "--time", str(STOP_SECONDS), "web")
        assert time.monotonic() - started < STOP_SECONDS
        with pytest.raises(ConnectionClosed) as end:
            await asyncio.wait_for(echo.recv(), ANSWER_SECONDS)
        assert end.value.rcvd is not None
        assert end.value.rcvd.code == 4200
