"""What stands around the template: documents, licence, the command that tests it all."""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from checkout import PROJECT, tracked
from markdown import code, code_blocks, headings, section
from markdown_it import MarkdownIt
from variants import CHOICES, QUESTIONS, ROOT, covering_set, full_set, variant_id

README = (ROOT / "README.md").read_text("utf-8")
OPTIONS = (ROOT / "docs" / "options.md").read_text("utf-8")

# Home folders, and the folder of this very checkout.
MACHINE_PATH = re.compile(rf"(?<![\w.:/-])(/(root|home|Users)/|{re.escape(str(ROOT))}\b)")

# A folder, or a file of a kind that stands nowhere but in the repository or a project.
FILE_NAME = re.compile(r"`((?:[\w.-]+/)*(?:[\w-]+/|[\w-]+\.(?:html|json|lock|md|py|toml)))`")


def documents() -> list[Path]:
    """Return the Markdown files that are read as they are, not rendered first."""
    rendered = (ROOT / PROJECT, ROOT / "templates")
    return [
        path
        for path in tracked()
        if path.suffix == ".md" and not any(path.is_relative_to(folder) for folder in rendered)
    ]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def links(markdown: str) -> list[str]:
    """Return the targets of all links and images."""
    tokens = MarkdownIt().enable("table").parse(markdown)
    children = [child for token in tokens for child in token.children or []]
    targets = [child.attrs.get("href") or child.attrs.get("src") for child in children]
    return [str(target) for target in targets if target]


