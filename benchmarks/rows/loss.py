"""What of a burst never arrives: 500 texts at once to 50 sockets, at default capacities."""

from collections.abc import Callable

from benchmarks.crowd import Crowd
from benchmarks.dialects import CHAT, TUTORIAL
from benchmarks.measure import AT_MOST, Plan, Row
from benchmarks.projects import Contender
from benchmarks.servers import Server

SOCKETS, MEMBERS, TEXTS = 50, 10, 500
BURSTS = 3  # the largest loss counts: one burst that loses is enough
LAYERS = ("memory", "redis", "redis_pubsub")


def ten_members(crowd: Crowd, server: Server, contender: Contender) -> None:
    (room,) = crowd.rooms.values()
    for member in room[:MEMBERS]:
        member.send(crowd.dialect.say(TEXTS // MEMBERS))


def code_outside(crowd: Crowd, server: Server, contender: Contender) -> None:
    server.get(f"/burst/room-0/{TEXTS}/{crowd.dialect.text()}/")


def another_process(crowd: Crowd, server: Server, contender: Contender) -> None:
    contender.run("burst.py", "room-0", str(TEXTS), crowd.dialect.text())


def loss(plan: Plan) -> list[Row]:
    rows = []
    for layer in LAYERS:
        contenders = {
            "ours": (plan.projects.ours(layer=layer), CHAT),
            "tutorial": (plan.projects.tutorial(layer=layer), TUTORIAL),
        }
        ways = [ten_members, code_outside]
        if layer != "memory":  # which reaches one process
            ways.append(another_process)
        for way in ways:
            lost = {
                name: _loss_of(contender, dialect, way)
                for name, (contender, dialect) in contenders.items()
            }
            rows.append(
                Row(
                    f"loss.{layer}.{way.__name__}",
                    f"{layer}: {way.__name__.replace('_', ' ')}",
                    "% lost",
                    lost,
                    lost["ours"],
                    "ours",
                    AT_MOST,
                    0,
                )
            )
    return rows


def _loss_of(contender: Contender, dialect, way: Callable) -> float:
    with contender.start() as server, contender.crowd(server, dialect) as crowd:
        crowd.join(SOCKETS)
        bursts = [
            crowd.burst(lambda: way(crowd, server, contender), SOCKETS * TEXTS)
            for _ in range(BURSTS)
        ]
    return 100 * max(burst.lost for burst in bursts)
