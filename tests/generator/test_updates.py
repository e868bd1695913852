"""Updates that cruft brings to a project that its owner has edited, as docs/updating.md says."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from checkout import CHANGELOG, PROJECT, RELEASE, VERSION, copy_working_tree, template_line
from gate import FOREIGN, UV, Gate
from markdown import code, section
from variants import CHOICES, ROOT, chats, covering_set, files_of, one_for_each_server, variant_id

# Nobody's configuration, and a name for commits.
GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{
        f"GIT_{role}_{key}": value
        for role in ("AUTHOR", "COMMITTER")
        for key, value in (("NAME", "Owner"), ("EMAIL", "owner@example.com"))
    },
}

UPDATING = (ROOT / "docs" / "updating.md").read_text("utf-8")

# The newest release before the working tree. It is also a tag of the repository in the tests.
RELEASED = next(version for version, _ in RELEASE.findall(CHANGELOG) if version != VERSION)

# How the document names the template's repository, and a release.
ADDRESS = "https://github.com/OWNER/cookiecutter-django-channels"
EXAMPLE = "2026.1"

# Updates with cruft

SETTING = 'DEFAULT_FROM_EMAIL = "desk@example.com"\n'
HOUSE_RULES = "## House rules\n\nNobody deploys on Fridays.\n\n"

# What an owner changes: file, place, and what stands there afterwards.
EDITS = [
    ("config/settings.py", r'(?<=^ROOT_URLCONF = "config.urls"\n)', f"\n{SETTING}"),
    ("pyproject.toml", r"(?<=^dependencies = \[\n)", '    "packaging>=24",\n'),
    ("echo/consumers.py", r'groups = \["echo"\]', 'groups = ["echo", "desk"]'),
    ("README.md", r"(?=^## Test it\n)", HOUSE_RULES),
]
DELETED = ".editorconfig"
NOT_UPDATED = {".cruft.json", "uv.lock"}


def edit(file: Path, place: str, text: str) -> None:
    old = file.read_text("utf-8")
    new, count = re.subn(place, lambda _: text, old, flags=re.MULTILINE)
    assert count == 1, f"{file}: {count} times {place}"
    file.write_text(new, "utf-8")


def edit_as_an_owner(project: Path) -> None:
    for name, place, text in EDITS:
        edit(project / name, place, text)
    (project / DELETED).unlink()
    (project / "desk.md").write_text("Written by the owner.\n")


def change_as_a_release(template: Path) -> None:
    """Change what a release may change: a version, a question, a setting, a dependency, a
    consumer, a document, and a file that the owner has deleted."""
    project = template / PROJECT
    edit(template / "cookiecutter.json", f'"_version": "{VERSION}"', '"_version": "2099.1"')
    question = '  "motto": ["slow", "steady"],\n'
    edit(template / "cookiecutter.json", r'(?=^  "__prompts__": {\n)', question)
    edit(project / "config" / "settings.py", "(?=^ASGI_APPLICATION = )", "APPEND_SLASH = True\n\n")
    edit(project / "pyproject.toml", r'"channels>=[\d.]+"', '"channels>=4.3.1"')
    edit(project / "README.md", r"(?<=^## Production\n)", "\n{{ cookiecutter.motto }} wins.\n")
    (project / DELETED).write_text("root = true\n")
    parts = (template / "templates").rglob("*.py")
    consumers = [file for file in parts if "\nclass EchoConsumer(" in file.read_text("utf-8")]
    assert len(consumers) == len(CHOICES["consumer_style"])
    for file in consumers:
        edit(file, r"(?=\n\nclass EchoConsumer\()", '\nGREETING = "You said: "\n')


def git(*words: str, cwd: Path, **variables: str) -> str:
    """Run git without anybody's configuration, and return what it printed."""
    return subprocess.run(
        ["git", *words],
        cwd=cwd,
        env={**os.environ, **GIT, **variables},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout


def commit_all(folder: Path, tag: str) -> None:
    if not (folder / ".git").exists():
        git("init", "--quiet", cwd=folder)
    git("add", "--all", cwd=folder)
    git("commit", "--quiet", "--allow-empty", "--message", tag, cwd=folder)
    git("tag", tag, cwd=folder)


def commit_of(version: str, repository: Path) -> str | None:
    """Return the commit that made a release, if the history goes back so far."""
    change = f'"_version": "{version}"'
    search = ["--reverse", "--format=%H", "-S", change, "--", "cookiecutter.json"]
    for commit in git("log", *search, cwd=repository).split():
        if change in git("show", f"{commit}:cookiecutter.json", cwd=repository):
            return commit
    return None


def copy_release(folder: Path, repository: Path = ROOT) -> None:
    """Write the newest release before the working tree into a folder."""
    commit = commit_of(RELEASED, repository)
    if commit:
        index = {"GIT_INDEX_FILE": str(folder / "index")}
        git("read-tree", commit, cwd=repository, **index)
        git("checkout-index", "--all", f"--prefix={folder}/", cwd=repository, **index)
        (folder / "index").unlink()
        return
    without = f"The history of this clone does not reach back to {RELEASED}"
    is_shallow = git("rev-parse", "--is-shallow-repository", cwd=repository) == "true\n"
    must_have = is_shallow and os.environ.get("CI")
    assert not must_have, f"{without}: check it out with fetch-depth: 0"
    warnings.warn(f"{without}: an edited copy stands in for it", stacklevel=2)
    copy_working_tree(folder)
    change_as_a_release(folder)


@pytest.fixture(scope="session")
def template(tmp_path_factory) -> Path:
    """A repository with three versions of the template, as tags: one is the newest release, "now"
    the working tree, and "next" a release that might come."""
    folder = tmp_path_factory.mktemp("template") / "cookiecutter-django-channels"
    for tag, write in (
        (RELEASED, copy_release),
        ("now", copy_working_tree),
        ("next", copy_working_tree),
    ):
        folder.mkdir(exist_ok=True)
        for path in folder.iterdir():
            if path.name != ".git":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        write(folder)
        if tag == "next":
            change_as_a_release(folder)
        commit_all(folder, tag)
    return folder


def pytest_generate_tests(metafunc) -> None:
    """Take a chat of each server where all variants run, else one of them; and a minimal one."""
    if "answers" in metafunc.fixturenames:
        everywhere = one_for_each_server(chats(covering_set()))
        minimal = next(variant for variant in covering_set() if variant["starter"] == "minimal")
        some = everywhere if metafunc.config.option.variants == "all" else everywhere[-1:]
        metafunc.parametrize("answers", [*some, minimal], ids=variant_id)


class Owner:
    """Makes projects from a template's repository, and updates them, with cruft."""

    def __init__(self, template: Path, folder: Path, environment: dict[str, str]) -> None:
        self.template, self.folder = template, folder
        self.environment = {**environment, **GIT}

    def cruft(self, *words: str, cwd: Path) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "cruft", *words],
            cwd=cwd,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def answers_known_to(self, version: str, answers: dict[str, str]) -> dict[str, str]:
        """Return the answers to the questions of a version. An update takes defaults for others."""
        questions = git("show", f"{version}:cookiecutter.json", cwd=self.template)
        return {name: answer for name, answer in answers.items() if name in json.loads(questions)}

    def create(self, version: str, answers: dict[str, str]) -> Path:
        """Return a project that is not yet in git."""
        output = self.folder / f"{len(list(self.folder.iterdir()))}-{version}"
        output.mkdir()
        context = json.dumps({**answers, "project_slug": "lighthouse"})
        words = ["--no-input", "--checkout", version, "--extra-context", context]
        self.cruft("create", str(self.template), *words, cwd=output)
        return output / "lighthouse"

    def create_and_edit(self, version: str, answers: dict[str, str]) -> Path:
        """Return a project with the owner's edits, all committed."""
        project = self.create(version, answers)
        commit_all(project, "generated")
        edit_as_an_owner(project)
        commit_all(project, "edited")
        return project

    def update(self, project: Path, version: str, answers: dict[str, str] | None = None) -> None:
        """Update to a version, with changed answers, and commit it: there must be no conflict."""
        words = ["--skip-apply-ask", "--checkout", version]
        if answers:
            words += ["--variables-to-update", json.dumps(answers)]
        output = self.cruft("update", *words, cwd=project)
        assert not list(project.rglob("*.rej")), output
        assert not git("diff", "--name-only", "--diff-filter=U", cwd=project), output
        git("add", "--all", cwd=project)
        git("commit", "--quiet", "--message", f"Update to {version}", cwd=project)


