"""The template itself: how long it takes to generate a project."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.measure import AT_MOST, Plan, Row
from benchmarks.projects import ROOT

LIMIT_SECONDS = 0.5


def command_line(plan: Plan) -> list[Row]:
    program = Path(sys.executable).with_name("cookiecutter")
    seconds = []
    for _ in range(plan.rounds):
        with tempfile.TemporaryDirectory() as folder:
            begin = time.perf_counter()
            subprocess.run(
                [program, "--no-input", ROOT], cwd=folder, check=True, stdout=subprocess.DEVNULL
            )
            seconds.append(time.perf_counter() - begin)
    return [
        Row(
            "template.command_line",
            "`cookiecutter --no-input`",
            "s",
            {"ours": median(seconds)},
            median(seconds),
            "ours",
            AT_MOST,
            LIMIT_SECONDS,
        )
    ]
