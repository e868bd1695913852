"""The chat in a real browser: what people see, on each server."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from conftest import bake_with
from gate import UV, Gate
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright
from ports import own_port

START_SECONDS = 60
STOP_SECONDS = 15
# Above the client's longest wait between two attempts to connect.
expect.set_options(timeout=40_000)

HOSTILE = [
    "<script>document.title = 'broken'</script>",
    "<img src=x onerror=\"document.title = 'broken'\">",
    "안녕하세요 👋🏽 مرحبا بالعالم \u202eRTL\u202c {{ 7 * 7 }}",
    "two\n\n  lines",
    "long " * 399 + "words",
]

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class Site:
    """A generated project that runs, with a database of its own."""

    def __init__(self, gate: Gate, folder: Path, port: int) -> None:
        self.gate, self.log_path, self.port = gate, folder / "log", port
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {
            **gate.variables,
            "DJANGO_DEBUG": "true",
            "SQLITE_PATH": str(folder / "db.sqlite3"),
        }
        self.manage("migrate", "--verbosity", "0")
        self.start()

    def manage(self, *words: str) -> str:
        return self.gate.run("python", "manage.py", *words, **self.environment)

    def start(self) -> None:
        with open(self.log_path, "a") as log:
            self.process = subprocess.Popen(
                [UV, "run", "--no-sync", "python", "manage.py", "serve", "--port", str(self.port)],
                cwd=self.gate.project,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._listens():
            assert self.process.poll() is None, self.log_path.read_text()
            assert time.monotonic() < deadline, self.log_path.read_text()
            time.sleep(0.05)

    def _listens(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            pytest.fail(f"did not stop\n{self.log_path.read_text()}")


@pytest.fixture(scope="session")
def site(request, cookies_session, environments, tmp_path_factory) -> Iterator[Site]:
    gate = Gate(bake_with(cookies_session, request.param), environments)
    gate.install()
    with own_port() as port:
        site = Site(gate, tmp_path_factory.mktemp("site"), port)
        yield site
        site.stop()
    assert "Traceback" not in site.log_path.read_text(), site.log_path.read_text()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.getuid() == 0 else []
        yield playwright.chromium.launch(executable_path=found, args=arguments)


class Person:
    """Somebody at a browser of their own, perhaps with several tabs."""

    def __init__(self, site: Site, context: BrowserContext) -> None:
        self.site, self.context = site, context
        self.errors: list[str] = []
        self.page = self.tab()

    def tab(self) -> Page:
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        return page

    def enter(self, room: str = "lobby", page: Page | None = None) -> None:
        page = page or self.page
        page.goto(f"{self.site.url}/rooms/{room}/")
        expect(state(page)).to_have_text("Connected")

    def sign_up(self, name: str) -> None:
        self.page.goto(f"{self.site.url}/accounts/signup/")
        self.page.get_by_label("Username").fill(name)
        password = self.page.get_by_label("Password", exact=True)
        password.fill("correct horse battery")
        self.page.get_by_label("Password confirmation").fill("correct horse battery")
        self.page.get_by_role("main").get_by_role("button").click()
        expect(self.page.get_by_role("button", name=name)).to_be_visible()

    def say(self, text: str) -> None:
        self.page.get_by_label("Message", exact=True).fill(text)
        self.page.keyboard.press("Enter")


def state(page: Page) -> Locator:
    return page.get_by_role("status")


def log(page: Page) -> Locator:
    return page.get_by_role("log", name="Messages of the room").locator(".message .text")


def everything(page: Page) -> list[str]:
    return log(page).all_inner_texts()


def members(page: Page) -> Locator:
    return page.locator("#members li")


@pytest.fixture
def person(site, browser) -> Iterator[Callable[..., Person]]:
    people = []
    with ExitStack() as stack:

        def person(**options) -> Person:
            context = browser.new_context(**options)
            stack.callback(context.close)
            people.append(Person(site, context))
            return people[-1]

        yield person
        assert [someone.errors for someone in people] == [[] for _ in people]


@pytest.fixture
def room(site) -> str:
    """A new room, open to guests."""
    slug = f"room-{time.monotonic_ns()}"
    make = f"Room.objects.create(slug='{slug}', title='Garden', open_to_guests=True)"
    site.manage("shell", "--no-imports", "-c", f"from chat.models import Room; {make}")
    return slug


def test_two_people_talk(person, room):
    ann, bob = person(), person()
    ann.enter(room)
    bob.enter(room)
    expect(members(ann.page)).to_have_count(2)
    bob.page.get_by_label("Message", exact=True).press_sequentially("Hel")
    expect(ann.page.locator("#typing")).to_contain_text("typing")
    bob.say("Hello, Ann")
    expect(log(ann.page)).to_have_text(["Hello, Ann"])
    ann.say("Hello, Bob")
    expect(log(bob.page)).to_have_text(["Hello, Ann", "Hello, Bob"])
    bob.context.close()
    expect(members(ann.page)).to_have_count(1)


def test_a_reload_and_a_second_tab_show_the_same_and_nobody_leaves(person, room):
    ann, bob = person(), person()
    ann.enter(room)
    bob.enter(room)
    ann.say("first")
    expect(log(bob.page)).to_have_text(["first"])
    seen = bob.page.evaluate_handle(
        """() => {
            const seen = [];
            const list = document.querySelector("#members");
            new MutationObserver(() => seen.push(list.children.length))
                .observe(list, { childList: true });
            return seen;
        }"""
    )
    ann.page.reload()
    expect(log(ann.page)).to_have_text(["first"])
    second = ann.tab()
    ann.enter(room, second)
    expect(log(second)).to_have_text(["first"])
    expect(members(second)).to_have_count(2)
    second.close()
    ann.say("second")
    expect(log(bob.page)).to_have_text(["first", "second"])
    bob.page.wait_for_timeout(4_000)  # above the time that a reload may take
    assert set(seen.json_value()) <= {2}


def test_text_is_text(person, room):
    ann, bob = person(), person()
    ann.enter(room)
    bob.enter(room)
    for text in HOSTILE:
        ann.say(text)
    expect(log(bob.page)).to_have_count(len(HOSTILE))
    assert [node.text_content() for node in log(bob.page).all()] == HOSTILE
    assert "broken" not in bob.page.title()


def test_a_restart_loses_nothing(person, room, site):
    ann, bob = person(), person()
    ann.enter(room)
    bob.enter(room)
    said = []
    for number in range(3):
        ann.say(f"ann {number}")
        bob.say(f"bob {number}")
        said += [f"ann {number}", f"bob {number}"]
    site.stop()
    expect(state(ann.page)).to_contain_text("Reconnecting")
    for number in range(3, 6):
        ann.say(f"ann {number}")
        bob.say(f"bob {number}")
        said += [f"ann {number}", f"bob {number}"]
    site.start()
    for someone in (ann, bob):
        expect(state(someone.page)).to_have_text("Connected")
        expect(log(someone.page)).to_have_count(len(said))
    assert everything(ann.page) == everything(bob.page)
    assert sorted(everything(ann.page)) == sorted(said)


def test_offline_and_online_again(person, room):
    ann, bob = person(), person()
    ann.enter(room)
    bob.enter(room)
    ann.context.set_offline(True)
    expect(state(ann.page)).to_contain_text("offline")
    ann.say("from a tunnel")
    bob.say("meanwhile")
    ann.context.set_offline(False)
    expect(state(ann.page)).to_have_text("Connected")
    expect(log(bob.page)).to_have_text(["meanwhile", "from a tunnel"])
    expect(log(ann.page)).to_have_text(["meanwhile", "from a tunnel"])


def test_older_messages_come_when_asked_for(person, room, site):
    site.manage("say", room, *[f"message {number}" for number in range(1, 121)])
    ann = person()
    ann.enter(room)
    expect(log(ann.page)).to_have_count(50)
    # Not a click of the mouse: that scrolls up to the button, which loads them too.
    ann.page.get_by_role("button", name="Load older messages").first.dispatch_event("click")
    expect(log(ann.page)).to_have_count(100)
    ann.page.get_by_role("region", name="Messages", exact=True).hover()
    ann.page.mouse.wheel(0, -100_000)
    expect(log(ann.page)).to_have_count(120)
    assert everything(ann.page) == [f"message {number}" for number in range(1, 121)]


def test_a_direct_message_is_for_two(person, room):
    ann, bob, eve = person(), person(), person()
    names = {name: f"{name}-{time.monotonic_ns()}" for name in ("ann", "bob", "eve")}
    for someone, name in zip((ann, bob, eve), names.values(), strict=True):
        someone.sign_up(name)
        someone.enter(room)
    expect(members(ann.page)).to_have_count(3)
    members(ann.page).get_by_role("button", name=names["bob"]).click()
    ann.say("just for you")
    for someone in (ann, bob):
        direct = someone.page.get_by_role("log", name="Direct messages").locator(".text")
        expect(direct).to_have_text(["just for you"])
    eve.say("anybody?")
    expect(log(ann.page)).to_have_text(["anybody?"])
    assert "just for you" not in eve.page.content()


def test_a_logout_in_another_tab_ends_the_socket(person, room):
    ann = person()
    name = f"ann-{time.monotonic_ns()}"
    ann.sign_up(name)
    ann.enter(room)
    second = ann.tab()
    second.goto(ann.site.url)
    second.get_by_role("button", name=name).click()
    second.get_by_role("button", name="Log out").click()
    expect(state(ann.page)).to_contain_text("logged out", timeout=2_000)


def test_a_guest_picks_a_name(person, room):
    ann, bob = person(), person()
    ann.page.goto(ann.site.url)
    ann.page.get_by_role("button", name="Guest").click()
    ann.page.get_by_label("Your name here").fill("Ann <b>")
    ann.page.get_by_role("button", name="Change it").click()
    ann.enter(room)
    bob.enter(room)
    expect(members(bob.page).filter(has_text="Ann <b>")).to_have_count(1)


def test_the_keyboard_is_enough(person, room):
    ann = person()
    ann.enter(room)
    ann.page.keyboard.press("Tab")
    expect(ann.page.get_by_role("link", name="Skip to the content")).to_be_focused()
    for _ in range(12):
        ann.page.keyboard.press("Tab")
        if ann.page.evaluate("document.activeElement.id") == "text":
            break
    ann.page.keyboard.type("by keyboard")
    ann.page.keyboard.press("Shift+Enter")
    ann.page.keyboard.type("alone")
    ann.page.keyboard.press("Enter")
    expect(log(ann.page)).to_have_text(["by keyboard\nalone"], use_inner_text=True)


@pytest.mark.parametrize("path", ["/", "/rooms/lobby/", "/accounts/login/", "/accounts/signup/"])
def test_a_page_fits_a_phone_and_names_its_fields(person, path):
    ann = person(viewport={"width": 360, "height": 740})
    ann.page.goto(ann.site.url + path)
    assert ann.page.evaluate("document.documentElement.scrollWidth") <= 360
    unnamed = """() => [...document.querySelectorAll("input:not([type=hidden]), textarea")]
        .filter((field) => field.labels.length === 0).length"""
    assert ann.page.evaluate(unnamed) == 0
    assert ann.page.locator("h1").count() == 1
    assert ann.page.locator("[style], [onclick], script:not([src]), style").count() == 0


VIEWS = {
    "desktop-light": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"},
    "desktop-dark": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
    "phone-light": {"viewport": {"width": 360, "height": 740}, "color_scheme": "light"},
    "phone-dark": {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"},
}


def test_pictures_of_a_room(person, room, tmp_path):
    """With SCREENSHOTS=docs/screenshots they are kept, for README.md."""
    names = dict(zip(VIEWS, ("Ann", "Bob", "Cleo", "Dora"), strict=True))
    people = {view: person(**options) for view, options in VIEWS.items()}
    for view, someone in people.items():
        someone.page.goto(someone.site.url)
        someone.page.get_by_role("button", name="Guest").click()
        someone.page.get_by_label("Your name here").fill(names[view])
        someone.page.get_by_role("button", name="Change it").click()
        someone.enter(room)
    ann, bob, cleo, dora = people.values()
    lines = [
        (bob, "Morning! Is the deploy through?"),
        (ann, "Yes. The server restarted twice while you slept, and nothing is missing."),
        (cleo, "안녕하세요! I was offline, and caught up by number."),
        (dora, "Then let us try it with Redis next."),
        (ann, "On it."),
    ]
    for number, (someone, text) in enumerate(lines, 1):
        someone.say(text)
        expect(log(ann.page)).to_have_count(number)
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
    for view, someone in people.items():
        expect(log(someone.page)).to_have_count(len(lines))
        expect(members(someone.page)).to_have_count(len(people))
        picture = someone.page.screenshot(path=folder / f"{view}.png")
        assert picture.startswith(b"\x89PNG")
