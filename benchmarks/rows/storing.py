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
    contenders = {
        "SQLite": plan.projects.ours(),
        "PostgreSQL": plan.projects.ours(database="postgresql"),
    }
    entries = {name: Entry(contender, CHAT_STORED) for name, contender in contenders.items()}
    with match(entries, WRITERS, STORED_ROOM) as crowds:
        rounds = interleave(
            crowds,
            lambda crowd: crowd.fan_out(2 * plan.seconds, WRITERS, all_speak=True),
            plan.rounds,
        )
    found = [json.loads(contender.run("queries.py")) for contender in contenders.values()]
    beyond = max((Counter(one["statements"]) - NEEDED).total() for one in found)
    return [
        rounds.row(
            "storing.ten_writers",
            "ten writers in one room",
            "messages/s",
            lambda a_slice: rate(a_slice) / WRITERS,
            note=f"{', '.join(one['database'] for one in found)}; each with its usual durability: "
            "synchronous=NORMAL in SQLite's settings, fsync at each commit in PostgreSQL's.",
        ),
        Row(
            "storing.queries",
            "queries of a message beyond the insert and the seq's update",
            "queries",
            {"ours": float(beyond)},
            float(beyond),
            "ours",
            AT_MOST,
            1,
            note=f"All of them: {', '.join(found[0]['statements'])}.",
        ),
    ]
