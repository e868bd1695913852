"""Every variant as text: nothing left over, nothing of another variant, nothing missing."""

import ast
import re
import tomllib
import warnings
from fnmatch import fnmatchcase
from functools import cache

import pytest
from conftest import SLUG
from markdown import code, section
from paths import PATHS
from variants import ANSWERS, CHOICES, ROOT

TEMPLATE = ROOT / "{{cookiecutter.project_slug}}"
PARTS = ROOT / "templates"  # <question>/<answer>/<part>, included by the files of TEMPLATE

ONLY_WITH = ANSWERS["_only_with"]  # question -> answer -> patterns of the files that come with it


def template_files() -> set[str]:
    paths = {path.relative_to(TEMPLATE) for path in TEMPLATE.rglob("*") if path.is_file()}
    names = {str(path).replace("{{cookiecutter.project_slug}}", SLUG) for path in paths}
    return {name for name in names if "{%" not in name}


def files_like(patterns: list[str]) -> set[str]:
    return {f for f in template_files() if any(fnmatchcase(f, pattern) for pattern in patterns)}


# The files that only some variants have.
FILES = {
    **{answer: files_like(patterns) for answer, patterns in ONLY_WITH["ci"].items()},
    "chat": {"realtime/threads.py", *files_like(ONLY_WITH["starter"]["chat"])},
    "memory": {"docs/redis.md", "tests/serving/test_memory.py"},
    "redis": {
        "serving/embedded.py",
        "serving/cancellation.py",
        "serving/embedded_redis.py",
        "tests/serving/test_redis.py",
    },
    "redis_pubsub": {
        "serving/embedded.py",
        "serving/cancellation.py",
        "serving/embedded_redis.py",
        "tests/serving/test_redis.py",
    },
    "yes": files_like(ONLY_WITH["docker"]["yes"]),
    "sync": {"realtime/threads.py", "tests/realtime/test_threads.py"},
    "postgresql": {"serving/embedded.py", *files_like(ONLY_WITH["database"]["postgresql"])},
}

# Text that stands in these files of a choice's variants, and nowhere in the others.
EXPECTED_TEXT = {
    "memory": [
        ("serving.layers.InMemoryChannelLayer", ["config/settings.py"]),
        ("WEB_CONCURRENCY=1\n", [".env.example"]),
    ],
    "redis": [("serving.layers.RedisChannelLayer", ["config/settings.py"])],
    "redis_pubsub": [("serving.layers.RedisPubSubChannelLayer", ["config/settings.py"])],
    "async": [
        ("(AsyncWebsocketConsumer)", ["realtime/consumers.py"]),
        (
            "    async def receive(self, text_data",
            ["echo/consumers.py", "tests/consumers.py", "README.md"],
        ),
        ("    async def echo_message(", ["echo/consumers.py"]),
        ("``database_sync_to_async`` does that", ["realtime/consumers.py"]),
        ("`database_sync_to_async` from", ["AGENTS.md", "README.md"]),
        ("    async def on_send(", ["chat/consumers.py"]),
    ],
    "sync": [
        ("(WebsocketConsumer)", ["realtime/consumers.py"]),
        ("handlers run in a pool of threads", ["realtime/consumers.py"]),
        (
            "    def receive(self, text_data",
            ["echo/consumers.py", "tests/consumers.py", "README.md"],
        ),
        ("    def echo_message(", ["echo/consumers.py"]),
        ("    def on_send(", ["chat/consumers.py"]),
    ],
    "chat": [
        ("ws/chat/<slug:slug>/", ["config/routing.py"]),
        ("WEBSOCKETS_PER_PERSON = 20", ["config/settings.py"]),
        ("msgspec>=", ["pyproject.toml"]),
    ],
    "sqlite": [("check_sqlite_folder", ["serving/database_checks.py"])],
    "postgresql": [
        ("psycopg[binary]>=", ["pyproject.toml"]),
        ("idle_in_transaction_session_timeout=10s", ["config/settings.py"]),
        ("DATABASE_URL=\n", [".env.example"]),
    ],
    "github": [("GitHub runs all of it too: `.github/workflows/`", ["README.md"])],
    "gitlab": [("`.gitlab-ci.yml`", ["README.md"])],
    "none": [("Run them before each merge", ["README.md"])],
    "minimal": [('path("", include("echo.urls"))', ["config/urls.py"])],
    "no": [("```nginx", ["README.md"])],
    "yes": [("[docs/deploy.md](docs/deploy.md)", ["README.md"])],
    **{
        server: [(f'NAME = "{server}"', ["serving/server.py"])] for server in CHOICES["asgi_server"]
    },
}

