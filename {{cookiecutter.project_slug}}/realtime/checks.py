"""System checks for mistakes that real-time projects make and nothing else reports."""

from channels import DEFAULT_CHANNEL_LAYER
from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.conf import settings
from django.core.checks import Error, Warning, register

REDIS_READ_TIMEOUT_SECONDS = 5  # redis-py 8's own, where a host gives none


def on_memory_layer() -> bool:
    return isinstance(get_channel_layer(), InMemoryChannelLayer)


@register("realtime")
def check_workers(app_configs, **kwargs) -> list:
    if on_memory_layer() and (settings.WEB_CONCURRENCY or 1) > 1:
        return [
            Error(
                f"WEB_CONCURRENCY is {settings.WEB_CONCURRENCY}, but the memory layer "
                "does not reach other processes.",
                hint="Set WEB_CONCURRENCY=1, or use a Redis channel layer.",
                id="realtime.E001",
            )
        ]
    return []


@register("realtime", deploy=True)
def check_memory_layer(app_configs, **kwargs) -> list:
    if on_memory_layer() and settings.WEB_CONCURRENCY is None and not settings.DEBUG:
        return [
            Error(
                "The memory layer is for one process, and nothing says that one is all.",
                hint="Set WEB_CONCURRENCY=1, or use a Redis channel layer.",
                id="realtime.E002",
            )
        ]
    return []


@register("realtime")
def check_redis_timeout(app_configs, **kwargs) -> list:
    layer = settings.CHANNEL_LAYERS.get(DEFAULT_CHANNEL_LAYER, {})
    if layer.get("BACKEND") != "channels_redis.core.RedisChannelLayer":
        return []
    blocking_pop = getattr(get_channel_layer(), "brpop_timeout", 5)
    errors = []
    for host in layer.get("CONFIG", {}).get("hosts", []):
        options = host if isinstance(host, dict) else {}
        timeout = options.get("socket_timeout", REDIS_READ_TIMEOUT_SECONDS)
        if timeout is not None and timeout <= blocking_pop:
            errors.append(
                Error(
                    f"The Redis read timeout of {timeout} s is not above the {blocking_pop} s "
                    "that the layer waits for a message: idle sockets die.",
                    hint=f'Give the host a "socket_timeout" above {blocking_pop}.',
                    id="realtime.E003",
                )
            )
    return errors


@register("realtime", deploy=True)
def check_origins(app_configs, **kwargs) -> list:
    if "*" in settings.ALLOWED_HOSTS:
        return [
            Warning(
                'ALLOWED_HOSTS = ["*"] lets pages of any site open WebSockets as your users.',
                hint="Set DJANGO_ALLOWED_HOSTS to the hosts that you serve.",
                id="realtime.W004",
            )
        ]
    return []
