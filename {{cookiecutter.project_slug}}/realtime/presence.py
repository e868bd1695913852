"""Who is here: one entry per person, not per tab, right even after a process was killed.

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

from realtime.frames import Person, PresenceDiff
from realtime.hub import Hub, hub, publish, serving_hub
from realtime.leases import Leases, Renewal
from realtime.tasks import forever, in_background
from realtime.topic import Topic
from serving.drain import Drain

GONE_SECONDS = 15  # after which nobody is shown whose process was killed
RENEW_SECONDS = 4
LEASE_SECONDS = GONE_SECONDS - RENEW_SECONDS - 1  # others look as often as they renew
RELOAD_SECONDS = 3  # to load a page again without leaving
TOGETHER_SECONDS = 0.05  # those who come in this time are told of together
COUNT_SECONDS = 5  # for a thread to get an answer

CHANGED = "presence.changed"  # an event that says: look again


class Presence:
    """Members of topics, as texts. ``person.encode()`` is one. Get it with ``presence()``."""

    def __init__(self) -> None:
        self.leases = Leases()
        self.here: dict[str, Counter[str]] = defaultdict(Counter)  # sockets of this process
        self.shown: dict[str, set[str]] = {}  # members that the sockets were told of
        self.changing: set[str] = set()
        self.renewing: set[asyncio.Task] = set()  # for members that have left
        self.sure_at = 0.0  # from when on a member without a lease has left
        in_background(self._keep())

    async def _keep(self) -> None:
        try:
            await forever(self._renew_and_show)
        finally:
            await self.leases.close()

    async def _renew_and_show(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            if self.here:
                await self._show(list(self.shown))  # first: a lease of ours may be lost
                await self._renew(
                    [(topic, m, LEASE_SECONDS) for topic, here in self.here.items() for m in here]
                )

    async def enter(self, topic: str, member: str) -> set[str]:
        """Count a socket of ``member``; return all members, for it to be shown them."""
        is_first = self._add(topic, member)
        # The lease of the first socket may be under way: so each renews it.
        members = (await self._renew([(topic, member, LEASE_SECONDS)], [topic]))[topic]
        if topic in hub().topics:
            self.shown.setdefault(topic, members)
            if is_first:
                publish(topic, {"type": CHANGED})
        return members

    async def count(self, topic: str, member: str) -> int:
        """Count a socket of ``member``; return how many members that makes.

        Of those who come at once, each is counted with those before it.
        """
        self._add(topic, member)
        if not hub().is_away:
            try:
                return (await self.leases.renew([(topic, member, LEASE_SECONDS)]))[0][0]
            except Exception as error:
                hub().layer_failed(error)
        return len(self.here[topic])

    def _add(self, topic: str, member: str) -> bool:
        """Return whether it is the member's first socket in this process."""
        self.here[topic][member] += 1
        return self.here[topic][member] == 1

    def leave(self, topic: str, member: str, seconds: float = RELOAD_SECONDS) -> None:
        """Take a socket away, without waiting. A member leaves ``seconds`` after the last one."""
        self.here[topic][member] -= 1
        if self.here[topic][member]:
            return
        del self.here[topic][member]
        if not self.here[topic]:
            del self.here[topic]
            self.shown.pop(topic, None)
        task = in_background(self._let_go(topic, member, seconds))
        self.renewing.add(task)
        task.add_done_callback(self.renewing.discard)
        if seconds:
            hub().loop.call_later(seconds, self._tell_of_leave, topic, member)

    async def _let_go(self, topic: str, member: str, seconds: float) -> None:
        if member not in self.here.get(topic, ()):  # else it is back already
            await self._renew([(topic, member, seconds)])

    def _tell_of_leave(self, topic: str, member: str) -> None:
        if member not in self.here.get(topic, ()):
            publish(topic, {"type": CHANGED})

    async def members(self, topics: Collection[str]) -> dict[str, set[str]]:
        """Return the members of each topic; those known so far while the layer is away."""
        return await self._renew([], topics)

    async def _renew(
        self, renewals: Sequence[Renewal], topics: Collection[str] = ()
    ) -> dict[str, set[str]]:
        if not hub().is_away:
            try:
                return (await self.leases.renew(renewals, topics))[1]
            except Exception as error:
                hub().layer_failed(error)
        self._doubt()
        return {topic: {*self.here.get(topic, ()), *self.shown.get(topic, ())} for topic in topics}

    def _doubt(self) -> None:
        """Let nobody leave until all processes have renewed their leases."""
        self.sure_at = hub().loop.time() + LEASE_SECONDS

    def changed(self, topic: str) -> None:
        """Look at ``topic`` soon."""
        if topic in self.shown and topic not in self.changing:
            self.changing.add(topic)
            in_background(self._show_soon(topic))

    async def _show_soon(self, topic: str) -> None:
        await asyncio.sleep(TOGETHER_SECONDS)
        self.changing.discard(topic)
        await self._show([topic])

    async def _show(self, topics: Collection[str]) -> None:
        """Tell this process's sockets who came and who went."""
        for topic, members in (await self.members(topics)).items():
            before = self.shown.get(topic, members)
            if before.intersection(self.here.get(topic, ())) - members:
                self._doubt()  # leases that this process holds: the layer has lost them
            if hub().loop.time() < self.sure_at:
                members = members | before
            if members != before and topic in hub().topics:
                self.shown[topic] = members
                diff = difference(before, members)
                if diff.joins or diff.leaves:
                    hub().topics[topic].write(diff.encode())


def difference(before: set[str], after: set[str]) -> PresenceDiff:
    """Return who came and who went. A person with a new name joins anew and does not leave."""
    old, new = _by_id(before), _by_id(after)
    joins = [person for person in new.values() if old.get(person.id) != person]
    leaves = [person for person in old.values() if person.id not in new]
    return PresenceDiff(joins=_by_name(joins), leaves=_by_name(leaves))


def people(members: set[str]) -> list[Person]:
    """Return the people that these members of a topic are, by their name.

    While a person takes a new name, some sockets still have the old one: it counts once.
    """
    return _by_name(_by_id(members).values())


def _by_id(members: set[str]) -> dict[str, Person]:
    return {person.id: person for person in map(_person, sorted(members))}


def _by_name(people: Iterable[Person]) -> list[Person]:
    return sorted(people, key=lambda person: person.name)


@lru_cache(10_000)  # each who enters is told of all
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


def _look_again(topic: Topic) -> None:
    presence().changed(topic.name)


async def _finish() -> None:
    """Wait until the leases of those who have left are given up: others count them."""
    if renewing := presence().renewing:
        await asyncio.wait(renewing)


Hub.handlers[CHANGED] = _look_again
Drain.last_steps.append(_finish)
