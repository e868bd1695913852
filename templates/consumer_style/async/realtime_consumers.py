"""The base of every consumer here."""

from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer


class RealtimeConsumer(AsyncWebsocketConsumer):
    """A consumer without needless threads."""

    async def dispatch(self, message: dict) -> None:
        """Call the handler for ``message``.

        Channels' own looks after database connections on each event, in a thread.
        Here ``database_sync_to_async`` does that where the database is used.
        """
        handler = getattr(self, get_handler_name(message), None)
        if handler is None:
            raise ValueError(f"No handler for message type {message['type']}")
        await handler(message)
