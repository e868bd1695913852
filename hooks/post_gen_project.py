"""Remove what was not chosen, and say what remains to be done, for the answers given.

Needs no tool. Jinja reads this file first, so its own marks may stand in ``main`` alone.
"""

import json
import os
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

Answers = dict[str, str | None]

# What an answer leaves out. Where it is one file, its name in the template is a condition.
LEFT_OUT = {
    ("starter", "minimal"): [
        "chat",
        "realtime/entrance.py",
        "realtime/frames.py",
        "realtime/hub.py",
        "realtime/leases.py",
        "realtime/redis_leases.py",
        "realtime/presence.py",
        "realtime/protocol.py",
        "realtime/readiness.py",
        "realtime/sessions.py",
        "realtime/static",
        "realtime/tasks.py",
        "realtime/topic.py",
        "realtime/writer.py",
        "tests/chat",
    ],
}


def remove_left_out(answers: Answers, project: Path) -> None:
    for (question, answer), paths in LEFT_OUT.items():
        for path in paths if answers[question] == answer else []:
            if (project / path).is_dir():
                shutil.rmtree(project / path)
            else:
                (project / path).unlink()


def way_to(project: Path, start: str | None) -> str:
    """Return the way for ``cd``: relative to where the person stands, where that is known."""
    if start and project.is_relative_to(os.path.realpath(start)):
        project = project.relative_to(os.path.realpath(start))
    return shlex.quote(str(project))


def command(answers: Answers) -> str:
    """Return the command line that generates the same without questions."""
    words = ["cookiecutter", answers["_template"], "--no-input"]
    checkout = answers.get("_checkout") or answers.get("_commit")  # the latter is cruft's
    if checkout:
        words += ["--checkout", checkout]
    words += [f"{name}={answer}" for name, answer in answers.items() if not name.startswith("_")]
    return shlex.join(words)


def message(answers: Answers, project: Path, start: str | None, has_uv: bool) -> str:
    lines = ["", "Your project is ready. Next:", ""]
    if not has_uv:
        lines += ["  pipx install uv  # or, in a virtual environment: pip install uv"]
    lines += [
        f"  cd {way_to(project, start)}",
        "  uv run manage.py migrate",
        "  uv run manage.py runserver",
        "",
        "Then open http://localhost:8000/",
    ]
    if answers["channel_layer"] != "memory":
        lines += ["Development starts an embedded Valkey when REDIS_URL is not set."]
    lines += ["Run the tests with: uv run pytest", "", "The same again, without questions:"]
    return "\n".join([*lines, "", f"  {command(answers)}", ""])


def main() -> None:
    # As JSON within a Python string: no answer can end it. Pairs keep their order.
    answers = dict(json.loads({{cookiecutter.items() | list | tojson | tojson}}))  # noqa: F821
    project = Path.cwd()
    remove_left_out(answers, project)
    temporary = Path(tempfile.gettempdir()).resolve()
    if "_output_dir" not in answers and temporary in project.parents:
        return  # cruft compares: nobody will work here
    sys.stdout.reconfigure(errors="backslashreplace")
    print(message(answers, project, os.environ.get("PWD"), shutil.which("uv") is not None))


if __name__ == "__main__":
    main()
