"""Whether a delivery takes longer in a larger room, or beside more rooms."""

from contextlib import ExitStack

from benchmarks.crowd import Slice, tend
from benchmarks.dialects import CHAT, RAW
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


def _row(plan: Plan, key: str, what: str, crowds: dict[int, list[int]]) -> Row:
    """Compare the last of these crowds with the first, and show both in the raw program.

    ``crowds`` has the sockets of each room, by the number that grows.
    """
    ours, raw = plan.projects.ours(), plan.projects.raw()
    first, *_, last = crowds
    entries = {str(number): (ours, CHAT, rooms) for number, rooms in crowds.items()}
    entries |= {f"raw, {number}": (raw, RAW, crowds[number]) for number in (first, last)}
    with ExitStack() as stack:
        filled = {}
        for name, (contender, dialect, rooms) in entries.items():
            server = stack.enter_context(contender.start())
            crowd = filled[name] = stack.enter_context(contender.crowd(server, dialect))
            for place, sockets in enumerate(rooms):
                crowd.join(sockets, f"room-{place}")
                tend(list(filled.values()))  # it takes a while
        rounds = interleave(filled, lambda crowd: crowd.fan_out(plan.seconds), plan.rounds)
    title, pair = f"{first} to {last} {what}", (str(last), str(first))
    return rounds.row(key, title, "µs a delivery", cost, pair, AT_MOST, FLAT)


def cost(a_slice: Slice) -> float:
    """Microseconds of a delivery."""
    return 1e6 / a_slice.rate
