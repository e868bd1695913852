"""The files of ``docker=yes`` are well formed and fit their project."""

import fcntl
import os
import re
import shlex
import shutil
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import yaml
from conftest import SLUG
from gate import UV, Gate, link_bytecode
from nginx import NGINX, Nginx
from variants import covering_set, variant_id

DOCKERED = [variant for variant in covering_set() if variant["docker"] == "yes"]
TOOLS = Path(sys.executable).parent


@pytest.fixture(params=DOCKERED, ids=variant_id)
def project(request, bake) -> Path:
    return bake(**request.param, project_slug=SLUG)


def run(*command: str | Path, cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr


def instructions(project: Path) -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile, such as ("COPY", ". .")."""
    text = (project / "deploy" / "Dockerfile").read_text()
    lines = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    return [tuple(line.split(maxsplit=1)) for line in lines if line]


def compose(project: Path) -> dict:
    return yaml.safe_load((project / "compose.yaml").read_text())


def is_ignored(path: str, patterns: list[str]) -> bool:
    """Whether .dockerignore leaves out a file: the last pattern that fits it, or a folder of it."""
    ignored = False
    for pattern in patterns:
        is_exception, pattern = pattern.startswith("!"), pattern.removeprefix("!")
        parts = path.split("/")
        starts = ["/".join(parts[: number + 1]) for number in range(len(parts))]
        anywhere = pattern.removeprefix("**/")
        if any(fnmatchcase(s, pattern) for s in starts) or (
            anywhere != pattern and any(fnmatchcase(part, anywhere) for part in parts)
        ):
            ignored = not is_exception
    return ignored


def test_the_dockerfile_is_in_order_and_finds_what_it_copies(project):
    run(TOOLS / "hadolint", "deploy/Dockerfile", cwd=project)
    patterns = (project / ".dockerignore").read_text().splitlines()[1:]
    for _, words in (pair for pair in instructions(project) if pair[0] == "COPY"):
        *sources, _target = words.split()
        if not sources[0].startswith("--from="):
            assert all((project / source).exists() for source in sources), sources
            assert not any(is_ignored(source, patterns) for source in sources), sources
    files = [str(p.relative_to(project)) for p in project.rglob("*") if p.is_file()]
    copied = {path for path in files if not is_ignored(path, patterns)}
    apps = {path for path in files if path.endswith(".py") and not path.startswith("tests/")}
    others = {path for path in files if re.search("/(static|templates|locale)/|^locale/", path)}
    assert copied == apps | others | {"AGENTS.md", "README.md", "jsconfig.json", "manage.py"} | {
        "pyproject.toml",
        "uv.lock",
    }


def test_static_files_are_collected_as_in_the_dockerfile(project, environments, tmp_path):
    """By that line itself, with the dependencies and the environment that it has there."""
    gate = Gate(project, environments, None)
    gate.environment = gate.environment.with_name(f"{gate.environment.name}-production")
    gate.variables["UV_PROJECT_ENVIRONMENT"] = str(gate.environment)
    with open(f"{gate.environment}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another variant may want the same environment
        gate(UV, "sync", "--quiet", "--locked", "--no-dev")
        link_bytecode(gate.environment)
    (line,) = [words for word, words in instructions(project) if "collectstatic" in words]
    done = subprocess.run(
        ["sh", "-ec", line.replace("/opt/venv", shlex.quote(str(gate.environment)))],
        cwd=project,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (project / "staticfiles" / "staticfiles.json").exists()


def test_compose_starts_what_the_answers_need(project):
    run(
        TOOLS / "check-jsonschema",
        *("--builtin-schema", "vendor.compose-spec", "compose.yaml"),
        cwd=project,
    )
    services = compose(project)["services"]
    sockets = re.findall(
        rf"unix:(/run/{SLUG}/\d.sock)", (project / "deploy/nginx.conf").read_text()
    )
    processes = {name: service for name, service in services.items() if name.startswith("web-")}
    assert [service["command"][-1] for service in processes.values()] == sockets
    assert ("valkey" in services) == (len(sockets) == 2)
    for name, service in services.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["mem_limit"], name
        assert service["pids_limit"], name
        assert service["logging"]["options"]["max-size"], name
        assert service["restart"] == ("no" if name == "migrate" else "unless-stopped")
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert not source.startswith(".") or (project / source).exists(), volume
    for service in processes.values():
        assert service["stop_grace_period"] == "20s"  # settings.GRACE_SECONDS is 10
        assert service["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert services["migrate"]["command"][:3] == ["python", "manage.py", "migrate"]
    # The variables that production requires, empty in .env.example, have no default.
    empty = re.findall(r"^(\w+)=$", (project / ".env.example").read_text(), re.MULTILINE)
    environment = services["web-1"]["environment"]
    for name in empty:
        own = {"REDIS_URL": "redis://valkey:", "DATABASE_URL": "postgresql://"}
        assert environment[name].startswith(own.get(name, f"${{{name}:?")), name
    password = "${POSTGRES_PASSWORD:?"
    is_postgresql = "postgres" in services
    assert is_postgresql == (password in environment.get("DATABASE_URL", ""))
    assert is_postgresql != ("SQLITE_PATH" in environment)


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_nginx_takes_its_configuration(project):
    with Nginx(project, SLUG) as nginx:
        nginx.check()


def test_nginx_waits_for_longer_than_the_project(project):
    text = (project / "deploy" / "nginx.conf").read_text()
    settings = (project / "config" / "settings.py").read_text()
    idle = int(re.search(r"^WEBSOCKET_IDLE_SECONDS = (\d+)", settings, re.MULTILINE)[1])
    assert int(re.search(r"proxy_read_timeout (\d+)s", text)[1]) > idle


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_takes_the_units(project):
    units = [path for path in (project / "deploy").iterdir() if path.name.startswith(SLUG)]
    assert len(units) == 3
    for unit in units:
        unit.write_text(unit.read_text().replace(f"/srv/{SLUG}/.venv/bin/python", sys.executable))
    run("systemd-analyze", "verify", *units, cwd=project)
