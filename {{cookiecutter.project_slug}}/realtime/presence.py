"""Presence: one entry per person, not per tab, right even after a process was killed.

Each process holds a lease for each member that it has a socket of, and renews it. It
compares the leases of a topic with what its sockets were told, so that no event of the
channel layer has to arrive.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from weakref import WeakKeyDictionary

import msgspec
from asgiref.sync import async_to_sync

from realtime.frames import Person, PresenceDiffFrame
from realtime.hub import Hub, hub, serving_hub
from realtime.leases import Leases, Renewal
from realtime.tasks import run_forever, spawn
from realtime.topic import Topic
from serving.connections import server_state

MAX_GONE_SECONDS = 15  # that a member is still shown after its process was killed
RENEW_SECONDS = 4
LEASE_SECONDS = MAX_GONE_SECONDS - RENEW_SECONDS - 1  # others check once per renewal
RELOAD_SECONDS = 3  # for a page to be loaded again; until then its user has not left
BATCH_SECONDS = 0.05  # joins within this window are announced in one frame
COUNT_SECONDS = 5  # for the event loop to answer a thread

CHANGED = "presence.changed"  # an event: compare the leases again


class Presence:
    """Members of topics, as texts. ``person.encode()`` is one. Get it with ``presence()``.

    After an outage of the layer, a missing lease is no departure until each process has had the
    time to renew its own.
    """

    def __init__(self) -> None:
        self.leases = Leases()
        self.local: dict[str, Counter[str]] = defaultdict(Counter)  # sockets in this process
        self.announced: dict[str, set[str]] = {}  # members as our sockets know them
        self._pending_topics: set[str] = set()
        self.releasing: set[asyncio.Task] = set()  # tasks that end the leases of members
        self._trust_leases_after = 0.0  # before, a missing lease does not mean that a member left
        hub().on_event(CHANGED, self._on_change)
        server_state().before_exit(self.close)
        spawn(self._keep())

    async def _keep(self) -> None:
        try:
            await run_forever(self._renew_and_announce)
        finally:
            await self.leases.close()

    async def _renew_and_announce(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            if self.local:
                # Before the renewal, which would hide that the layer has lost leases of ours.
                await self._announce_changes(list(self.announced))
                members = [(topic, m) for topic, local in self.local.items() for m in local]
                await self._renew([(topic, member, LEASE_SECONDS) for topic, member in members])

    async def track(self, topic: str, member: str) -> set[str]:
        """Count a socket of ``member``, and return all members of ``topic``."""
        is_first = self._count_socket(topic, member)
        # The lease of the first socket may be under way: so each renews it.
        members = (await self._renew([(topic, member, LEASE_SECONDS)], [topic]))[topic]
        if topic in hub().topics:
            self.announced.setdefault(topic, members)
            if is_first:
                hub().send(topic, {"type": CHANGED})
        return members

    async def count(self, topic: str, member: str) -> int:
        """Count a socket of ``member``, and return how many members ``topic`` has then.

        Of members that come at once, each is counted with those before it.
        """
        self._count_socket(topic, member)
        if not hub().layer_is_down:
            try:
                return (await self.leases.renew([(topic, member, LEASE_SECONDS)]))[0][0]
            except Exception as error:
                hub().layer_failed(error)
        return len(self.local[topic])

    def _count_socket(self, topic: str, member: str) -> bool:
        """Return whether it is the member's first socket in this process."""
        self.local[topic][member] += 1
        return self.local[topic][member] == 1

    def untrack(self, topic: str, member: str, seconds: float = RELOAD_SECONDS) -> None:
        """Forget a socket, without waiting. A member leaves ``seconds`` after its last socket."""
        self.local[topic][member] -= 1
        if self.local[topic][member]:
            return
        del self.local[topic][member]
        if not self.local[topic]:
            del self.local[topic]
            self.announced.pop(topic, None)
        task = spawn(self._release(topic, member, seconds))
        self.releasing.add(task)
        task.add_done_callback(self.releasing.discard)
        if seconds:
            hub().loop.call_later(seconds, self._announce_leave, topic, member)

    async def _release(self, topic: str, member: str, seconds: float) -> None:
        if member not in self.local.get(topic, ()):  # else it is back already
            await self._renew([(topic, member, seconds)])

    def _announce_leave(self, topic: str, member: str) -> None:
        if member not in self.local.get(topic, ()):
            hub().send(topic, {"type": CHANGED})

    async def members(self, topics: Collection[str]) -> dict[str, set[str]]:
        """Return the members of each topic; while the layer is down, the last known ones."""
        return await self._renew([], topics)

    async def _renew(
        self, renewals: Sequence[Renewal], topics: Collection[str] = ()
    ) -> dict[str, set[str]]:
        if not hub().layer_is_down:
            try:
                return (await self.leases.renew(renewals, topics))[1]
            except Exception as error:
                hub().layer_failed(error)
        self._distrust_leases()
        return {
            topic: {*self.local.get(topic, ()), *self.announced.get(topic, ())} for topic in topics
        }

    def _distrust_leases(self) -> None:
        """Do not report departures until every process has had time to renew."""
        self._trust_leases_after = hub().loop.time() + LEASE_SECONDS

    def _on_change(self, topic: Topic) -> None:
        if topic.name in self.announced and topic.name not in self._pending_topics:
            self._pending_topics.add(topic.name)
            spawn(self._announce_soon(topic.name))

    async def _announce_soon(self, topic: str) -> None:
        await asyncio.sleep(BATCH_SECONDS)
        self._pending_topics.discard(topic)
        await self._announce_changes([topic])

    async def _announce_changes(self, topics: Collection[str]) -> None:
        """Send this process's sockets a frame for each topic whose members have changed."""
        for topic, members in (await self.members(topics)).items():
            before = self.announced.get(topic, members)
            if before.intersection(self.local.get(topic, ())) - members:
                self._distrust_leases()  # leases that this process holds: the layer has lost them
            if hub().loop.time() < self._trust_leases_after:
                members = members | before
            if members != before and topic in hub().topics:
                self.announced[topic] = members
                diff = difference(before, members)
                if diff.joins or diff.leaves:
                    hub().topics[topic].write(diff.encode())

    async def close(self) -> None:
        """Wait until the leases of members that left are given up: others count them."""
        if self.releasing:
            await asyncio.wait(self.releasing)


