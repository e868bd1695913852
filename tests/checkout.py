"""The files of this repository, and the releases that its changelog names."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

from variants import ANSWERS, ROOT

PROJECT = "{{cookiecutter.project_slug}}"

VERSION = ANSWERS["_version"]
RELEASE = re.compile(r"^## \[(\d{4}\.\d+)\] - (\d{4})-\d\d-\d\d$", re.MULTILINE)
CHANGELOG = (ROOT / "CHANGELOG.md").read_text("utf-8")


def tracked() -> list[Path]:
    """Return the files of the repository: those that git knows, and new ones it would take."""
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    paths = [ROOT / name for name in done.stdout.split("\0")[:-1]]
    return sorted(path for path in paths if path.is_file())


def copy_working_tree(folder: Path) -> None:
    """Copy the files of the repository, as they are now, to a new folder."""
    for path in tracked():
        copy = folder / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)


def template_line(pyproject: str) -> str:
    """Return how a project names the template and its version."""
    return tomllib.loads(pyproject)["tool"]["cruft"]["template"]
