"""What the load generator and Redis can do by themselves."""

import socket
import sys
import time
from functools import partial
from statistics import median

from benchmarks.blaster import TEXTS
from benchmarks.crowd import Crowd, Dialect
from benchmarks.machine import cpu_seconds
from benchmarks.measure import Plan, Row
from benchmarks.projects import ROOT
from benchmarks.servers import Server

SOCKETS = 100
PLAIN = Dialect("/", b"TEXT", b"TEXT")

PUBLISHED = 50_000  # events
BATCH = 50  # events on their way to Redis at once
PAYLOAD = b"x" * 250  # about an event of the hub with a text of 100 characters


def load_generator(plan: Plan) -> list[Row]:
    """Let a program that does nothing but write prepared frames fill the same sockets."""
    command = [sys.executable, "-m", "benchmarks.blaster", "PORT", PLAIN.text()]
    done = []
    for _ in range(plan.rounds):
        with (
            Server(command, ROOT, {}) as blaster,
            Crowd(blaster.port, blaster.pids, PLAIN) as crowd,
        ):
            crowd.join(SOCKETS)
            (room,) = crowd.rooms.values()
            done.append(crowd.burst(partial(room[0].send, PLAIN.say(1)), TEXTS * SOCKETS))
    name = "load generator"
    return [
        Row(
            "ceilings.load_generator",
            f"the load generator, {SOCKETS} sockets that a program fills with prepared frames",
            "deliveries/s",
            {name: median(a_slice.rate for a_slice in done)},
            shares={
                name: [
                    median(a_slice.server_share for a_slice in done),
                    median(a_slice.client_share for a_slice in done),
                ]
            },
        )
    ]


def redis(plan: Plan) -> list[Row]:
    """``PUBLISH`` with one process that listens, as fast as this client can."""
    plan.projects.ours(layer="redis_pubsub")  # it brings the Valkey
    (valkey,) = plan.projects.valkeys
    rates, shares = [], []
    for _ in range(plan.rounds):
        before, begin = cpu_seconds(valkey.pids()), time.perf_counter()
        _publish(str(valkey.socket))
        seconds = time.perf_counter() - begin
        rates.append(PUBLISHED / seconds)
        shares.append((cpu_seconds(valkey.pids()) - before) / seconds)
    name = "Valkey"
    return [
        Row(
            "ceilings.redis",
            f"one Valkey: events of {len(PAYLOAD)} bytes to one subscriber",
            "events/s",
            {name: median(rates)},
            note=f"{BATCH} at a time.",
            shares={name: [median(shares), 0.0]},
        )
    ]


def _publish(path: str) -> None:
    """Send the events, and take them back."""
    with socket.socket(socket.AF_UNIX) as publisher, socket.socket(socket.AF_UNIX) as subscriber:
        subscriber.connect(path)
        publisher.connect(path)
        subscriber.sendall(_command(b"SUBSCRIBE", b"events"))
        subscriber.recv(4096)
        batch = _command(b"PUBLISH", b"events", PAYLOAD) * BATCH
        event_bytes = len(_command(b"message", b"events", PAYLOAD))
        answer_bytes = len(b":1\r\n")
        for _ in range(PUBLISHED // BATCH):
            publisher.sendall(batch)
            _take(publisher, answer_bytes * BATCH)
            _take(subscriber, event_bytes * BATCH)


def _command(*words: bytes) -> bytes:
    parts = b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
    return b"*%d\r\n%s" % (len(words), parts)


def _take(connection: socket.socket, size: int) -> None:
    while size > 0:
        size -= len(connection.recv(size))
