"""Runs commands in a generated project, in the environment that its own lock describes."""

import fcntl
import hashlib
import json
import os
import re
import subprocess
import sys
import tomllib
from contextlib import suppress
from pathlib import Path

UV = os.environ.get("UV") or str(Path(sys.executable).with_name("uv"))

OLDER_ENVIRONMENTS = 3  # to look for bytecode in: they differ in a few packages

LINT = ("ruff check", "ruff format --check", "ty check --error-on-warning")

# Variables that would make the environment, or the project, another one.
FOREIGN = (
    *("DATABASE_URL", "DJANGO_", "PG", "PYTEST_", "PYTHON", "REDIS_URL", "UV_", "VIRTUAL_ENV"),
    "WEB_CONCURRENCY",
)


def newest_python() -> dict[str, str]:
    """Return version and path of the newest Python under pyenv's root, if it is above ours."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = {}
    for path in root.glob("versions/*/bin/python3.1?"):
        minor = int(path.name.removeprefix("python3."))
        if minor > sys.version_info.minor:
            found[minor] = {f"3.{minor}": str(path)}
    return found[max(found)] if found else {}


def environment_name(project: Path, python: str | None) -> str:
    pyproject = tomllib.loads((project / "pyproject.toml").read_text())
    dependencies = [pyproject["project"]["dependencies"], pyproject["dependency-groups"], python]
    return hashlib.sha256(json.dumps(dependencies).encode()).hexdigest()[:12]


def link_bytecode(environment: Path) -> None:
    """Link what Python has compiled in older environments of the folder.

    Each process that imports Django for the first time in an environment would compile it, which
    takes longer than all else that it does. Python takes only what fits the age and the size of
    a source, and uv links the same sources into each environment.
    """
    (packages,) = environment.glob("lib/python3*/site-packages")
    if (packages / "django" / "__pycache__").exists():
        return
    place = packages.relative_to(environment)
    others = [folder for folder in environment.parent.glob(f"*/{place}") if folder != packages]
    for other in sorted(others, key=lambda folder: folder.stat().st_ctime)[:OLDER_ENVIRONMENTS]:
        for folder, _, names in os.walk(other):
            cache = packages / Path(folder).relative_to(other)
            if cache.name == "__pycache__" and cache.parent.is_dir():
                cache.mkdir(exist_ok=True)
                for name in names:
                    if name.endswith(".pyc") and "-pytest-" not in name:
                        with suppress(FileExistsError):
                            (cache / name).hardlink_to(Path(folder, name))


class Gate:
    """One project, and one environment in the folder ``environments``, shared by its likes."""

    def __init__(self, project: Path, environments: Path, python: str | None = None) -> None:
        self.project = project
        self.environment = environments / environment_name(project, python)
        self.variables = {
            name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)
        }
        self.variables["UV_PROJECT_ENVIRONMENT"] = str(self.environment)
        self.variables["UV_PYTHON"] = python or sys.executable
        self.variables["PATH"] = f"{Path(UV).parent}{os.pathsep}{os.environ['PATH']}"

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

    def install(self) -> None:
        with open(f"{self.environment}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # another variant may want the same environment
            self(UV, "sync", "--quiet", "--locked")
            link_bytecode(self.environment)

    def run(self, *command: str, **variables: str) -> str:
        return self(UV, "run", "--no-sync", *command, **variables)

    def lint(self) -> None:
        for command in LINT:
            self.run(*command.split())

    def test(self, *command: str, **variables: str) -> str:
        """Run tests, all of which have to pass and none to be skipped. Return what was printed."""
        output = self(*command, **variables)
        summary = output.splitlines()[-1]
        assert re.fullmatch(r"=+ \d+ passed(, \d+ deselected)? in .*=+", summary), (
            f"not all passed, or some were skipped\n{output}"
        )
        return output
