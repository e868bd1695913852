"""What was measured, as JSON: a row again replaces the one before."""

import json
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measure import Plan, Row

FILE = Path(__file__).with_name("results.json")


class Results:
    """The file, and what this run adds to it."""

    def __init__(self, file: Path, machine: dict[str, str], plan: Plan) -> None:
        self.file, self.machine, self.plan = file, machine, plan
        self.data = read(file)

    def keep(self, rows: list[Row], versions: dict[str, str]) -> None:
        measured = {
            "date": datetime.now(UTC).date().isoformat(),
            "rounds": self.plan.rounds,
            "seconds": self.plan.seconds,
        }
        self.data["machine"] = self.machine
        self.data.setdefault("versions", {}).update(versions)
        for row in rows:
            self.data["rows"][row.key] = {**row.as_json(), **measured}
        self.file.write_text(json.dumps(self.data, indent=2, ensure_ascii=False) + "\n")


def read(file: Path) -> dict:
    """Return the results, or empty ones."""
    if file.exists():
        return json.loads(file.read_text("utf-8"))
    return {"machine": {}, "versions": {}, "rows": {}}


def number(value: float) -> str:
    """Return a figure in as many digits as say something."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if 0 < value < 10 else f"{value:.1f}".removesuffix(".0")


def as_line(row: dict) -> str:
    """Return a row for the terminal."""
    figures = ", ".join(f"{name} {number(value)}" for name, value in row["figures"].items())
    line = f"  {row['title']}: {figures} {row['unit']}"
    if row["value"] is not None:
        line += f"; {row['of']}: {number(row['value'])}"
    if row["target"] is not None:
        verdict = "reached" if row["reached"] else "NOT REACHED"
        line += f", {row['bound']} {row['target']}: {verdict}"
    if row["costs"]:
        costs = ", ".join(f"{name} {number(cost)}" for name, cost in row["costs"].items())
        line += f" (server's µs of each: {costs})"
    return line
