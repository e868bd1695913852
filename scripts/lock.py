"""Write the template's uv.lock: one file that renders to the exact lock of every variant.

python scripts/lock.py            after a change of the dependencies; keeps the other versions
python scripts/lock.py --upgrade  takes the newest versions
python scripts/lock.py --check    writes nothing; fails when the lock does not fit
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from itertools import chain, groupby, product
from pathlib import Path

from cookiecutter.generate import generate_context
from cookiecutter.prompt import prompt_for_config
from cookiecutter.utils import create_env_with_context
from jinja2 import FileSystemLoader

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "{{cookiecutter.project_slug}}"
TEMPLATE = PROJECT / "uv.lock"
CONTEXT = json.loads((ROOT / "cookiecutter.json").read_text("utf-8"))
QUESTIONS = {q: a for q, a in CONTEXT.items() if isinstance(a, list) and not q.startswith("_")}
# uv writes each run of "_" in the name of a project as one "-".
NAME = "{{ cookiecutter.project_slug.split('_')|select|join('-') }}"
PACKAGE = re.compile(r'\n\[\[package]]\nname = "(.+)"\nversion = "(.+)"\nsource = { (\w+) = ')
EMPTY = 'version = 1\nrequires-python = ">=3.11"\n'


def main():
    parser = argparse.ArgumentParser(description="Write the uv.lock of the template.")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions")
    parser.add_argument("--check", action="store_true", help="only tell whether the lock fits")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        variants = render(folder)
        projects = list(dict.fromkeys(variants.values()))
        if options.check:
            fits = all(uv_lock(p, "--check", "--offline").returncode == 0 for p in projects)
            if not fits or merge(variants) != TEMPLATE.read_text("utf-8"):
                sys.exit("The template's uv.lock is out of date. Run: python scripts/lock.py")
        else:
            resolve(Path(folder), projects, EMPTY if options.upgrade else versions(projects))
            TEMPLATE.write_text(merge(variants), "utf-8", newline="\n")


def render(folder):
    """Write pyproject.toml and uv.lock of every variant; the same pyproject.toml only once."""
    sys.path.insert(0, str(ROOT))  # for the extension of the template
    variants, projects, environment = {}, {}, None
    for number, variant in enumerate(product(*QUESTIONS.values())):
        mine = dict(zip(QUESTIONS, variant, strict=True), project_slug=f"v{number}")
        context = generate_context(str(ROOT / "cookiecutter.json"), extra_context=mine)
        context = {"cookiecutter": prompt_for_config(context, no_input=True)}
        context["cookiecutter"]["_template"] = str(ROOT)
        if environment is None:  # it compiles each part of the template once
            environment = create_env_with_context(context)
            environment.loader = FileSystemLoader([PROJECT, ROOT / "templates"])
        pyproject = environment.get_template("pyproject.toml").render(**context)
        lock = environment.get_template("uv.lock").render(**context)
        path = Path(folder, f"v{number}")
        project = projects.setdefault(pyproject.replace(f'"v{number}"', ""), path)
        if project == path:
            path.mkdir()
            (path / "pyproject.toml").write_text(pyproject, "utf-8")
            (path / "uv.lock").write_text(lock, "utf-8")
        variants[variant] = project
    return variants


def resolve(folder, projects, known):
    """Lock all projects as one workspace, then each by itself with the versions found there."""
    workspace = folder / "pyproject.toml"
    workspace.write_text(f"[tool.uv.workspace]\nmembers = {[p.name for p in projects]}\n")
    for project in [folder, *projects]:
        (project / "uv.lock").write_text(known, "utf-8")
        if (done := uv_lock(project)).returncode:
            sys.exit(done.stderr)
        if project == folder:
            known = versions([folder])
            workspace.unlink()


def uv_lock(project, *options):
    """Lock as on a machine without settings, so that only pyproject.toml and PyPI count."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    uv = os.environ.get("UV") or shutil.which("uv", path=path) or sys.exit("Install uv first.")
    env = {k: v for k, v in os.environ.items() if k == "UV_CACHE_DIR" or not k.startswith("UV_")}
    command = [uv, "lock", "--no-config", "--python", sys.executable, *options]
    return subprocess.run(command, cwd=project, env=env, capture_output=True, text=True)


def split(project):
    """Cut the lock of a project into its head and its packages, the project named as NAME."""
    lock = project / "uv.lock"
    text = lock.read_text("utf-8") if lock.exists() else ""
    if found := re.search(r"{[{%#]", text):
        sys.exit(f"uv.lock has {found[0]!r} in it, which Jinja would read.")
    text = text.replace(f'\nname = "{project.name}"\n', f'\nname = "{NAME}"\n')
    return re.split(r"(?=\n\[\[package]]\n)", text)


def versions(projects):
    """Make a lock that only tells uv the versions to prefer: no project, no forks."""
    packages = {}
    for block in chain.from_iterable(map(split, projects)):
        if (found := PACKAGE.match(block)) and found[3] == "registry":
            packages.setdefault(found.groups(), block)
    return EMPTY + "".join(packages.values())


def merge(variants):
    """Write each block once, in a condition unless all variants have it."""
    owners = {}
    for variant, project in variants.items():
        for block in split(project):
            owners.setdefault(block, set()).add(variant)
    text = ""
    for test, blocks in groupby(sorted(owners, key=place), lambda block: condition(owners[block])):
        body = "".join(blocks)
        text += f"{{% if {test} %}}\n{body}{{% endif %}}\n" if test else body
    return text


def place(block):
    """Sort as uv does, by name and version, but the project first: its name may be any."""
    if not (found := PACKAGE.match(block)) or found[3] != "registry":
        return ["", int(bool(found))]
    return [found[1], *map(int, re.findall(r"\d+", found[2]))]


def condition(owners):
    """Write a test that only these variants pass, empty when they are all."""
    tests, left = [], sorted(owners)
    while left:
        # The answers of one variant, then more, as long as every combination is an owner.
        accepted = [{answer} for answer in left[0]]
        for mine, answers in zip(accepted, QUESTIONS.values(), strict=True):
            for answer in answers:
                mine.add(answer)
                if not owners.issuperset(product(*accepted)):
                    mine.remove(answer)
        tests.append(" and ".join(filter(None, map(compare, QUESTIONS, accepted))))
        left = [variant for variant in left if variant not in product(*accepted)]
    return " or ".join(tests)


def compare(question, accepted):
    """Write a test of one question, empty when any answer will do."""
    yes = [answer for answer in QUESTIONS[question] if answer in accepted]
    no = [answer for answer in QUESTIONS[question] if answer not in accepted]
    if not no:
        return ""
    if len(yes) > 1 and len(no) > 1:
        return f"cookiecutter.{question} in {yes!r}"
    return f"cookiecutter.{question} " + (f"== {yes[0]!r}" if len(yes) == 1 else f"!= {no[0]!r}")


if __name__ == "__main__":
    main()
