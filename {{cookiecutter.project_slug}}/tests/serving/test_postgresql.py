"""What needs PostgreSQL: its address, its limits, and the server of development."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from environs import ValidationError

from config.env import parse_postgresql
from serving.embedded_postgres import Place
from tests.config.test_settings import environment, read_settings
from tests.database import has_ended
from tests.live import START_SECONDS, STOP_SECONDS, manage, run_python, wait_until


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("postgresql://ann:secret%23@db.example.com:5432/site", "db.example.com"),
        ("postgres://ann@127.0.0.1/site?sslmode=require", "127.0.0.1"),
        ("postgresql://[::1]/site", "::1"),
        ("postgresql://%2Frun%2Fpostgresql/site", "/run/postgresql"),
        ("postgresql:///site?host=/run/postgresql", ""),
    ],
)
def test_an_address_of_postgresql(address, host):
    database = parse_postgresql(address)
    assert (database["HOST"], database["NAME"]) == (host, "site")


@pytest.mark.parametrize(
    "address",
    [
        "site",
        "sqlite:///secret",
        "mysql://ann:secret@localhost/site",
        "postgresql://ann:secret@localhost",
        "postgresql://ann:secret@localhost/",
        "'postgresql://ann:secret@localhost/site'",
        "postgresql://ann:secret@localhost/site ",
        "postgresql://ann:sec#ret@localhost/site",
        "postgresql://ann:sec/ret@localhost/site",
        "postgresql://ann:sec?ret@localhost/site",
        "postgresql://ann:sec@ret@localhost/site",
        "postgresql://ann:secret@localhost:port/site",
        "postgresql://ann:secret@localhost:99999/site",
    ],
)
def test_an_invalid_address_is_refused_and_not_shown(address):
    with pytest.raises(ValidationError) as refused:
        parse_postgresql(address)
    assert "sec" not in str(refused.value)
    assert refused.value.__context__ is None or refused.value.__suppress_context__


def test_a_wrong_address_of_postgresql_ends_each_command_with_one_line(production):
    wrong = {**production, "DATABASE_URL": "postgresql://ann:sec#ret@h/site"}
    output = manage("check", "--deploy", env=wrong)
    assert output.startswith("DATABASE_URL: Not an address such as postgresql://USER:PASSWORD@")
    assert output.endswith("See .env.example.\nexit status 1")
    assert "sec" not in output


def shown(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        return cursor.fetchone()[0]


def test_the_limits_reach_the_server(db):
    assert shown("lock_timeout") == "5s"
    assert shown("idle_in_transaction_session_timeout") == "10s"


def test_the_query_of_the_address_wins_over_the_settings(project_copy):
    query = "connect_timeout=9&options=-c%20lock_timeout%3D1min"
    env = environment(
        DATABASE_URL=f"postgresql://localhost/site?{query}", DJANGO_DEBUG_DEFAULT="true"
    )
    output = read_settings("DATABASES", folder=project_copy, env=env)
    assert "'connect_timeout': 9" in output
    assert "'tcp_user_timeout': 10000" in output
    assert "-c lock_timeout=5s " in output
    assert "-c lock_timeout=1min'" in output  # the last one counts


@pytest.fixture
def place(project_copy) -> Iterator[Place]:
    """Where the server of a copy of the project is, in development."""
    place = Place(str(project_copy / ".postgres"))
    yield place
    shutil.rmtree(place.run, ignore_errors=True)


DEVELOPMENT = environment(DJANGO_DEBUG="true", DJANGO_SETTINGS_MODULE="config.settings")


def in_development(*arguments: str, folder: Path) -> str:
    return run_python(*arguments, env=DEVELOPMENT, folder=folder)


STORE = """
from users.models import User
User.objects.create_user("ann")
"""
SHARE = """
import django; django.setup()
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SELECT pg_postmaster_start_time(), username FROM users_user")
    print(*cursor.fetchone(), flush=True)
input()
"""


def test_commands_start_one_server_for_all_which_ends_with_them_and_keeps_the_data(
    project_copy, place
):
    in_development("manage.py", "check", folder=project_copy)
    assert not place.run.exists()  # the settings start nothing
    output = in_development("manage.py", "migrate", folder=project_copy)
    assert f"Starting PostgreSQL on {place.data} in " in output
    assert "exit status 0" in output
    in_development("manage.py", "shell", "-c", STORE, folder=project_copy)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SHARE],
            cwd=project_copy,
            env=DEVELOPMENT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    shared = set()
    for process in processes:
        assert process.stdout is not None
        shared.add(process.stdout.readline())
    assert len(shared) == 1
    assert shared.pop().endswith(" ann\n")
    running = place.data / "postmaster.pid"
    for process in processes:
        assert running.exists()
        process.kill()  # the lock of a process that is killed is free
        process.communicate(timeout=START_SECONDS)
    wait_until(lambda: has_ended(place), STOP_SECONDS, (place.run / "log").read_text)
