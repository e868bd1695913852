"""System checks for mistakes that real-time projects make and nothing else reports."""

from django.conf import settings
from django.core.checks import Error, Warning, register

BLOCKING_POP_SECONDS = 5  # channels_redis.core.RedisChannelLayer.brpop_timeout
READ_TIMEOUT_SECONDS = 5  # redis-py 8's own, where a host gives none


@register("realtime")
def check_redis_timeout(app_configs, **kwargs) -> list:
    layer = settings.CHANNEL_LAYERS["default"]
    if layer["BACKEND"] != "channels_redis.core.RedisChannelLayer":
        return []
    hosts = layer.get("CONFIG", {}).get("hosts") or [{}]
    options = [host if isinstance(host, dict) else {} for host in hosts]
    timeouts = [host.get("socket_timeout", READ_TIMEOUT_SECONDS) for host in options]
    return [
        Error(
            f"A Redis read timeout of {timeout} s is not above the {BLOCKING_POP_SECONDS} s "
            "that the layer waits for a message: idle sockets die.",
            hint=f'Give each host a "socket_timeout" above {BLOCKING_POP_SECONDS}.',
            id="realtime.E003",
        )
        for timeout in timeouts
        if timeout is not None and timeout <= BLOCKING_POP_SECONDS
    ]


{% include 'checks/origins.py' %}
