"""A new server is one folder, one choice in cookiecutter.json, and the lock.

As docs/architecture.md says. No other file of the template is edited.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import copy_working_tree
from gate import Gate

COPIED = "uvicorn"
NAME = "lantern"  # a word that stands nowhere in the template
LIVE_TESTS = "each_text or goodbye"
LOCK_SECONDS = 300


@pytest.fixture
def clone(tmp_path) -> Path:
    """A scratch copy of the repository."""
    clone = tmp_path / "clone"
    copy_working_tree(clone)
    return clone


def test_a_copy_of_a_server_under_another_name_needs_no_other_edit(
    clone, cookiecutter, environments, output
):
    servers = clone / "templates" / "asgi_server"
    shutil.copytree(servers / COPIED, servers / NAME)
    questions = clone / "cookiecutter.json"
    text = questions.read_text("utf-8")
    choice = f'"asgi_server": ["{COPIED}"'
    assert text.count(choice) == 1
    questions.write_text(text.replace(choice, f'{choice}, "{NAME}"'), "utf-8")
    done = subprocess.run(
        [sys.executable, "scripts/lock.py"],
        cwd=clone,
        capture_output=True,
        text=True,
        timeout=LOCK_SECONDS,
    )
    assert done.returncode == 0, done.stderr

    done = cookiecutter("--no-input", f"asgi_server={NAME}", "starter=minimal", template=clone)
    assert done.returncode == 0, done.stderr
    (project,) = output.iterdir()
    assert f"served by {NAME}" in (project / "README.md").read_text("utf-8")
    gate = Gate(project, environments)
    gate.install()
    gate.lint()
    gate.test("uv", "run", "pytest", "tests/serving/test_live.py", "-k", LIVE_TESTS)
