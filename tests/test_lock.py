"""A new project's uv.lock is exact: it fits, holds nothing more, and nothing rewrites it."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from variants import CHOICES, ROOT, full_set

UV = os.environ.get("UV") or str(Path(sys.executable).with_name("uv"))
TEMPLATE = Path("{{cookiecutter.project_slug}}")
LOCK = (ROOT / TEMPLATE / "uv.lock").read_text("utf-8")


def uv(*words: str, cwd: Path) -> None:
    mine = {name: value for name, value in os.environ.items() if not name.startswith("UV_")}
    mine["UV_PYTHON"] = sys.executable
    subprocess.run([UV, *words], cwd=cwd, env=mine, check=True)


def check_template(root: Path, environment: dict[str, str]) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, root / "scripts" / "lock.py", "--check"],
        env={**environment, "UV": UV},
        capture_output=True,
        text=True,
    )


def names(*lists: list[dict]) -> set[str]:
    return {package["name"] for packages in lists for package in packages}


def test_new_projects_fit_their_locks_without_network(bake):
    """One project stands for all variants with the same dependencies and the same lock."""
    projects = {}
    for answers in full_set():
        project = bake(**answers, project_slug="chat__room_2")
        key = (project / "pyproject.toml").read_bytes(), (project / "uv.lock").read_bytes()
        projects[key] = project
    assert len(projects) > 1
    for (_, lock), project in projects.items():
        uv("lock", "--check", "--offline", cwd=project)
        uv("lock", "--offline", cwd=project)
        assert (project / "uv.lock").read_bytes() == lock, project


def test_a_lock_holds_what_its_project_needs_and_no_more(variant):
    needs, development = {}, set()
    for package in tomllib.loads(variant.files["uv.lock"])["package"]:
        extras = package.get("optional-dependencies", {}).values()
        mine = needs.setdefault(package["name"], set())
        mine |= names(package.get("dependencies", []), *extras)
        development |= names(*package.get("dev-dependencies", {}).values())

    def installed(new: set[str]) -> set[str]:
        found = set()
        while new:
            found |= new
            new = set().union(*(needs[name] for name in new)) - found
        return found

    production = installed({variant.path.name})
    assert production & set(CHOICES["asgi_server"]) == {variant.answers["asgi_server"]}
    assert ("channels-redis" in production) == (variant.answers["channel_layer"] != "memory")
    assert production | installed(development) == set(needs)


def test_all_variants_lock_the_same_versions(variant):
    package = re.compile(r'^name = "([^"{]+)"\nversion = "(.+)"\nsource = { registry', re.MULTILINE)
    mine = set(package.findall(variant.files["uv.lock"]))
    locked = {name for name, version in mine}
    assert {"channels", "django", "pytest"} <= locked
    assert mine == {found for found in package.findall(LOCK) if found[0] in locked}


def test_the_lock_knows_no_index_but_pypi():
    addresses = set(re.findall(r'"(\w+://[^"]+?)(?:/packages/[^"]+)?"', LOCK))
    assert addresses == {"https://pypi.org/simple", "https://files.pythonhosted.org"}
    assert "[options]" not in LOCK


def test_the_lock_is_up_to_date(environment):
    done = check_template(ROOT, environment)
    assert done.returncode == 0, done.stderr


def test_a_changed_dependency_is_noticed(environment, tmp_path):
    root = tmp_path / "template"
    for name in ["hooks", "scripts", "templates", TEMPLATE]:
        shutil.copytree(ROOT / name, root / name)
    shutil.copy(ROOT / "cookiecutter.json", root)
    pyproject = root / TEMPLATE / "pyproject.toml"
    text = pyproject.read_text("utf-8")
    pyproject.write_text(text.replace('"channels>=', '"channels<99,>='), "utf-8")
    done = check_template(root, environment)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "python scripts/lock.py" in done.stderr
    assert (root / TEMPLATE / "uv.lock").read_text("utf-8") == LOCK
