"""What happens after a host is lost: its clients come back to the hosts that remain.

A simulation, in seconds, of the rules in docs/protocol.md of a generated chat. Nothing is
opened. Each host takes new sockets one after another. A client that has waited 10 s without a
welcome gives up, backs off and comes again, and unless the hosts are told, they do its work all
the same.

Run it alone: ``uv run python -m benchmarks.storm --clients 100000 --rate 2000``
"""

import argparse
import heapq
import json
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ANSWER_SECONDS = 10  # ANSWER_MS of the client
MIN_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 0.5, 30
HEARTBEAT_SECONDS = 25
SPREAD_SECONDS = 2  # WEBSOCKET_RESTART_SECONDS of the server
QUEUE_SECONDS = 5  # of work that may wait where there is a limit
END_SECONDS = 300  # of the simulation; who is not back by then counts as never


@dataclass(frozen=True)
class Loss:
    """How the clients learn that their connection is gone: seconds until their first attempt."""

    name: str
    first_attempt: Callable[[random.Random], float]


def backoff(chance: random.Random, attempt: int) -> float:
    """Full jitter. ``attempt`` counts from 0."""
    return chance.uniform(0, min(MAX_BACKOFF_SECONDS, MIN_BACKOFF_SECONDS * 2**attempt))


RESTART = Loss("a restart with `serve`'s goodbye", lambda chance: chance.uniform(0, SPREAD_SECONDS))
KILLED = Loss("a process is killed", lambda chance: backoff(chance, 0))
# Nothing comes from a host that is gone: a client finds out 10 s after its next ping.
VANISHED = Loss(
    "a host vanishes",
    lambda chance: chance.uniform(0, HEARTBEAT_SECONDS) + ANSWER_SECONDS + backoff(chance, 0),
)


@dataclass
class Outcome:
    """What became of it."""

    back: list[float]  # when each client was back, in seconds after the loss
    attempts: int
    peak: int  # attempts in the busiest second

    def share_back(self, share: float, clients: int) -> float | None:
        """Return when this share of all clients was back, or None where it never was."""
        place = int(share * clients) - 1
        return self.back[place] if place < len(self.back) else None


def simulate(loss: Loss, clients: int, rate: float, queue_limit: float, seed: int = 1) -> Outcome:
    """Let ``clients`` come to hosts that take ``rate`` new sockets a second.

    Above ``queue_limit`` waiting clients the hosts, or the load balancer in front of them,
    refuse at once.
    """
    chance = random.Random(seed)
    attempts_of = [0] * clients
    came_at = [0.0] * clients  # the newest attempt of each
    is_back = bytearray(clients)
    arrivals = [(loss.first_attempt(chance), client) for client in range(clients)]
    heapq.heapify(arrivals)
    queue: deque[tuple[float, int]] = deque()
    in_second: dict[int, int] = {}
    back: list[float] = []
    free_at = 0.0

    def come_again(now: float, client: int) -> None:
        attempts_of[client] += 1
        # The first one of a client whose socket was closed with 4200 is attempt 1 as well.
        heapq.heappush(arrivals, (now + backoff(chance, attempts_of[client]), client))

    while (arrivals or queue) and len(back) < clients:
        starts_at = max(free_at, queue[0][0]) if queue else float("inf")
        if arrivals and arrivals[0][0] <= starts_at:
            now, client = heapq.heappop(arrivals)
            if now > END_SECONDS:
                break
            if is_back[client] or came_at[client] > now:
                continue
            in_second[int(now)] = in_second.get(int(now), 0) + 1
            came_at[client] = now
            if len(queue) >= queue_limit:
                come_again(now, client)
            else:
                queue.append((now, client))
        else:
            came, client = queue.popleft()
            free_at = starts_at + 1 / rate
            if free_at - came <= ANSWER_SECONDS:
                is_back[client] = 1
                back.append(free_at)
            else:  # it has gone, and its place was work for nothing
                come_again(came + ANSWER_SECONDS, client)
    return Outcome(back, sum(in_second.values()), max(in_second.values()))


LOSSES = (RESTART, KILLED, VANISHED)
RATES = (1000, 2000, 5000, 10_000)


def outcomes(clients: int, rates: tuple[int, ...]) -> list[dict]:
    """Simulate each loss at each rate, with a queue that has no end and with one that has."""
    found = []
    for loss in LOSSES:
        for rate in rates:
            for limit in (float("inf"), rate * QUEUE_SECONDS):
                outcome = simulate(loss, clients, rate, limit)
                found.append(
                    {
                        "loss": loss.name,
                        "clients": clients,
                        "rate": rate,
                        "is_limited": limit < clients,
                        "half": outcome.share_back(0.5, clients),
                        "nearly_all": outcome.share_back(0.99, clients),
                        "attempts": outcome.attempts / clients,
                        "peak": outcome.peak,
                    }
                )
    return found


def as_markdown(found: list[dict]) -> str:
    """Return one line for each loss and rate."""
    lines = [
        "| what happens | new sockets a second | 50 % back | 99 % back | attempts a client "
        "| 50 % back, with a limit | 99 % back | attempts a client |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for without, limited in zip(found[::2], found[1::2], strict=True):
        cells = [without["loss"], f"{without['rate']:,}"]
        for outcome in (without, limited):
            cells += [_seconds(outcome["half"]), _seconds(outcome["nearly_all"])]
            cells.append(f"{outcome['attempts']:.1f}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _seconds(at: float | None) -> str:
    return "never" if at is None else f"{at:.0f} s"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.storm", description=__doc__)
    parser.add_argument("--clients", type=int, default=100_000)
    parser.add_argument("--rate", type=int, nargs="*", default=RATES, help="new sockets a second")
    parser.add_argument("--write", type=Path, help="keep the outcomes in this file, as JSON")
    words = parser.parse_args()
    found = outcomes(words.clients, tuple(words.rate))
    if words.write:
        words.write.write_text(json.dumps(found, indent=2) + "\n")
    print(as_markdown(found))


if __name__ == "__main__":
    main()
