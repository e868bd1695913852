"""What a person sees: the questions, and the last words."""

import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
from cookiecutter.utils import create_env_with_context
from variants import ANSWERS, CHOICES, QUESTIONS, ROOT, files_of

hook = SimpleNamespace(**runpy.run_path(str(ROOT / "hooks" / "post_gen_project.py")))

PROMPTS = ANSWERS["__prompts__"]

COMMANDS = """
  cd {}
  uv run manage.py migrate
  uv run manage.py runserver

Then open http://localhost:8000/
"""


def test_the_order_of_the_questions():
    order = "project_name project_slug description channel_layer consumer_style asgi_server"
    rest = "starter author_name author_email timezone language_code"
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


def test_an_answer_is_asked_for_until_it_is_a_choice(cookiecutter, output):
    position = QUESTIONS.index("asgi_server")
    lines = [""] * len(QUESTIONS)
    run = cookiecutter(answers=[*lines[:position], "uvicorn", "99", *lines[position:]])
    assert run.stdout.count("Please select one of the available options") == 2
    assert len(list(output.iterdir())) == 1


# The last words


def last_command(run: subprocess.CompletedProcess) -> str:
    return run.stdout.rstrip("\n").rpartition("\n")[2].strip()


@pytest.mark.parametrize("layer", CHOICES["channel_layer"])
def test_the_last_words_are_what_remains_to_do(cookiecutter, layer, tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    words = ["--no-input", "project_slug=lighthouse", f"channel_layer={layer}"]
    without_uv = cookiecutter(*words, PATH=str(tools)).stdout
    (tools / "uv").touch(0o755)
    with_uv = cookiecutter(*words, "--overwrite-if-exists", PATH=str(tools)).stdout
    for text in (with_uv, without_uv):
        assert "Run the tests with: uv run pytest\n" in text
        assert ("embedded Valkey when REDIS_URL is not set" in text) == (layer != "memory")
    assert "install uv" not in with_uv
    hint = "  pipx install uv  # or, in a virtual environment: pip install uv\n"
    assert without_uv.replace(hint, "", 1) == with_uv.replace(" --overwrite-if-exists", "", 1)


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
    assert hook.way_to(Path("/work/lighthouse"), start) == way


def test_cd_goes_into_the_output_folder(cookiecutter, output):
    words = ["--no-input", "project_slug=lighthouse", "--output-dir", "two words"]
    text = cookiecutter(*words, PWD=str(output)).stdout
    assert COMMANDS.format("'two words/lighthouse'") in text


@pytest.mark.parametrize(
    "text",
    ['Bob\'s "Chät" \\ # & <b>한국어 👋', "$HOME `date` $(date) %s !! ~ *", "-x = y; exit #"],
)
def test_the_last_command_generates_the_same(cookiecutter, environment, output, text):
    run = cookiecutter(
        "--no-input",
        "project_slug=lighthouse",
        "timezone=Asia/Seoul",
        *(f"{question}={text}" for question in ("project_name", "description", "author_name")),
        *(f"{question}={choices[-1]}" for question, choices in CHOICES.items()),
    )
    elsewhere = output.parent / "elsewhere"
    elsewhere.mkdir()
    path = f"{Path(sys.executable).parent}:{environment['PATH']}"
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


def test_the_last_command_names_the_version_of_the_template():
    answers = {"project_name": "A b", "_template": "gh:x/y", "_checkout": "v1"}
    expected = "cookiecutter gh:x/y --no-input --checkout v1 'project_name=A b'"
    assert hook.command(answers) == expected
    answers["_commit"] = answers.pop("_checkout")  # so does cruft say it
    assert hook.command(answers) == expected
    del answers["_commit"]
    assert hook.command(answers) == expected.replace(" --checkout v1", "")


@pytest.mark.parametrize(("temporary", "silent"), [(".", True), ("elsewhere", False)])
def test_under_cruft_folders_for_comparison_get_no_advice(tmp_path, temporary, silent):
    project = tmp_path / "lighthouse"
    project.mkdir()
    (tmp_path / "elsewhere").mkdir()
    source = (ROOT / "hooks" / "post_gen_project.py").read_text("utf-8")
    context = {"cookiecutter": {**ANSWERS, "_template": "gh:x/y"}}
    rendered = create_env_with_context(context).from_string(source).render(**context)
    run = subprocess.run(
        [sys.executable, "-c", rendered],
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
