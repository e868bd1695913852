"""The pipeline of a generated project: what linters find in it, and its commands.

Its tests are those of the gate, which runs them for each variant.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from gate import LINT
from variants import CHOICES, ROOT, full_set

COMMANDS = [
    "uv sync --locked",
    *(f"uv run --no-sync {command}" for command in LINT),
    "uv run --no-sync pytest",
]

WRITING = {"actions": "write", "contents": "write", "pull-requests": "write"}
TITLE = "Update from the template"
BRANCH = "update-from-the-template"

# In the place of uvx, which would bring a cruft: the update of a README, and of a pipeline.
UVX = """\
#!/bin/sh
test "$*" = "cruft=={cruft} update --skip-apply-ask"
echo "{{}}" > .cruft.json
{update}
"""
UPDATE = "echo New > README.md; for file in .github/workflows/*; do echo '# New' >> $file; done"


def tool(name: str, *words: str, cwd: Path) -> None:
    program = str(Path(sys.executable).with_name(name))
    done = subprocess.run([program, *words], cwd=cwd, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def read(path: Path) -> dict:
    return yaml.safe_load(path.read_text("utf-8"))


def each_with(answer: str) -> list[dict[str, str]]:
    """Return a variant for each set of pipeline files that an answer gives."""
    others = [name for name in ("docker",) if name in CHOICES]
    found = {
        tuple(variant[name] for name in others): variant
        for variant in full_set()
        if variant["ci"] == answer
    }
    return list(found.values())


@pytest.fixture(params=each_with("github"), ids=lambda variant: variant.get("docker", ""))
def github(request, bake) -> Path:
    return bake(**request.param)


@pytest.fixture(params=each_with("gitlab"), ids=lambda variant: variant.get("docker", ""))
def gitlab(request, bake) -> Path:
    return bake(**request.param)


def test_linters_find_nothing_in_the_workflows(github):
    workflows = [str(path) for path in (github / ".github" / "workflows").iterdir()]
    tool("actionlint", *workflows, cwd=github)
    tool("zizmor", "--offline", "--no-progress", "--persona=pedantic", ".github", cwd=github)
    tool("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows, cwd=github)
    tool(
        *("check-jsonschema", "--builtin-schema", "vendor.dependabot", ".github/dependabot.yml"),
        cwd=github,
    )


def test_the_files_for_gitlab_fit_their_schemas(gitlab):
    for schema, name in (("gitlab-ci", ".gitlab-ci.yml"), ("renovate", "renovate.json")):
        tool("check-jsonschema", "--builtin-schema", f"vendor.{schema}", name, cwd=gitlab)


def test_actions_and_images_of_a_pipeline_are_pinned_by_hash(github, gitlab):
    own = (ROOT / ".github" / "workflows" / "test.yml").read_text("utf-8")
    for path in (github / ".github" / "workflows").iterdir():
        for line in re.findall(r"uses: (.+)", path.read_text("utf-8")):
            assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v[\d.]+", line)
            assert not line.startswith("actions/") or f"uses: {line}\n" in own, "as the template's"
    images = re.findall(
        r" image: *(?:&docker )?(.*)", (gitlab / ".gitlab-ci.yml").read_text("utf-8")
    )
    assert images
    assert all(re.fullmatch(r"\S+@sha256:[0-9a-f]{64}", image) for image in images)


def test_a_job_may_only_do_its_work(github):
    for path in (github / ".github" / "workflows").iterdir():
        workflow = read(path)
        assert workflow["permissions"] == {}
        for job in workflow["jobs"].values():
            writes = path.name == "update.yml"
            assert job["permissions"] == (WRITING if writes else {"contents": "read"})
            assert job["timeout-minutes"] <= 20
            assert "github.token" not in json.dumps(job.get("env", {}))
            for step in job["steps"]:
                assert "${{" not in step.get("run", ""), "use env: a value could end the command"


def test_the_pipeline_runs_what_the_gate_runs(github, gitlab):
    job = read(github / ".github" / "workflows" / "test.yml")["jobs"]["test"]
    assert [step["run"] for step in job["steps"] if "run" in step] == COMMANDS
    assert read(gitlab / ".gitlab-ci.yml")["test"]["script"] == COMMANDS


def test_the_pipeline_builds_the_image_where_there_is_one(github, gitlab):
    jobs = read(github / ".github" / "workflows" / "test.yml")["jobs"]
    built = [step["run"] for step in jobs["image"]["steps"][1:]] if "image" in jobs else []
    assert built == build_commands(github)
    built = read(gitlab / ".gitlab-ci.yml").get("build", {}).get("script", [])
    assert built == build_commands(gitlab)
    updates = (github / ".github" / "dependabot.yml").read_text("utf-8")
    assert ("package-ecosystem: docker\n" in updates) == bool(build_commands(github))


def build_commands(project: Path) -> list[str]:
    """Return the command at the head of the Dockerfile, which test_deploy.py runs."""
    path = project / "deploy" / "Dockerfile"
    if not path.exists():
        return []
    return [path.read_text("utf-8").splitlines()[0].removeprefix("# The image: ")]


def test_the_pipeline_installs_uv_as_the_readme_does(gitlab):
    (install,) = read(gitlab / ".gitlab-ci.yml")["default"]["before_script"]
    assert f"```sh\n{install}\n```" in (gitlab / "README.md").read_text("utf-8")


@pytest.mark.parametrize("answer", ["github", "gitlab"])
def test_dependencies_wait_for_a_week(bake, answer):
    project = bake(ci=answer)
    if answer == "gitlab":
        assert json.loads((project / "renovate.json").read_text())["minimumReleaseAge"] == "7 days"
    else:
        updates = read(project / ".github" / "dependabot.yml")["updates"]
        assert {"uv", "github-actions"} <= {update["package-ecosystem"] for update in updates}
        assert all(update["cooldown"] == {"default-days": 7} for update in updates)


# Updates from the template


class Machine:
    """A project in a clone, and programs that stand in for others and write down their calls."""

    def __init__(self, project: Path, folder: Path, environment: dict[str, str]) -> None:
        self.project, self.folder, self.origin = project, folder, folder / "origin.git"
        self.calls = folder / "calls"
        self.programs = folder / "programs"
        self.programs.mkdir()
        config = folder / "gitconfig"
        config.write_text(
            f'[url "{self.origin}"]\n\tinsteadOf = https://update:s3cret@gitlab.test/team/shop.git\n'
            "[user]\n\tname = A test\n\temail = test@example.com\n[init]\n\tdefaultBranch = main\n"
        )
        self.environment = {
            **os.environ,
            **environment,
            "GIT_CONFIG_GLOBAL": str(config),
            "PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}",
            "RUNNER_TEMP": str(folder),
        }
        for words in (
            ["init", "--quiet", "--bare", str(self.origin)],
            ["-C", str(self.origin), "config", "receive.advertisePushOptions", "true"],
            ["init", "--quiet"],
            ["add", "--all"],
            ["commit", "--quiet", "--message", "Start"],
            ["remote", "add", "origin", str(self.origin)],
        ):
            self.git(*words)

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words],
            cwd=self.project,
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def install(self, update: str) -> None:
        for name in ("gh", "uv", "apt-get"):
            self.write(name, f'#!/bin/sh\necho "{name} $*" >> "{self.calls}"\n')
        self.write("uvx", UVX.format(cruft=version("cruft"), update=update))

    def write(self, name: str, text: str) -> None:
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)

    def run(self, *scripts: str, **variables: str) -> list[str]:
        """Run the shell of a job as a runner does. Return the calls of the programs."""
        for script in scripts:
            subprocess.run(
                ["bash", "-eo", "pipefail", "-c", script],
                cwd=self.project,
                env={**self.environment, **variables},
                check=True,
                timeout=60,
            )
        return self.calls.read_text().splitlines()

    def pushed(self) -> list[str]:
        """Return the files that the pushed branch changes, none where there is no branch."""
        if not self.git("ls-remote", "--heads", "origin"):
            return []
        self.git("fetch", "--quiet", "origin", f"{BRANCH}:refs/seen")
        assert self.git("log", "-1", "--format=%s", "refs/seen") == TITLE
        return self.git("diff", "--name-only", "refs/seen~", "refs/seen").split()


@pytest.fixture
def machine(tmp_path, environment) -> Callable[[Path], Machine]:
    return lambda project: Machine(project, tmp_path, environment)


def test_github_gets_a_pull_request_without_the_workflows(bake, machine):
    project = bake(ci="github")
    update, propose = read(project / ".github" / "workflows" / "update.yml")["jobs"]["update"][
        "steps"
    ][-2:]
    assert update["if"] == "${{ hashFiles('.cruft.json') != '' }}"
    here = machine(project)
    here.install(UPDATE)
    calls = here.run(update["run"], propose["run"], **{**propose["env"], "GH_TOKEN": "s3cret"})
    assert calls == [
        "uv lock",
        "gh auth setup-git",
        f"gh pr list --head {BRANCH} --state open --json number --jq .[].number",
        f"gh pr create --head {BRANCH} --title {TITLE} --body-file {here.folder}/text",
        f"gh workflow run test.yml --ref {BRANCH}",
    ]
    assert here.pushed() == [".cruft.json", "README.md"]
    text = (here.folder / "text").read_text()
    assert text.count("\n+# New\n") == 2, "both workflows"


def test_gitlab_gets_a_merge_request(bake, machine):
    project = bake(ci="gitlab")
    job = read(project / ".gitlab-ci.yml")["update"]
    assert job["rules"] == [{"if": '$CI_PIPELINE_SOURCE == "schedule"', "exists": [".cruft.json"]}]
    here = machine(project)
    here.install("echo New > README.md")
    variables = {
        **job["variables"],
        "CI_PROJECT_PATH": "team/shop",
        "CI_SERVER_HOST": "gitlab.test",
        "UPDATE_TOKEN": "s3cret",
    }
    calls = here.run("\n".join(job["script"]), **variables)
    assert calls == [
        "apt-get update -qq",
        "apt-get install -qq --no-install-recommends git",
        "uv lock",
    ]
    assert here.pushed() == [".cruft.json", "README.md"]


@pytest.mark.parametrize("answer", ["github", "gitlab"])
def test_a_template_without_news_gets_no_request(bake, machine, answer):
    project = bake(ci=answer)
    if answer == "github":
        jobs = read(project / ".github" / "workflows" / "update.yml")["jobs"]
        scripts = [step["run"] for step in jobs["update"]["steps"] if "run" in step]
    else:
        scripts = ["\n".join(read(project / ".gitlab-ci.yml")["update"]["script"])]
    here = machine(project)
    here.install("true")
    here.run(*scripts, BRANCH=BRANCH, TITLE=TITLE, UPDATE_TOKEN="s3cret")
    assert here.pushed() == []
