"""Each variant of the chat holds when things break: servers, the layer, the database, peers.

The tests are those in ``faults/``. They run inside the project, beside its own, and need
what those have: its servers, its clients, its models.
"""

import os
import re
import shutil

from gate import Gate
from variants import ROOT, chats, covering_set, one_for_each_server

NEEDS_REDIS = ["test_outage.py", "valkey.py"]
NEEDS_POSTGRESQL = ["test_postgresql.py"]

# One variant of each server is broken with full strength, and where CI is set it is flooded for
# longer. The others, which differ from these in layer, style or database, get less of the same.
LONG_FLOOD = {"FAULTS_FLOOD_SECONDS": "10"}
LESS = {"FAULTS_FRAMES": "200", "FAULTS_MESSAGES": "1000", "FAULTS_WRITE_SECONDS": "5"}


def test_nothing_is_lost_when_things_break(bake, environments, broken):
    gate = Gate(bake(**broken), environments)
    gate.install()
    folder = gate.project / "tests" / "chat" / "faults"
    shutil.copytree(ROOT / "tests" / "faults", folder, ignore=shutil.ignore_patterns("__pycache__"))
    if broken["channel_layer"] == "memory":
        for name in NEEDS_REDIS:
            (folder / name).unlink()
    if broken["database"] != "postgresql":
        for name in NEEDS_POSTGRESQL:
            (folder / name).unlink()
    if broken not in one_for_each_server(chats(covering_set())):
        variables = LESS
    else:
        variables = LONG_FLOOD if os.environ.get("CI") else {}
    output = gate.test(
        *(
            "uv",
            "run",
            "--with",
            "hypothesis",
            "pytest",
            "-rP",
            "--durations=5",
            "tests/chat/faults",
        ),
        **variables,
    )
    found = re.findall(r".* p99 .*|FAULTS_SEED.*", output)
    print(*found, output.splitlines()[-1], sep="\n")
