"""Whether a delivery takes longer in a larger room, or beside more rooms."""

from contextlib import ExitStack

from benchmarks.crowd import Slice, tend
from benchmarks.dialects import CHAT
from benchmarks.measure import AT_MOST, Plan, Row, interleave

SIZES = (10, 100, 1000)  # sockets in one room
COUNTS = (1, 10, 100, 1000)  # rooms
SMALL_ROOM = 5
FLAT = 1.5


def sizes(plan: Plan) -> list[Row]:
    crowds = {size: [size] for size in SIZES}
    return [_row(plan, "growth.sockets", "sockets in one room", crowds)]


def rooms(plan: Plan) -> list[Row]:
    crowds = {count: [SMALL_ROOM] * count for count in COUNTS}
    return [_row(plan, "growth.rooms", f"rooms of {SMALL_ROOM} sockets", crowds)]


def _row(plan: Plan, key: str, what: str, sizes: dict[int, list[int]]) -> Row:
    """Start a server for each number, fill its rooms, and compare the last with the first."""
    ours = plan.projects.ours()
    with ExitStack() as stack:
        crowds = {}
        for number, rooms in sizes.items():
            server = stack.enter_context(ours.start())
            crowd = crowds[str(number)] = stack.enter_context(ours.crowd(server, CHAT))
            for place, sockets in enumerate(rooms):
                crowd.join(sockets, f"room-{place}")
                tend(list(crowds.values()))  # it takes a while
        rounds = interleave(crowds, lambda crowd: crowd.fan_out(plan.seconds), plan.rounds)
    first, *_, last = crowds
    return rounds.row(
        key, f"{first} to {last} {what}", "µs a delivery", cost, (last, first), AT_MOST, FLAT
    )


def cost(a_slice: Slice) -> float:
    """Microseconds of a delivery."""
    return 1e6 / a_slice.rate
