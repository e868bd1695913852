"""System checks for changes of the settings that break production without an error.

What ends the start needs none.
"""

from django.conf import settings
from django.core.checks import Error, Warning, register

BLOCKING_POP_SECONDS = 5  # channels_redis.core.RedisChannelLayer.brpop_timeout
REDIS_READ_TIMEOUT_SECONDS = 5  # redis-py 8's own, where a host gives none
REDIS_LAYERS = ["channels_redis.core.RedisChannelLayer", "serving.layers.RedisChannelLayer"]


def _default_layer() -> dict:
    return settings.CHANNEL_LAYERS.get("default", {})


def on_memory_layer() -> bool:
    """Whether the default channel layer stays within one process."""
    return _default_layer().get("BACKEND", "").endswith("InMemoryChannelLayer")


@register("serving", deploy=True)
def check_memory_layer(app_configs, **kwargs) -> list:
    """Processes that do not hear each other raise nothing: messages just do not arrive."""
    if on_memory_layer() and settings.WEB_CONCURRENCY != 1:
        return [
            Error(
                f"WEB_CONCURRENCY is {settings.WEB_CONCURRENCY}, but the memory layer "
                "does not reach other processes.",
                hint="Set WEB_CONCURRENCY=1, or use a Redis channel layer.",
                id="serving.E001",
            )
        ]
    return []


@register("serving")
def check_redis_timeout(app_configs, **kwargs) -> list:
    """A read that times out while it waits for a message ends its socket, and nothing says why."""
    if _default_layer().get("BACKEND") not in REDIS_LAYERS:
        return []
    hosts = _default_layer().get("CONFIG", {}).get("hosts", [{}])
    options = [host if isinstance(host, dict) else {} for host in hosts]  # else an address
    timeouts = [host.get("socket_timeout", REDIS_READ_TIMEOUT_SECONDS) for host in options]
    return [
        Error(
            f"A Redis read timeout of {timeout} s is not above the {BLOCKING_POP_SECONDS} s "
            "that the layer waits for a message: idle sockets die.",
            hint=f'Give each host a "socket_timeout" above {BLOCKING_POP_SECONDS}.',
            id="serving.E003",
        )
        for timeout in timeouts
        if timeout is not None and timeout <= BLOCKING_POP_SECONDS
    ]


@register("serving", deploy=True)
def check_origins(app_configs, **kwargs) -> list:
    """With any host, ``OriginCheck`` lets any page in, and all seems to work."""
    if "*" in settings.ALLOWED_HOSTS:
        return [
            Warning(
                'ALLOWED_HOSTS = ["*"] lets pages of any site open WebSockets as your users.',
                hint="Set DJANGO_ALLOWED_HOSTS to the hosts that you serve.",
                id="serving.W004",
            )
        ]
    return []


@register("serving", deploy=True)
def check_debug(app_configs, **kwargs) -> list:
    """Otherwise all checks pass, of the settings of development."""
    if settings.DEBUG:
        return [
            Error(
                "DEBUG is on, so these are the settings of development.",
                hint="Set DJANGO_DEBUG=false, and the other variables of .env.example.",
                id="serving.E005",
            )
        ]
    return []
