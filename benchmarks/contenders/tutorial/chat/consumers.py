"""The consumers of the Channels tutorial, parts 2 and 3, written from its documentation.

https://channels.readthedocs.io/en/stable/tutorial/
"""

import json

from asgiref.sync import async_to_sync
from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer


class EchoConsumer(AsyncWebsocketConsumer):
    """The first consumer of part 2, as ``async def``."""

    async def receive(self, text_data):
        message = json.loads(text_data)["message"]
        await self.send(text_data=json.dumps({"message": message}))


class SyncEchoConsumer(WebsocketConsumer):
    """The first consumer of part 2."""

    def receive(self, text_data):
        message = json.loads(text_data)["message"]
        self.send(text_data=json.dumps({"message": message}))


class SyncChatConsumer(WebsocketConsumer):
    """The consumer at the end of part 2."""

    def connect(self):
        self.group = f"chat_{self.scope['url_route']['kwargs']['room']}"
        async_to_sync(self.channel_layer.group_add)(self.group, self.channel_name)
        self.accept()

    def disconnect(self, close_code):
        async_to_sync(self.channel_layer.group_discard)(self.group, self.channel_name)

    def receive(self, text_data):
        message = json.loads(text_data)["message"]
        event = {"type": "chat.message", "message": message}
        async_to_sync(self.channel_layer.group_send)(self.group, event)

    def chat_message(self, event):
        self.send(text_data=json.dumps({"message": event["message"]}))


class ChatConsumer(AsyncWebsocketConsumer):
    """The consumer of part 3."""

    async def connect(self):
        self.group = f"chat_{self.scope['url_route']['kwargs']['room']}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, close_code):
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive(self, text_data):
        message = json.loads(text_data)["message"]
        await self.channel_layer.group_send(
            self.group, {"type": "chat.message", "message": message}
        )

    async def chat_message(self, event):
        await self.send(text_data=json.dumps({"message": event["message"]}))
