"""Fixtures of the database, which is a file."""

import pytest
from django.db import connection


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory) -> None:
    """Test on a database file: threads cannot share SQLite's database in memory."""
    test_settings = connection.settings_dict["TEST"]
    test_settings["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")


@pytest.fixture(scope="session")
def database(django_db_setup) -> dict[str, str]:
    """The variable that leads a server to the database of the tests."""
    return {"SQLITE_PATH": str(connection.settings_dict["NAME"])}


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory) -> dict[str, str]:
    """The variable that leads a server to a database without tables."""
    return {"SQLITE_PATH": str(tmp_path_factory.mktemp("empty") / "db.sqlite3")}
