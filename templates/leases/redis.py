"""Who is where, as leases that end by themselves. They lie in Redis, for all processes."""

import time
from collections.abc import Collection, Mapping
from uuid import uuid4

from django.conf import settings
from redis.asyncio import Redis

TIMEOUT_SECONDS = 2
FORGOTTEN_SECONDS = 3600  # for what a killed process left in topics that nobody reads


class Leases:
    """For each topic its members, each until their lease ends.

    A sorted set for each topic: this process's name and the member, by the end of the
    lease. So that no process ends what another one holds for the same member.
    """

    def __init__(self) -> None:
        self.process = uuid4().hex
        self.ahead_seconds: float | None = None  # Redis's clock, against this process's
        self.redis = Redis.from_url(
            settings.REDIS_URL,
            decode_responses=True,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
        )

    async def renew(self, members: Mapping[str, Collection[str]], seconds: float) -> None:
        """Let the leases of these members of topics end in ``seconds`` from now.

        Raises RedisError or OSError when Redis is away.
        """
        end = await self._now() + seconds
        async with self.redis.pipeline(transaction=False) as pipeline:
            for topic, names in members.items():
                pipeline.zadd(_key(topic), {f"{self.process} {name}": end for name in names})
                pipeline.expire(_key(topic), FORGOTTEN_SECONDS)
            await pipeline.execute()

    async def members(self, topics: Collection[str]) -> dict[str, set[str]]:
        """Return for each topic those whose lease has not ended. Raises as ``renew`` does."""
        now = await self._now()
        async with self.redis.pipeline(transaction=False) as pipeline:
            for topic in topics:
                pipeline.zremrangebyscore(_key(topic), "-inf", now)
                pipeline.zrange(_key(topic), 0, -1)
            answers = await pipeline.execute()
        return {
            topic: {lease.partition(" ")[2] for lease in leases}
            for topic, leases in zip(topics, answers[1::2], strict=True)
        }

    async def _now(self) -> float:
        """Return Redis's time: the clocks of several hosts differ."""
        if self.ahead_seconds is None:
            seconds, microseconds = await self.redis.time()
            self.ahead_seconds = seconds + microseconds / 1e6 - time.monotonic()
        return self.ahead_seconds + time.monotonic()


def _key(topic: str) -> str:
    return f"{{ cookiecutter.project_slug }}:presence:{topic}"
