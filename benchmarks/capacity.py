"""What docs/scaling.md plans with, worked out from the measured rows."""

from typing import NamedTuple

from benchmarks.results import number

KIB_IN_GIB = 1024 * 1024


class Resource(NamedTuple):
    """Something that runs out. ``share`` is what to plan with: the rest is for peaks."""

    title: str
    row: str
    contender: str
    unit: str
    share: float


MEMORY = Resource("memory of an idle socket", "sockets.memory", "ours", "KiB", 1)
RESOURCES = (
    MEMORY,
    Resource("deliveries, `memory`", "fan_out.memory.100.raw", "ours", "a second", 0.5),
    Resource(
        "deliveries, `redis_pubsub`", "fan_out.uvicorn.redis_pubsub.100", "ours", "a second", 0.5
    ),
    Resource("deliveries, `redis`", "fan_out.uvicorn.redis.100", "ours", "a second", 0.5),
    Resource("events, `redis_pubsub`", "processes.events", "redis_pubsub", "a second", 0.5),
    Resource("events, `redis`", "processes.events", "redis", "a second", 0.5),
    Resource("stored messages, SQLite", "storing.ten_writers", "SQLite", "a second", 0.5),
    Resource("new sockets, logged in", "sockets.connects.ours", "ours", "a second", 0.5),
    # It was asked in batches; many processes ask one by one.
    Resource("events of one Valkey, of 250 bytes", "ceilings.redis", "Valkey", "a second", 0.2),
)


def table(rows: dict[str, dict]) -> str:
    """Return the figures of one process as Markdown. What was not measured is left out."""
    lines = ["| | measured | to plan with |", "|---|---|---|"]
    for resource in RESOURCES:
        if resource.row in rows:
            figure = rows[resource.row]["figures"][resource.contender]
            shown = [number(amount) for amount in (figure, resource.share * figure)]
            lines.append(
                f"| {resource.title} | {' | '.join(f'{s} {resource.unit}' for s in shown)} |"
            )
    if MEMORY.row in rows:
        sockets = KIB_IN_GIB / rows[MEMORY.row]["figures"][MEMORY.contender]
        lines.append(f"| idle sockets in 1 GiB | {number(sockets)} | {number(sockets / 2)} |")
    return "\n".join(lines)
