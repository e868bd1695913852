"""The chat in a real browser: what people see, on each server."""

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from conftest import bake_with
from gate import Gate
from playwright.sync_api import (
    BrowserContext,
    Locator,
    Page,
    WebSocketRoute,
    expect,
)
from ports import own_port
from sites import Site

# Above the client's longest wait between two attempts to connect.
expect.set_options(timeout=40_000)

HOSTILE = [
    "<script>document.title = 'broken'</script>",
    "<img src=x onerror=\"document.title = 'broken'\">",
    "안녕하세요 👋🏽 مرحبا بالعالم \u202eRTL\u202c {{ 7 * 7 }}",
    "two\n\n  lines",
    "long " * 399 + "words",
]

# A violation of the Content Security Policy counts as an error of the page.
REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => {
  reportError(new Error(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));
});
"""

INJECT = """() => {
  const script = document.createElement("script");
  script.textContent = "document.title = 'broken'";
  document.body.append(script);
}"""

SENT_AT = "2026-11-23T07:06:54Z"
IMPORT_USERS = "from django.contrib.auth import get_user_model"


@pytest.fixture(scope="session")
def site(request, cookies_session, environments, tmp_path_factory) -> Iterator[Site]:
    gate = Gate(bake_with(cookies_session, request.param), environments)
    gate.install()
    with own_port() as port:
        site = Site(gate, tmp_path_factory.mktemp("site"), port)
        yield site
        site.close()
    assert "Traceback" not in site.log_path.read_text(), site.log_path.read_text()


@pytest.fixture
def production(bake, environments, tmp_path) -> Iterator[Site]:
    """A chat with the settings of production, but for HTTPS."""
    gate = Gate(bake(), environments)
    gate.install()
    with own_port() as port:
        site = Site(
            gate,
            tmp_path,
            port,
            DJANGO_DEBUG="false",
            DJANGO_HTTPS="false",
            EMAIL_URL="smtp://localhost",
            DEFAULT_FROM_EMAIL="desk@example.com",
            DJANGO_SECRET_KEY="for one test " * 5,
            DJANGO_ALLOWED_HOSTS="127.0.0.1",
            STATIC_ROOT=str(tmp_path / "static"),
        )
        yield site
        site.close()
    assert "Traceback" not in site.log_path.read_text(), site.log_path.read_text()


class Person:
    """Somebody at a browser of their own, perhaps with several tabs."""

    def __init__(self, site: Site, context: BrowserContext) -> None:
        self.site, self.context = site, context
        self.errors: list[str] = []
        self.page = self.tab()

    def tab(self) -> Page:
        page = self.context.new_page()
        page.add_init_script(REPORT_VIOLATIONS)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        return page

    def enter(self, room: str = "lobby", page: Page | None = None) -> None:
        page = page or self.page
        page.goto(f"{self.site.url}/rooms/{room}/")
        expect(state(page)).to_have_text("Connected")

    def sign_up(self, name: str) -> None:
        self.page.goto(f"{self.site.url}/accounts/signup/")
        self.page.get_by_label("Username").fill(name)
        self.page.get_by_label("Email address").fill(f"{name}@example.com")
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
    return site.new_room()


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
    site.close()
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


def test_a_forgotten_password_is_reset(person, site):
    name = f"cat-{time.monotonic_ns()}"
    person().sign_up(name)
    someone = person()
    page = someone.page
    page.goto(f"{site.url}/accounts/login/")
    page.get_by_role("link", name="Forgot your password?").click()
    page.get_by_label("Email").fill(f"{name}@example.com")
    page.get_by_role("button", name="Send the mail").click()
    expect(page.get_by_role("heading", name="Look at your mail")).to_be_visible()

    page.goto(site.wait_for_mail(f"{name}@example.com"))
    page.get_by_label("New password", exact=True).fill("another horse battery")
    page.get_by_label("New password confirmation").fill("another horse battery")
    page.get_by_role("button", name="Change password").click()
    page.get_by_role("main").get_by_role("link", name="log in").click()
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill("another horse battery")
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    expect(page.get_by_role("button", name=name)).to_be_visible()


def test_a_guest_picks_a_name(person, room):
    ann, bob = person(), person()
    ann.page.goto(ann.site.url)
    ann.page.get_by_role("button", name="Guest").click()
    ann.page.get_by_label("Your name here").fill("Ann <b>")
    ann.page.get_by_role("button", name="Change it").click()
    ann.enter(room)
    bob.enter(room)
    expect(members(bob.page).filter(has_text="Ann <b>")).to_have_count(1)


def test_a_guest_is_marked_and_cannot_take_the_name_of_a_user(person, room):
    ann, boss = person(), person()
    name = f"boss-{time.monotonic_ns()}"
    boss.sign_up(name)
    ann.enter(room)
    boss.enter(room)
    expect(members(boss.page).filter(has_text="(guest)")).to_have_count(1)
    expect(members(boss.page).filter(has_text=name)).not_to_contain_text("(guest)")
    ann.say("Who is who?")
    expect(boss.page.locator("#room .message .mark")).to_have_text(["(guest)"])
    ann.page.get_by_role("button", name="Guest").click()
    ann.page.get_by_label("Your name here").fill(name.upper())
    ann.page.get_by_role("button", name="Change it").click()
    expect(ann.page.get_by_role("alert").first).to_contain_text("is the name of a user")


def test_a_new_name_is_shown_to_all_without_a_reload(person, room):
    ann, bob = person(), person()
    ann.enter(room)
    bob.enter(room)
    expect(members(bob.page)).to_have_count(2)
    second = ann.tab()
    second.goto(ann.site.url)
    second.get_by_role("button", name="Guest").click()
    second.get_by_label("Your name here").fill("Ann")
    second.get_by_role("button", name="Change it").click()
    for page in (ann.page, bob.page):
        expect(members(page).filter(has_text="Ann")).to_have_count(1)
        expect(members(page)).to_have_count(2)
    second.close()
    ann.say("by my new name")
    expect(bob.page.locator("#room .message .name")).to_have_text(["Ann"])
    bob.context.close()
    expect(members(ann.page)).to_have_text([re.compile("Ann")])


def test_text_has_its_own_direction(person, room):
    ann = person()
    ann.enter(room)
    directions = "lines => lines.map((line) => getComputedStyle(line).direction)"
    for text in ("שלום, מה שלומך?", "How are you?"):
        ann.say(text)
    expect(log(ann.page)).to_have_count(2)
    assert log(ann.page).evaluate_all(directions) == ["rtl", "ltr"]
    ann.page.get_by_label("Message", exact=True).fill("مرحبا")
    assert ann.page.locator("#text").evaluate_all(directions) == ["rtl"]


def test_each_line_ends_as_stored_or_as_not_sent(person, room):
    ann = person()
    ann.enter(room)
    typed = {"a\\ud800b": "a\ufffdb", "null \\0": None, "\\u3164": None, "fine": "fine"}
    for number in range(3):  # what is refused closes no socket
        for text in typed:
            ann.page.evaluate(f'document.querySelector("#text").value = "{number} {text}"')
            ann.page.get_by_label("Message", exact=True).press("Enter")
    stored = [f"{n} {text}" for n in range(3) for text in typed.values() if text]
    expect(log(ann.page)).to_have_count(9)
    unsent = ann.page.locator("#room .unsent li")
    expect(unsent).to_have_count(3)
    expect(unsent.locator(".reason")).to_have_text(3 * [re.compile("^Not sent: ")])
    assert [text for text in everything(ann.page) if text in stored] == stored
    expect(state(ann.page)).to_have_text("Connected")


class Script:
    """A server for one page, which says what a test tells it to."""

    def __init__(self, page: Page) -> None:
        self.sockets: list[WebSocketRoute] = []
        self.heard: list[dict] = []
        self.answers: dict[str, Callable[[dict], dict | None]] = {}
        page.route_web_socket(re.compile("/ws/chat/"), self._open)

    def _open(self, socket: WebSocketRoute) -> None:
        self.sockets.append(socket)
        socket.on_message(self._hear)
        self.welcome()

    def _hear(self, text: str | bytes) -> None:
        frame = json.loads(text)
        self.heard.append(frame)
        if (make := self.answers.get(frame["type"])) and (answer := make(frame)):
            self.tell(**answer, ref=frame.get("ref"))

    def tell(self, **frame: object) -> None:
        self.sockets[-1].send(json.dumps(frame))

    def history(self, first: int, last: int) -> dict:
        user = {"id": "guest-x", "name": "x"}
        messages = [
            {"seq": n, "id": f"id-{n}", "user": user, "text": str(n), "sent_at": SENT_AT}
            for n in range(first, last + 1)
        ]
        return {"type": "chat.history", "messages": messages, "more": False}

    def welcome(self, seq: int = 0, epoch: str = "one", recovered: bool = False) -> None:
        you = {"id": "guest-y", "name": "y"}
        limits = {"frame_bytes": 65536, "text_length": 2000, "rate": 100, "burst": 100}
        self.tell(
            type="chat.welcome",
            room={"slug": "lobby", "title": "Lobby"},
            you=you,
            epoch=epoch,
            seq=seq,
            direct_seq=0,
            recovered=recovered,
            members=[you],
            limits=limits,
            heartbeat=25,
        )
        self.tell(**self.history(1, seq))

    def heard_of(self, kind: str) -> list[dict]:
        return [frame for frame in self.heard if frame["type"] == kind]


def enter_scripted(person, script: type[Script] = Script) -> tuple[Person, Script]:
    ann = person()
    ann.page.clock.install()
    scripted = script(ann.page)
    ann.enter()
    return ann, scripted


def test_a_send_without_any_frame_back_means_a_dead_connection(person):
    ann, script = enter_scripted(person)
    ann.say("is anybody there?")
    expect(ann.page.locator("[data-state=pending]")).to_have_count(1)
    ann.page.clock.run_for(9_000)
    assert len(script.sockets) == 1
    script.answers["chat.send"] = lambda frame: {"type": "system.ack", "seq": 1}
    ann.page.clock.run_for(3_000)  # for the rest of the patience, and for the way back
    expect(ann.page.locator("[data-state=pending]")).to_have_count(0)
    assert len(script.sockets) == 2
    assert len({frame["id"] for frame in script.heard_of("chat.send")}) == 1


def test_a_line_without_an_answer_among_other_frames_is_given_up(person):
    ann, script = enter_scripted(person)
    script.answers["system.ping"] = lambda frame: {"type": "system.pong", "seq": 0, "direct_seq": 0}
    ann.say("you do not answer me")
    for _ in range(8):
        script.tell(type="chat.typing", user={"id": "guest-x", "name": "x"})
        ann.page.clock.run_for(9_000)
    expect(ann.page.locator(".reason")).to_contain_text(["Not sent: the server does not answer"])
    assert len(script.sockets) == 1


class Refuses(Script):
    """Welcomes once."""

    def welcome(self) -> None:
        if len(self.sockets) == 1:
            super().welcome()
        else:
            self.tell(type="system.disconnect", code=4003, reason="lobby is not open to you")


def test_what_is_pending_when_the_room_is_lost_is_not_sent(person):
    ann, script = enter_scripted(person, Refuses)
    ann.say("under way")
    expect(ann.page.locator("[data-state=pending]")).to_have_count(1)
    script.tell(type="system.disconnect", code=4200, reason="restart", retry_in_ms=5_000)
    expect(state(ann.page)).to_contain_text("Reconnecting")
    ann.say("not even that")
    ann.page.clock.run_for(6_000)
    expect(state(ann.page)).to_contain_text("You may not enter this room")
    expect(ann.page.locator("[data-state=failed] .reason")).to_contain_text(2 * ["Not sent"])
    expect(ann.page.locator("[data-state=pending]")).to_have_count(0)


class StartsOver(Script):
    """Welcomes twice: the second time into another epoch."""

    def welcome(self, *answer: object) -> None:
        first = len(self.sockets) == 1
        super().welcome(seq=1 if first else 3, epoch="one" if first else "two")


def test_a_start_over_during_a_catch_up_shows_each_message_once(person):
    ann, script = enter_scripted(person, StartsOver)
    script.answers["chat.sync"] = lambda frame: script.history(frame["after"] + 1, 3)
    expect(log(ann.page)).to_have_text(["1"])
    script.tell(type="system.pong", seq=3, direct_seq=0)  # two are missing: soon it asks
    script.tell(type="system.disconnect", code=4200, reason="restart", retry_in_ms=0)
    expect(log(ann.page)).to_have_text(["1", "2", "3"])
    ann.page.clock.run_for(2_000)
    script.tell(type="chat.message", **script.history(4, 4)["messages"][0])
    expect(log(ann.page)).to_have_text(["1", "2", "3", "4"])


class Poll:
    """A server of another app than the chat, which lets each client in and hears its frames."""

    def __init__(self, page: Page) -> None:
        self.heard: list[dict] = []
        self.sockets: list[WebSocketRoute] = []
        page.route_web_socket(re.compile("/ws/poll/"), self._open)

    def _open(self, socket: WebSocketRoute) -> None:
        self.sockets.append(socket)
        socket.on_message(lambda text: self.heard.append(json.loads(text)))
        self.tell(type="poll.state", heartbeat=25, limits={"burst": 1})

    def tell(self, **frame: object) -> None:
        self.sockets[-1].send(json.dumps(frame))

    def votes(self) -> list[str]:
        return [frame["choice"] for frame in self.heard if frame["type"] == "poll.vote"]


CLIENT_ALONE = """async () => {
    const { FrameClient } = await import("/static/realtime/client.js");
    const client = new FrameClient(() => new URL("/ws/poll/1/", location.href));
    Object.assign(window, { client, states: [], frames: [], answers: [], errors: [] });
    client.on("state", ({ state }) => states.push(state));
    client.on("poll.state", (frame) => frames.push(frame.type));
    window.vote = (choice) => client.ask({ type: "poll.vote", choice })
        .then((answer) => answers.push(answer.choice), (error) => errors.push(error.code));
    client.connect();
}"""


def test_the_client_asks_and_comes_back_without_the_chat(person):
    ann = person()
    ann.page.clock.install()
    poll = Poll(ann.page)
    ann.page.goto(f"{ann.site.url}/echo/")
    ann.page.evaluate(CLIENT_ALONE)
    ann.page.wait_for_function("states.at(-1) === 'connected'")

    ann.page.evaluate("['red', 'blue'].forEach(vote)")
    ann.page.clock.run_for(5_000)
    assert poll.votes() == ["red"]  # the second question waits for the answer to the first
    poll.tell(type="system.error", code="unavailable", detail="", ref=poll.heard[0]["ref"])
    ann.page.clock.run_for(5_000)
    assert poll.votes() == ["red", "blue"]  # a temporary error leaves the place to others
    poll.tell(type="system.ack", choice="blue", ref=poll.heard[1]["ref"])
    ann.page.wait_for_function("answers.length === 1")
    ann.page.clock.run_for(5_000)
    assert poll.votes() == ["red", "blue", "red"]
    poll.tell(type="system.ack", choice="red", ref=poll.heard[2]["ref"])
    ann.page.wait_for_function("answers.length === 2")
    ann.page.clock.run_for(12_000)  # 27 s since it was let in
    assert poll.heard[-1] == {"type": "system.ping"}
    poll.tell(type="system.pong")

    poll.tell(type="system.disconnect", code=4200, reason="restart", retry_in_ms=5_000)
    ann.page.wait_for_function("states.at(-1) === 'reconnecting'")
    ann.page.evaluate("vote('green')")
    ann.page.wait_for_function("errors.length === 1")
    ann.page.clock.run_for(6_000)
    ann.page.wait_for_function("states.at(-1) === 'connected'")
    assert ann.page.evaluate("errors") == ["lost"]
    assert ann.page.evaluate("frames") == ["poll.state", "poll.state"]

    poll.tell(type="system.disconnect", code=4003, reason="not for you")
    ann.page.wait_for_function("states.at(-1) === 'refused'")
    ann.page.clock.run_for(60_000)
    assert len(poll.sockets) == 2


def test_the_echo_page_answers_and_comes_back(person, site):
    ann = person()
    ann.page.goto(f"{site.url}/echo/")
    expect(state(ann.page)).to_contain_text("Connected")
    ann.page.get_by_label("Say something").fill("שלום")
    ann.page.keyboard.press("Enter")
    expect(ann.page.get_by_role("listitem")).to_have_text(["שלום", "You said: שלום"])
    ann.context.set_offline(True)
    expect(state(ann.page)).to_contain_text("Reconnecting")
    ann.context.set_offline(False)
    expect(state(ann.page)).to_contain_text("Connected")


def test_the_echo_page_of_a_minimal_project_loads_all_it_needs(
    bake, environments, tmp_path, browser
):
    gate = Gate(bake(starter="minimal"), environments)
    gate.install()
    with own_port() as port, browser.new_context() as context:
        site = Site(gate, tmp_path, port)
        with closing(site):
            ann = Person(site, context)
            ann.page.goto(site.url)
            expect(state(ann.page)).to_contain_text("Connected")
            assert ann.errors == []


def test_the_admin_loads_all_it_needs(person, site):
    make = "get_user_model().objects.create_superuser('admin', password='correct horse')"
    site.manage("shell", "--no-imports", "-c", f"{IMPORT_USERS}; {make}")
    admin = person()
    admin.page.goto(f"{site.url}/admin/")
    admin.page.get_by_label("Username").fill("admin")
    admin.page.get_by_label("Password").fill("correct horse")
    admin.page.keyboard.press("Enter")
    admin.page.get_by_role("link", name="Users", exact=True).click()
    admin.page.get_by_role("link", name="admin", exact=True).click()
    expect(admin.page.get_by_text("Available groups")).to_be_visible()


def test_an_injected_script_does_not_run(browser, site):
    with browser.new_context() as context:
        ann = Person(site, context)
        ann.enter()
        with ann.page.expect_event("pageerror") as violation:
            ann.page.evaluate(INJECT)
        assert "script-src" in str(violation.value)
        assert ann.page.title() != "broken"


def test_production_serves_each_module_under_its_hash(production, browser):
    with browser.new_context() as context:
        ann = Person(production, context)
        scripts = {}
        ann.page.on("response", lambda response: scripts.update({response.url: response}))
        ann.enter()
        ann.say("from production")
        expect(log(ann.page)).to_have_text(["from production"])
        ann.page.goto(f"{production.url}/echo/")
        expect(state(ann.page)).to_contain_text("Connected")
        scripts = {url: response for url, response in scripts.items() if ".js" in url}
        modules = list(production.gate.project.glob("*/static/*/*.js"))
        assert len(scripts) == len(modules)
        for url, response in scripts.items():
            assert re.search(r"\.[0-9a-f]{12}\.js$", url), url
            assert "immutable" in response.headers["cache-control"], url
        assert ann.errors == []


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


@pytest.mark.parametrize(
    "path",
    ["/", "/rooms/lobby/", "/accounts/login/", "/accounts/signup/", "/accounts/password_reset/"],
)
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
