"""What GitHub reads: workflows, Dependabot, forms. And the scripts that workflows run."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from variants import CHOICES, QUESTIONS, ROOT

GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))

# The jobs that may write, and why they do: everything else reads the repository, no more.
WRITERS = {
    ("lock.yml", "lock"): {"actions": "write", "contents": "write", "pull-requests": "write"},
    ("demo.yml", "push"): {"contents": "write"},
}

# Schemas that check-jsonschema brings, so nothing is downloaded.
SCHEMAS = {
    "vendor.dependabot": ["dependabot.yml"],
    "vendor.github-issue-config": ["ISSUE_TEMPLATE/config.yml"],
    "vendor.github-issue-forms": ["ISSUE_TEMPLATE/bug.yml", "ISSUE_TEMPLATE/idea.yml"],
    "vendor.github-workflows": [f"workflows/{path.name}" for path in WORKFLOWS],
}


def tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def check(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def read(path: Path) -> dict:
    return yaml.safe_load(path.read_text("utf-8"))


def each_job() -> list:
    return [
        pytest.param(path, name, job, id=f"{path.stem}-{name}")
        for path in WORKFLOWS
        for name, job in read(path)["jobs"].items()
    ]


# What linters find


def test_actionlint_finds_nothing():
    check(tool("actionlint"), *map(str, WORKFLOWS))


def test_zizmor_finds_nothing():
    check(tool("zizmor"), "--offline", "--no-progress", "--persona=pedantic", str(GITHUB))


@pytest.mark.parametrize("schema", SCHEMAS)
def test_files_fit_their_schema(schema):
    files = [str(GITHUB / name) for name in SCHEMAS[schema]]
    check(tool("check-jsonschema"), "--builtin-schema", schema, *files)


def test_each_yaml_file_is_checked_by_a_schema():
    known = {GITHUB / name for names in SCHEMAS.values() for name in names}
    assert set(GITHUB.rglob("*.y*ml")) == known


# Workflows


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_has_no_permissions_but_those_of_its_jobs(path):
    workflow = read(path)
    assert workflow["permissions"] == {}
    assert workflow["concurrency"]["cancel-in-progress"] is True


@pytest.mark.parametrize(("path", "name", "job"), each_job())
def test_a_job_may_only_do_its_work(path, name, job):
    assert job["permissions"] == WRITERS.get((path.name, name), {"contents": "read"})
    assert job["timeout-minutes"] <= 60
    assert "github.token" not in json.dumps(job.get("env", {})), "give it to the step that needs it"
    for step in job["steps"]:
        assert "${{" not in step.get("run", ""), "use env: a value could end the command"
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_each_job_that_may_write_exists():
    jobs = {(path.name, name) for path in WORKFLOWS for name in read(path)["jobs"]}
    assert set(WRITERS) <= jobs


def test_actions_are_pinned_by_hash_and_say_their_version():
    pins = {}
    for path in WORKFLOWS:
        for line in re.findall(r"uses: (.+)", path.read_text("utf-8")):
            action, commit = re.fullmatch(
                r"(actions/[\w-]+)@([0-9a-f]{40}) # v[\d.]+", line
            ).groups()
            pins.setdefault(action, set()).add(commit)
    assert set(pins) == {"actions/checkout", "actions/setup-python"}
    assert all(len(commits) == 1 for commits in pins.values()), "one version of each action"


@pytest.mark.parametrize(
    ("file", "job", "question"),
    [("test.yml", "variants", "asgi_server"), ("demo.yml", "push", "starter")],
)
def test_a_matrix_is_read_from_the_questions(file, job, question):
    path = GITHUB / "workflows" / file
    jobs = read(path)["jobs"]
    matrix = jobs[job]["strategy"]["matrix"]
    (reference,) = [values for values in matrix.values() if isinstance(values, str)]
    source, output = re.fullmatch(
        r"\$\{\{ fromJSON\(needs\.(\w+)\.outputs\.(\w+)\) \}\}", reference
    ).groups()
    assert source == jobs[job]["needs"]
    (step,) = [step for step in jobs[source]["steps"] if "run" in step]
    assert jobs[source]["outputs"][output] == f"${{{{ steps.{step['id']}.outputs.choices }}}}"
    assert step["run"] == f'python3 scripts/jobs.py {question} >> "$GITHUB_OUTPUT"'
    assert not re.search(rf"\b({'|'.join(CHOICES[question])})\b", path.read_text("utf-8"))


@pytest.mark.parametrize("question", CHOICES)
def test_the_jobs_are_the_choices_and_the_tests_of_none(question):
    script = [sys.executable, str(ROOT / "scripts" / "jobs.py"), question]
    output = subprocess.run(script, check=True, capture_output=True, text=True).stdout
    values = dict(line.split("=", 1) for line in output.splitlines())
    assert json.loads(values["choices"]) == CHOICES[question]
    assert values["others"].split(" and ") == [f"not {choice}" for choice in CHOICES[question]]


def test_all_variants_are_tested_each_night_and_pairs_otherwise():
    workflow = read(GITHUB / "workflows" / "test.yml")
    triggers = workflow[True]  # YAML 1.1 reads the key "on" as a boolean
    assert set(triggers) == {"push", "pull_request", "schedule", "workflow_dispatch"}
    assert triggers["workflow_dispatch"]["inputs"]["variants"]["options"] == ["pairs", "all"]
    chosen = "inputs.variants || (github.event_name == 'schedule' && 'all' || 'pairs')"
    assert workflow["env"]["VARIANTS"] == f"${{{{ {chosen} }}}}"
    runs = [step.get("run", "") for job in workflow["jobs"].values() for step in job["steps"]]
    tests = [run for run in runs if " pytest " in run]
    # Each test runs in one of them: "others" selects the long ones that name no server.
    assert tests == [
        '.uv/bin/uv run pytest --variants="$VARIANTS" -m "not long"',
        '.uv/bin/uv run pytest --variants="$VARIANTS" -m long -k "$OTHERS"',
        '.uv/bin/uv run pytest --variants="$VARIANTS" -m long -k "$SERVER"',
    ]
    jobs = workflow["jobs"]
    assert jobs["template"]["env"]["OTHERS"] == "${{ needs.choices.outputs.others }}"
    assert jobs["choices"]["outputs"]["others"] == "${{ steps.read.outputs.others }}"
    assert jobs["variants"]["env"]["SERVER"] == "${{ matrix.server }}"


def test_the_oldest_python_is_tested_and_the_jobs_agree_on_the_others():
    jobs = read(GITHUB / "workflows" / "test.yml")["jobs"]
    versions = [jobs[name]["strategy"]["matrix"]["python"] for name in ("template", "variants")]
    assert versions[0] == versions[1]
    oldest = re.search(r'requires-python = ">=(.+)"', (ROOT / "pyproject.toml").read_text("utf-8"))
    assert versions[0][0] == oldest[1]


def test_workflows_install_uv_as_the_script_for_ci_does():
    *_, everything = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    install, _, _ = everything.rpartition(" && ")
    steps = [
        step for path in WORKFLOWS for job in read(path)["jobs"].values() for step in job["steps"]
    ]
    runs = [step.get("run", "") for step in steps]
    assert runs.count(install) == sum("setup-python" in step.get("uses", "") for step in steps)
    assert [run for run in runs if "pip install" in run and run != install] == []


# Forms


def test_the_bug_form_asks_for_the_words_that_the_generator_prints():
    form = (GITHUB / "ISSUE_TEMPLATE" / "bug.yml").read_text("utf-8")
    words = "The same again, without questions"
    assert words in form
    assert words in (GITHUB / "SECURITY.md").read_text("utf-8")
    assert words in (ROOT / "hooks" / "post_gen_project.py").read_text("utf-8")
    for name, _value in re.findall(r"(\w+)=(\w+) ", form):
        assert name in QUESTIONS


# Scripts


@pytest.fixture
def renewal() -> dict:
    """The step that opens the pull request with a new lock."""
    *_, step = read(GITHUB / "workflows" / "lock.yml")["jobs"]["lock"]["steps"]
    return step


@pytest.fixture
def github(tmp_path, monkeypatch) -> Callable[[], list[str]]:
    """Put a program ``gh`` on the path. Return its calls when asked."""
    calls = tmp_path / "calls"
    program = tmp_path / "bin" / "gh"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho \"$*\" >> '{calls}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return lambda: calls.read_text().splitlines() if calls.exists() else []


def run(step: dict, clone: Path) -> None:
    """Run the shell of a step as GitHub does."""
    variables = {**step["env"], "GH_TOKEN": "secret"}
    command = ["bash", "-e", "-c", step["run"]]
    subprocess.run(command, cwd=clone, check=True, timeout=60, env={**os.environ, **variables})


def test_a_renewed_lock_becomes_a_branch_with_a_pull_request_and_tests(clone, renewal, github):
    (clone / "uv.lock").write_text("old\n")
    git("add", "uv.lock", cwd=clone)
    git("commit", "--quiet", "--message", "Add a lock", cwd=clone)
    (clone / "uv.lock").write_text("new\n")
    run(renewal, clone)

    branch = renewal["env"]["BRANCH"]
    git("fetch", "--quiet", "origin", f"{branch}:refs/seen", cwd=clone)
    assert git("show", "refs/seen:uv.lock", cwd=clone) == "new"
    assert git("log", "-1", "--format=%s", "refs/seen", cwd=clone) == renewal["env"]["TITLE"]
    login, listing, pull_request, tests = github()
    assert login == "auth setup-git"
    assert listing.startswith(f"pr list --head {branch} ")
    assert pull_request.startswith(f"pr create --head {branch} --title {renewal['env']['TITLE']} ")
    assert tests == f"workflow run test.yml --ref {branch} --field variants=all"


def test_a_lock_that_is_up_to_date_opens_no_pull_request(clone, renewal, github):
    run(renewal, clone)
    assert github() == []
    assert git("ls-remote", "--heads", "origin", cwd=clone) == ""


@pytest.fixture
def clone(tmp_path, environment, monkeypatch) -> Path:
    """A clone with one commit, whose origin is a repository on this machine."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    origin, clone = tmp_path / "origin.git", tmp_path / "clone"
    git("init", "--quiet", "--bare", str(origin))
    git("clone", "--quiet", str(origin), str(clone))
    git("config", "user.name", "A test", cwd=clone)
    git("config", "user.email", "test@example.com", cwd=clone)
    git("commit", "--quiet", "--allow-empty", "--message", "Greet better", cwd=clone)
    return clone


