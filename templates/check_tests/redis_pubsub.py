from django.core.checks import run_checks


def found() -> list:
    messages = run_checks(tags=["realtime"], include_deployment_checks=True)
    assert all(message.hint for message in messages)
    return [message.id for message in messages]


def test_any_host_means_any_origin(settings):
    settings.ALLOWED_HOSTS = ["*"]
    assert found() == ["realtime.W004"]


def test_this_project_as_it_is():
    assert found() == []
