"""The command line: ``quick``, ``all``, or rows by name, and ``report`` for the documents."""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import machine, report, results
from benchmarks.measure import Plan, Row
from benchmarks.projects import Projects
from benchmarks.rows import (
    ceilings,
    delay,
    echo,
    fan_out,
    growth,
    loss,
    processes,
    sockets,
    storing,
    template,
)

QUICK: list[Callable[[Plan], list[Row]]] = [
    template.command_line,
    ceilings.load_generator,
    fan_out.memory_100,
    fan_out.memory_500,
    fan_out.stored,
    echo.echo,
    delay.large_room,
    delay.stored,
    storing.ten_writers,
    sockets.connects,
    sockets.memory,
]
ALL = [
    *QUICK,
    fan_out.redis,
    fan_out.servers,
    sockets.idle,
    growth.sizes,
    growth.rooms,
    processes.two,
    processes.events,
    ceilings.redis,
    loss.loss,
]
SECONDS = {"quick": 0.8, "all": 1.5}  # of one contender in one round


def name_of(measure: Callable) -> str:
    return f"{measure.__module__.rpartition('.')[2]}.{measure.__name__}"


def main() -> None:
    names = [name_of(measure) for measure in ALL]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("what", nargs="+", choices=["quick", "all", "report", *names])
    parser.add_argument("--rounds", type=int, default=5, help="medians of so many (default: 5)")
    parser.add_argument("--seconds", type=float, help="of one contender in one round")
    parser.add_argument("--results", type=Path, default=results.FILE, help="where figures lie")
    words = parser.parse_args()
    chosen = {"quick": QUICK, "all": ALL}.get(words.what[0])
    if chosen is None:
        chosen = [measure for measure in ALL if name_of(measure) in words.what]
    if chosen:
        seconds = words.seconds or SECONDS.get(words.what[0], SECONDS["all"])
        run(chosen, words.rounds, seconds, words.results)
    report.write(words.results)


def run(chosen: list[Callable[[Plan], list[Row]]], rounds: int, seconds: float, file: Path) -> None:
    """Measure, and keep each row as soon as it is there."""
    machine.allow_many_sockets()
    folder = Path(tempfile.mkdtemp(prefix="benchmarks-"))
    projects = Projects(folder)
    try:
        plan = Plan(projects, rounds, seconds)
        kept = results.Results(file, machine.facts(), plan)
        for measure in chosen:
            begin = time.monotonic()
            print(f"{name_of(measure)} …", end=" ", flush=True, file=sys.stderr)
            rows = measure(plan)
            kept.keep(rows, projects.versions())
            print(f"{time.monotonic() - begin:.0f} s", file=sys.stderr)
            for row in rows:
                print(results.as_line(row.as_json()))
    finally:
        projects.close()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
