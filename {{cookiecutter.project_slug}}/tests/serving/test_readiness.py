"""Where load balancers and process managers ask: by plain HTTP, for whatever host."""

import json
from http import HTTPStatus
from typing import Any

import pytest
from channels.layers import get_channel_layer

from serving.connections import server_state


def test_a_server_that_is_live_and_ready_says_so(serve):
    status, _, body = serve.get("/ready/", headers={"Host": "10.1.2.3"})
    assert (status, json.loads(body)) == (200, {"ready": True, "missing": []})
    status, headers, body = serve.get("/live/", headers={"Host": "10.1.2.3"})
    assert (status, json.loads(body)) == (200, {"live": True})
    assert headers["cache-control"] == "no-store"


async def ask(application: Any) -> tuple[int, list[str]]:
    """Return the status of /ready/, and what is missing."""
    status, answer = await get(application, "/ready/")
    return status, answer["missing"]


async def get(application: Any, path: str) -> tuple[int, dict[str, Any]]:
    events: list[dict] = []

    async def send(event: dict) -> None:
        events.append(event)

    scope = {"type": "http", "path": path, "headers": [], "client": None}
    await application(scope, None, send)
    return events[0]["status"], json.loads(events[1]["body"])


@pytest.mark.usefixtures("transactional_db")
async def test_missing_parts_are_named(application, monkeypatch):
    assert await ask(application) == (HTTPStatus.OK, [])
    monkeypatch.setattr("serving.readiness._ask_database", lambda: 1 / 0)
    assert await ask(application) == (HTTPStatus.SERVICE_UNAVAILABLE, ["database"])


@pytest.mark.usefixtures("transactional_db")
async def test_a_layer_that_is_away_is_missing(application, monkeypatch):
    async def fail(*words: object) -> None:
        raise ConnectionError("away")

    monkeypatch.setattr(get_channel_layer(), "group_send", fail)
    assert await ask(application) == (HTTPStatus.SERVICE_UNAVAILABLE, ["channel layer"])


@pytest.mark.usefixtures("transactional_db")
async def test_a_process_is_live_whatever_is_missing(application, monkeypatch):
    monkeypatch.setattr("serving.readiness._ask_database", lambda: pytest.fail("it asks"))
    monkeypatch.setattr(server_state(), "is_stopping", True)
    assert await get(application, "/live/") == (HTTPStatus.OK, {"live": True})


@pytest.mark.usefixtures("transactional_db")
async def test_a_process_that_stops_is_not_ready(application, monkeypatch):
    monkeypatch.setattr(server_state(), "is_stopping", True)
    status, missing = await ask(application)
    assert status == HTTPStatus.SERVICE_UNAVAILABLE
    assert "stopping" in " ".join(missing)