@pytest.fixture
def owner(template, tmp_path, environment) -> Owner:
    folder = tmp_path / "projects"
    folder.mkdir()
    return Owner(template, folder, environment)


def tree(project: Path) -> dict[str, tuple[int, bytes]]:
    """Return the files that an update may change."""
    return {
        name: file
        for name, file in files_of(project).items()
        if not name.startswith(".git/") and name not in NOT_UPDATED
    }


def edited(project: Path) -> dict[str, tuple[int, bytes]]:
    edit_as_an_owner(project)
    return tree(project)


def check_project(project: Path, environments: Path, everything: bool = False) -> None:
    """Do what docs/updating.md says remains to be done after an update."""
    tests = [] if everything else ["-m", "not live"]
    gate = Gate(project, environments)
    gate(UV, "lock", "--quiet")
    gate.install()
    gate.lint()
    gate.test("uv", "run", "--no-sync", "pytest", *tests)


def test_an_edited_project_is_updated_from_the_last_release(
    owner, bake, environments, pytestconfig, answers
):
    answers = owner.answers_known_to(RELEASED, answers)
    project = owner.create_and_edit(RELEASED, answers)
    lock = (project / "uv.lock").read_bytes()
    owner.update(project, "now")
    assert tree(project) == edited(bake(**answers, project_slug="lighthouse"))
    assert template_line((project / "pyproject.toml").read_text()).endswith(f" {VERSION}")
    assert (project / "uv.lock").read_bytes() == lock
    of_all = pytestconfig.option.variants == "all"
    check_project(project, environments, everything=of_all and answers["starter"] == "minimal")


