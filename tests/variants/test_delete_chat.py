"""A project without its chat, deleted as its README.md says, is a whole project."""

import re
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from gate import Gate
from playwright.sync_api import expect
from ports import own_port
from sites import Site

DELETED = ["chat", "tests/chat"]
INSTRUCTIONS = (
    "To delete the chat, remove the folders `chat/` and `tests/chat/`, the lines with `chat` in "
    '`config/routing.py` and `config/urls.py` (give `echo.urls` the path `""`), the one in '
    '`jsconfig.json`, in `config/settings.py` the app and the section "Chat", and '
    '`docs/protocol.md`; `LOGIN_REDIRECT_URL` and `LOGOUT_REDIRECT_URL` become `"echo"`.'
)


def edit(path: Path, change: Callable[[str], str]) -> None:
    text = path.read_text()
    assert change(text) != text
    path.write_text(change(text))


def without_lines(word: str) -> Callable[[str], str]:
    return lambda text: re.sub(rf"^.*\b{word}\b.*\n", "", text, flags=re.MULTILINE)


def test_the_chat_can_be_deleted(bake, environments, owned, browser, tool, tmp_path):
    project = bake(**owned)
    readme = " ".join((project / "README.md").read_text().split())
    assert INSTRUCTIONS in readme
    for folder in DELETED:
        shutil.rmtree(project / folder)
    (project / "docs" / "protocol.md").unlink()
    config = project / "config"
    edit(config / "routing.py", without_lines("chat"))
    edit(config / "urls.py", without_lines("chat"))
    edit(config / "urls.py", lambda text: text.replace('path("echo/",', 'path("",'))
    edit(project / "jsconfig.json", without_lines("chat"))
    edit(config / "settings.py", lambda text: text.replace('    "chat",\n', ""))
    edit(
        config / "settings.py", lambda text: re.sub(r"# Chat\n.*?\n\n\n", "", text, flags=re.DOTALL)
    )

    edit(config / "settings.py", lambda text: text.replace('_URL = "rooms"', '_URL = "echo"'))

    gate = Gate(project, environments)
    gate.install()
    gate.lint()
    gate.test("uv", "run", "pytest")
    checked = tool("tsc", "--project", "jsconfig.json", cwd=project)
    assert checked.returncode == 0, checked.stdout
    with own_port() as port, closing(Site(gate, tmp_path, port)) as site:
        page = browser.new_page()
        page.goto(site.url)
        expect(page.get_by_role("status")).to_contain_text("Connected")
        page.get_by_label("Say something").fill("Hello")
        page.keyboard.press("Enter")
        expect(page.get_by_role("listitem")).to_have_text(["Hello", "You said: Hello"])
        client = "import('/static/realtime/client.js').then((module) => Object.keys(module))"
        assert page.evaluate(client) == ["FrameClient"]
        page.close()
