import pytest
from django.core.checks import run_checks


def found() -> list:
    messages = run_checks(tags=["realtime"], include_deployment_checks=True)
    assert all(message.hint for message in messages)
    return [message.id for message in messages]


def redis(host: object) -> dict:
    return {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {"hosts": [host]},
        }
    }


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
    assert found() == ["realtime.E003"]


@pytest.mark.parametrize("timeout", [5.5, 30, None])
def test_a_read_timeout_that_is_long_enough(settings, timeout):
    settings.CHANNEL_LAYERS = redis({"address": "redis://localhost", "socket_timeout": timeout})
    assert found() == []


def test_any_host_means_any_origin(settings):
    settings.ALLOWED_HOSTS = ["*"]
    assert found() == ["realtime.W004"]


def test_this_project_as_it_is():
    assert found() == []
