"""The smallest consumer: it answers each text, and passes on the events of its group."""

from realtime.consumers import RealtimeConsumer


class EchoConsumer(RealtimeConsumer):
    """Text in, text out: no frames, no JSON.

    Other code reaches every open echo socket through the group::

        broadcast("echo", {"type": "echo.message", "text": "Hello, all"})
    """

    groups = ["echo"]

    def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        said = text_data if bytes_data is None else f"{len(bytes_data)} bytes"
        self.send(text_data=f"You said: {said}")

    def echo_message(self, event: dict) -> None:
        self.send(text_data=event["text"])
