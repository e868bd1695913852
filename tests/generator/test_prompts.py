"""What a person sees: the questions, and the last words."""

import os
import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
from cookiecutter.utils import create_env_with_context
from variants import ANSWERS, CHOICES, QUESTIONS, ROOT, complete_answers, files_of

hook = SimpleNamespace(**runpy.run_path(str(ROOT / "hooks" / "post_gen_project.py")))

PROMPTS = ANSWERS["__prompts__"]

COMMANDS = """
  cd {}
  uv run manage.py migrate
  uv run manage.py runserver

Then open http://localhost:8000/
"""


@pytest.fixture
def tools(tmp_path) -> Path:
    """A folder of programs, outside any virtual environment."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


def install(*programs: Path) -> None:
    for program in programs:
        program.parent.mkdir(parents=True, exist_ok=True)
        program.touch(0o755)


def environment_in(folder: Path) -> Path:
    """Make what passes for a virtual environment. Return its folder of programs."""
    (folder / "bin").mkdir(parents=True)
    (folder / "pyvenv.cfg").touch()
    return folder / "bin"


def test_the_order_of_the_questions():
    order = "project_name project_slug description channel_layer consumer_style asgi_server"
    rest = "starter database docker ci author_name author_email timezone language_code"
    assert [*order.split(), *rest.split()] == QUESTIONS


def test_every_question_and_every_choice_has_a_label():
    assert list(PROMPTS) == QUESTIONS
    for question, choices in CHOICES.items():
        labels = PROMPTS[question]
        assert list(labels) == ["__prompt__", *choices]
        for choice in choices:
            assert re.match(rf"{choice}: \S", labels[choice])


@pytest.mark.parametrize("which", [0, -1], ids=["first", "last"])
def test_the_prompts_ask_and_the_answers_arrive(cookiecutter, bake, output, which):
    chosen = {question: choices[which] for question, choices in CHOICES.items()}
    typed, numbers = {}, {}
    if which == -1:
        typed = {"project_name": "Été 👋", "author_email": "a@b.example"}
        numbers = {question: str(len(choices)) for question, choices in CHOICES.items()}
    run = cookiecutter(answers=[{**typed, **numbers}.get(name, "") for name in QUESTIONS])
    assert (run.returncode, run.stderr) == (0, "")
    for number, (question, labels) in enumerate(PROMPTS.items(), 1):
        label, *choices = labels.values() if question in CHOICES else [labels]
        assert f"[{number}/{len(PROMPTS)}] {label}" in run.stdout
        for position, choice in enumerate(choices, 1):
            assert f"    {position} - {choice}\n" in run.stdout
    (project,) = output.iterdir()
    assert project.name == ("ete" if typed else "my_realtime_project")
    assert files_of(project) == files_of(bake(**typed, **chosen))


def test_the_prompts_do_not_wrap(cookiecutter):
    text = cookiecutter(answers=[""] * len(QUESTIONS), COLUMNS="80").stdout
    questions, _, _ = text.partition("Your project is ready")
    for labels in PROMPTS.values():
        label, *choices = [labels] if isinstance(labels, str) else labels.values()
        assert re.search(rf"\[\d+/{len(QUESTIONS)}\] {re.escape(label)}( \(.+\): |$)", text, re.M)
        assert all(re.search(rf" - {re.escape(choice)}$", questions, re.M) for choice in choices)


def test_an_answer_is_asked_for_until_it_is_a_choice(cookiecutter, output):
    position = QUESTIONS.index("asgi_server")
    lines = [""] * len(QUESTIONS)
    run = cookiecutter(answers=[*lines[:position], "uvicorn", "99", *lines[position:]])
    assert run.stdout.count("Please select one of the available options") == 2
    assert len(list(output.iterdir())) == 1


# The last words


def last_command(run: subprocess.CompletedProcess) -> str:
    return run.stdout.rstrip("\n").rpartition("\n")[2].strip()


@pytest.mark.parametrize("database", CHOICES["database"])
@pytest.mark.parametrize("layer", CHOICES["channel_layer"])
def test_the_last_words_are_what_remains_to_do(cookiecutter, layer, database, tools):
    install(tools / "uv")
    words = ["--no-input", "project_slug=lighthouse", f"channel_layer={layer}", "autor_name=Bob"]
    words.append(f"database={database}")
    text = cookiecutter(*words, PATH=str(tools)).stdout
    assert "Run the tests with: uv run pytest\n" in text
    assert ("embedded Valkey when REDIS_URL is not set" in text) == (layer != "memory")
    is_embedded = database == "postgresql"
    assert ("embedded PostgreSQL when DATABASE_URL is not set" in text) == is_embedded
    chosen = f"  channel_layer={layer} consumer_style=async asgi_server=uvicorn starter=chat"
    chosen += f" database={database} docker=no ci=github"
    assert f"ready:\n\n{chosen} timezone=UTC language_code=en-us\n" in text
    assert "autor_name" not in text  # nothing came of it, which shows
    assert "pip" not in text


def uv_line(run: subprocess.CompletedProcess) -> str:
    return re.search(r"^  (.*) manage.py migrate$", run.stdout, re.MULTILINE)[1]


def test_a_uv_that_every_terminal_finds_is_called_by_its_name(cookiecutter, tools, output):
    inside = environment_in(output.parent / "active")
    install(inside / "uv", tools / "uv")
    path = f"{inside}:{tools}"
    run = cookiecutter("--no-input", PATH=path, UV=str(inside / "uv"))
    assert uv_line(run) == "uv run"


@pytest.mark.parametrize("how", ["PATH", "UV"])
def test_a_uv_in_a_virtual_environment_is_called_by_its_path(cookiecutter, tools, output, how):
    beside, above = environment_in(output / ".uv"), environment_in(output.parent / "other env")
    install(beside / "uv", above / "uv")
    run = cookiecutter("--no-input", **{"PATH": str(tools), "UV": "", how: tell(how, beside)})
    assert uv_line(run) == "../.uv/bin/uv run"
    assert "Run the tests with: ../.uv/bin/uv run pytest\n" in run.stdout
    assert f"  {beside}/uvx cookiecutter {ROOT} --no-input " in run.stdout
    run = cookiecutter("--no-input", "-f", **{"PATH": str(tools), "UV": "", how: tell(how, above)})
    assert uv_line(run) == f"'{above}/uv' run"


def tell(how: str, folder: Path) -> str:
    return str(folder if how == "PATH" else folder / "uv")


def test_where_there_is_no_uv_the_last_words_install_it(cookiecutter, tools, output):
    run = cookiecutter("--no-input", PATH=str(tools), UV=str(tools / "gone"), PWD=str(output))
    assert (
        """
  cd my_realtime_project
  python3 -m venv .uv
  .uv/bin/pip install -q uv
  .uv/bin/uv run manage.py migrate
  .uv/bin/uv run manage.py runserver