# Test tools that share their name with a server.
TEST_TOOL = re.compile(r'    "daphne.*", # channels\.testing imports it\n')

# The version of the template, for the owner of a project who wants to update it.
VERSION = re.compile(r'^template = "cookiecutter-django-channels [\w.]+"\n', re.MULTILINE)

# Files that go by the layer that is configured, so that a project may change to another.
FOR_EVERY_LAYER = {
    "serving/checks.py",
    "realtime/leases.py",
    "serving/outages.py",
    "realtime/redis_leases.py",
    "realtime/topic.py",
    "tests/serving/test_checks.py",
}

# Where a project on the memory layer may speak of Redis: as the way to more processes.
MENTIONS_OF_REDIS = {
    "README.md": ["[docs/redis.md](docs/redis.md)"],
    "docs/protocol.md": ["on a Redis layer"],
    "config/settings.py": ["For more processes: channels-redis."],
    "serving/management/commands/serve.py": ["or a Redis channel layer."],
    "tests/config/test_settings.py": ['"REDIS_URL",'],
}

WHOLE_FILE_INCLUDE = re.compile(r"\{% include [^%]+ %\}\n?")
PYTHON_NAME = re.compile(r"\.py($|\{%)")  # its end may be a condition
MAX_TAGS_PER_100_LINES = 1.5
MAX_FUNCTION_LINES = 40  # a module may be as long as its one reason to change


def test_every_choice_has_its_marks():
    choices = [choice for choices in CHOICES.values() for choice in choices]
    assert sorted(EXPECTED_TEXT) == sorted(choices)


def test_each_pattern_names_files_for_an_answer():
    for question, choices in ONLY_WITH.items():
        assert set(choices) < set(CHOICES[question])
        for pattern in (pattern for patterns in choices.values() for pattern in patterns):
            assert files_like([pattern]), pattern


@pytest.mark.parametrize("paths", PATHS, ids=lambda paths: paths.answers["starter"])
def test_a_project_has_the_paths_of_the_list(bake, paths):
    project = bake(**paths.answers)
    found = {str(path.relative_to(project)) for path in project.rglob("*") if path.is_file()}
    listed = set(paths.files)
    assert (found - listed, listed - found) == (set(), set()), "not meant, or not in tests/paths.py"


@pytest.mark.parametrize("question", CHOICES)
def test_each_answer_has_the_parts_of_its_siblings(question):
    parts = {
        folder.name: sorted(path.name for path in folder.iterdir())
        for folder in (PARTS / question).iterdir()
    }
    assert sorted(parts) == sorted(CHOICES[question])
    assert all(names == parts[CHOICES[question][0]] for names in parts.values()), parts


@pytest.mark.parametrize("question", CHOICES)
def test_each_part_is_included_somewhere(question):
    files = [path for path in TEMPLATE.rglob("*") if path.is_file() and path.suffix != ".mo"]
    sources = [path.read_text("utf-8") for path in files]
    for part in (PARTS / question / CHOICES[question][0]).iterdir():
        name = f"'{question}/' ~ cookiecutter.{question} ~ '/{part.name}'"
        assert any(name in source for source in sources), part.name


def test_no_condition_names_a_server():
    """So that a new server needs no edit: what differs is a part of it, or stands in its facts."""
    for folder in (TEMPLATE, PARTS):
        for path in folder.rglob("*"):
            # Made by scripts/lock.py and scripts/messages.py.
            if path.is_file() and path.name != "uv.lock" and path.suffix != ".mo":
                text = f"{path.name}\n{path.read_text('utf-8')}"
                assert not re.search(r"asgi_server (==|!=|in|not in) ", text), path


def test_the_files_are_those_of_the_variant(variant):
    expected = template_files().difference(*FILES.values())
    for choice in variant.answers.values():
        expected |= FILES.get(choice, set())
    # A file may come with two answers alone, as tests/chat/test_postgresql.py does.
    for question, choices in ONLY_WITH.items():
        for choice, patterns in choices.items():
            if choice != variant.answers[question]:
                expected -= files_like(patterns)
    assert set(variant.files) == expected


def test_a_variant_has_its_own_marks_and_no_others(variant):
    for choice, marks in EXPECTED_TEXT.items():
        chosen = choice in variant.answers.values()
        for mark, places in marks:
            found = {name for name, text in variant.files.items() if mark in text}
            expected = set(places) & variant.files.keys() if chosen else set()
            assert found - FOR_EVERY_LAYER == expected, mark


