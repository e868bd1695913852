"""Versions: one place says which, each project repeats it, and the changelog has them all."""

import json
import re
import tomllib

import yaml
from checkout import CHANGELOG, RELEASE, VERSION, template_line, tracked
from variants import ROOT, files_of

TO_DO = "### To do in a generated project"


def number(version: str) -> list[int]:
    """Return the year and the number, which compare as versions do."""
    return [int(part) for part in version.removesuffix(".dev").split(".")]


def test_a_project_says_which_version_of_the_template_made_it(variant):
    name = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["name"]
    assert template_line(variant.files["pyproject.toml"]) == f"{name} {VERSION}"
    assert [file for file, text in variant.files.items() if VERSION in text] == ["pyproject.toml"]


def test_the_same_answers_and_version_make_the_same_bytes(bake):
    answers = {"project_name": "Twice", "channel_layer": "redis", "consumer_style": "sync"}
    assert files_of(bake(**answers)) == files_of(bake(**answers))


def test_the_version_stands_in_one_place():
    assert re.fullmatch(r"20\d\d\.[1-9]\d*(\.dev)?", VERSION)
    places = [
        str(path.relative_to(ROOT))
        for path in tracked()
        if path.suffix not in (".lock", ".mo", ".png", ".svg") and path.name != "CHANGELOG.md"
        for _ in range(path.read_text("utf-8").count(f'"{VERSION}"'))
    ]
    assert places == ["cookiecutter.json"]
    assert json.loads((ROOT / "cookiecutter.json").read_text("utf-8"))["_version"] == VERSION


def test_the_changelog_ends_with_the_version():
    """What is released has the version of its heading; what comes after it is the next one's."""
    releases = RELEASE.findall(CHANGELOG)
    versions = [number(version) for version, _ in releases]
    assert re.findall(r"^## (.*)$", CHANGELOG, re.MULTILINE)[0] == "[Unreleased]"
    assert CHANGELOG.count("\n## ") == 1 + len(releases)
    assert versions == sorted(versions, reverse=True)
    assert all(version.startswith(f"{year}.") for version, year in releases)
    unreleased = CHANGELOG.partition("## [Unreleased]\n")[2].partition("\n## ")[0].strip()
    if VERSION.endswith(".dev"):
        assert number(VERSION) > versions[0]
    else:
        assert number(VERSION) == versions[0]
        assert not unreleased, "a version with changes after it ends in .dev"


def test_each_release_begins_with_what_to_do_in_a_project():
    for part in re.split(r"^## .*\n", CHANGELOG, flags=re.MULTILINE)[1:]:
        assert not part.strip() or part.lstrip().startswith(f"{TO_DO}\n\n")


def test_the_workflow_tests_with_the_whole_history():
    """Else no project could be updated from the last release."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text("utf-8"))
    tests = [steps for job in workflow["jobs"].values() if "pytest" in str(steps := job["steps"])]
    assert tests
    for checkout, *_ in tests:
        assert checkout["with"]["fetch-depth"] == 0
