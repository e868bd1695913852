"""Interleaved rounds, medians, and rows with a target."""

import operator
from collections.abc import Callable, Collection, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import NamedTuple

from benchmarks.crowd import Crowd, Dialect, Slice, tend
from benchmarks.projects import Contender, Projects

AT_LEAST, AT_MOST = "at least", "at most"
HOLDS = {AT_LEAST: operator.ge, AT_MOST: operator.le}


@dataclass(frozen=True)
class Plan:
    """How long to measure."""

    projects: Projects
    rounds: int = 5
    seconds: float = 1.5  # of one contender in one round


@dataclass
class Row:
    """One line of the results."""

    key: str
    title: str
    unit: str
    figures: dict[str, float]  # by contender
    value: float | None = None  # what the target speaks of
    of: str = ""  # what the value is
    bound: str = ""  # AT_LEAST, AT_MOST, or no target
    target: float | None = None
    note: str = ""
    shares: dict[str, list[float]] = field(default_factory=dict)  # server's and client's cores
    costs: dict[str, float] = field(default_factory=dict)  # server's µs of a delivery

    @property
    def reached(self) -> bool | None:
        if self.target is None or self.value is None:
            return None
        return HOLDS[self.bound](self.value, self.target)

    def as_json(self) -> dict:
        return {**asdict(self), "reached": self.reached}


class Entry(NamedTuple):
    """A contender in a match."""

    contender: Contender
    dialect: Dialect
    logged_in: bool = False


@contextmanager
def match(
    entries: dict[str, Entry], sockets: int, room: str = "room-0"
) -> Generator[dict[str, Crowd]]:
    """Start a server for each, with so many sockets in one room."""
    with ExitStack() as stack:
        crowds = {}
        for name, (contender, dialect, logged_in) in entries.items():
            server = stack.enter_context(contender.start())
            crowds[name] = stack.enter_context(contender.crowd(server, dialect, logged_in))
            crowds[name].join(sockets, room)
            tend(list(crowds.values()))
        yield crowds


class Rounds(dict[str, list[Slice]]):
    """What each contender did, one slice for each round."""

    def medians(self, figure: Callable[[Slice], float]) -> dict[str, float]:
        return {name: median(map(figure, slices)) for name, slices in self.items()}

    def ratio(self, one: str, other: str, figure: Callable[[Slice], float]) -> float:
        """Return the median of the ratios in each round: what disturbs a round disturbs both."""
        pairs = zip(self[one], self[other], strict=True)
        return median(figure(mine) / figure(theirs) for mine, theirs in pairs)

    def costs(self) -> dict[str, float]:
        """Return the server's processor time for a delivery, in µs."""
        return self.medians(lambda done: 1e6 * done.server_share / done.rate)

    def shares(self) -> dict[str, list[float]]:
        """Return the median share of a core that the server and the client used."""
        return {
            name: [
                median(a_slice.server_share for a_slice in slices),
                median(a_slice.client_share for a_slice in slices),
            ]
            for name, slices in self.items()
        }

    def row(
        self,
        key: str,
        title: str,
        unit: str,
        figure: Callable[[Slice], float],
        pair: tuple[str, str] | None = None,
        bound: str = "",
        target: float | None = None,
        names: Collection[str] = (),
        note: str = "",
    ) -> Row:
        """Return a row of these contenders, or all. ``pair`` is the ratio that is looked at."""

        def chosen(values: dict) -> dict:
            return {name: values[name] for name in names or self}

        return Row(
            key,
            title,
            unit,
            chosen(self.medians(figure)),
            self.ratio(*pair, figure) if pair else None,
            " / ".join(pair or ()),
            bound if target is not None else "",
            target,
            note,
            chosen(self.shares()),
            chosen(self.costs()),
        )


def interleave(crowds: dict[str, Crowd], act: Callable[[Crowd], Slice], rounds: int) -> Rounds:
    """Measure each in turn, again and again: A B A B."""
    done = Rounds({name: [] for name in crowds})
    for _ in range(rounds):
        for name, crowd in crowds.items():
            tend(list(crowds.values()))
            done[name].append(act(crowd))
    return done


def rate(a_slice: Slice) -> float:
    return a_slice.rate
