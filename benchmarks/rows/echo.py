"""A text back to its sender: answers a second, and nothing between sockets."""

from benchmarks.dialects import ECHO, RAW_ECHO, TUTORIAL_ECHO, TUTORIAL_SYNC_ECHO
from benchmarks.measure import AT_LEAST, Entry, Plan, Row, interleave, match, rate

SOCKETS = 50


def echo(plan: Plan) -> list[Row]:
    """Each socket says the next text when it has its answer."""
    projects = plan.projects
    entries = {
        "ours": Entry(projects.ours(), ECHO),
        "ours, sync": Entry(projects.ours(style="sync"), ECHO),
        "tutorial": Entry(projects.tutorial(), TUTORIAL_ECHO),
        "tutorial, sync": Entry(projects.tutorial(), TUTORIAL_SYNC_ECHO),
        "raw": Entry(projects.raw(), RAW_ECHO),
    }
    with match(entries, SOCKETS) as crowds:
        rounds = interleave(crowds, lambda crowd: crowd.echo(plan.seconds), plan.rounds)
    figures, shares, costs = rounds.medians(rate), rounds.shares(), rounds.costs()

    def row(key: str, names: list[str], target: float | None) -> Row:
        one, other, *_ = names
        return Row(
            f"echo.{key}",
            f"{SOCKETS} sockets, {key} style",
            "answers/s",
            {name: figures[name] for name in names},
            rounds.ratio(one, other, rate),
            f"{one} / {other}",
            AT_LEAST if target else "",
            target,
            shares={name: shares[name] for name in names},
            costs={name: costs[name] for name in names},
        )

    return [
        row("async", ["ours", "tutorial", "raw"], 2.2),
        row("sync", ["ours, sync", "tutorial, sync"], None),
    ]
