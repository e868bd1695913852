"""Two processes instead of one, with Redis between them, and the client on the same cores."""

from contextlib import ExitStack

from benchmarks.crowd import Crowd
from benchmarks.dialects import CHAT
from benchmarks.measure import Plan, Row, interleave, rate

LAYER = "redis_pubsub"
SOCKETS = 100


def two(plan: Plan) -> list[Row]:
    """The same room and number of sockets; with two processes, each has half of them."""
    ours = plan.projects.ours(layer=LAYER)
    with ExitStack() as stack:
        one, first, second = (stack.enter_context(ours.start()) for _ in range(3))
        single = stack.enter_context(ours.crowd(one, CHAT))
        single.join(SOCKETS, "room-1")
        both = stack.enter_context(Crowd(first.port, lambda: first.pids() + second.pids(), CHAT))
        both.join(SOCKETS // 2, "room-2")
        both.join(SOCKETS // 2, "room-2", second.port)
        crowds = {"one process": single, "two processes": both}
        rounds = interleave(crowds, lambda crowd: crowd.fan_out(plan.seconds), plan.rounds)
    return [
        rounds.row(
            "processes.two",
            f"{LAYER}, {SOCKETS} sockets in one room",
            "deliveries/s",
            rate,
            ("two processes", "one process"),
        )
    ]


def events(plan: Plan) -> list[Row]:
    """How many events a second one process takes from its layer: rooms with one socket."""
    contenders = {layer: plan.projects.ours(layer=layer) for layer in ("memory", "redis", LAYER)}
    with ExitStack() as stack:
        crowds = {}
        for layer, ours in contenders.items():
            server = stack.enter_context(ours.start())
            crowds[layer] = stack.enter_context(ours.crowd(server, CHAT))
            for number in range(20):
                crowds[layer].join(1, f"room-{number}")
        rounds = interleave(crowds, lambda crowd: crowd.fan_out(plan.seconds), plan.rounds)
    return [
        rounds.row(
            "processes.events",
            "events through the layer into one process, 20 rooms of one socket",
            "events/s",
            rate,
            note="Each is sent, received and delivered by the same process.",
        )
    ]
