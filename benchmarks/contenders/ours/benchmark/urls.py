"""The project's addresses, one that sends from outside of a consumer, and the benchmark's."""

from config.urls import urlpatterns as project_urlpatterns
from django.http import HttpResponse
from django.urls import path

from benchmark.consumers import BenchmarkConsumer
from benchmark.frames import Heard
from realtime.broadcast import broadcast


async def burst(request, room, count, text):
    """Send ``text`` to a room ``count`` times."""
    for _ in range(count):
        broadcast(f"room.{room}", Heard(text=text))
    return HttpResponse()


urlpatterns = [
    path("burst/<slug:room>/<int:count>/<str:text>/", burst),
    *project_urlpatterns,
]

websocket_urlpatterns = [path("ws/benchmark/<slug:slug>/", BenchmarkConsumer.as_asgi())]