def test_an_edited_project_takes_what_a_release_may_change(owner, answers):
    project = owner.create_and_edit("now", answers)
    owner.update(project, "next")
    assert tree(project) == edited(owner.create("next", answers))
    assert "slow wins" in (project / "README.md").read_text()
    assert not (project / DELETED).exists()


@pytest.mark.parametrize("starter", CHOICES["starter"])
def test_a_project_with_users_keeps_them_as_printed(owner, environments, starter):
    """The users of 2026.1 are Django's. The steps are those of docs/updating.md."""
    development = {"DJANGO_DEBUG": "true"}
    project = owner.create(RELEASED, {"starter": starter})
    commit_all(project, "generated")
    gate = Gate(project, environments)
    gate.install()
    gate.run("python", "manage.py", "migrate", **development)
    imports = "from django.contrib.auth import get_user_model; users = get_user_model().objects"
    make = f"{imports}; users.create_user('ann')"
    gate.run("python", "manage.py", "shell", "-c", make, **development)

    owner.update(project, "now")
    gate = Gate(project, environments)
    gate(UV, "lock", "--quiet")
    gate.install()
    with pytest.raises(AssertionError, match="InconsistentMigrationHistory"):
        gate.run("python", "manage.py", "migrate", **development)
    steps = section(UPDATING, "Keep the users of an older project")
    gate("bash", "-ec", *code(steps, "sh"))
    (setting,) = code(steps, "python")
    edit(project / "config" / "settings.py", "^AUTH_USER_MODEL = .*\n", setting)
    gate.run("python", "manage.py", "migrate", **development)
    gate.run("python", "manage.py", "makemigrations", "--check", **development)
    find = f"{imports}; print(users.get().get_username())"
    assert "ann\n" in gate.run("python", "manage.py", "shell", "-c", find, **development)
    gate.lint()
    gate.test("uv", "run", "--no-sync", "pytest", "-m", "not live", "tests/users", "tests/config")


