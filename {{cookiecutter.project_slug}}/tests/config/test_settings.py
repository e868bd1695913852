import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from environs import ValidationError

from config.env import parse_hosts
from tests.live import START_SECONDS, manage

OURS = (
    "DJANGO_",
    "GRACE_SECONDS",
    "REDIS_URL",
    "SQLITE_PATH",
    "STATIC_ROOT",
    "TRUSTED_",
    "WEB_CONCURRENCY",
)


def environment(**values: str) -> dict[str, str]:
    """This process's environment without the project's settings, and with ``values``."""
    others = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return {**others, **values}


def test_development_needs_no_settings(project_copy):
    output = manage("check", env=environment(), folder=project_copy)
    assert "System check identified no issues" in output


def test_production_names_each_missing_setting_in_a_line(project_copy):
    output = manage("serve", env=environment(), folder=project_copy)
    assert output.splitlines() == [
        "DJANGO_ALLOWED_HOSTS: Environment variable not set.",
        "DJANGO_SECRET_KEY: Environment variable not set.",
{% if cookiecutter.channel_layer != 'memory' %}
        "REDIS_URL: Environment variable not set.",
{% endif %}
        "See .env.example.",
        "exit status 1",
    ]


def without_development_dependencies(*arguments: str, folder: Path) -> str:
    """Run a management command as after ``uv sync --no-dev``."""
    hide = "import sys; sys.modules['pytest'] = None"
    code = f"{hide}; import runpy; runpy.run_path('manage.py', run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=START_SECONDS,
    )
    return f"{done.stdout}exit status {done.returncode}"


@pytest.mark.parametrize("command", ["check", "clearsessions", "collectstatic", "shell"])
def test_an_installation_for_production_runs_nothing_as_development(project_copy, command):
    output = without_development_dependencies(command, folder=project_copy)
    assert "DJANGO_SECRET_KEY: Environment variable not set." in output
    assert "exit status 1" in output
    assert not list(project_copy.glob("*.sqlite3"))


def test_an_empty_variable_counts_as_not_set(project_copy):
    names = (settings.BASE_DIR / ".env.example").read_text()
    empty = dict.fromkeys(re.findall(r"^(?:# )?([A-Z_]+)=", names, re.MULTILINE), "")
    assert len(empty) > 5
    assert "no issues" in manage("check", env=environment(**empty), folder=project_copy)
    output = manage("serve", env=environment(**empty), folder=project_copy)
    assert output == manage("serve", env=environment(), folder=project_copy)


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


def test_a_relative_path_is_below_the_project(production, tmp_path):
    code = "from django.conf import settings; print(settings.DATABASES['default']['NAME'])"
    words = [sys.executable, str(settings.BASE_DIR / "manage.py"), "shell", "-c", code]
    env = {**production, "SQLITE_PATH": "data.sqlite3"}
    output = subprocess.check_output(words, cwd=tmp_path, env=env, text=True)
    assert str(settings.BASE_DIR / "data.sqlite3") in output


def test_every_command_goes_by_the_env_file(project_copy):
    (project_copy / ".env").write_text("DJANGO_DEBUG=false\n")
    output = manage("collectstatic", "--noinput", env=environment(), folder=project_copy)
    assert output.startswith("DJANGO_ALLOWED_HOSTS: Environment variable not set.")


def test_a_value_that_does_not_fit_is_named(project_copy):
    values = {"DJANGO_DEBUG": "true", "WEB_CONCURRENCY": "0", "TRUSTED_PROXIES": "10.0.0.0/8,proxy"}
    output = manage("check", env=environment(**values), folder=project_copy)
    assert output.splitlines()[-4:] == [
        "TRUSTED_PROXIES: 'proxy' does not appear to be an IPv4 or IPv6 network.",
        "WEB_CONCURRENCY: Must be greater than or equal to 1.",
        "See .env.example.",
        "exit status 1",
    ]


def test_a_debug_flag_that_is_none_is_named(project_copy):
    output = manage("check", env=environment(DJANGO_DEBUG="maybe"), folder=project_copy)
    assert "DJANGO_DEBUG: Not a valid boolean." in output
    assert "Traceback" not in output


def test_the_checks_for_deployment_pass(production):
    output = manage("check", "--deploy", "--fail-level", "WARNING", env=production)
    assert "System check identified no issues" in output


def test_each_change_of_a_model_has_its_migration(db):
    call_command("makemigrations", "--check", "--dry-run")
