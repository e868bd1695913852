"""Messages that are stored: how many a second, and in how many queries."""

import json
from collections import Counter

from benchmarks.dialects import CHAT_STORED
from benchmarks.measure import AT_MOST, Entry, Plan, Row, interleave, match, rate
from benchmarks.projects import STORED_ROOM

WRITERS = 10
NEEDED = Counter(INSERT=1, UPDATE=1)  # the message, and the seq


def ten_writers(plan: Plan) -> list[Row]:
    """Ten members of a room of ten, each with one message under way.

    A member says the next one with the first message that it hears, and all ten hear each.
    """
    ours = plan.projects.ours()
    with match({"ours": Entry(ours, CHAT_STORED)}, WRITERS, STORED_ROOM) as crowds:
        rounds = interleave(
            crowds,
            lambda crowd: crowd.fan_out(2 * plan.seconds, WRITERS, all_speak=True),
            plan.rounds,
        )
    words = json.loads(ours.run("queries.py"))
    beyond = Counter(words) - NEEDED
    return [
        rounds.row(
            "storing.ten_writers",
            "ten writers in one room, SQLite",
            "messages/s",
            lambda a_slice: rate(a_slice) / WRITERS,
            note="PostgreSQL is no option of the template yet.",
        ),
        Row(
            "storing.queries",
            "queries of a message beyond the insert and the seq's update",
            "queries",
            {"ours": float(beyond.total())},
            float(beyond.total()),
            "ours",
            AT_MOST,
            1,
            note=f"All of them: {', '.join(words)}.",
        ),
    ]
