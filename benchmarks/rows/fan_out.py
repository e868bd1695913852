"""One text to everybody in a room: deliveries a second."""

from benchmarks.dialects import CHAT, CHAT_IN_THREAD, CHAT_STORED, RAW, TUTORIAL, TUTORIAL_SYNC
from benchmarks.measure import AT_LEAST, Entry, Plan, Row, interleave, match, rate
from benchmarks.projects import STORED_ROOM

UNIT = "deliveries/s"
SERVER_TARGETS = {"daphne": 5, "hypercorn": 8, "granian": 9}
LAYER_TARGETS = {"redis": 6, "redis_pubsub": 10}
STORED_SECONDS = 3


def memory_100(plan: Plan) -> list[Row]:
    """The memory layer, against everything."""
    projects = plan.projects
    ours, tutorial = projects.ours(), projects.tutorial()
    entries = {
        "ours": Entry(ours, CHAT),
        "ours, logged in": Entry(ours, CHAT, logged_in=True),
        "ours, sync": Entry(projects.ours(style="sync"), CHAT_IN_THREAD),
        "tutorial": Entry(tutorial, TUTORIAL),
        "tutorial, logged in": Entry(tutorial, TUTORIAL, logged_in=True),
        "tutorial, sync": Entry(tutorial, TUTORIAL_SYNC),
        "raw": Entry(projects.raw(), RAW),
    }
    with match(entries, 100) as crowds:
        rounds = interleave(crowds, lambda crowd: crowd.fan_out(plan.seconds), plan.rounds)

    def row(key: str, title: str, one: str, other: str, target: float | None = None) -> Row:
        key, title = f"fan_out.memory.100.{key}", f"memory, 100 sockets: {title}"
        pair = one, other
        return rounds.row(key, title, UNIT, rate, pair, AT_LEAST, target, names=pair)

    return [
        row("raw", "to the server's own limit", "ours", "raw", 0.75),
        row("tutorial", "to the tutorial", "ours", "tutorial"),
        row("logged_in", "logged in", "ours, logged in", "tutorial, logged in"),
        row("style", "sync style to async style", "ours, sync", "ours", 0.9),
        row("sync", "sync style to the sync tutorial", "ours, sync", "tutorial, sync"),
    ]


def memory_500(plan: Plan) -> list[Row]:
    return [_pair(plan, "memory, 500 sockets", 500, target=28)]


def redis(plan: Plan) -> list[Row]:
    return [
        _pair(plan, f"{layer}, 100 sockets", 100, layer=layer, target=target)
        for layer, target in LAYER_TARGETS.items()
    ]


def servers(plan: Plan) -> list[Row]:
    return [
        _pair(plan, f"{server}, memory, 100 sockets", 100, server=server, target=target)
        for server, target in SERVER_TARGETS.items()
    ]


def _pair(
    plan: Plan,
    title: str,
    sockets: int,
    server: str = "uvicorn",
    layer: str = "memory",
    target: float | None = None,
) -> Row:
    """Compare with the tutorial on the same server and layer, and show the raw program."""
    projects = plan.projects
    entries = {
        "ours": Entry(projects.ours(server, layer), CHAT),
        "tutorial": Entry(projects.tutorial(server, layer), TUTORIAL),
    }
    if layer == "memory":  # the raw program has no layer
        entries["raw"] = Entry(projects.raw(server), RAW)
    with match(entries, sockets) as crowds:
        rounds = interleave(crowds, lambda crowd: crowd.fan_out(plan.seconds), plan.rounds)
    key = f"fan_out.{server}.{layer}.{sockets}"
    return rounds.row(key, title, UNIT, rate, ("ours", "tutorial"), AT_LEAST, target)


def stored(plan: Plan) -> list[Row]:
    """The same frames once more as messages of the chat, which go through SQLite first."""
    ours = plan.projects.ours()
    entries = {"stored": Entry(ours, CHAT_STORED), "not stored": Entry(ours, CHAT)}
    with match(entries, 100, STORED_ROOM) as crowds:
        rounds = interleave(crowds, lambda crowd: crowd.fan_out(STORED_SECONDS), plan.rounds)
    return [
        rounds.row(
            "fan_out.stored",
            "memory, 100 sockets: messages that are stored first",
            UNIT,
            rate,
            ("stored", "not stored"),
            note="One speaker, SQLite.",
        )
    ]
