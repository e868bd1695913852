"""Where the settings take their values from: the environment, and the file ``.env``.

https://github.com/sloria/environs
"""

import re
import sys
{% if cookiecutter.channel_layer != 'memory' %}
import tempfile
{% endif %}
{% if cookiecutter.starter == 'chat' %}
from email.utils import parseaddr
{% endif %}
{% if cookiecutter.channel_layer != 'memory' %}
from hashlib import sha256
{% endif %}
from ipaddress import ip_network
from pathlib import Path
from typing import Any, cast
{% if cookiecutter.starter == 'chat' %}
from urllib.parse import unquote
{% endif %}

{% if cookiecutter.database == 'postgresql' %}
import dj_database_url
{% endif %}
from environs import Env, EnvValidationError, ValidationError

BASE_DIR = Path(__file__).resolve().parent.parent
{% if cookiecutter.channel_layer != 'memory' %}
# Of what development starts beside this project. Not in BASE_DIR: a Unix socket's path is short.
SERVICES_DIR = Path(tempfile.gettempdir(), f"django-{sha256(bytes(BASE_DIR)).hexdigest()[:12]}")
{% endif %}

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
{% if cookiecutter.starter == 'chat' %}
EMAIL_URL = re.compile(
    r"(?P<scheme>smtp(\+tls|\+ssl)?)://"
    r"((?P<username>[^\s'\"#/?@:]+):(?P<password>[^\s'\"#/?@]+)@)?"
    r"(?P<host>[\w.-]+|\[[0-9a-f:.]+\])(:(?P<port>\d{1,5}))?/?",
    re.IGNORECASE,
)
SMTP_PORTS = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465}
SMTP_TIMEOUT_SECONDS = 5  # for each answer of the mail server
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
    """Return an absolute path: a relative one is below the project, wherever the command runs."""
    return BASE_DIR / value
{% if cookiecutter.database == 'postgresql' %}


# As libpq takes it, with the name of a database.
DATABASE_URL = re.compile(
    r"postgres(ql)?://([^\s'\"#/?@]*@)?([\w.%-]*|\[[0-9a-f:.]+\])(:\d{1,5})?/[^\s'\"#?/]+"
    r"(\?[^\s'\"#]*)?",
    re.IGNORECASE,
)


@env.parser_for("postgresql")
def parse_postgresql(value: str) -> dict[str, Any]:
    """Return the entry of DATABASES; none for "". An error does not show what may be a password."""
    if not value:
        return {}
    try:
        if not DATABASE_URL.fullmatch(value):
            raise ValueError
        return {**dj_database_url.parse(value)}
    except ValueError:
        raise ValidationError(
            "Not an address such as postgresql://USER:PASSWORD@HOST:5432/NAME, without quotes. "
            "In user and password, write @ as %40, : as %3A, # as %23, / as %2F and ? as %3F"
        ) from None
{% endif %}
{% if cookiecutter.channel_layer != 'memory' %}


@env.parser_for("redis_url")
def parse_redis_url(value: str) -> str:
    """Return ``value``. An error does not show it, since it may have a password."""
    if not REDIS_URL.fullmatch(value):
        raise ValidationError(
            "Not an address such as redis://127.0.0.1:6379/0, without quotes. "
            "In a password, write # as %23, / as %2F and ? as %3F"
        )
    return value
{% endif %}
{% if cookiecutter.starter == 'chat' %}


@env.parser_for("smtp")
def parse_smtp(value: str) -> dict[str, Any]:
    """Return the arguments of Django's SMTP backend; none for "". An error does not show them."""
    if not value:
        return {}
    match = EMAIL_URL.fullmatch(value)
    scheme = match["scheme"].lower() if match else "smtp"
    port = int(match["port"] or SMTP_PORTS[scheme]) if match else 0
    if match is None or not 0 < port < 2**16:
        raise ValidationError(
            "Not an address such as smtp+tls://USER:PASSWORD@HOST:587, without quotes. "
            "In user and password, write @ as %40, : as %3A, # as %23, / as %2F and ? as %3F"
        )
    return {
        "host": match["host"].strip("[]"),
        "port": port,
        "username": unquote(match["username"] or ""),
        "password": unquote(match["password"] or ""),
        "use_tls": scheme == "smtp+tls",
        "use_ssl": scheme == "smtp+ssl",
        "timeout": SMTP_TIMEOUT_SECONDS,
    }


@env.parser_for("sender")
def parse_sender(value: str) -> str:
    if not value.isprintable() or not re.fullmatch(r"[^\s@]+@[^\s@]+", parseaddr(value)[1]):
        raise ValidationError("Not a sender such as desk@example.com or Desk <desk@example.com>")
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
