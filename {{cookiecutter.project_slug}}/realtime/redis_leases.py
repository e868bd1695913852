"""Leases in the Redis of the channel layer, for all processes."""

from collections.abc import Collection, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from channels.layers import get_channel_layer
from django.conf import settings

if TYPE_CHECKING:
    from realtime.leases import Answer, Renewal

TIMEOUT_SECONDS = 2
FORGOTTEN_SECONDS = 3600  # for what a killed process left in topics that nobody renews
MAX_RENEWALS = 1000  # of a script: Redis does nothing else meanwhile

# A sorted set for each topic: a process's name and the member, by the end of the lease. So
# no process ends what another one holds for the same member. Redis' own clock counts: those
# of hosts differ, and any of them may be set.
RENEW = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local renewals, counts, members = tonumber(ARGV[1]), {}, {}
for i = 1, renewals do
    local key, lease, seconds = KEYS[i], ARGV[2 * i + 1], tonumber(ARGV[2 * i + 2])
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    if seconds > 0 then
        redis.call('ZADD', key, now + seconds, lease)
        redis.call('EXPIRE', key, ARGV[2])
    else
        redis.call('ZREM', key, lease)
    end
    counts[i] = redis.call('ZCARD', key)
end
for i = renewals + 1, #KEYS do
    members[i - renewals] = redis.call('ZRANGEBYSCORE', KEYS[i], now, '+inf')
end
return {counts, members}
"""


class RedisStore:
    """Leases in Redis. Its first host holds them, where the channel layer has several."""

    def __init__(self) -> None:
        utils = import_module("channels_redis.utils")  # a project on the memory layer has none
        config = settings.CHANNEL_LAYERS["default"].get("CONFIG", {})
        host = {
            **utils.decode_hosts(config.get("hosts"))[0],
            "decode_responses": True,
            "socket_timeout": TIMEOUT_SECONDS,
            "socket_connect_timeout": TIMEOUT_SECONDS,
        }
        self.process = uuid4().hex
        self.redis: Any = import_module("redis.asyncio").Redis(
            connection_pool=utils.create_pool(host)
        )
        self.script = self.redis.register_script(RENEW)

    async def renew(self, renewals: Sequence["Renewal"], topics: Collection[str]) -> "Answer":
        """See Store. Raises RedisError or OSError when Redis is away."""
        counts: list[int] = []
        while len(renewals) > MAX_RENEWALS:
            counts += (await self._run(renewals[:MAX_RENEWALS], []))[0]
            renewals = renewals[MAX_RENEWALS:]
        last_counts, members = await self._run(renewals, topics)
        return counts + last_counts, members

    async def _run(self, renewals: Sequence["Renewal"], topics: Collection[str]) -> "Answer":
        topics = list(topics)
        keys = [_key(topic) for topic in (*(topic for topic, _, _ in renewals), *topics)]
        arguments: list[Any] = [len(renewals), FORGOTTEN_SECONDS]
        for _, member, seconds in renewals:
            arguments += [f"{self.process} {member}", seconds]
        counts, found = await self.script(keys=keys, args=arguments)
        members = [{lease.partition(" ")[2] for lease in leases} for leases in found]
        return counts, dict(zip(topics, members, strict=True))

    async def close(self) -> None:
        await self.redis.aclose()
        await self.redis.connection_pool.disconnect()


def _key(topic: str) -> str:
    layer: Any = get_channel_layer()
    return f"{layer.prefix}:presence:{topic}"
