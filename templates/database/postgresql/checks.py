"""System checks for settings of PostgreSQL that break production without an error."""

from django.conf import settings
from django.core.checks import Error, register

# Without these, a query to a host that is gone lasts for minutes, and a process that vanishes
# inside a transaction keeps its locks for hours.
CLIENT_LIMITS = ("connect_timeout", "tcp_user_timeout", "keepalives_idle")
SERVER_LIMITS = ("lock_timeout", "idle_in_transaction_session_timeout")


def _options_of_postgresql() -> list[dict]:
    databases = settings.DATABASES.values()
    return [
        database.get("OPTIONS", {}) for database in databases if "postgres" in database["ENGINE"]
    ]


@register("serving")
def check_limits(app_configs, **kwargs) -> list:
    errors = []
    for options in _options_of_postgresql():
        missing = [name for name in CLIENT_LIMITS if name not in options]
        missing += [name for name in SERVER_LIMITS if name not in options.get("options", "")]
        if missing:
            errors.append(
                Error(
                    f"PostgreSQL without {', '.join(missing)}: one process or host that vanishes "
                    "lets all others wait.",
                    hint="Set them in OPTIONS, as config/settings.py did. Where a pooler refuses "
                    '"options", set its part with ALTER ROLE, and silence this check.',
                    id="serving.E008",
                )
            )
    return errors


@register("serving")
def check_pool(app_configs, **kwargs) -> list:
    return [
        Error(
            "psycopg's pool stalls for its whole timeout when its connections were cut, as by "
            "a restart of PostgreSQL.",
            hint='Remove "pool" from OPTIONS: realtime.threads keeps connections, and checks them.',
            id="serving.E009",
        )
        for options in _options_of_postgresql()
        if options.get("pool")
    ]
