"""Fixtures of the database, which lies on a server."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.db import connection

from serving import embedded_postgres
from tests.live import STOP_SECONDS, wait_until

PARAMETERS = ("host", "port", "user", "password", "sslmode")


def database_url(name: str) -> str:
    """Return the address of a database on the server of the tests, for the tests' servers."""
    found = connection.get_connection_params()
    query = {key: found[key] for key in PARAMETERS if key in found}
    return f"postgresql:///{name}?{urlencode({**query, 'application_name': 'server'})}"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[None]:
    """A server of this test run's own, unless DATABASE_URL names one."""
    database = connection.settings_dict
    if database["ENGINE"] != embedded_postgres.__name__:
        yield
        return
    folder = Path(tempfile.mkdtemp(prefix="postgres-tests-"))
    folder.chmod(0o755)  # for the user nobody, where root runs the tests
    database["HOST"] = str(folder / "postgres")
    embedded_postgres.keep_running(database["HOST"])
    yield
    end_embedded_postgres(database["HOST"])
    shutil.rmtree(folder)


def end_embedded_postgres(folder: str) -> None:
    """End the server, whoever uses it, and remove what it has outside its folder."""
    place = embedded_postgres.Place(folder)
    os.kill(int((place.data / "postmaster.pid").read_text().split()[0]), signal.SIGINT)
    wait_until(lambda: has_ended(place), STOP_SECONDS, (place.run / "log").read_text)
    shutil.rmtree(place.run)


def has_ended(place: embedded_postgres.Place) -> bool:
    copies = place.run.glob("programs-*")  # removed last
    return not (place.data / "postmaster.pid").exists() and not any(copies)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(postgresql, django_db_modify_db_settings_parallel_suffix) -> None:
    """Have the server before Django makes the database of the tests on it."""


def delete_rows(style: object, tables: list[str], **options: bool) -> list[str]:
    return [f"DELETE FROM {connection.ops.quote_name(table)}" for table in tables]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker) -> Iterator[None]:
    """End all other connections in the end: PostgreSQL keeps a database that has some."""
    # To empty small tables, DELETE takes a tenth of the time of Django's TRUNCATE.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection.ops, "sql_flush", delete_rows)
        yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture(scope="session")
def database(django_db_setup) -> dict[str, str]:
    """The variable that leads a server to the database of the tests."""
    return {"DATABASE_URL": database_url(str(connection.settings_dict["NAME"]))}


@pytest.fixture(scope="session")
def empty_database(postgresql) -> dict[str, str]:
    """The variable that leads a server to a database without tables."""
    return {"DATABASE_URL": database_url("postgres")}