def difference(before: set[str], after: set[str]) -> PresenceDiffFrame:
    """Return the joins and leaves. A person with a new name joins anew and does not leave."""
    old, new = _by_id(before), _by_id(after)
    joins = [person for person in new.values() if old.get(person.id) != person]
    leaves = [person for person in old.values() if person.id not in new]
    return PresenceDiffFrame(joins=_by_name(joins), leaves=_by_name(leaves))


def people(members: set[str]) -> list[Person]:
    """Return the people that these members of a topic are, by their name.

    While a person takes a new name, some sockets still have the old one: it counts once.
    """
    return _by_name(_by_id(members).values())


def _by_id(members: set[str]) -> dict[str, Person]:
    return {person.id: person for person in map(_person, sorted(members))}


def _by_name(people: Iterable[Person]) -> list[Person]:
    return sorted(people, key=lambda person: person.name)


@lru_cache(10_000)  # each join decodes all members of a topic
def _person(member: str) -> Person:
    return msgspec.json.decode(member, type=Person)


_presences: WeakKeyDictionary[Hub, Presence] = WeakKeyDictionary()


def presence() -> Presence:
    """Return the presence of the running event loop."""
    if hub() not in _presences:
        _presences[hub()] = Presence()
    return _presences[hub()]


def count_members(topics: Collection[str]) -> dict[str, int]:
    """Return how many members each topic has. To be called from a thread, as views are."""
    serving = serving_hub()
    if serving is None:
        return async_to_sync(_count_members)(topics)
    counting = asyncio.run_coroutine_threadsafe(_count_members(topics), serving.loop)
    return counting.result(COUNT_SECONDS)


async def _count_members(topics: Collection[str]) -> dict[str, int]:
    members = await presence().members(topics)
    return {topic: len(people(members[topic])) for topic in topics}
