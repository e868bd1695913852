import pytest

from serving.database_checks import CLIENT_LIMITS, SERVER_LIMITS
from tests.serving.test_checks import found


@pytest.fixture
def options(settings, monkeypatch) -> dict:
    """The OPTIONS of the database, which a test may change."""
    settings.WEB_CONCURRENCY = 1
    database = settings.DATABASES["default"]
    monkeypatch.setitem(database, "OPTIONS", {**database["OPTIONS"]})
    return database["OPTIONS"]


@pytest.mark.parametrize("limit", CLIENT_LIMITS)
def test_a_wait_for_the_server_without_an_end(options, limit):
    del options[limit]
    assert found() == ["serving.E008"]


@pytest.mark.parametrize("limit", SERVER_LIMITS)
def test_locks_that_outlive_their_process(options, limit):
    options["options"] = options["options"].replace(limit, "work_mem")
    assert found() == ["serving.E008"]


def test_a_pool_that_stalls(options):
    options["pool"] = True
    assert found() == ["serving.E009"]
