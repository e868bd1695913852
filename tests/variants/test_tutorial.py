"""docs/tutorial.md, followed word for word, in both consumer styles."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from gate import Gate
from markdown import code_blocks
from playwright.sync_api import Browser, expect
from ports import own_port
from sites import Site
from variants import CHOICES, ROOT

TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
GENERATE = 'project_name="Live poll"\ncd live_poll\n'  # the end of the first block
RUN = "uv run manage.py runserver\n"
COMMENT = re.compile(r"(?:#|//|\{#) (?P<path>[\w/.]+)(?:, (?P<style>\w+))?(?: #\})?\n")


class Step(NamedTuple):
    """A command, or a file (or lines to add to one) for each style or for one."""

    kind: str
    text: str
    path: str = ""
    style: str | None = None


def steps() -> Iterator[Step]:
    for kind, text in code_blocks(TUTORIAL):
        if kind == "sh":
            yield Step(kind, text)
        else:
            named = COMMENT.match(text)
            assert named, f"name the file of\n{text}"
            assert named["style"] in (None, *CHOICES["consumer_style"])
            yield Step(kind, text, named["path"], named["style"])


def add_lines(path: Path, diff: str) -> None:
    """Add the lines with "+"; those with " " before them stand in the file, once."""
    lines = diff.splitlines()
    assert all(line[0] in " +" for line in lines), diff
    old = "".join(f"{line[1:]}\n" for line in lines if line[0] == " ")
    new = "".join(f"{line[1:]}\n" for line in lines)
    text = path.read_text("utf-8")
    assert text.count(old) == 1, f"{path}\n{diff}"
    path.write_text(text.replace(old, new), "utf-8")


def take(step: Step, project: Path) -> None:
    path = project / step.path
    if step.kind == "diff":
        add_lines(path, step.text.partition("\n")[2])
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(step.text, "utf-8")


def test_lines_are_added_where_the_diff_says(tmp_path):
    path = tmp_path / "file"
    path.write_text("one\ntwo\nthree\n")
    add_lines(path, " two\n+new\n three\n")
    assert path.read_text() == "one\ntwo\nnew\nthree\n"
    with pytest.raises(AssertionError):
        add_lines(path, " two\n three\n")


@pytest.mark.parametrize(
    "answers",
    [
        {"asgi_server": "uvicorn", "channel_layer": "memory", "consumer_style": "async"},
        {"asgi_server": "granian", "channel_layer": "redis", "consumer_style": "sync"},
    ],
    ids=lambda answers: "-".join(answers.values()),
)
def test_the_tutorial_works(bake, environments, browser, tool, tmp_path, answers):
    generate, *rest = steps()
    assert generate.text.endswith(GENERATE)
    project = bake(**answers, project_name="Live poll")
    assert project.name == "live_poll"
    gate = Gate(project, environments)
    gate.install()
    for step in rest:
        if step.text == RUN:
            two_windows(gate, browser, tmp_path / "as events")
        elif step.kind == "sh":
            print(gate("bash", "-e", "-c", step.text, UV_NO_SYNC="1", DJANGO_DEBUG="true"))
        elif step.style in (None, answers["consumer_style"]):
            take(step, project)
    two_windows(gate, browser, tmp_path / "as frames")
    gate.lint()
    gate.run("python", "manage.py", "makemigrations", "--check", "polls", DJANGO_DEBUG="true")
    checked = tool("tsc", "--project", "jsconfig.json", cwd=project)
    assert checked.returncode == 0, checked.stdout


def two_windows(gate: Gate, browser: Browser, folder: Path) -> None:
    """Vote in one window, and see it in the other one."""
    folder.mkdir()
    database = str(gate.project / "db.sqlite3")
    with own_port() as port, closing(Site(gate, folder, port, SQLITE_PATH=database)) as site:
        mine, other = (browser.new_page() for _ in range(2))
        for page in (mine, other):
            page.goto(f"{site.url}/polls/1/")
            expect(page.get_by_role("status").first).to_have_text("connected")
        votes = int(other.locator("output").first.inner_text())
        mine.get_by_role("button", name="Green").click()
        for page in (mine, other):
            expect(page.locator("output").first).to_have_text(str(votes + 1))
            expect(page.get_by_role("status").first).to_have_text("connected")
            page.close()
    assert "Traceback" not in site.log_path.read_text(), site.log_path.read_text()
