from tests.serving.test_checks import found


def test_a_database_in_a_folder_that_does_not_exist(settings, monkeypatch, tmp_path):
    settings.WEB_CONCURRENCY = 1
    database = settings.DATABASES["default"]
    monkeypatch.setitem(database, "NAME", tmp_path / "nothing" / "db.sqlite3")
    assert found() == ["serving.E006"]


def test_requests_that_hold_the_write_lock(settings, monkeypatch):
    settings.WEB_CONCURRENCY = 1
    database = settings.DATABASES["default"]
    monkeypatch.setitem(database, "ATOMIC_REQUESTS", True)
    assert found() == ["serving.W007"]
    monkeypatch.setitem(database, "OPTIONS", {})
    assert found() == []
