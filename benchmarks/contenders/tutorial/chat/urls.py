"""The tutorial's addresses, and one that sends from outside of a consumer."""

from channels.layers import get_channel_layer
from django.http import HttpResponse
from django.urls import path

from chat.consumers import ChatConsumer, EchoConsumer, SyncChatConsumer, SyncEchoConsumer


async def burst(request, room, count, text):
    """Send ``text`` to a room ``count`` times."""
    for _ in range(count):
        event = {"type": "chat.message", "message": text}
        await get_channel_layer().group_send(f"chat_{room}", event)
    return HttpResponse()


urlpatterns = [path("burst/<slug:room>/<int:count>/<str:text>/", burst)]

websocket_urlpatterns = [
    path("ws/chat/<slug:room>/", ChatConsumer.as_asgi()),
    path("ws/sync/<slug:room>/", SyncChatConsumer.as_asgi()),
    path("ws/echo/", EchoConsumer.as_asgi()),
    path("ws/sync-echo/", SyncEchoConsumer.as_asgi()),
]
