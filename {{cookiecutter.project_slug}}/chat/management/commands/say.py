from uuid import uuid4

from django.contrib.auth.models import AnonymousUser
from django.core.management.base import BaseCommand, CommandError

from chat import rooms
from chat.guests import new_guest_id
from chat.models import Room
from realtime.frames import FrameError, Person


class Command(BaseCommand):
    help = "Says something in a room, from outside the server."

    def add_arguments(self, parser) -> None:
        parser.add_argument("room", help="its slug, such as lobby")
        parser.add_argument("text", nargs="+")
        parser.add_argument("--name", default="announcement", help="who says it")

    def handle(self, *, room: str, text: list[str], name: str, **options) -> None:
        found = Room.objects.filter(slug=room, owner=None).first()
        if found is None:
            raise CommandError(f"No room {room!r}. Make one in the admin.")
        author = Person(new_guest_id(), name)
        for line in text:
            try:
                seq = rooms.post(found, author, AnonymousUser(), uuid4(), line)
            except FrameError as error:
                raise CommandError(error.detail) from error
            self.stdout.write(f"{found}, {seq}")
