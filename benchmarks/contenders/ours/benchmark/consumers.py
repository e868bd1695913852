"""The chat's consumer, and two frames more: texts that are told to the room, and not stored."""

from typing import ClassVar

from benchmark.frames import Heard, Say, SayInThread
from chat.consumers import ChatConsumer
from realtime.broadcast import broadcast


class BenchmarkConsumer(ChatConsumer):
    async def on_say(self, frame: Say) -> None:
        broadcast(self.room.topic, Heard(text=frame.text))

    def on_say_in_thread(self, frame: SayInThread) -> None:
        """Take the way of ``chat.send``, but for the database."""
        broadcast(self.room.topic, Heard(text=frame.text))

    handlers: ClassVar = {
        **ChatConsumer.handlers,
        Say: on_say,
        SayInThread: on_say_in_thread,
    }
