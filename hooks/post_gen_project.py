"""Finish the project, and say what remains to be done, for the answers given and the tools there.

Needs no tool. Jinja reads this file first, so its own marks may stand in ``main`` alone.
"""

import os
import sys

# It lies in the temporary folder, where other people's modules may lie too.
sys.path[:] = [folder for folder in sys.path if folder != os.path.dirname(__file__)]

import json  # noqa: E402
import shlex  # noqa: E402
import shutil  # noqa: E402
import stat  # noqa: E402
import tempfile  # noqa: E402
from contextlib import suppress  # noqa: E402
from pathlib import Path  # noqa: E402

Answers = dict[str, str | None]

FREE_TEXTS = ("project_name", "project_slug", "description", "author_name", "author_email")

# pip knows groups since 25.1. Of uv alone pyproject.toml can say how autobahn is built.
WITHOUT_UV = (
    "python3 -m venv .venv && .venv/bin/pip install -q -U pip"
    " && AUTOBAHN_USE_NVX=0 .venv/bin/pip install -q . --group dev"
)


def remove_empty(folders: list[str], project: Path) -> None:
    """cookiecutter makes each folder of the template, also for files that are left out."""
    for folder in folders:
        with suppress(OSError):  # it holds what was there before
            (project / folder).rmdir()


def mend_modes(project: Path) -> None:
    """Undo what a template takes on from a zip file or a read-only folder."""
    manage = project / "manage.py"
    if not manage.stat().st_mode & stat.S_IWUSR:
        for path in project.rglob("*"):
            if path.is_file() and not path.is_symlink():
                path.chmod(path.stat().st_mode | stat.S_IWUSR)
    mode = manage.stat().st_mode
    manage.chmod(mode | (mode & 0o444) >> 2)  # who may read may run


def cd_path(project: Path, start: str | None) -> str:
    """Return the way for ``cd``: relative to where the person stands, where that is known."""
    if start and project.is_relative_to(os.path.realpath(start)):
        project = project.relative_to(os.path.realpath(start))
    return shlex.quote(str(project))


def find_tool(name: str, path: str | None) -> tuple[Path | None, bool]:
    """Find a program, and tell whether its name alone will do in any terminal.

    It will not where the program lies in a virtual environment, which may be active here only.
    """
    found = None
    for folder in (path or os.defpath).split(os.pathsep):
        program = shutil.which(name, path=folder)
        if program and not Path(folder, os.pardir, "pyvenv.cfg").exists():
            return Path(program), True
        found = found or program
    return Path(found) if found else None, False


def find_uv(environment: dict[str, str]) -> tuple[Path | None, bool]:
    uv, is_plain = find_tool("uv", environment.get("PATH"))
    told = environment.get("UV")  # uv itself tells it to what it starts
    if told and not is_plain and Path(told).is_file():
        uv = Path(told)
    return uv, is_plain


def seen_from(project: Path, program: Path) -> str:
    """Return how to call a program after ``cd project``: relative where both lie side by side."""
    program = Path(os.path.realpath(program.parent), program.name)
    if program.is_relative_to(project.parent):
        program = Path(os.path.relpath(program, project))
    return shlex.quote(str(program))


def command(answers: Answers, start: str | None, environment: dict[str, str]) -> str:
    """Return the command line that generates the same without questions, wherever it is run."""
    words = ["cookiecutter"]
    if not find_tool("cookiecutter", environment.get("PATH"))[1]:
        uv, is_plain = find_uv(environment)
        if is_plain:
            words = ["uvx", "cookiecutter"]
        elif uv:
            words = [str(uv.with_name("uvx")), "cookiecutter"]
        else:
            words = [sys.executable, "-m", "cookiecutter"]
    template = answers["_template"]
    folder = Path(start or ".", template)
    words += [os.path.realpath(folder) if folder.exists() else template, "--no-input"]
    checkout = answers.get("_checkout") or answers.get("_commit")  # the latter is cruft's
    if checkout:
        words += ["--checkout", checkout]
    words += [f"{name}={answer}" for name, answer in answers.items() if not name.startswith("_")]
    return shlex.join(words)


def message(answers: Answers, project: Path, start: str | None, environment: dict[str, str]) -> str:
    uv, is_plain = find_uv(environment)
    run = f"{'uv' if is_plain else seen_from(project, uv) if uv else '.uv/bin/uv'} run"
    chosen = [
        f"{name}={answer}"
        for name, answer in answers.items()
        if not name.startswith("_") and name not in FREE_TEXTS
    ]
    lines = ["", "Your project is ready:", "", f"  {' '.join(chosen)}", "", "Next:", ""]
    lines += [f"  cd {cd_path(project, start)}"]
    if not uv:
        lines += ["  python3 -m venv .uv", "  .uv/bin/pip install -q uv"]
    lines += [
        f"  {run} manage.py migrate",
        f"  {run} manage.py runserver",
        "",
        "Then open http://localhost:8000/",
    ]
    if answers["channel_layer"] != "memory":
        lines += ["runserver starts an embedded Valkey when REDIS_URL is not set."]
    if answers["database"] == "postgresql":
        lines += ["Development starts an embedded PostgreSQL when DATABASE_URL is not set."]
    lines += [f"Run the tests with: {run} pytest"]
    if not uv:
        lines += [
            "",
            "Or without uv, and then with .venv/bin/python for it:",
            "",
            f"  {WITHOUT_UV}",
        ]
    again = command(answers, start, environment)
    return "\n".join([*lines, "", "The same again, without questions:", "", f"  {again}", ""])


def say(text: str) -> None:
    """Print, without Python's buffer, which would fail once more at the end."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    os.write(1, f"{text}\n".encode(encoding, "backslashreplace"))


def main() -> None:
    # As JSON within a Python string: no answer can end it. Pairs keep their order.
    answers = dict(json.loads({{cookiecutter.items() | list | tojson | tojson}}))  # noqa: F821
    project = Path.cwd()
    remove_empty(json.loads({{folders_left_out(cookiecutter) | tojson | tojson}}), project)  # noqa: F821
    with suppress(OSError):  # on a file system without modes
        mend_modes(project)
    temporary = Path(tempfile.gettempdir()).resolve()
    if "_output_dir" not in answers and temporary in project.parents:
        return  # cruft compares: nobody will work here
    with suppress(Exception):  # talk: cookiecutter would delete the project
        say(message(answers, project, os.environ.get("PWD"), dict(os.environ)))


if __name__ == "__main__":
    main()
