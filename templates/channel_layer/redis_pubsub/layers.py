"""The Redis pub/sub channel layer, kept within the database of its address."""

from channels_redis import pubsub
from channels_redis.utils import create_pool, decode_hosts

from serving.cancellation import keep_cancellations
from serving.embedded_redis import warn_if_missing

keep_cancellations()


class RedisPubSubChannelLayer(pubsub.RedisPubSubChannelLayer):
    """Put the number of the Redis database into the prefix.

    Pub/sub ignores it: two deployments that differ in nothing else would hear each other.
    https://redis.io/docs/latest/develop/pubsub/#database--scoping
    """

    def __init__(self, *, hosts: list, prefix: str = "asgi", **config) -> None:
        warn_if_missing()
        database = create_pool(decode_hosts(hosts)[0]).connection_kwargs.get("db") or 0
        super().__init__(hosts=hosts, prefix=f"{prefix}.{database}.", **config)
