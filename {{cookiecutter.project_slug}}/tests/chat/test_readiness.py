"""Where a load balancer asks: by plain HTTP, for whatever host."""

import json


def test_a_server_that_is_ready_says_so(one):
    status, _, body = one.get("/ready/", headers={"Host": "10.1.2.3"})
    assert (status, json.loads(body)) == (200, {"ready": True, "missing": []})


async def test_what_is_missing_is_named(application, monkeypatch):
    monkeypatch.setattr("realtime.readiness._ask_database", lambda: 1 / 0)
    events: list[dict] = []

    async def send(event: dict) -> None:
        events.append(event)

    scope = {"type": "http", "path": "/ready/", "headers": [], "client": None}
    await application(scope, None, send)
    assert events[0]["status"] == 503
    assert json.loads(events[1]["body"]) == {"ready": False, "missing": ["database"]}
