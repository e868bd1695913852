"""A socket lives no longer than the login it was opened with.

What ends a login tells that user's sockets at once. What tells nobody, such as a row
changed by SQL, shows when a socket looks again at its next heartbeat.
"""

from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user, get_user_model
from django.contrib.auth.signals import user_logged_out
from django.db import Error as DatabaseError
from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.http import HttpRequest

from realtime.asgi import refuse
from realtime.frames import Close, Closed
from realtime.hub import hub, publish
from realtime.threads import in_thread

SessionStore = import_module(settings.SESSION_ENGINE).SessionStore


def user_topic(user: Any) -> str:
    """Return the topic of all sockets of a user."""
    return f"user.{user.pk}"


class Login:
    """Sets ``scope["user"]``, as Channels' AuthMiddleware does, on threads that stay connected."""

    def __init__(self, application) -> None:
        self.application = application

    async def __call__(self, scope, receive, send) -> None:
        if hub().entrance.is_crowded:
            await refuse("too many are waiting", receive, send)
            return
        try:
            async with hub().entrance:
                user = await in_thread(_user_of, scope["session"])
        except DatabaseError as error:
            await refuse(f"no database: {error!r}", receive, send)
        else:
            await self.application({**scope, "user": user}, receive, send)


def _user_of(session: Any) -> Any:
    request = HttpRequest()
    request.session = session
    return get_user(request)


def is_still_valid(scope: dict) -> bool:
    """Whether the login of a socket holds: read anew, session and user. Guests have none."""
    if not scope["user"].is_authenticated:
        return True
    return _user_of(SessionStore(scope["session"].session_key)) == scope["user"]


class EndsWithItsLogin:
    """What a consumer does about the events that are sent below."""

    scope: dict

    @property
    def user(self) -> Any:
        return self.scope["user"]

    async def session_ended(self, event: dict) -> None:
        if event["session"] == self.scope["session"].session_key:
            raise Closed(Close.UNAUTHENTICATED, "logged out")

    async def user_changed(self, event: dict) -> None:
        if not await in_thread(is_still_valid, self.scope):
            raise Closed(Close.UNAUTHENTICATED, "logged out")


@receiver(user_logged_out)
def _tell_of_logout(user, request, **kwargs) -> None:
    if user is not None and request is not None:
        event = {"type": "session.ended", "session": request.session.session_key}
        publish(user_topic(user), event)  # the session still exists: no use to look again


@receiver(post_save, sender=get_user_model())
def _tell_of_change(instance, created, update_fields, **kwargs) -> None:
    if not created and update_fields != {"last_login"}:
        event = {"type": "user.changed"}
        transaction.on_commit(lambda: publish(user_topic(instance), event), robust=True)