def test_a_clone_without_the_history_is_noticed(tmp_path, monkeypatch):
    git("clone", "--quiet", "--depth=1", f"file://{ROOT}", "shallow", cwd=tmp_path)
    monkeypatch.delenv("CI", raising=False)
    with pytest.warns(UserWarning, match="an edited copy stands in for it"):
        copy_release(tmp_path / "old", repository=tmp_path / "shallow")
    assert '"2099.1"' in (tmp_path / "old" / "cookiecutter.json").read_text()
    monkeypatch.setenv("CI", "true")
    with pytest.raises(AssertionError, match="fetch-depth"):
        copy_release(tmp_path / "old", repository=tmp_path / "shallow")


@pytest.mark.parametrize(("new", "old"), [("next", "now"), ("now", RELEASED)])
def test_an_update_can_go_back(owner, new, old):
    project = owner.create_and_edit(new, {})
    owner.update(project, old)
    assert tree(project) == edited(owner.create(old, {}))


# Choices that are changed later


def others(question: str) -> dict[str, str]:
    """Return choices for the other questions, which differ with the question."""
    n = list(CHOICES).index(question) + 1
    mixed = {name: choices[n % len(choices)] for name, choices in CHOICES.items()}
    return mixed | {"starter": "chat"}


@pytest.mark.parametrize("question", CHOICES)
def test_a_choice_can_be_changed_and_changed_back(owner, bake, question):
    first, *choices = CHOICES[question]
    answers = {**others(question), question: first, "project_slug": "lighthouse"}
    project = owner.create_and_edit("now", answers)
    start = tree(project)
    for choice in [*choices, first]:
        owner.update(project, "now", {question: choice})
        assert tree(project) == edited(bake(**{**answers, question: choice})), choice
    assert tree(project) == start


@pytest.mark.parametrize("last", [0, -1], ids=["to the first choices", "to the last choices"])
def test_all_choices_can_be_changed_at_once(owner, bake, environments, last):
    start, end = (
        {question: choices[n] for question, choices in CHOICES.items()} for n in (-1 - last, last)
    )
    project = owner.create_and_edit("now", start)
    owner.update(project, "now", end)
    fresh = bake(**end, project_slug="lighthouse")
    assert tree(project) == edited(fresh)
    Gate(project, environments)(UV, "lock", "--quiet")
    assert locked(project) == locked(fresh)


def locked(project: Path) -> set[str]:
    packages = tomllib.loads((project / "uv.lock").read_text("utf-8"))["package"]
    return {package["name"] for package in packages}


# What docs/updating.md says


