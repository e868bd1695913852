"""System checks for settings of SQLite that break production without an error."""

from pathlib import Path

from django.conf import settings
from django.core.checks import Error, Warning, register


def _sqlite_databases() -> list[dict]:
    databases = settings.DATABASES.values()
    return [database for database in databases if database["ENGINE"].endswith("sqlite3")]


@register("serving")
def check_sqlite_folder(app_configs, **kwargs) -> list:
    folders = {Path(database["NAME"]).parent for database in _sqlite_databases()}
    return [
        Error(
            f"The folder of the database does not exist: {folder}",
            hint="Make it, or set SQLITE_PATH to a file in another one.",
            id="serving.E006",
        )
        for folder in folders
        if not folder.is_dir()
    ]


@register("serving")
def check_atomic_requests(app_configs, **kwargs) -> list:
    """A transaction that begins as IMMEDIATE takes the only write lock, even if it just reads."""
    locks = ("IMMEDIATE", "EXCLUSIVE")
    return [
        Warning(
            "With ATOMIC_REQUESTS each request holds SQLite's write lock until it is answered, "
            "so a slow page delays every message.",
            hint="Set ATOMIC_REQUESTS to False, and use transaction.atomic() where a view writes.",
            id="serving.W007",
        )
        for database in _sqlite_databases()
        if database.get("ATOMIC_REQUESTS")
        and database.get("OPTIONS", {}).get("transaction_mode") in locks
    ]
