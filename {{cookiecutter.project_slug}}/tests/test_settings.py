import os

from django.core.management import call_command

from tests.live import manage

OURS = ("DJANGO_", "REDIS_URL", "SQLITE_PATH", "STATIC_ROOT", "TRUSTED_", "WEB_CONCURRENCY")


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
