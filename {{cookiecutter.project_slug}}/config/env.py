"""Where the settings take their values from: the environment, and the file ``.env``.

https://github.com/sloria/environs
"""

import re
import sys
from ipaddress import ip_network
from pathlib import Path
from typing import Any, cast

from environs import Env, EnvValidationError, ValidationError

BASE_DIR = Path(__file__).resolve().parent.parent

HOST = re.compile(r"\*|\.?[a-z0-9-]+(\.[a-z0-9-]+)*\.?|\[[0-9a-f:.]+\]", re.IGNORECASE)
{% if cookiecutter.channel_layer != 'memory' %}
# As redis.Redis.from_url takes it. To import redis here would slow each command down.
REDIS_URL = re.compile(
    r"(rediss?://([^\s'\"#/?@]*@)?([\w.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?(/\d*)?"
    r"|unix://([^\s'\"#/?@]*@)?/[^\s'\"#?]+)"
    r"(\?(?!(.*&)?db=\D)[^\s'\"#]*)?",
    re.IGNORECASE,
)
{% endif %}


class SettingsEnv(Env):
    """The environment, where an empty variable counts as one that is not set."""

    def _get_value(self, env_key: str, default: Any) -> Any:
        value = super()._get_value(env_key, default)
        return default if isinstance(value, str) and not value.strip() else value


env = SettingsEnv(eager=False)  # collect every mistake: end_on_mistakes() reports them together
env.read_env(BASE_DIR / ".env")


@env.parser_for("networks")
def parse_networks(value: str) -> list:
    try:
        return [ip_network(network) for network in _items(value)]
    except ValueError as error:
        raise ValidationError(str(error)) from error


@env.parser_for("hosts")
def parse_hosts(value: str) -> list[str]:
    """Return the hosts as Django compares them, which is without a dot at the end."""
    for host in _items(value):
        if not HOST.fullmatch(host):
            raise ValidationError(
                f"{host!r} is not a host. Write hosts such as example.com, .example.com or [::1], "
                "with commas between them, without scheme, port, path and quotes"
            )
    if not _items(value):
        raise ValidationError("Name at least one host")
    return [host.rstrip(".") for host in _items(value)]


@env.parser_for("location")
def parse_location(value: str | Path) -> Path:
    """Return an absolute path: a relative one is below the project, whoever runs the command."""
    return BASE_DIR / value
{% if cookiecutter.channel_layer != 'memory' %}


@env.parser_for("redis_url")
def parse_redis_url(value: str) -> str:
    """Return ``value``. An error does not show it, since it may have a password."""
    if value and not REDIS_URL.fullmatch(value):  # it may be empty in development
        raise ValidationError(
            "Not an address such as redis://127.0.0.1:6379/0, without quotes. "
            "In a password, write # as %23, / as %2F and ? as %3F"
        )
    return value
{% endif %}


def _items(value: str) -> list[str]:
    return [item.strip() for item in value.split(",") if item.strip()]


def end_on_mistakes() -> None:
    """End the process with a line for each value that is missing or does not fit."""
    try:
        env.seal()
    except EnvValidationError as error:
        problems = sorted(cast(dict, error.error_messages).items())
        lines = [f"{name}: {' '.join(texts).rstrip('.')}." for name, texts in problems]
        sys.exit("\n".join([*lines, "See .env.example."]))
