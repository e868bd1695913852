"""A new project's uv.lock is exact: it fits, holds nothing more, and nothing rewrites it."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.tags import Tag
from packaging.utils import parse_wheel_filename
from variants import CHOICES, ROOT, full_set

UV = os.environ.get("UV") or str(Path(sys.executable).with_name("uv"))
TEMPLATE = Path("{{cookiecutter.project_slug}}")
LOCK = (ROOT / TEMPLATE / "uv.lock").read_text("utf-8")


def uv(*words: str, cwd: Path, **variables: str) -> None:
    mine = {name: value for name, value in os.environ.items() if not name.startswith("UV_")}
    mine |= {"UV_PYTHON": sys.executable, **variables}
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


# Python 3.11 to 3.15. Of a package's wheels one has to fit, or it is built by a compiler.
PYTHONS = range(11, 16)
PLATFORMS = {
    "Linux": r"manylinux\w*_x86_64",
    "Linux on ARM": r"manylinux\w*_aarch64",
    "macOS": r"macosx\w*_(arm64|universal2)",
    "macOS on Intel": r"macosx\w*_(x86_64|universal2)",
}
# autobahn by Python alone, as pyproject.toml says; the others by Rust, as docs/options.md says.
BUILT = {("cbor2", "macOS on Intel"), ("cryptography", "macOS on Intel")}


def fits(tag: Tag, python: int, platform: str) -> bool:
    return (tag.platform == "any" or re.fullmatch(platform, tag.platform)) and (
        tag.interpreter == "py3"
        or (tag.interpreter == f"cp3{python}" and tag.abi in (f"cp3{python}", "none"))
        or (tag.abi == "abi3" and int(tag.interpreter.removeprefix("cp3")) <= python)
    )


def has_wheels(package: dict, platform: str) -> bool:
    files = [wheel["url"].rpartition("/")[2] for wheel in package.get("wheels", [])]
    tags = {tag for file in files for tag in parse_wheel_filename(file)[3]}
    return all(any(fits(tag, python, platform) for tag in tags) for python in PYTHONS)


def test_each_package_installs_without_a_compiler_on_each_python_and_platform():
    built = set()
    for package in tomllib.loads(re.sub(r"(?m)^{%.*%}\n", "", LOCK))["package"]:
        for platform, pattern in PLATFORMS.items():
            if "registry" in package["source"] and not has_wheels(package, pattern):
                built.add((package["name"], platform))
    assert {name for name, platform in built if name == "autobahn"} == {"autobahn"}
    assert built - {("autobahn", platform) for platform in PLATFORMS} == BUILT


def test_the_documented_constraints_find_wheels_for_macs_on_intel(bake):
    project = bake(starter="minimal")
    options = (ROOT / "docs" / "options.md").read_text("utf-8")
    (constraints,) = re.findall(r"^```toml\n(\[tool\.uv\]\n.*?)^```$", options, re.S | re.M)
    settings = (project / "pyproject.toml").read_text("utf-8")
    assert settings.count("[tool.uv]\npackage = false\n") == 1
    settings = settings.replace("[tool.uv]\npackage = false\n", constraints)
    (project / "pyproject.toml").write_text(settings, "utf-8")
    uv("lock", cwd=project)
    packages = tomllib.loads((project / "uv.lock").read_text("utf-8"))["package"]
    intel = PLATFORMS["macOS on Intel"]
    assert {(p["name"], "macOS on Intel") for p in packages if has_wheels(p, intel)} >= BUILT


def test_autobahn_is_built_without_a_compiler(bake, tmp_path):
    """As on a Python for which it has no wheel."""
    project = bake(starter="minimal")
    again = ["--no-binary-package", "autobahn", "--refresh-package", "autobahn"]
    environment = {"CC": "/bin/false", "UV_CACHE_DIR": str(tmp_path / "cache")}
    uv("sync", "--quiet", "--locked", *again, cwd=project, **environment)
    assert list(project.glob(".venv/lib/*/site-packages/autobahn/__init__.py"))
    assert not list(project.glob(".venv/lib/*/site-packages/autobahn/**/*.so"))


@pytest.mark.parametrize("starter", CHOICES["starter"])
def test_pip_installs_a_project_with_its_tools(bake, starter, tmp_path):
    project = bake(starter=starter)
    uv("venv", "--quiet", str(tmp_path / "venv"), cwd=project)
    python = ["--python", str(tmp_path / "venv")]
    uv("pip", "install", "--quiet", *python, ".", "--group", "dev", cwd=project)
    (information,) = tmp_path.glob("venv/lib/*/site-packages/my_realtime_project-*.dist-info")
    files = (information / "RECORD").read_text()
    assert {line.partition("/")[0] for line in files.splitlines()} == {information.name}
    subprocess.run([tmp_path / "venv/bin/python", "manage.py", "check"], cwd=project, check=True)


def test_the_lock_knows_no_index_but_pypi():
    addresses = set(re.findall(r'"(\w+://[^"]+?)(?:/packages/[^"]+)?"', LOCK))
    assert addresses == {"https://pypi.org/simple", "https://files.pythonhosted.org"}
    assert "[options]" not in LOCK


def test_the_lock_is_up_to_date(environment):
    done = check_template(ROOT, environment)
    assert done.returncode == 0, done.stderr


def test_a_changed_dependency_is_noticed(environment, tmp_path):
    root = tmp_path / "template"
    for name in ["hooks", "needs_cookiecutter_2_2_3", "scripts", "templates", TEMPLATE]:
        shutil.copytree(ROOT / name, root / name)
    shutil.copy(ROOT / "cookiecutter.json", root)
    pyproject = root / TEMPLATE / "pyproject.toml"
    text = pyproject.read_text("utf-8")
    pyproject.write_text(text.replace('"channels>=', '"channels<99,>='), "utf-8")
    done = check_template(root, environment)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "python scripts/lock.py" in done.stderr
    assert (root / TEMPLATE / "uv.lock").read_text("utf-8") == LOCK
