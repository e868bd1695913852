"""Each variant of the chat holds when things break: servers, the layer, the database, peers.

The tests are those in ``faults/``. They run inside the project, beside its own, and need
what those have: its servers, its clients, its models.
"""

import re
import shutil

import pytest
from gate import Gate
from variants import ROOT, variant_id, variants

NEEDS_REDIS = ["test_outage.py", "valkey.py"]
# On one variant of each server; the others are flooded for a shorter time.
LONG_FLOOD_SECONDS = "30"


def chats() -> list[dict[str, str]]:
    return [variant for variant in variants() if variant["starter"] == "chat"]


def is_first_of_its_server(variant: dict[str, str]) -> bool:
    return next(v for v in chats() if v["asgi_server"] == variant["asgi_server"]) == variant


@pytest.mark.parametrize("variant", chats(), ids=variant_id)
def test_nothing_is_lost_when_things_break(bake, environments, variant):
    gate = Gate(bake(**variant), environments)
    gate.install()
    folder = gate.project / "tests" / "chat" / "faults"
    shutil.copytree(ROOT / "tests" / "faults", folder, ignore=shutil.ignore_patterns("__pycache__"))
    if variant["channel_layer"] == "memory":
        for name in NEEDS_REDIS:
            (folder / name).unlink()
    variables = {}
    if is_first_of_its_server(variant):
        variables["FAULTS_FLOOD_SECONDS"] = LONG_FLOOD_SECONDS
    output = gate.test(
        *("--with", "hypothesis", "pytest", "-rP", "--durations=5", "tests/chat/faults"),
        **variables,
    )
    found = re.findall(r".* p99 .*|FAULTS_SEED.*", output)
    print(*found, output.splitlines()[-1], sep="\n")
