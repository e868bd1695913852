"""The base of every consumer here."""

from asgiref.sync import ThreadSensitiveContext
from channels.generic.websocket import WebsocketConsumer
from django.conf import settings

TOO_BIG = 4009  # close code


class RealtimeConsumer(WebsocketConsumer):
    """A consumer with a limit on the size of a message, and with a thread of its own."""

    async def __call__(self, scope, receive, send) -> None:
        # Without it all sync consumers of the process share one thread, and one that
        # waits delays the others: https://github.com/django/channels/issues/2132
        async with ThreadSensitiveContext():
            await super().__call__(scope, receive, send)

    def websocket_receive(self, message: dict) -> None:
        text = message.get("text")
        data = message["bytes"] if text is None else text.encode()
        if len(data) > settings.WEBSOCKET_MAX_BYTES:
            self.close(TOO_BIG)
        else:
            super().websocket_receive(message)
