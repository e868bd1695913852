"""An app that breaks things on request, inside a real server: a message's text says what."""

import time
from typing import Any

from django.apps import AppConfig
from django.db import transaction


class Config(AppConfig):
    name = "tests.chat.faults"

    def ready(self) -> None:
        from chat import rooms  # after the models
        from realtime.hub import Hub

        rooms.post = breaking(rooms.post)
        Hub.send = dropping(Hub.send)


def breaking(post: Any) -> Any:
    def break_and_post(room: Any, author: Any, user: Any, client_id: Any, text: str) -> int:
        if text == "!raise":
            raise RuntimeError("as asked for")
        if text == "!hold":
            with transaction.atomic():
                seq = post(room, author, user, client_id, text)
                time.sleep(2)
                return seq
        return post(room, author, user, client_id, text)

    return break_and_post


def dropping(send: Any) -> Any:
    def drop_or_send(hub: Any, name: str, event: dict) -> None:
        if "!drop" not in event.get("text", ""):
            send(hub, name, event)

    return drop_or_send
