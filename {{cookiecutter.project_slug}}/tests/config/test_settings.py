import os
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.core.management import call_command
from environs import ValidationError

from config.env import parse_hosts
from manage import main
from tests.live import manage, run_python

OURS = (
{% if cookiecutter.database == 'postgresql' %}
    "DATABASE_URL",
{% endif %}
{% if cookiecutter.starter == 'chat' %}
    "DEFAULT_FROM_EMAIL",
{% endif %}
    "DJANGO_",
{% if cookiecutter.starter == 'chat' %}
    "EMAIL_URL",
{% endif %}
    "GRACE_SECONDS",
    "LOG_FORMAT",
    "REDIS_URL",
{% if cookiecutter.database == 'sqlite' %}
    "SQLITE_PATH",
{% endif %}
    "STATIC_ROOT",
    "TRUSTED_",
    "WEB_CONCURRENCY",
)


def environment(**values: str) -> dict[str, str]:
    """This process's environment without the project's settings, and with ``values``."""
    others = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return {**others, **values}


def read_settings(*names: str, folder: Path, env: dict[str, str]) -> str:
    """Print these settings as every command reads them, or the mistakes in ``env``."""
    code = f"from config import settings; print(*(getattr(settings, n) for n in {names}))"
    return run_python("-c", code, env=env, folder=folder)


def test_development_needs_no_settings(project_copy):
    output = manage("check", env=environment(), folder=project_copy)
    assert "System check identified no issues" in output


MISSING = [
{% if cookiecutter.database == 'postgresql' %}
    "DATABASE_URL: Environment variable not set.",
{% endif %}
{% if cookiecutter.starter == 'chat' %}
    "DEFAULT_FROM_EMAIL: Environment variable not set.",
{% endif %}
    "DJANGO_ALLOWED_HOSTS: Environment variable not set.",
    "DJANGO_SECRET_KEY: Environment variable not set.",
{% if cookiecutter.starter == 'chat' %}
    "EMAIL_URL: Environment variable not set.",
{% endif %}
{% if cookiecutter.channel_layer != 'memory' %}
    "REDIS_URL: Environment variable not set.",
{% endif %}
    "See .env.example.",
    "exit status 1",
]


def test_production_names_each_missing_setting_in_a_line(project_copy):
    output = manage("serve", env=environment(), folder=project_copy)
    assert output.splitlines() == MISSING


@pytest.mark.parametrize("command", ["check", "clearsessions", "collectstatic", "shell"])
@pytest.mark.parametrize("is_installed", [False, True])
def test_no_command_is_development_without_its_dependencies(monkeypatch, command, is_installed):
    environ: dict[str, str] = {}
    monkeypatch.setattr("manage.os", SimpleNamespace(environ=environ))
    monkeypatch.setattr("manage.find_spec", lambda name: name if is_installed else None)
    monkeypatch.setattr("manage.execute_from_command_line", list)
    monkeypatch.setattr(sys, "argv", ["manage.py", command])
    main()
    assert ("DJANGO_DEBUG_DEFAULT" in environ) is is_installed


def test_an_installation_for_production_runs_nothing_as_development(project_copy):
    before = sorted(project_copy.iterdir())
    hide = "import sys; sys.modules['pytest'] = None"  # as after ``uv sync --no-dev``
    code = f"{hide}; import runpy; runpy.run_path('manage.py', run_name='__main__')"
    output = run_python("-c", code, "shell", env=environment(), folder=project_copy)
    assert output.splitlines() == MISSING
    assert sorted(project_copy.iterdir()) == before


def test_an_empty_variable_counts_as_not_set(project_copy):
    names = (settings.BASE_DIR / ".env.example").read_text()
    empty = dict.fromkeys(re.findall(r"^(?:# )?([A-Z_]+)=", names, re.MULTILINE), "")
    assert len(empty) > 5
    output = read_settings(folder=project_copy, env=environment(**empty))
    assert output.splitlines() == MISSING
    env = environment(**empty, DJANGO_DEBUG_DEFAULT="true")  # as manage.py has it
    output = read_settings("DEBUG", "WEB_CONCURRENCY", folder=project_copy, env=env)
    assert output.splitlines()[-2:] == ["True None", "exit status 0"]


@pytest.mark.parametrize(
    "host",
    [
        "https://example.com",
        "example.com:443",
        "'example.com'",
        '"example.com"',
        "example.com other.example",
        "example.com/",
        "*.example.com",
        "::1",
        "müller.example",
    ],
)
def test_a_host_that_would_never_match_is_refused(host):
    with pytest.raises(ValidationError) as refused:
        parse_hosts(f"good.example,{host}")
    assert str(refused.value).startswith(f"{host!r} is not a host. Write hosts such as")


def test_hosts_are_compared_as_django_does():
    hosts = parse_hosts(" Example.com. , .example.org,,[::1], *")
    assert hosts == ["Example.com", ".example.org", "[::1]", "*"]


def test_a_relative_path_is_below_the_project(project_copy, tmp_path):
    env = {**os.environ, "STATIC_ROOT": "static", "PYTHONPATH": str(project_copy)}
    output = read_settings("STATIC_ROOT", folder=tmp_path, env=env)
    assert output.startswith(f"{project_copy / 'static'}\n")


def test_every_command_goes_by_the_env_file(project_copy):
    (project_copy / ".env").write_text("DJANGO_DEBUG=false\n")
    output = manage("collectstatic", "--noinput", env=environment(), folder=project_copy)
    assert "DJANGO_ALLOWED_HOSTS: Environment variable not set.\n" in output


def test_a_value_that_does_not_fit_is_named(project_copy):
    values = {"DJANGO_DEBUG": "true", "WEB_CONCURRENCY": "0", "TRUSTED_PROXIES": "10.0.0.0/8,proxy"}
    output = read_settings(folder=project_copy, env=environment(**values))
    assert output.splitlines()[-4:] == [
        "TRUSTED_PROXIES: 'proxy' does not appear to be an IPv4 or IPv6 network.",
        "WEB_CONCURRENCY: Must be greater than or equal to 1.",
        "See .env.example.",
        "exit status 1",
    ]


def test_an_invalid_debug_flag_is_reported(project_copy):
    output = read_settings(folder=project_copy, env=environment(DJANGO_DEBUG="maybe"))
    assert "DJANGO_DEBUG: Not a valid boolean." in output
    assert "Traceback" not in output


def test_the_checks_for_deployment_pass(production):
    output = manage("check", "--deploy", "--fail-level", "WARNING", env=production)
    assert "System check identified no issues" in output


def test_each_change_of_a_model_has_its_migration(db):
    call_command("makemigrations", "--check", "--dry-run")


def test_the_examples_of_the_settings_fit(project_copy):
    table = (project_copy / "docs" / "settings.md").read_text("utf-8")
    examples = dict(re.findall(r"^\| `(\w+)` \|.*\| `([^`]+)` \|$", table, re.MULTILINE))
    assert len(examples) > 5
    output = read_settings("DEBUG", folder=project_copy, env=environment(**examples))
    assert output.splitlines() == ["False", "exit status 0"]
