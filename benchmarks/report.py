"""Writes the figures into the documents, between their marks."""

import json
import re
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks import capacity, plot, results, storm
from benchmarks.projects import ROOT
from benchmarks.results import number

PERFORMANCE = ROOT / "docs" / "performance.md"
SCALING = ROOT / "docs" / "scaling.md"
README = Path(__file__).with_name("README.md")
PLOT = ROOT / "docs" / "performance.svg"
STORM = Path(__file__).with_name("storm.json")
VERIFICATION = Path(__file__).with_name("verification.json")
VERIFIED_MINUTES = 25

SECTIONS = {
    "fan_out": "Fan-out",
    "echo": "Echo",
    "delay": "Delay",
    "loss": "Loss in a burst",
    "sockets": "Sockets",
    "storing": "Stored messages",
    "growth": "Growth",
    "processes": "Processes and events",
    "template": "The template",
    "ceilings": "Ceilings",
}


class Expectation(NamedTuple):
    """A row that a reader asks for first, and two of its figures: ours and the tutorial's."""

    title: str
    row: str
    ours: str = "ours"
    tutorial: str | None = "tutorial"


EXPECTATIONS = (
    Expectation("A room of 100 sockets, `memory`", "fan_out.memory.100.tutorial"),
    Expectation("The same, `redis_pubsub`", "fan_out.uvicorn.redis_pubsub.100"),
    Expectation("The same, `redis`", "fan_out.uvicorn.redis.100"),
    Expectation("The same, daphne, `memory`", "fan_out.daphne.memory.100"),
    Expectation("The same, hypercorn, `memory`", "fan_out.hypercorn.memory.100"),
    Expectation("The same, granian, `memory`", "fan_out.granian.memory.100"),
    Expectation(
        "The same, sync style, `memory`", "fan_out.memory.100.sync", "ours, sync", "tutorial, sync"
    ),
    Expectation("A room of 500 sockets, `memory`", "fan_out.uvicorn.memory.500"),
    Expectation("Echo to 50 sockets, async style", "echo.async"),
    Expectation("Echo to 50 sockets, sync style", "echo.sync", "ours, sync", "tutorial, sync"),
    Expectation("Slowest hundredth in a room of 500 (p99)", "delay.large_room"),
    Expectation("Lost in a burst, `memory`", "loss.memory.ten_members"),
    Expectation("Lost in a burst, `redis`", "loss.redis.ten_members"),
    Expectation("Stored messages, ten writers, SQLite", "storing.ten_writers", "SQLite", None),
    Expectation("New sockets with a login, until the chat's welcome", "sockets.connects.ours"),
    Expectation(
        "New sockets with a login, until the echo's handshake",
        "sockets.connects.ours, echo",
        "ours, echo",
    ),
    Expectation(
        "New sockets of guests, until the chat's welcome",
        "sockets.connects.ours, anonymous",
        "ours, anonymous",
        "tutorial, anonymous",
    ),
    Expectation("Memory of an idle socket with a login", "sockets.memory"),
)
VERDICTS = {True: "reached", False: "**not reached**", None: ""}


def write(file: Path = results.FILE) -> None:
    data = results.read(file)
    rows = in_order({**data["rows"], "template.variants": verification()})
    fill(PERFORMANCE, "expectations", expectations(rows))
    fill(PERFORMANCE, "conditions", conditions(data))
    fill(README, "targets", targets(rows))
    fill(PERFORMANCE, "figures", figures(rows))
    fill(PERFORMANCE, "load", load(rows))
    fill(SCALING, "capacity", capacity.table(rows))
    if STORM.exists():
        fill(SCALING, "storm", storm.as_markdown(json.loads(STORM.read_text("utf-8"))))
    PLOT.write_text(plot.fan_out(rows), "utf-8")


def in_order(rows: dict[str, dict]) -> dict[str, dict]:
    """Return the rows as the sections stand, whenever they were measured."""
    places = list(SECTIONS)
    return dict(sorted(rows.items(), key=lambda row: places.index(row[0].partition(".")[0])))


def fill(document: Path, name: str, text: str) -> None:
    """Put ``text`` between the marks ``<!-- name -->`` and ``<!-- end of name -->``."""
    mark = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    before = document.read_text("utf-8")
    if not mark.search(before):
        raise SystemExit(f"{document.name} has no mark <!-- {name} -->")
    after = mark.sub(lambda found: f"{found[1]}\n{text}\n\n{found[2]}", before)
    document.write_text(after, "utf-8")


