"""The base of every consumer here."""

from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

TOO_BIG = 4009  # close code


class RealtimeConsumer(AsyncWebsocketConsumer):
    """A consumer with a limit on the size of a message, and without needless threads."""

    async def dispatch(self, message: dict) -> None:
        """Call the handler for ``message``.

        Channels' own looks after database connections on each event, in a thread.
        Here ``database_sync_to_async`` does that where the database is used.
        """
        handler = getattr(self, get_handler_name(message), None)
        if handler is None:
            raise ValueError(f"No handler for message type {message['type']}")
        await handler(message)

    async def websocket_receive(self, message: dict) -> None:
        text = message.get("text")
        data = message["bytes"] if text is None else text.encode()
        if len(data) > settings.WEBSOCKET_MAX_BYTES:
            await self.close(TOO_BIG)
        else:
            await super().websocket_receive(message)
