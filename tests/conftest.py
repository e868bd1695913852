import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from variants import QUESTIONS, ROOT, variant_id, variants

# What runs in the background ignores Ctrl-C, and so would the servers that are tested.
signal.signal(signal.SIGINT, signal.default_int_handler)

# No choice has a part of this name, so tests can look for words of the choices.
SLUG = "lighthouse"


class Variant(NamedTuple):
    answers: dict[str, str]
    path: Path
    files: dict[str, str]  # path within the project -> text


def bake_with(cookies, answers: dict[str, str]) -> Path:
    unknown = set(answers) - set(QUESTIONS)
    if unknown:  # cookiecutter would ignore them
        raise ValueError(f"not in cookiecutter.json: {', '.join(sorted(unknown))}")
    result = cookies.bake(extra_context=answers, template=str(ROOT))
    if result.exception:
        raise result.exception
    assert {question: result.context[question] for question in answers} == answers
    return result.project_path


@pytest.fixture(scope="session", autouse=True)
def _temporary_folder(tmp_path_factory) -> Iterator[None]:
    """cookiecutter leaves the hooks that it rendered in the temporary folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("temporary")))
        yield


@pytest.fixture
def bake(cookies) -> Callable[..., Path]:
    """Generate a project with these answers, and the defaults for the others."""
    return lambda **answers: bake_with(cookies, answers)


@pytest.fixture(scope="session", params=variants(), ids=variant_id)
def variant(request, cookies_session) -> Variant:
    """Each variant in turn, baked once."""
    project = bake_with(cookies_session, {**request.param, "project_slug": SLUG})
    paths = sorted(path for path in project.rglob("*") if path.is_file())
    files = {str(path.relative_to(project)): path.read_bytes().decode() for path in paths}
    return Variant(request.param, project, files)


@pytest.fixture(scope="session")
def environments(tmp_path_factory) -> Path:
    """One folder for all worker processes, for one environment per set of dependencies."""
    root = tmp_path_factory.getbasetemp()
    folder = (root.parent if "PYTEST_XDIST_WORKER" in os.environ else root) / "environments"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def environment(tmp_path) -> dict[str, str]:
    """An environment for command lines, with a home and a temporary folder of their own."""
    mine = {
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "temporary"),
        "PYTHONUTF8": "1",
        "COLUMNS": "1000",  # or long prompts wrap
    }
    for folder in ("HOME", "TMPDIR"):
        Path(mine[folder]).mkdir()
    left_out = {"COOKIECUTTER_CONFIG", "PWD"}
    return {name: value for name, value in os.environ.items() if name not in left_out} | mine


@pytest.fixture
def output(tmp_path) -> Path:
    """The folder in which ``cookiecutter`` runs."""
    folder = tmp_path / "work" / "output"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def cookiecutter(environment, output) -> Callable[..., subprocess.CompletedProcess]:
    """Run the command line. Words are arguments; ``answers`` are typed, one a line."""

    def cookiecutter(*words: str, answers: list[str] | None = None, **variables: str):
        return subprocess.run(
            [sys.executable, "-m", "cookiecutter", str(ROOT), *words],
            cwd=output,
            env={**environment, **variables},
            input="".join(f"{answer}\n" for answer in answers or []),
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        )

    return cookiecutter