def anchor(heading: str) -> str:
    """Return the fragment that GitHub gives to a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def mentions(markdown: str, word: str) -> bool:
    return re.search(rf"`{re.escape(word)}`", markdown) is not None


# Documents


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_options_list_each_question_and_its_choices(question):
    table = section(OPTIONS, "All questions")
    rows = re.findall(rf"^\| \[`{question}`]\(#{question}\) \|(.+)\|$", table, re.MULTILINE)
    assert len(rows) == 1
    assert [choice for choice in CHOICES.get(question, []) if not mentions(rows[0], choice)] == []


def outline(markdown: str) -> list[str]:
    """Return the kind of each block in order, such as "h2", "p" or "table"."""
    tokens = MarkdownIt().enable("table").parse(markdown)
    return [token.tag for token in tokens if token.nesting >= 0]


def test_the_korean_readme_has_the_same_commands_headings_and_links():
    korean = (ROOT / "README.ko.md").read_text("utf-8")
    assert code_blocks(korean) == code_blocks(README)
    assert outline(korean) == outline(README)
    own = {"README.md", "README.ko.md"}
    assert sorted(set(links(korean)) - own) == sorted(set(links(README)) - own)
    assert sorted(set(re.findall("`[^`\n]+`", korean))) == sorted(
        set(re.findall("`[^`\n]+`", README))
    )


def test_the_readme_counts_right():
    counts = [len(choices) for choices in CHOICES.values()]
    layers, styles, servers, starters, databases, *_ = counts
    assert f"{servers} servers, {layers} channel layers, {styles} consumer styles" in README
    assert f"{starters} starters" in README
    assert f"one of {databases} databases" in README
    assert f"They make {len(full_set())} variants" in README
    covering = ["ten", "eleven", "twelve", "thirteen", "fourteen"][len(covering_set()) - 10]
    assert f"It generates {covering} variants" in README


def test_the_readme_is_short_and_begins_with_what_to_do():
    lines = README.splitlines()
    assert len(lines) <= 90
    command = next(line for line in lines if line == code(README, "sh")[0].strip())
    assert lines.index(command) < 15
    assert headings(README)[1:] == [
        "What you choose",
        "Why not plain Channels",
        "What it does not do",
        "Test the template",
        "More",
    ]


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_options_have_a_section_for_each_question_with_its_choices(question):
    assert headings(OPTIONS).count(question) == 1
    text = section(OPTIONS, question)
    assert text.strip()
    for choice in CHOICES.get(question, []):
        assert f"**`{choice}`**" in text, "say when to take it"
        assert re.search(rf"^\|.*\| `{choice}` \|", text, re.MULTILINE), "say what it costs"


def test_the_options_know_no_question_of_the_past():
    named = [title for title in headings(OPTIONS) if re.fullmatch("[a-z_]+", title)]
    assert named == QUESTIONS


def test_the_documents_show_the_measured_results(tmp_path):
    for folder in ("benchmarks", "docs", "tests"):  # benchmarks import tests/gate.py
        shutil.copytree(ROOT / folder, tmp_path / folder)
    command = [sys.executable, "-m", "benchmarks", "report"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60)
    for name in (
        "docs/performance.md",
        "docs/performance.svg",
        "docs/scaling.md",
        "benchmarks/README.md",
    ):
        same = (tmp_path / name).read_text("utf-8") == (ROOT / name).read_text("utf-8")
        assert same, f"{name} is out of date: run python -m benchmarks report"


def test_each_answer_of_the_faq_has_a_cause_a_cure_and_this_template_s_behaviour():
    faq = (ROOT / "docs" / "faq.md").read_text("utf-8")
    _, *questions = headings(faq)
    assert questions
    for question in questions:
        parts = re.findall(r"^\*\*([\w ]+)\.\*\*", section(faq, question), re.MULTILINE)
        assert parts == ["Cause", "Plain Channels", "Here"], question
        assert f"](#{anchor(question)})" in faq, "list it in the table"


@pytest.mark.parametrize("choice", [choice for choices in CHOICES.values() for choice in choices])
def test_the_short_guide_says_when_to_take_each_choice(choice):
    guide = (ROOT / "docs" / "choose.md").read_text("utf-8")
    (question,) = [name for name, choices in CHOICES.items() if choice in choices]
    assert f"| `{question}={choice}` |" in guide


@pytest.mark.parametrize("path", documents(), ids=name_of)
def test_links_and_images_lead_somewhere(path):
    for target in links(path.read_text("utf-8")):
        parts = urlsplit(target)
        if parts.scheme:
            assert parts.scheme in ("https", "http"), target
            continue
        other = path.parent / unquote(parts.path) if parts.path else path
        assert other.exists(), target
        if parts.fragment:
            assert parts.fragment in map(anchor, headings(other.read_text("utf-8"))), target


def test_files_that_a_document_names_exist(bake):
    answers = {"channel_layer": "redis", "consumer_style": "sync", "database": "postgresql"}
    folders = [ROOT, bake(), bake(**answers, docker="yes")]
    for path in documents():
        text = path.read_text("utf-8").replace(f"{PROJECT}/", "")
        for name in FILE_NAME.findall(text):
            exists = any((folder / name).exists() for folder in folders)
            assert exists, f"{name_of(path)}: {name}"


def test_names_that_a_document_places_in_a_file_are_there(bake):
    answers = {"channel_layer": "redis", "consumer_style": "sync", "database": "postgresql"}
    folders = [ROOT, bake(), bake(**answers, docker="yes")]
    for path in documents():
        text = re.sub(r"\s+", " ", path.read_text("utf-8"))
        for name, file in re.findall(r"`(\w+)` (?:in|of) `([\w./]+\.(?:js|py))`", text):
            files = [folder / file for folder in folders if (folder / file).exists()]
            found = any(re.search(rf"\b{name}\b", other.read_text("utf-8")) for other in files)
            assert found, f"{name_of(path)}: {name} is not in {file}"


def test_the_licence_is_what_the_metadata_says():
    licence = (ROOT / "LICENSE").read_text("utf-8")
    assert licence.startswith("MIT License\n")
    assert 'license = "MIT"' in (ROOT / "pyproject.toml").read_text("utf-8")


# Commands


def test_the_addresses_in_the_readme_are_the_project_s(bake):
    project = bake()
    routing = (project / "config" / "routing.py").read_text("utf-8")
    addresses = re.findall(r"ws://localhost:8000/(\S+?)`", README)
    assert len(addresses) == 2
    for address in addresses:
        assert f'path("{address.replace("lobby", "<slug:slug>")}", ' in routing


def test_the_readme_tests_the_template_as_ci_does():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", str(script)], check=True)
    lines = [line for line in script.read_text("utf-8").splitlines() if line]
    assert lines[0] == "#!/usr/bin/env bash"
    commands = [line for line in lines if not line.startswith("#")]
    everything = code(section(README, "Test the template"), "sh")[0].strip()
    enter = 'cd "$(dirname "${BASH_SOURCE[0]}")/.."'
    assert [commands[0], commands[1], commands[-1]] == ["set -euo pipefail", enter, everything]
    assert all("apt-get" in line for line in commands[2:-1])  # what Debian has, and PyPI has not


def test_each_mutation_fits_the_default_chat(bake):
    """A mutation that changes nothing would count as one that no test notices."""
    mutations = runpy.run_path(str(ROOT / "scripts" / "mutations.py"))["MUTATIONS"]
    assert len(mutations) > 20
    project = bake()
    for mutation in mutations:
        assert (project / mutation.path).read_text().count(mutation.old) == 1, mutation.name
        assert (project / mutation.tests).is_file(), mutation.name


def test_the_selections_of_tests_find_some():
    """``-k`` takes a typing error in silence."""
    names = []
    for file, test in (
        ("test_variants.py", "test_a_variant_passes_its_own_gate"),
        ("test_faults.py", "test_nothing_is_lost_when_things_break"),
    ):
        assert f"def {test}(" in (ROOT / "tests" / "variants" / file).read_text("utf-8")
        names += [f"{file}::{test}[{variant_id(variant)}]" for variant in full_set()]
    selections = re.findall(
        r'pytest -k ("[^"]+"|\S+)', (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    )
    assert selections
    for selection in selections:
        words = selection.strip('"').split(" and ")
        unwanted = [word.removeprefix("not ") for word in words if word.startswith("not ")]
        wanted = [word for word in words if not word.startswith("not ")]
        assert any(all(word in name for word in wanted) for name in names), selection
        assert all(any(word in name for name in names) for word in unwanted), selection


# Files


def texts() -> list[Path]:
    return [path for path in tracked() if path.suffix not in (".mo", ".png")]


def test_files_are_tidy():
    for path in texts():
        name = name_of(path)
        text = path.read_bytes().decode("utf-8")
        assert "\r" not in text, name
        assert not text or text.endswith("\n"), name
        assert not re.search(r"[ \t]$", text, re.MULTILINE), name


def test_no_file_holds_a_path_of_a_machine():
    for path in texts():
        found = MACHINE_PATH.search(path.read_text("utf-8"))
        assert found is None, f"{name_of(path)}: {found[0]}"


def test_json_and_yaml_are_well_formed():
    found = {}
    for path in tracked():
        if path.suffix == ".json":
            found[path.name] = json.loads(path.read_text("utf-8"))
        elif path.suffix in (".yaml", ".yml") and PROJECT not in path.parts:  # a template
            found[path.name] = yaml.safe_load(path.read_text("utf-8"))
    assert {"cookiecutter.json", "test.yml", "bug.yml", ".pre-commit-config.yaml"} <= set(found)
    assert all(found.values())
