"""Views and consumers that make trouble for their server, in the fixture ``odd_project``."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from channels.generic import websocket
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path

from config.urls import urlpatterns as project_urlpatterns
from serving.connections import server_state
from tests.consumers import AnsweringConsumer


def slow(request: HttpRequest, seconds: int) -> HttpResponse:
    print("slow view", flush=True)
    time.sleep(seconds)
    return HttpResponse("done")


def stream(request: HttpRequest) -> StreamingHttpResponse:
    async def events() -> AsyncIterator[str]:
        print("stream begins", flush=True)
        try:
            while True:
                yield "data: tick\n\n"
                await asyncio.sleep(0.1)
        finally:
            print("stream ended", flush=True)

    return StreamingHttpResponse(events(), content_type="text/event-stream")


async def under_way(request: HttpRequest) -> JsonResponse:
    """Count what is open, without this request."""
    state = server_state()
    return JsonResponse({"requests": len(state.requests) - 1, "sockets": len(state.sockets)})


class RepeatingConsumer(websocket.AsyncWebsocketConsumer):
    async def websocket_receive(self, message: dict[str, Any]) -> None:
        await self.send(message.get("text"), message.get("bytes"))


class TickingConsumer(websocket.AsyncWebsocketConsumer):
    async def websocket_receive(self, message: dict[str, Any]) -> None:
        for _ in range(100):
            await self.send(text_data="tick" * 10_000)
            await asyncio.sleep(0.01)


class ObedientConsumer(AnsweringConsumer):
    """Answers, and does what the text says."""

    def websocket_receive(self, message: dict[str, Any]) -> Any:
        command, _, words = message["text"].partition(" ")
        if command == "raise":
            raise IndexError(words)
{% if cookiecutter.consumer_style == 'sync' %}
        if command == "wait":
            time.sleep(float(words))
{% endif %}
        return super().websocket_receive(message)


urlpatterns = [
    path("slow/<int:seconds>/", slow),
    path("stream/", stream),
    path("under-way/", under_way),
    *project_urlpatterns,
]

websocket_urlpatterns = [
    path("ws/repeating/", RepeatingConsumer.as_asgi()),
    path("ws/ticking/", TickingConsumer.as_asgi()),
    path("ws/obedient/", ObedientConsumer.as_asgi()),
]
