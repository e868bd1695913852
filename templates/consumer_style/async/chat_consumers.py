"""The chat's WebSocket. Code that blocks, as the ORM does, is called ``in_thread``."""

from typing import ClassVar
from urllib.parse import parse_qsl

from chat import frames, history, rooms
from chat.history import JoinState
from chat.models import Room
from realtime.broadcast import broadcast
from realtime.frame_consumer import FrameConsumer
from realtime.frames import AckFrame, Frame, FrameError, Person
from realtime.threads import in_thread


class ChatConsumer(FrameConsumer):
    """A socket of one person in one room: ``ws/chat/<slug>/?epoch=…&after=…&direct_after=…``."""

    room: Room
    inbox: Room | None

    async def topic(self) -> str:
        slug = rooms.slug_of(self.scope)
        self.room = await in_thread(rooms.find, slug)
        return self.room.topic

    async def join(self) -> JoinState:
        query = dict(parse_qsl(self.scope["query_string"].decode("latin1")))
        state = await in_thread(history.join, self.room, self.user, self.session, query)
        self.room, self.inbox, self.person = state.room, state.inbox, state.welcome.you
        return state

    def welcome(self, state: JoinState, members: list[Person]) -> list[Frame]:
        state.welcome.members = members
        return [state.welcome, *state.logs]

    def current_person(self) -> Person:
        return rooms.person(self.user, self.session)

    async def position(self) -> Frame:
        return await in_thread(history.position, self.user, self.room, self.inbox)

    async def on_send(self, frame: frames.SendRequest) -> Frame:
        seq = await in_thread(
            rooms.post_if_allowed, self.room, self.person, self.user, frame.id, frame.text
        )
        return AckFrame(ref=frame.ref, seq=seq)

    async def on_direct(self, frame: frames.DirectRequest) -> Frame:
        seq = await in_thread(rooms.post_direct, self.user, frame.to, frame.id, frame.text)
        return AckFrame(ref=frame.ref, seq=seq)

    async def on_sync(self, frame: frames.SyncRequest) -> Frame:
        log = self.inbox if frame.direct else self.room
        if log is None:
            raise FrameError("forbidden", "log in to have direct messages")
        return await in_thread(history.sync, self.user, self.room, log, frame)

    async def on_typing(self, frame: frames.TypingRequest) -> None:
        await in_thread(rooms.recheck_access, self.user, self.room)
        broadcast(self.room.topic, frames.TypingFrame(user=self.person))

    async def room_changed(self, event: dict) -> None:
        self.catch_up()  # which looks at the room, and not in all sockets at once

    handlers: ClassVar = {
        frames.SendRequest: on_send,
        frames.DirectRequest: on_direct,
        frames.SyncRequest: on_sync,
        frames.TypingRequest: on_typing,
    }
