"""The Redis channel layer, with a pool in which calls wait for their turn."""

from contextlib import suppress

from channels_redis import core
from redis.asyncio import BlockingConnectionPool
from redis.exceptions import RedisError

from serving.cancellation import keep_cancellations
from serving.embedded_redis import warn_if_missing

keep_cancellations()


class RedisChannelLayer(core.RedisChannelLayer):
    """Use no more connections than ``max_connections`` of a host, however many sockets call.

    Channels' own pool refuses the call for which none is free: a socket that opens is
    refused, and one that ends stays in its groups. Hosts without an ``address``, such as
    those of Sentinel, keep that pool.
    """

    def create_pool(self, index: int):
        warn_if_missing()
        host = dict(self.hosts[index])
        if "address" not in host:
            return super().create_pool(index)
        return BlockingConnectionPool.from_url(host.pop("address"), **host)

    async def _clean_receive_backup(self, index: int, channel: str) -> None:
        """Channels awaits this task nowhere. The next receive finds what an outage left behind."""
        with suppress(RedisError):
            await super()._clean_receive_backup(index, channel)
