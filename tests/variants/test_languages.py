"""The languages of a generated project: what is translated, and what pages say of themselves."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from conftest import bake_with
from gate import Gate
from playwright.sync_api import expect
from ports import own_port
from sites import Site
from variants import ROOT

# Renders pages as an owner with another LANGUAGE_CODE would see them.
PAGES = """
import json, sys
import django
django.setup()
from django.core.management import call_command
from django.test import Client
from django.test.utils import override_settings

call_command("migrate", verbosity=0)
pages = {}
for code in sys.argv[1:]:
    with override_settings(LANGUAGE_CODE=code):
        paths = ["/", "/rooms/lobby/", "/echo/", "/accounts/login/", "/accounts/signup/"]
        client = Client(headers={"host": "localhost"})
        pages[code] = {path: client.get(path).content.decode() for path in paths}
print(json.dumps(pages))
"""

# Visible words, also those that a script or a reader of the screen takes from the page.
WORDS = """() => {
    const roots = [document, ...[...document.querySelectorAll("template")].map((t) => t.content)];
    const elements = roots.flatMap((root) => [...root.querySelectorAll("*")]);
    const skipped = "script, style, [data-test-skip]";
    return elements.filter((element) => !element.matches(skipped)).flatMap((element) => [
        ...[...element.childNodes].filter((node) => node.nodeType === 3).map((n) => n.data),
        ...["aria-label", "alt", "title", "placeholder"].map((name) => element.getAttribute(name)),
        ...Object.values(element.dataset).filter((value) => value.includes(" ")),
        ...["::before", "::after"].map((name) => getComputedStyle(element, name).content)
            .filter((content) => content.startsWith('"')),
    ]).filter((text) => text?.trim());
}"""

# Names, and placeholders of words that a script puts in.
NO_ENGLISH = re.compile(
    r"My Realtime Project|WebSocket|JavaScript|Enter|Shift|guest-\w+|ws://\S+|\{\w+\}|@/\./\+/-/_"
)


@pytest.fixture(scope="module")
def pages(cookies_session, environments, tmp_path_factory) -> dict[str, dict[str, str]]:
    gate = Gate(bake_with(cookies_session, {}), environments)
    gate.install()
    database = str(tmp_path_factory.mktemp("database") / "db.sqlite3")
    output = gate.run(
        *("python", "-c", PAGES, "en-us", "ko", "de", "de-at", "he", "pt-br"),
        DJANGO_SETTINGS_MODULE="config.settings",
        DJANGO_DEBUG="true",
        SQLITE_PATH=database,
    )
    return json.loads(output.splitlines()[-1])


def test_each_text_is_translated_and_compiled():
    script = [sys.executable, str(ROOT / "scripts" / "messages.py"), "--check"]
    done = subprocess.run(script, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_compiled_catalogue_arrives_as_it_is(bake):
    for starter in ("chat", "minimal"):
        project = bake(starter=starter)
        compiled = list((ROOT / "{{cookiecutter.project_slug}}").glob("locale/*/*/django.mo"))
        assert len(compiled) == 2
        for path in compiled:
            arrived = project / "locale" / path.parts[-3] / "LC_MESSAGES" / "django.mo"
            assert arrived.read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("code", "language"),
    [
        *(("en-us", "en"), ("ko", "ko"), ("de", "de"), ("de-at", "de")),
        *(("he", "en"), ("pt-br", "en")),  # which locale/ does not have
    ],
)
def test_a_page_names_the_language_of_its_texts(pages, code, language):
    for path, page in pages[code].items():
        assert re.findall("<html [^>]*>", page) == [f'<html lang="{language}" dir="ltr">'], path


@pytest.mark.parametrize(
    ("code", "direction", "label"),
    [("he", "rtl", "שם משתמש"), ("pt-br", "ltr", "Usuário"), ("ko", "ltr", "사용자 이름")],
)
def test_the_fields_of_django_s_forms_are_in_the_language_that_was_chosen(
    pages, code, direction, label
):
    page = pages[code]["/accounts/login/"]
    (field,) = re.findall(rf'<div lang="{code}" dir="{direction}">\s*<label[^>]*>{label}', page)
    assert field


@pytest.fixture
def korean(bake, environments, tmp_path) -> Iterator[Site]:
    gate = Gate(bake(language_code="ko"), environments)
    gate.install()
    with own_port() as port:
        site = Site(gate, tmp_path, port)
        yield site
        site.close()


def english(texts: list[str]) -> list[str]:
    return [text for text in texts if re.search("[A-Za-z]{2}", NO_ENGLISH.sub("", text))]


def test_a_korean_project_speaks_korean(korean, browser):
    with browser.new_context(locale="ko-KR") as context:
        page = context.new_page()
        for path in ("/", "/echo/", "/accounts/login/", "/accounts/signup/"):
            page.goto(korean.url + path)
            assert english(page.evaluate(WORDS)) == [], path
        other = context.new_page()
        for tab in (page, other):
            tab.goto(f"{korean.url}/rooms/lobby/")
            expect(tab.get_by_role("status")).to_have_text("연결됨")
        field = page.get_by_role("textbox", name="메시지")
        field.fill("\u200b")  # has nothing to see, but is no white space
        field.press("Enter")
        expect(page.locator(".reason")).to_have_text("보내지 못함: 눈에 보이는 글자가 없습니다")
        field.fill("가" * 1999)
        expect(page.locator("#counter")).to_have_text("1자 남음")
        field.fill("안녕하세요")
        field.press("Enter")
        expect(other.locator("#room .message .text")).to_have_text(["안녕하세요"])
        for tab in (page, other):
            assert english(tab.evaluate(WORDS)) == []