def test_a_variant_depends_on_its_own_server_alone(variant):
    project = tomllib.loads(variant.files["pyproject.toml"])["project"]
    names = {re.match(r"[\w-]+", requirement)[0] for requirement in project["dependencies"]}
    assert names & set(CHOICES["asgi_server"]) == {variant.answers["asgi_server"]}


def test_a_variant_names_no_other_server(variant):
    server = variant.answers["asgi_server"]
    others = re.compile("|".join(set(CHOICES["asgi_server"]) - {server}), re.IGNORECASE)
    for name, text in variant.files.items():
        if name == "pyproject.toml":
            text = TEST_TOOL.sub("", text)
        if name != "uv.lock":  # all that the above brings along
            assert not others.search(text), name
    assert server in variant.files["README.md"]


def test_a_project_on_the_memory_layer_is_free_of_redis(variant):
    mentions = re.compile("redis|valkey", re.IGNORECASE)
    if variant.answers["channel_layer"] != "memory":
        for name in (
            "README.md",
            "pyproject.toml",
            "config/settings.py",
            ".env.example",
            "uv.lock",
        ):
            assert mentions.search(variant.files[name]), name
        return
    for name in variant.files.keys() - FOR_EVERY_LAYER - {"docs/redis.md"}:
        text = variant.files[name]
        for phrase in MENTIONS_OF_REDIS.get(name, []):
            assert phrase in text, phrase
            text = text.replace(phrase, "")
        assert not mentions.search(text), name


def test_the_tree_in_the_readme_is_the_project_s(variant):
    """Each name in it is a file or a folder, and no folder of the project is missing."""
    (tree,) = code(section(variant.files["README.md"], "Where things are"), "text")
    folder, folders = "", set()
    for line in tree.splitlines():
        name = line.split()[0].rstrip(",")
        if name.endswith("/"):
            folder = name
            folders.add(folder)
        else:
            assert line.startswith("  ")
        for word in re.findall(r"[\w/]+\.py", line):
            assert folder + word in variant.files, line
    top = {path.partition("/")[0] + "/" for path in variant.files if "/" in path}
    assert folders == {name for name in top if not name.startswith(".")}


def environment_calls(text: str) -> dict[str, list[ast.expr]]:
    """Return the arguments of each call such as ``env.str("NAME", "default")``, by the name."""
    calls = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    return {
        call.args[0].value: call.args[1:]
        for call in calls
        if re.fullmatch(r"env\.\w+\('[A-Z_]+'.*", ast.unparse(call), re.DOTALL)
    }


def test_the_table_of_settings_has_each_variable_and_its_default(variant):
    calls = {}
    for name, text in variant.files.items():
        if name.endswith(".py") and not name.startswith("tests/"):
            calls |= environment_calls(text)
    del calls["DJANGO_DEBUG_DEFAULT"]  # manage.py sets it
    rows = [line for line in variant.files["docs/settings.md"].splitlines() if "| `" in line]
    cells = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in rows]
    assert [len(row) for row in cells] == [5] * len(rows)
    table = {row[0].strip("`"): row for row in cells}
    assert len(table) == len(rows)
    assert table.keys() == calls.keys()
    for name, (_, meaning, default, unit, example) in table.items():
        assert all([meaning, default, unit, example]), name
        source = ast.unparse(calls[name][0])
        assert (default == "required") == source.endswith("else ..."), name
        if isinstance(calls[name][0], ast.Constant) and calls[name][0].value is not None:
            assert f"`{calls[name][0].value}`" in default, name
        elif source.startswith("BASE_DIR"):
            assert f"`{source.split(chr(39))[1]}`" in default, name
    named = re.findall(r"^(?:# )?([A-Z_]+)=", variant.files[".env.example"], re.MULTILINE)
    assert set(named) <= table.keys()
    required = {name for name, row in table.items() if row[2] == "required"}
    assert required <= set(named)


def test_each_test_that_the_threat_model_names_exists(variant):
    named = set(re.findall(r"`(test_\w+)`", variant.files["docs/security.md"]))
    tests = [text for name, text in variant.files.items() if name.startswith("tests/")]
    defined = {name for text in tests for name in re.findall(r"def (test_\w+)\(", text)}
    assert len(named) > 15
    assert named <= defined, named - defined