def git(*words: str, cwd: Path | None = None) -> str:
    return subprocess.run(
        ["git", *words], cwd=cwd, check=True, capture_output=True, text=True
    ).stdout.strip()


def demonstrate(clone: Path, project: Path) -> None:
    script = ROOT / "scripts" / "demonstrate.sh"
    subprocess.run([script, project, "demo/chat"], cwd=clone, check=True, timeout=60)


def subjects(clone: Path) -> list[str]:
    git("fetch", "--quiet", "origin", "+demo/chat:refs/seen", cwd=clone)
    return git("log", "--format=%s", "refs/seen", cwd=clone).splitlines()


def test_the_demonstration_branch_is_the_project_and_a_history_of_its_changes(bake, clone):
    project = bake()
    demonstrate(clone, project)
    (first,) = subjects(clone)
    assert first.endswith(": Greet better")
    seen = set(git("ls-tree", "-r", "--name-only", "refs/seen", cwd=clone).splitlines())
    baked = {str(p.relative_to(project)) for p in project.rglob("*") if p.is_file()}
    assert seen == baked

    demonstrate(clone, project)  # nothing changed
    assert len(subjects(clone)) == 1

    (project / "README.md").write_text("# Another\n")
    (project / "uv.lock").unlink()
    git("commit", "--quiet", "--allow-empty", "--message", "Say it in another way", cwd=clone)
    demonstrate(clone, project)
    assert len(subjects(clone)) == 2
    changed = git("diff", "--name-status", "refs/seen~", "refs/seen", cwd=clone)
    assert changed.split() == ["M", "README.md", "D", "uv.lock"]
    assert git("status", "--porcelain", cwd=clone) == ""
