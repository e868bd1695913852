"""What a socket costs: its memory, and to open it."""

from contextlib import ExitStack
from statistics import median

from benchmarks.dialects import CHAT, ECHO, TUTORIAL
from benchmarks.machine import resident_bytes
from benchmarks.measure import AT_LEAST, AT_MOST, Plan, Row
from benchmarks.projects import Contender

IDLE = 300  # sockets whose memory is measured
WARM = 50  # sockets before, so that what a server keeps once does not count
PRESENT = 1000  # sockets of a server that does nothing else
IDLE_SECONDS, IDLE_ROUNDS = 8, 2  # two renewals of all leases are in each
OPENED = 200  # sockets in a round


def memory(plan: Plan) -> list[Row]:
    """Each contender's server is started anew for each round."""
    projects = plan.projects
    contenders = {"ours": (projects.ours(), CHAT), "tutorial": (projects.tutorial(), TUTORIAL)}
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(plan.rounds):
        for name, (contender, dialect) in contenders.items():
            found[name].append(_kib_of_a_socket(contender, dialect))
    figures = {name: median(values) for name, values in found.items()}
    return [
        Row(
            "sockets.memory",
            f"memory of an idle socket that is logged in, of {IDLE} in one room",
            "KiB",
            figures,
            median(a / b for a, b in zip(found["ours"], found["tutorial"], strict=True)),
            "ours / tutorial",
            AT_MOST,
            1.0,
        )
    ]


def _kib_of_a_socket(contender: Contender, dialect) -> float:
    with contender.start() as server, contender.crowd(server, dialect, logged_in=True) as crowd:
        crowd.join(WARM)
        crowd.calm_down()
        before = resident_bytes(server.pids())
        crowd.join(IDLE)
        crowd.calm_down()
        return (resident_bytes(server.pids()) - before) / IDLE / 1024


def idle(plan: Plan) -> list[Row]:
    """What a server does while nobody says anything: leases, timers, the hub's beat."""
    shares: dict[str, list[float]] = {}
    for layer in ("memory", "redis_pubsub"):
        ours = plan.projects.ours(layer=layer)
        with ours.start() as server, ours.crowd(server, CHAT) as crowd:
            crowd.join(PRESENT)
            crowd.calm_down()
            shares[layer] = [100 * crowd.rest(IDLE_SECONDS) for _ in range(IDLE_ROUNDS)]
    return [
        Row(
            "sockets.idle",
            f"processor time of {PRESENT:,} idle sockets in one room",
            "% of a core",
            {layer: median(values) for layer, values in shares.items()},
        )
    ]


def connects(plan: Plan) -> list[Row]:
    """Sockets a second until they can be used: with their welcome, where there is one."""
    projects = plan.projects
    ours, tutorial = projects.ours(), projects.tutorial()
    contenders = {
        "ours": (ours, CHAT, True),
        "ours, echo": (ours, ECHO, True),
        "tutorial": (tutorial, TUTORIAL, True),
        "ours, anonymous": (ours, CHAT, False),
        "tutorial, anonymous": (tutorial, TUTORIAL, False),
    }
    found: dict[str, list[float]] = {name: [] for name in contenders}
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(contender.start())
            for name, (contender, _, _) in contenders.items()
        }
        for _ in range(plan.rounds):
            for name, (contender, dialect, logged_in) in contenders.items():
                with contender.crowd(servers[name], dialect, logged_in) as crowd:
                    crowd.calm_down()
                    found[name].append(OPENED / crowd.join(OPENED))

    def row(one: str, other: str, title: str, target: float | None = None) -> Row:
        names = {name: median(found[name]) for name in (one, other)}
        return Row(
            f"sockets.connects.{one}",
            title,
            "connects/s",
            names,
            median(a / b for a, b in zip(found[one], found[other], strict=True)),
            f"{one} / {other}",
            AT_LEAST if target else "",
            target,
        )

    return [
        row("ours", "tutorial", "logged in, until the welcome and the history", 1.9),
        row("ours, echo", "tutorial", "logged in, until the handshake is done", 1.9),
        row("ours, anonymous", "tutorial, anonymous", "anonymous, until the welcome"),
    ]