class Session:
    """Runs commands of the document for somebody who has git, uv and nothing else."""

    def __init__(self, template: Path, folder: Path, environment: dict[str, str]) -> None:
        """``template`` is what the document calls by an address."""
        self.template = template
        tools = folder / "tools"
        tools.mkdir()
        for name in ("uv", "uvx"):
            (tools / name).symlink_to(Path(UV).with_name(name))
        foreign = (*FOREIGN, "TMPDIR")  # of tests: too long for the name of a socket
        cache = subprocess.check_output([UV, "cache", "dir"], text=True).strip()
        self.environment = {
            **{name: value for name, value in environment.items() if not name.startswith(foreign)},
            **GIT,
            "PATH": f"{tools}{os.pathsep}{os.defpath}",
            "UV_CACHE_DIR": cache,
            "UV_PYTHON": sys.executable,
            "PYTEST_ADDOPTS": "--collect-only --quiet",  # other tests run them
        }

    def __call__(self, commands: str, cwd: Path, typed: str = "", code: int = 0) -> str:
        """Run lines of the document, whose last exit code has to be ``code``."""
        commands = commands.replace(ADDRESS, str(self.template)).replace(EXAMPLE, RELEASED)
        done = subprocess.run(
            ["bash", "-ec", commands],
            cwd=cwd,
            env=self.environment,
            input=typed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        assert done.returncode == code, f"{commands}\n{done.stdout}"
        return done.stdout


@pytest.fixture
def moving_template(template, tmp_path) -> Callable[[str], Path]:
    """Return the repository of the template as it is when its newest version is the given one."""
    folder = tmp_path / "cookiecutter-django-channels"

    def at(version: str) -> Path:
        if not folder.exists():
            git("clone", "--quiet", str(template), str(folder), cwd=tmp_path)
        git("checkout", "--quiet", "-B", "main", version, cwd=folder)
        return folder

    return at


@pytest.fixture
def session(moving_template, tmp_path, environment) -> Session:
    return Session(moving_template("now"), tmp_path, environment)


def commands_below(heading: str) -> list[str]:
    return code(section(UPDATING, heading), "sh")


def test_the_document_s_commands_work_as_printed(session, moving_template, tmp_path):
    (create,) = commands_below("Create a project with cruft")
    update, finish = commands_below("Update")
    check, diff, bring, look = update.splitlines()
    _, change = commands_below("An answer that is refused") + commands_below("Change a choice")

    session(create, tmp_path, typed="\n" * 20)
    project = tmp_path / "my_realtime_project"
    session(check, project)
    assert session(diff, project) == ""

    moving_template("next")
    session(check, project, code=1)
    session(bring, project)
    assert "+APPEND_SLASH = True" in session(look, project)
    session(finish, project)
    session(check, project)

    session(change, project)
    session(finish, project)
    assert "channels-redis" in locked(project)

    (clear,) = re.findall(r"`(uv run manage\.py migrate chat zero)`", UPDATING)
    session(clear, project)
    session(change.replace("channel_layer", "starter").replace("redis", "minimal"), project)
    assert not (project / "chat" / "models.py").exists()


def test_a_project_that_exists_is_linked_as_printed(session, owner):
    (link,) = commands_below("Link a project that exists")
    project = owner.create(RELEASED, {})
    before = json.loads((project / ".cruft.json").read_text())
    (project / ".cruft.json").unlink()
    commit_all(project, "generated")
    # The first two questions are its name, and its folder.
    printed = session(link, project, typed="\nlighthouse\n" + "\n" * 20)
    assert "---" not in printed, printed
    after = json.loads((project / ".cruft.json").read_text())
    assert after["commit"] == before["commit"]


@pytest.mark.parametrize("first_commit", ["generated", "edited"])
def test_a_conflict_looks_as_the_document_says(session, owner, first_commit):
    find_marks, find_rejected = commands_below("A conflict")[0].splitlines()
    (undo,) = re.findall(r"`(git reset --hard && git clean -fd)`", UPDATING)
    project = owner.create("now", {})
    if first_commit == "generated":
        commit_all(project, "generated")
    edit(project / "pyproject.toml", r'"channels>=[\d.]+"', '"channels>=4.3.2"')
    commit_all(project, "edited")

    output = owner.cruft("update", "--skip-apply-ask", "--checkout", "next", cwd=project)
    marked, rejected = session(find_marks, project), session(find_rejected, project)
    if first_commit == "generated":
        assert (marked, rejected) == ("pyproject.toml\n", "")
        assert "both modified" in git("status", cwd=project)
        text = (project / "pyproject.toml").read_text()
        conflict = code(section(UPDATING, "A conflict"), "text")[0].splitlines()
        for mark in conflict[::2]:
            assert f"\n{mark}\n" in text
    else:
        assert (marked, rejected) == ("", "pyproject.toml.rej\n")
        assert "Retrying again with a different update strategy" in output
        assert "channels>=4.3.1" in (project / "pyproject.toml.rej").read_text()
    assert "Good work!" in output

    session(undo, project)
    assert git("status", "--porcelain", cwd=project) == ""


def test_an_answer_that_a_newer_version_refuses_can_be_changed(session, owner, moving_template):
    (change,) = commands_below("An answer that is refused")
    session.template = template = moving_template("now")
    owner.template = template
    project = owner.create_and_edit("now", {"timezone": "Europe/London"})
    hook = template / "hooks" / "pre_gen_project.py"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('assert "{{ cookiecutter.timezone }}" != "Europe/London", "has moved"\n')
    commit_all(template, "refuses")

    update = commands_below("Update")[0].splitlines()[2]
    assert "has moved" in session(update, project, code=1)
    assert git("status", "--porcelain", cwd=project) == ""
    session(change, project)
    assert 'TIME_ZONE = "Europe/Kyiv"' in (project / "config" / "settings.py").read_text()
