from django.core.checks import run_checks


def found() -> list:
    messages = run_checks(tags=["realtime"], include_deployment_checks=True)
    assert all(message.hint for message in messages)
    return [message.id for message in messages]


def test_more_workers_than_the_memory_layer_reaches(settings):
    settings.WEB_CONCURRENCY = 2
    assert found() == ["realtime.E001"]


def test_the_memory_layer_where_nobody_promised_one_process(settings):
    settings.DEBUG, settings.WEB_CONCURRENCY = False, None
    assert found() == ["realtime.E002"]
    settings.WEB_CONCURRENCY = 1
    assert found() == []


def test_another_layer_reaches_more_workers(settings):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer"}}
    settings.DEBUG, settings.WEB_CONCURRENCY = False, 2
    assert found() == []


def test_any_host_means_any_origin(settings):
    settings.WEB_CONCURRENCY = 1
    settings.ALLOWED_HOSTS = ["*"]
    assert found() == ["realtime.W004"]
