"""A text back to its sender: answers a second, and nothing between sockets."""

from benchmarks.dialects import ECHO, RAW_ECHO, TUTORIAL_ECHO, TUTORIAL_SYNC_ECHO
from benchmarks.measure import AT_LEAST, Entry, Plan, Row, interleave, match, rate

SOCKETS = 50
UNIT = "answers/s"


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
    return [
        rounds.row(
            "echo.async",
            f"{SOCKETS} sockets, async style",
            UNIT,
            rate,
            ("ours", "tutorial"),
            AT_LEAST,
            2.2,
            names=["ours", "tutorial", "raw"],
        ),
        rounds.row(
            "echo.sync",
            f"{SOCKETS} sockets, sync style",
            UNIT,
            rate,
            ("ours, sync", "tutorial, sync"),
            names=["ours, sync", "tutorial, sync"],
        ),
    ]