def conditions(data: dict) -> str:
    """Return when, where and with what it was measured."""
    dates = sorted({row["date"] for row in data["rows"].values()})
    if not dates:
        return "Nothing has been measured yet."
    machine, versions = data["machine"], dict(data["versions"])
    python = versions.pop("Python")
    names = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    rounds = min(row["rounds"] for row in data["rows"].values())
    when = " to ".join(dict.fromkeys((dates[0], dates[-1])))
    return (
        f"Measured {when} on {machine['cores']} cores ({machine['processor']}), "
        f"{machine['memory']}, {machine['system']}, with a load of {machine['load before']} "
        f"before it began. Python {python}, {names}. Medians of {rounds} rounds."
    )


def expectations(rows: dict[str, dict]) -> str:
    """Return the figures that a reader asks for first. What was not measured is left out."""
    lines = ["| | generated project | Channels tutorial | ratio |", "|---|---|---|---|"]
    for expectation in EXPECTATIONS:
        if row := rows.get(expectation.row):
            names = expectation.ours, expectation.tutorial
            figures = [
                f"{number(row['figures'][name])} {row['unit']}" if name else "" for name in names
            ]
            ratio = number(row["value"]) if " / " in row["of"] else ""
            lines.append(f"| {expectation.title} | {' | '.join(figures)} | {ratio} |")
    return "\n".join(lines)


def targets(rows: dict[str, dict]) -> str:
    """Return the rows that have a target."""
    lines = ["| what | ratio | target | |", "|---|---|---|---|"]
    for row in rows.values():
        if row["target"] is None:
            continue
        value = "not measured" if row["value"] is None else number(row["value"])
        target = f"{row['bound']} {row['target']:g}"
        of = f" ({row['of']})" if row["of"] else ""
        lines.append(
            f"| {section_of(row)}, {row['title']}{of} | {value} | {target} "
            f"| {VERDICTS[row['reached']]} |"
        )
    return "\n".join(lines)


def section_of(row: dict) -> str:
    return SECTIONS[row["key"].partition(".")[0]].lower()


def figures(rows: dict[str, dict]) -> str:
    """Return every row, by section."""
    parts = []
    for prefix, title in SECTIONS.items():
        own = [row for key, row in rows.items() if key.partition(".")[0] == prefix]
        if own:
            lines = [f"### {title}", "", "| | unit | figures | ratio |", "|---|---|---|---|"]
            parts.append("\n".join([*lines, *map(figure_line, own)]))
            parts += [f"{row['title']}: {row['note']}" for row in own if row["note"]]
    return "\n\n".join(parts)


def figure_line(row: dict) -> str:
    shown = "; ".join(f"{name} {number(value)}" for name, value in row["figures"].items())
    ratio = f"{row['of']}: {number(row['value'])}" if " / " in row["of"] else ""
    return f"| {row['title']} | {row['unit']} | {shown} | {ratio} |"


def load(rows: dict[str, dict]) -> str:
    """Return what server and load generator used, to see which of them was the limit."""
    lines = [
        "| | contender | server, cores | load generator, cores | server, µs of a delivery |",
        "|---|---|---|---|---|",
    ]
    for row in rows.values():
        for name, (server, client) in row["shares"].items():
            cost = number(row["costs"][name]) if name in row["costs"] else ""
            title = f"{section_of(row)}, {row['title']}"
            lines.append(f"| {title} | {name} | {server:.2f} | {client:.2f} | {cost} |")
    return "\n".join(lines)


def verification() -> dict:
    """Return the row of the tests of all variants, whose figures come from their own run."""
    measured = json.loads(VERIFICATION.read_text("utf-8"))
    minutes = measured["minutes"]
    seconds = list(measured["seconds_of_a_variant"].values())
    note = (
        f"On {measured['cores']} cores, {measured['date']}: {number(median(seconds))} s a variant, "
        f"from {number(min(seconds))} to {number(max(seconds))} s."
        if seconds
        else "Not measured yet: `benchmarks/verification.json` is where its figures go."
    )
    return {
        "key": "template.variants",
        "title": "all 48 variants verified",
        "unit": "minutes",
        "figures": {} if minutes is None else {"ours": minutes},
        "value": minutes,
        "of": "",
        "bound": "at most",
        "target": VERIFIED_MINUTES,
        "reached": None if minutes is None else minutes <= VERIFIED_MINUTES,
        "note": note,
        "shares": {},
        "costs": {},
    }
