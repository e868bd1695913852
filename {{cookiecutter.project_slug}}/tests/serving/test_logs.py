import json
import logging
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from serving.logs import JSONFormatter, LineFormatter, current_connection


@pytest.fixture
def formatter(monkeypatch) -> Callable[[logging.Formatter], str]:
    """Return how a formatter writes the error of a library that quotes an address."""

    def text(formatter: logging.Formatter) -> str:
        try:
            raise OSError("cannot connect to\nsmtp://robot:s3cret@mail:587/")
        except OSError as error:
            info = (type(error), error, error.__traceback__)
        return formatter.format(
            logging.LogRecord("shop", logging.ERROR, "", 1, "Failed: %s", ("now",), info)
        )

    return text


@pytest.mark.parametrize("kind", [LineFormatter, JSONFormatter])
def test_no_log_has_the_password_of_an_address(formatter, kind):
    text = formatter(kind())
    assert "smtp://***@mail:587/" in text
    assert "s3cret" not in text


def test_json_has_a_line_for_each_record(formatter):
    text = formatter(JSONFormatter())
    fields = json.loads(text)
    assert len(text.splitlines()) == 1
    assert (fields["level"], fields["logger"]) == ("ERROR", "shop")
    assert fields["message"] == "Failed: now"
    assert "OSError: cannot connect to\n" in fields["traceback"]
    assert "connection" not in fields


def test_json_names_the_connection_and_its_user(formatter):
    token = current_connection.set(SimpleNamespace(id="1f2e3d4c", user_id=7))
    fields = json.loads(formatter(JSONFormatter()))
    current_connection.reset(token)
    assert (fields["connection"], fields["user"]) == ("1f2e3d4c", 7)


def test_a_foreign_host_is_one_line(client, json_log):
    assert client.get("/admin/", headers={"host": "scanner.example"}).status_code == 400
    (record,) = json_log()
    assert record["message"].startswith("Invalid HTTP_HOST header: 'scanner.example'")
    assert "traceback" not in record


def test_a_page_that_is_missing_is_one_line(client, db, json_log):
    assert client.get("/nothing/").status_code == 404
    assert [record["message"] for record in json_log()] == ["Not Found: /nothing/"]
