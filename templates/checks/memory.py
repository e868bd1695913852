"""System checks for mistakes that real-time projects make and nothing else reports."""

from django.conf import settings
from django.core.checks import Error, Warning, register

HINT = "Set WEB_CONCURRENCY=1, or use a Redis channel layer."


def on_memory_layer() -> bool:
    """Whether the default channel layer stays within one process."""
    return settings.CHANNEL_LAYERS["default"]["BACKEND"].endswith("InMemoryChannelLayer")


@register("realtime")
def check_workers(app_configs, **kwargs) -> list:
    if not on_memory_layer() or (settings.WEB_CONCURRENCY or 1) == 1:
        return []
    problem = (
        f"WEB_CONCURRENCY is {settings.WEB_CONCURRENCY}, but the memory layer "
        "does not reach other processes."
    )
    return [Error(problem, hint=HINT, id="realtime.E001")]


@register("realtime", deploy=True)
def check_promise(app_configs, **kwargs) -> list:
    if not on_memory_layer() or settings.WEB_CONCURRENCY or settings.DEBUG:
        return []
    problem = "The memory layer is for one process, and nothing says that one is all."
    return [Error(problem, hint=HINT, id="realtime.E002")]


{% include 'checks/origins.py' %}
