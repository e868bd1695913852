"""A scanner for insecure code finds nothing in a generated project that is not explained."""

import json
import subprocess
import sys
from pathlib import Path

# Findings of bandit that are not faults here, with the reason. https://bandit.readthedocs.io/
KNOWN = {
    "B101": "assert: a fact for the type checker",
    "B104": "runserver 0 is on all interfaces, as in Django",
    "B108": "the embedded servers refuse a folder in /tmp that belongs to another user",
    "B311": "random times spread clients and retries, and are no secret",
    "B404": "the embedded servers are processes",
    "B603": "their command lines have no word of a user",
    "B608": "the name of a table, from Django's own model",
}


def test_bandit_finds_nothing_else(bake):
    project = bake(channel_layer="redis", consumer_style="sync", database="postgresql")
    bandit = Path(sys.executable).with_name("bandit")
    command = [bandit, "--quiet", "--format=json", "--exclude=./tests", "--recursive", "."]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=120)
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    assert found["errors"] == []
    assert found["results"], "nothing was scanned"
    others = [
        (result["filename"], result["line_number"], result["issue_text"])
        for result in found["results"]
        if result["test_id"] not in KNOWN
    ]
    assert others == []
