"""The JavaScript of a generated project: its types, as an editor sees them, and its style."""

from pathlib import Path

import pytest
from variants import CHOICES

STYLE = ["--indent-style=space", "--line-width=100"]


def modules(project: Path) -> list[str]:
    return sorted(str(path.relative_to(project)) for path in project.glob("*/static/*/*.js"))


@pytest.mark.parametrize("starter", CHOICES["starter"])
def test_an_editor_finds_no_error_in_any_module(bake, tool, starter):
    project = bake(starter=starter)
    checked = tool("tsc", "--project", "jsconfig.json", "--listFiles", cwd=project)
    assert checked.returncode == 0, checked.stdout
    for name in modules(project):
        assert str(project / name) in checked.stdout.splitlines()


def test_an_editor_finds_a_mistake_across_apps(bake, tool):
    project = bake(starter="chat")
    client = project / "chat" / "static" / "chat" / "client.js"
    right = "this.#frames.connect();"
    assert right in client.read_text()
    client.write_text(client.read_text().replace(right, "this.#frames.conect();"))
    checked = tool("tsc", "--project", "jsconfig.json", cwd=project)
    assert checked.returncode != 0
    assert "Property 'conect' does not exist on type 'FrameClient'" in checked.stdout


@pytest.mark.parametrize("starter", CHOICES["starter"])
def test_the_modules_pass_a_linter_and_a_formatter(bake, tool, starter):
    """Among its rules: no assignment inside an expression, no unused name."""
    project = bake(starter=starter)
    for command in (["lint", "--error-on-warnings"], ["format", *STYLE]):
        checked = tool("biome", *command, *modules(project), cwd=project)
        assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("starter", CHOICES["starter"])
def test_modules_import_from_apps_below_their_own(bake, starter):
    project = bake(starter=starter)
    for name in modules(project):
        app = name.partition("/")[0]
        text = (project / name).read_text()
        for other in {"chat", "echo", "realtime"} - {app}:
            if f'"../{other}/' in text:
                assert other == "realtime", name
