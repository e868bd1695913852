"""The consumer of the tests, which the servers of the tests have among their routes."""

from django.urls import path

from realtime.consumers import RealtimeConsumer


class AnsweringConsumer(RealtimeConsumer):
    """Answers each text, and passes on the events of its group."""

    groups = ["tests"]

    def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        said = text_data if bytes_data is None else f"{len(bytes_data)} bytes"
        self.send(text_data=f"You said: {said}")

    def tests_message(self, event: dict) -> None:
        self.send(text_data=event["text"])


websocket_urlpatterns = [path("ws/tests/", AnsweringConsumer.as_asgi())]
