"""A project without its examples, deleted as its README.md says, is a whole project."""

import re
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from gate import Gate
from markdown import section
from playwright.sync_api import expect
from ports import own_port
from sites import Site

PATHS = r"((?:`[^`]+`(?:, | and )?)+)"

# The steps of the recipes that are not lists of folders and lines.
CHAT_SETTINGS = 'in `config/settings.py` the app and the section "Chat".'
ECHO_AT_THE_ROOT = 'Give `echo.urls` the path `""`'
REDIRECTS = '`LOGIN_REDIRECT_URL` and `LOGOUT_REDIRECT_URL` become `"echo"`.'
WITHOUT_BOTH = (
    'first the chat, with `"password_change"` and `"login"` in place of the two `"echo"`; '
    "then the echo."
)

MINIMAL = {"starter": "minimal", "asgi_server": "hypercorn", "channel_layer": "redis_pubsub"}
CHAT = {"starter": "chat", "consumer_style": "sync"}


def recipe(project: Path, name: str) -> str:
    """Return what README.md says about deleting one example, in one line."""
    readme = (project / "README.md").read_text("utf-8")
    (heading,) = re.findall(r"^## (Delete the examples?)$", readme, re.MULTILINE)
    _, _, text = section(readme, heading).partition(f"- **{name}**: ")
    assert text
    return " ".join(re.split(r"\n- |\n\n", text)[0].split())


def edit(path: Path, change: Callable[[str], str]) -> None:
    text = path.read_text("utf-8")
    assert change(text) != text
    path.write_text(change(text), "utf-8")


def without_lines(word: str) -> Callable[[str], str]:
    return lambda text: re.sub(rf"^.*\b{word}\b.*\n", "", text, flags=re.MULTILINE)


def delete(project: Path, text: str) -> None:
    """Delete the folders, files and lines that the recipe names."""
    (folders,) = re.findall(f"the folders {PATHS}", text)
    for folder in re.findall("`([^`]+)`", folders):
        shutil.rmtree(project / folder)
    for file in re.findall("the file `([^`]+)`", text):
        (project / file).unlink()
    ((word, paths),) = re.findall(rf"the lines with `(\w+)` in {PATHS}", text)
    for path in re.findall("`([^`]+)`", paths):
        edit(project / path, without_lines(word))


def delete_chat(project: Path) -> None:
    text = recipe(project, "The chat")
    delete(project, text)
    assert all(words in text for words in (CHAT_SETTINGS, ECHO_AT_THE_ROOT, REDIRECTS))
    settings, urls = project / "config" / "settings.py", project / "config" / "urls.py"
    edit(settings, lambda text: text.replace('    "chat",\n', ""))
    edit(settings, lambda text: re.sub(r"# Chat\n.*?\n\n\n", "", text, flags=re.DOTALL))
    edit(settings, lambda text: text.replace('_URL = "rooms"', '_URL = "echo"'))
    edit(urls, lambda text: text.replace('path("echo/",', 'path("",'))


def delete_echo_too(project: Path) -> None:
    assert recipe(project, "Both") == WITHOUT_BOTH
    settings = project / "config" / "settings.py"
    edit(settings, lambda text: text.replace('LOGIN_REDIRECT_URL = "echo"', LOGIN_REDIRECT))
    edit(settings, lambda text: text.replace('LOGOUT_REDIRECT_URL = "echo"', LOGOUT_REDIRECT))
    text = recipe(project, "The echo")
    delete(project, text.replace(" and `chat/templates/chat/rooms.html`", ""))


LOGIN_REDIRECT = 'LOGIN_REDIRECT_URL = "password_change"'
LOGOUT_REDIRECT = 'LOGOUT_REDIRECT_URL = "login"'


# The client that stays connects, asks, and receives the frames that others cause.
ASK = """async () => {
    const { FrameClient } = await import("/static/realtime/client.js");
    const address = new URL("/ws/count/page/", location.href.replace(/^http/, "ws"));
    const [one, other] = [0, 1].map(() => new FrameClient(() => address));
    const connected = [one, other].map((client) => new Promise((done) => {
        client.on("state", ({ state }) => state === "connected" && done());
        client.connect();
    }));
    await Promise.all(connected);
    const told = new Promise((done) => other.on("count.total", ({ total }) => done(total)));
    const { total: before } = await one.ask({ type: "system.ping" });
    const { total } = await one.ask({ type: "count.add", number: 2 });
    await told;
    const { total: after } = await other.ask({ type: "count.add", number: await told });
    return [before, total, after];
}"""
ADD_ROUTES = """
from tests.realtime import counting

websocket_urlpatterns[:0] = counting.websocket_urlpatterns
"""


def passes(gate: Gate, tool: Callable, *words: str) -> None:
    gate.run("ruff", "check", "--fix")
    gate.lint()
    gate.test("uv", "run", "pytest", *words)
    checked = tool("tsc", "--project", "jsconfig.json", cwd=gate.project)
    assert checked.returncode == 0, checked.stdout


def test_the_chat_and_then_the_echo_can_be_deleted(
    bake, environments, owned, browser, tool, tmp_path
):
    project = bake(**owned)
    delete_chat(project)
    gate = Gate(project, environments)
    gate.install()
    passes(gate, tool)
    routing = project / "config" / "routing.py"
    text = routing.read_text("utf-8")
    routing.write_text(text + ADD_ROUTES)
    with own_port() as port, closing(Site(gate, tmp_path, port)) as site:
        page = browser.new_page()
        page.goto(site.url)
        expect(page.get_by_role("status")).to_contain_text("Connected")
        page.get_by_label("Say something").fill("Hello")
        page.keyboard.press("Enter")
        expect(page.get_by_role("listitem")).to_have_text(["Hello", "You said: Hello"])
        assert page.evaluate(ASK) == [0, 2, 4]
        page.close()
    routing.write_text(text)
    delete_echo_too(project)
    passes(gate, tool, "-m", "not live")


@pytest.mark.parametrize(
    ("answers", "tests"),
    [(MINIMAL, []), (CHAT, ["-m", "not live"])],
    ids=["minimal, with live tests", "chat"],
)
def test_the_echo_can_be_deleted(bake, environments, tool, answers, tests):
    project = bake(**answers)
    delete(project, recipe(project, "The echo"))
    gate = Gate(project, environments)
    gate.install()
    passes(gate, tool, *tests)