"""
        in run.stdout
    )
    assert "Run the tests with: .uv/bin/uv run pytest\n" in run.stdout
    assert f"\n  {hook.WITHOUT_UV}\n" in run.stdout
    assert f"\n  {sys.executable} -m cookiecutter {ROOT} --no-input " in run.stdout


def test_what_installs_uv_works_as_printed(cookiecutter, output, environment, tools):
    """As on a machine without any tool. What it puts into the project is not linted."""
    (tools / "python3").symlink_to(Path(sys.executable).resolve())
    run = cookiecutter("--no-input", "starter=minimal", PATH=f"{tools}:/usr/bin:/bin", UV="")
    steps = re.search(r"^  cd .*\n(?:  .*\n)+", run.stdout, re.MULTILINE)[0]
    steps = steps.replace("manage.py runserver", "manage.py check")
    lint = ["ruff check", "ruff format --check", "ty check --error-on-warning"]
    steps += "\n".join(f".uv/bin/uv run {command}" for command in lint)
    cache = os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache" / "uv"))
    subprocess.run(
        ["bash", "-e", "-c", steps],
        cwd=output,
        env={**environment, "PATH": f"{tools}:/usr/bin:/bin", "UV": "", "UV_CACHE_DIR": cache},
        check=True,
    )
    assert (output / "my_realtime_project" / "db.sqlite3").exists()


@pytest.mark.parametrize("redirection", ["> /dev/full", ">&-", "| true"])
def test_words_that_cannot_be_printed_do_not_fail_a_bake(environment, output, redirection, bake):
    command = f"{sys.executable} -m cookiecutter --no-input {ROOT} {redirection}"
    subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=output, env=environment, check=True
    )
    assert files_of(output / "my_realtime_project") == files_of(bake())


@pytest.mark.parametrize(
    ("start", "way"),
    [
        ("/work", "lighthouse"),
        ("/", "work/lighthouse"),
        ("/work/elsewhere", "/work/lighthouse"),
        ("/wor", "/work/lighthouse"),
        (None, "/work/lighthouse"),  # as on Windows
    ],
)
def test_cd_is_relative_where_the_person_stands_above(start, way):
    assert hook.cd_path(Path("/work/lighthouse"), start) == way


def test_cd_goes_into_the_output_folder(cookiecutter, output, tools):
    words = ["--no-input", "project_slug=lighthouse", "--output-dir", "two words"]
    install(tools / "uv")
    text = cookiecutter(*words, PWD=str(output), PATH=str(tools)).stdout
    assert COMMANDS.format("'two words/lighthouse'") in text


@pytest.mark.parametrize(
    "text",
    ['Bob\'s "Chät" \\ # & <b>한국어 👋', "$HOME `date` $(date) %s !! ~ *", "-x = y; exit #"],
)
def test_the_last_command_generates_the_same(cookiecutter, environment, output, text, tools):
    """Even where the template was given relative to a folder that one has left."""
    (tools / "cookiecutter").symlink_to(Path(sys.executable).with_name("cookiecutter"))
    path = f"{tools}:{environment['PATH']}"
    run = cookiecutter(
        "--no-input",
        "project_slug=lighthouse",
        "timezone=Asia/Seoul",
        *(f"{question}={text}" for question in ("project_name", "description", "author_name")),
        *(f"{question}={choices[-1]}" for question, choices in CHOICES.items()),
        template=os.path.relpath(ROOT, output),
        PATH=path,
        PWD=str(output),
    )
    assert last_command(run).startswith("cookiecutter ")
    elsewhere = output.parent / "elsewhere"
    elsewhere.mkdir()
    subprocess.run(
        ["sh", "-c", last_command(run)],
        cwd=elsewhere,
        env={**environment, "PATH": path},
        stdin=subprocess.DEVNULL,
        check=True,
    )
    project = output / "lighthouse"
    assert files_of(elsewhere / "lighthouse") == files_of(project)
    metadata = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]
    assert metadata["description"] == text


@pytest.mark.parametrize(
    ("programs", "way"),
    [
        (["cookiecutter", "uv"], "cookiecutter"),
        (["uv"], "uvx cookiecutter"),
        ([], f"{sys.executable} -m cookiecutter"),
    ],
)
def test_the_last_command_takes_what_is_there(tools, programs, way):
    install(*(tools / program for program in programs))
    answers = {"project_name": "A b", "_template": "gh:x/y"}
    expected = f"{way} gh:x/y --no-input 'project_name=A b'"
    assert hook.command(answers, "/", {"PATH": str(tools)}) == expected


def test_the_last_command_names_the_version_of_the_template(tools):
    install(tools / "cookiecutter")
    answers = {"project_name": "A b", "_template": "gh:x/y", "_checkout": "v1"}
    expected = "cookiecutter gh:x/y --no-input --checkout v1 'project_name=A b'"
    assert hook.command(answers, None, {"PATH": str(tools)}) == expected
    answers["_commit"] = answers.pop("_checkout")  # so does cruft say it
    assert hook.command(answers, None, {"PATH": str(tools)}) == expected
    del answers["_commit"]
    expected = expected.replace(" --checkout v1", "")
    assert hook.command(answers, None, {"PATH": str(tools)}) == expected


@pytest.mark.parametrize(("temporary", "silent"), [(".", True), ("elsewhere", False)])
def test_under_cruft_folders_for_comparison_get_no_advice(tmp_path, temporary, silent):
    project = tmp_path / "lighthouse"
    project.mkdir()
    (tmp_path / "elsewhere").mkdir()
    source = (ROOT / "hooks" / "post_gen_project.py").read_text("utf-8")
    context = {"cookiecutter": {**complete_answers(), "_template": "gh:x/y"}}
    rendered = create_env_with_context(context).from_string(source).render(**context)
    (project / "manage.py").touch()
    script = tmp_path / "hook.py"
    script.write_text(rendered)
    run = subprocess.run(
        [sys.executable, script],
        cwd=project,
        env={"TMPDIR": str(tmp_path / temporary)},
        stdout=subprocess.PIPE,
        check=True,
    )
    assert (run.stdout == b"") == silent


def test_a_console_that_cannot_show_an_answer_gets_another_spelling(cookiecutter):
    run = cookiecutter("--no-input", "description=한", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (run.returncode, run.stderr) == (0, "")
    assert r"'description=\ud55c'" in run.stdout
