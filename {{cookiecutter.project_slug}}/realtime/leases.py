"""Members of topics, as leases that expire.

They lie where the channel layer that is configured keeps its own: in this process's
memory, or in Redis for all processes.
"""

import asyncio
import time
from collections.abc import Collection, Sequence
from typing import Protocol

from channels.layers import get_channel_layer

from realtime.tasks import spawn

CLEAN_SECONDS = 5  # between two looks at all that has ended

Renewal = tuple[str, str, float]  # a topic, a member, and the seconds from now that it stays
Answer = tuple[list[int], dict[str, set[str]]]


class Store(Protocol):
    async def renew(self, renewals: Sequence[Renewal], topics: Collection[str]) -> Answer:
        """Renew leases in their order, then look at topics.

        Return how many leases the topic of each renewal had after it, and the members of
        each of ``topics``. No seconds end a lease.
        """

    async def close(self) -> None:
        """Let go of connections."""


class Leases:
    """For each topic its members, each until their lease ends.

    There is one call of the store at a time. Callers in the meantime share the next one, so
    that hundreds who come at once cost a few round trips, and one connection.
    """

    def __init__(self) -> None:
        self.store = _store_of_the_layer()
        self.renewals: list[Renewal] = []
        self.topics: set[str] = set()
        self.answer: asyncio.Future[Answer] | None = None  # of the next call
        self.is_calling = False

    async def renew(self, renewals: Sequence[Renewal], topics: Collection[str] = ()) -> Answer:
        """Do as ``Store.renew``, which raises RedisError or OSError when Redis is away."""
        if self.answer is None:
            self.answer = asyncio.get_running_loop().create_future()
        answer, first = self.answer, len(self.renewals)
        self.renewals += renewals
        self.topics.update(topics)
        if not self.is_calling:
            self.is_calling = True
            spawn(self._call())
        counts, members = await asyncio.shield(answer)
        return counts[first : first + len(renewals)], {topic: members[topic] for topic in topics}

    async def _call(self) -> None:
        try:
            while self.answer is not None:
                answer, self.answer = self.answer, None
                renewals, self.renewals = self.renewals, []
                topics, self.topics = self.topics, set()
                try:
                    answer.set_result(await self.store.renew(renewals, topics))
                except Exception as error:
                    answer.set_exception(error)
                    answer.exception()  # retrieved, since all callers may have been cancelled
                finally:
                    answer.cancel()  # callers of a call that was cancelled do not wait
        finally:
            self.is_calling = False

    async def close(self) -> None:
        await self.store.close()


class MemoryStore:
    """Leases in this process's memory."""

    def __init__(self) -> None:
        self.ends: dict[str, dict[str, float]] = {}
        self.next_cleaning = 0.0

    async def renew(self, renewals: Sequence[Renewal], topics: Collection[str]) -> Answer:
        now = time.monotonic()
        if now > self.next_cleaning:
            self.next_cleaning = now + CLEAN_SECONDS
            self._end(list(self.ends), now)
        else:
            self._end({*topics, *(topic for topic, _, _ in renewals)}, now)
        counts = []
        for topic, member, seconds in renewals:
            ends = self.ends.setdefault(topic, {})
            ends[member] = now + seconds
            if seconds <= 0:
                del ends[member]
            counts.append(len(ends))
        return counts, {topic: set(self.ends.get(topic, ())) for topic in topics}

    def _end(self, topics: Collection[str], now: float) -> None:
        """Take away the leases of these topics that have ended."""
        for topic in topics:
            ends = {m: end for m, end in self.ends.pop(topic, {}).items() if end > now}
            if ends:
                self.ends[topic] = ends

    async def close(self) -> None:
        pass


def _store_of_the_layer() -> Store:
    layer = type(get_channel_layer())
    if any(base.__module__.startswith("channels_redis.") for base in layer.__mro__):
        from realtime.redis_leases import RedisStore  # where redis is installed

        return RedisStore()
    return MemoryStore()