def test_the_rules_for_changes_fit_the_project(variant):
    rules = variant.files["AGENTS.md"]
    assert 40 <= rules.count("\n") <= 60
    commands = "".join(code(rules, "sh")).splitlines()
    check, *tests = "".join(code(section(variant.files["README.md"], "Test it"), "sh")).splitlines()
    assert [commands[0], *commands[-2:]] == [check, *tests]
    folders = {path.partition("/")[0] for path in variant.files}
    for name in re.findall(r"`([\w./]+)`", rules):
        if name.endswith("/"):
            assert name.partition("/")[0] in folders, name
        elif "/" in name:
            assert name in variant.files, name
    is_async = variant.answers["consumer_style"] == "async"
    assert ("Nothing blocks in an `async def`" in rules) == is_async
    assert ("`WEBSOCKET_THREADS`" in rules) != is_async


def test_the_readme_is_short(variant):
    is_chat = variant.answers["starter"] == "chat"
    assert variant.files["README.md"].count("\n") <= (183 if is_chat else 163)


def test_nothing_of_the_template_is_left(variant):
    for name, text in variant.files.items():
        if name == "pyproject.toml":
            text = VERSION.sub("", text)
        assert not re.search("cookiecutter|TODO|FIXME|XXX", text, re.IGNORECASE), name
        if not name.endswith((".html", ".txt")):  # Django's own tags
            assert not re.search(r"(?<!\$){{|{%|%}|{#|#}", text), name
        assert "cookiecutter" not in name
        assert not re.search(r"[{}%]", name)


def test_the_text_is_tidy(variant):
    for name, text in variant.files.items():
        assert not re.search(r"[ \t]$", text, re.MULTILINE), name
        assert not re.search(r"[\t\r\f\v\ufeff]", text), name
        blank_lines = 2 if name.endswith(".py") else 1
        without_code = re.sub(r"^```python\n.*?^```$", "code", text, flags=re.DOTALL | re.MULTILINE)
        assert "\n" * (blank_lines + 2) not in without_code, name
        assert not text or re.fullmatch(r"\S(.*\S)?\n", text, re.DOTALL), name


def test_no_line_of_python_is_long(variant):
    """The formatter leaves comments and strings as they are."""
    for name, text in variant.files.items():
        if name.endswith(".py"):
            assert [line for line in text.splitlines() if len(line) > 100] == [], name


@cache  # most files are the same in many variants
def longest_function(text: str) -> tuple[int, str]:
    """Return the lines and the name of the longest function of a Python file."""
    functions = (
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    lengths = ((node.end_lineno - node.lineno + 1, node.name) for node in functions)
    return max(lengths, default=(0, ""))


def test_no_function_is_long(variant):
    for name, text in variant.files.items():
        if name.endswith(".py"):
            lines, function = longest_function(text)
            assert lines <= MAX_FUNCTION_LINES, f"{name}: {function}"


@cache
def compile_without_warning(name: str, text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compile(text, name, "exec")


def private_names(text: str) -> set[str]:
    """Return the functions and classes of a module that only the module itself may use."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    found = [node for node in ast.parse(text).body if isinstance(node, kinds)]
    return {node.name for node in found if node.name[0] == "_" and not node.decorator_list}


def test_no_private_function_is_left_over(variant):
    left_over = [
        (path, name)
        for path, text in variant.files.items()
        if path.endswith(".py")
        for name in private_names(text)
        if len(re.findall(rf"\b{name}\b", text)) == 1
    ]
    assert not left_over


def test_python_and_toml_are_well_formed(variant):
    for name, text in variant.files.items():
        if name.endswith(".py"):
            compile_without_warning(name, text)
        elif name.endswith((".toml", ".lock")):
            tomllib.loads(text)


def test_a_project_has_no_secret(variant):
    """A random string of letters and digits, as a key in ASCII has them."""
    for name, text in variant.files.items():
        if name != "uv.lock":  # full of digests
            for word in re.findall(r"[\w+/=-]{32,}", text):
                assert not (re.search("[0-9]", word) and re.search("[A-Z]", word)), (name, word)


@pytest.mark.parametrize("folder", [TEMPLATE, PARTS], ids=["project", "parts"])
def test_the_template_keeps_jinja_out_of_python(folder):
    tags = lines = 0
    for path in folder.rglob("*"):
        if not PYTHON_NAME.search(path.name):
            continue
        text = path.read_text("utf-8")
        if not WHOLE_FILE_INCLUDE.fullmatch(text):
            tags += len(re.findall("{{|{%|{#", text))
            lines += text.count("\n")
    assert lines > 100
    assert tags / lines * 100 < MAX_TAGS_PER_100_LINES
