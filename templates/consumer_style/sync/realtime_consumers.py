"""The base of every consumer here."""

from channels.consumer import get_handler_name
from channels.generic.websocket import WebsocketConsumer

from realtime.threads import in_thread


class RealtimeConsumer(WebsocketConsumer):
    """A consumer whose handlers run in a pool of threads: a socket that waits needs none."""

    async def dispatch(self, message: dict) -> None:
        """Call the handler for ``message`` in a thread.

        Channels' own runs all sync consumers of the process in one thread, where one that
        waits delays the others: https://github.com/django/channels/issues/2132
        """
        handler = getattr(self, get_handler_name(message), None)
        if handler is None:
            raise ValueError(f"No handler for message type {message['type']}")
        await in_thread(handler, message)
