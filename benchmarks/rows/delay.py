"""How long a text takes: to everybody in a large room, and through the database."""

from statistics import median, quantiles

from benchmarks.crowd import Slice
from benchmarks.dialects import CHAT, CHAT_IN_THREAD, CHAT_STORED, RAW, TUTORIAL
from benchmarks.measure import AT_MOST, Entry, Plan, Row, interleave, match
from benchmarks.projects import STORED_ROOM

LARGE_ROOM = 500
TEXTS = 20  # in a round, which makes 10,000 delays
SMALL_ROOM = 2
WRITTEN = 200  # in a round


def p50(a_slice: Slice) -> float:
    """Milliseconds."""
    return 1000 * median(a_slice.delays)


def p99(a_slice: Slice) -> float:
    """Milliseconds."""
    return 1000 * quantiles(a_slice.delays, n=100)[98]


def large_room(plan: Plan) -> list[Row]:
    projects = plan.projects
    entries = {
        "ours": Entry(projects.ours(), CHAT),
        "tutorial": Entry(projects.tutorial(), TUTORIAL),
        "raw": Entry(projects.raw(), RAW),
    }
    with match(entries, LARGE_ROOM) as crowds:
        rounds = interleave(crowds, lambda crowd: crowd.one_at_a_time(TEXTS), plan.rounds)
    return [
        rounds.row(
            "delay.large_room",
            f"p99 in a room of {LARGE_ROOM}, one text under way",
            "ms",
            p99,
            ("ours", "tutorial"),
            AT_MOST,
            0.1,
        )
    ]


def stored(plan: Plan) -> list[Row]:
    """``chat.send`` until ``chat.message``, with one writer and one reader."""
    ours = plan.projects.ours()
    entries = {
        "stored": Entry(ours, CHAT_STORED),
        "the same, not stored": Entry(ours, CHAT_IN_THREAD),
        "without a thread": Entry(ours, CHAT),
    }
    with match(entries, SMALL_ROOM, STORED_ROOM) as crowds:
        rounds = interleave(crowds, lambda crowd: crowd.one_at_a_time(WRITTEN), plan.rounds)
    return [
        rounds.row(
            "delay.stored",
            "p50 of a message stored in SQLite, one writer",
            "ms",
            p50,
            ("stored", "the same, not stored"),
            AT_MOST,
            3,
        )
    ]
