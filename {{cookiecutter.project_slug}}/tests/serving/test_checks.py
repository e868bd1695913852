import pytest
from django.core.checks import run_checks

MEMORY = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


def found() -> list:
    messages = run_checks(tags=["serving"], include_deployment_checks=True)
    assert all(message.hint for message in messages)
    return [message.id for message in messages]


def redis(host: object) -> dict:
    return {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {"hosts": [host]},
        }
    }


def test_more_workers_than_the_memory_layer_reaches(settings):
    settings.CHANNEL_LAYERS = MEMORY
    settings.WEB_CONCURRENCY = 2
    assert found() == ["serving.E001"]


def test_the_memory_layer_without_a_promise_of_one_process(settings):
    settings.CHANNEL_LAYERS = MEMORY
    settings.WEB_CONCURRENCY = None
    assert found() == ["serving.E001"]
    settings.WEB_CONCURRENCY = 1
    assert found() == []


@pytest.mark.parametrize(
    "host",
    [
        "redis://localhost",
        ("localhost", 6379),
        {"address": "redis://localhost"},
        {"address": "redis://localhost", "socket_timeout": 5},
    ],
)
def test_a_read_timeout_that_ends_idle_sockets(settings, host):
    settings.CHANNEL_LAYERS = redis(host)
    assert found() == ["serving.E003"]


@pytest.mark.parametrize("timeout", [5.5, 30, None])
def test_a_read_timeout_that_is_long_enough(settings, timeout):
    settings.CHANNEL_LAYERS = redis({"address": "redis://localhost", "socket_timeout": timeout})
    assert found() == []


def test_any_host_means_any_origin(settings):
    settings.WEB_CONCURRENCY = 1
    settings.ALLOWED_HOSTS = ["*"]
    assert found() == ["serving.W004"]


def test_development_settings_are_not_for_deployment(settings):
    settings.WEB_CONCURRENCY = 1
    settings.DEBUG = True
    assert found() == ["serving.E005"]


def test_this_project_as_it_is(settings):
    settings.WEB_CONCURRENCY = 1
    assert found() == []
