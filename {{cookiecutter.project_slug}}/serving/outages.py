"""Tell a channel layer that is away from code that is wrong."""

import sys


def is_outage(error: BaseException) -> bool:
    """Return whether ``error`` comes from the network or from Redis: a retry may succeed.

    Any other exception, also redis-py's DataError, is a mistake in the code, and would
    only be raised again.
    """
    redis = sys.modules.get("redis.exceptions")  # imported by a channel layer that needs it
    if redis is not None and isinstance(error, redis.RedisError):
        return not isinstance(error, redis.DataError)
    if isinstance(error, RuntimeError):  # of uvloop: the connection was closed a moment ago
        return "the handler is closed" in str(error)
    return isinstance(error, ConnectionError | TimeoutError)  # a missing file raises OSError too
