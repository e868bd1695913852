"""The chat's WebSocket. What blocks, as the ORM does, is called ``in_thread``."""

from typing import Any, ClassVar
from urllib.parse import parse_qsl

from chat import frames, history, rooms
from chat.models import Room
from realtime.frames import Ack, Frame, Person, Refused
from realtime.hub import publish
from realtime.protocol import ProtocolConsumer
from realtime.threads import in_thread


class ChatConsumer(ProtocolConsumer):
    """A socket of one person in one room: ``ws/chat/<slug>/?epoch=…&after=…&direct_after=…``."""

    room: Room
    inbox: Room | None

    async def enter(self) -> None:
        self.user: Any = self.scope["user"]
        self.query = dict(parse_qsl(self.scope["query_string"].decode("latin1")))
        slug, name = self.scope["url_route"]["kwargs"]["slug"], self.query.get("name", "")
        self.room, self.inbox, self.person = await in_thread(
            rooms.enter, slug, self.user, self.scope["session"], name
        )
        self.topics = [self.room.topic]

    async def welcome(self, members: list[Person]) -> list[Frame]:
        return await in_thread(
            history.welcome, self.room, self.inbox, self.person, members, self.query
        )

    async def newest(self) -> Frame:
        return await in_thread(history.newest, self.room, self.inbox)

    async def on_send(self, frame: frames.Send) -> Frame:
        seq = await in_thread(rooms.post, self.room, self.person, self.user, frame.id, frame.text)
        return Ack(ref=frame.ref, seq=seq)

    async def on_direct(self, frame: frames.Direct) -> Frame:
        seq = await in_thread(rooms.post_direct, self.user, frame.to, frame.id, frame.text)
        return Ack(ref=frame.ref, seq=seq)

    async def on_sync(self, frame: frames.Sync) -> Frame:
        log = self.inbox if frame.direct else self.room
        if log is None:
            raise Refused("forbidden", "log in to have direct messages")
        return await in_thread(history.history, log, frame.after, frame.before, frame.ref)

    async def on_typing(self, frame: frames.Typing) -> None:
        publish(self.room.topic, frames.IsTyping(user=self.person))

    handlers: ClassVar = {
        frames.Send: on_send,
        frames.Direct: on_direct,
        frames.Sync: on_sync,
        frames.Typing: on_typing,
    }
