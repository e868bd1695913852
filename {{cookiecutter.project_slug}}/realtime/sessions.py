"""A socket lives no longer than the login it was opened with.

Logging out, a new password and other changes of a user, of the user's groups and of their
permissions tell the user's sockets at once. Changes without a signal, such as raw SQL and
``QuerySet.update``, are noticed when a socket is used, and at its next heartbeat at the latest.
"""

from hashlib import sha256
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user, get_user_model
from django.contrib.auth.models import AnonymousUser, Group, Permission
from django.contrib.auth.signals import user_logged_out
from django.db.models import Q
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete
from django.dispatch import receiver
from django.http import HttpRequest

from realtime.broadcast import broadcast
from realtime.frames import CloseSocket
from realtime.hub import hub
from realtime.threads import OUTAGES, in_thread
from serving.asgi import Application, Receive, Scope, Send, refuse
from serving.close_codes import CloseCode

SessionStore = import_module(settings.SESSION_ENGINE).SessionStore

User: Any = get_user_model()

LOGIN_CHANGED = {"type": "login.changed"}  # an event: session or user may have changed
MAX_TOLD = 1000  # users of a group or permission; others notice at their next heartbeat
COOKIE_MS = 1000  # for a browser to get the cookie of its new session


def user_topic(user: Any) -> str:
    """Return the topic of all sockets of a user, whatever the type of the primary key."""
    return f"user.{_digest(str(user.pk))}"


def session_topic(session_key: str) -> str:
    """Return the topic of a guest's sockets: of those with this session."""
    return f"session.{_digest(session_key)}"


def _digest(text: str) -> str:
    """Return a name for ``text`` that is valid for a group and does not give it away."""
    return sha256(text.encode()).hexdigest()


class LoginMiddleware:
    """Sets ``scope["user"]`` as Channels' AuthMiddleware does, with few sockets at a time."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if hub().connect_limiter.is_full:
            await refuse("too many sockets are waiting", receive, send)
            return
        try:
            async with hub().connect_limiter.slot():
                user = await in_thread(user_of, scope["session"])
        except OUTAGES as error:
            await refuse(f"no database: {error!r}", receive, send)
        else:
            scope["socket"].user_id = user.pk
            await self.application({**scope, "user": user}, receive, send)


class _ReadOnlySession(dict):
    """A session that Django reads and does not replace: a WebSocket cannot set a new cookie."""

    def cycle_key(self) -> None:
        """Keep the key, after a change of SECRET_KEY with a fallback."""

    def flush(self) -> None:
        """Leave a session of an old password to the next HTTP request."""


def user_of(session: Any) -> Any:
    """Return the user of a session as the database has them now, or an AnonymousUser."""
    request: Any = HttpRequest()
    request.session = _ReadOnlySession(session.items())
    return get_user(request)


class LoginBoundMixin:
    """Mixin that closes a socket when its session or user becomes invalid."""

    scope: Scope

    @property
    def user(self) -> Any:
        return self.scope.get("user") or AnonymousUser()

    @property
    def session(self) -> Any:
        return self.scope.get("session", {})

    @property
    def session_key(self) -> str | None:
        """The key of the session; None for programs that keep no cookie."""
        return getattr(self.session, "session_key", None)

    def login_topics(self) -> list[str]:
        """Return the topics in which changes of the login are broadcast."""
        if self.user.is_authenticated:
            return [user_topic(self.user)]
        return [session_topic(self.session_key)] if self.session_key else []

    def read_session(self) -> None:
        """Read the session anew. It blocks."""
        if self.session_key:
            self.scope["session"] = SessionStore(self.session_key)

    def read_user(self) -> None:
        """Read the user anew: permissions are cached in it. It blocks. Raises CloseSocket."""
        if self.user.is_authenticated:
            user = user_of(self.session) if self.session else self._active_user()
            if user != self.user:
                raise CloseSocket(CloseCode.UNAUTHENTICATED, "logged out")
            self.scope["user"] = user

    def _active_user(self) -> Any:
        """Return the user of a scope without a session, as tests make them."""
        user = type(self.user)._default_manager.filter(pk=self.user.pk).first()
        return user if user is not None and user.is_active else None

    def _is_our_session(self, event: dict) -> bool:
        return event["session"] == (_digest(self.session_key) if self.session_key else None)

    async def session_ended(self, event: dict) -> None:
        if self._is_our_session(event):
            raise CloseSocket(CloseCode.UNAUTHENTICATED, "logged out")

    async def session_renewed(self, event: dict) -> None:
        if self._is_our_session(event):
            raise CloseSocket(CloseCode.RENEWED, "come back with the new session", COOKIE_MS)


def broadcast_renewal(request: HttpRequest) -> None:
    """Let this browser's sockets come back with the session that a new password brings.

    To be called before the password is saved, in one transaction with it: so the sockets
    hear of the new session before they hear that the old one has ended.
    """
    _broadcast_for_session(user_topic(request.user), "session.renewed", request.session.session_key)


def broadcast_new_name(request: HttpRequest) -> None:
    """Save the session of a guest, and let the sockets of this browser read it anew."""
    request.session.save()
    topic = session_topic(request.session.session_key or "")
    broadcast(topic, LOGIN_CHANGED)


@receiver(user_logged_out)
def _on_logout(user, request, **kwargs) -> None:
    if user is not None and request is not None:
        # The session is deleted only later, so reading it now would find it valid.
        _broadcast_for_session(user_topic(user), "session.ended", request.session.session_key)


def _broadcast_for_session(topic: str, kind: str, session_key: str | None) -> None:
    broadcast(topic, {"type": kind, "session": _digest(session_key or "")})


@receiver([post_save, post_delete], sender=User)
def _on_user_saved(instance, created=False, update_fields=None, **kwargs) -> None:
    if not created and update_fields != {"last_login"}:
        _broadcast_change(instance)


def right_fields(users: Any) -> list[Any]:
    """Return the relations of a user model to groups and permissions, whatever their names."""
    fields = [*users._meta.fields, *users._meta.many_to_many]
    return [field for field in fields if field.related_model in (Group, Permission)]


RIGHT_FIELDS = right_fields(User)
RIGHT_LINKS = {
    Group.permissions.through,
    *(field.remote_field.through for field in RIGHT_FIELDS if field.many_to_many),
}


@receiver(m2m_changed)
def _on_links_changed(sender, instance, action, model, pk_set, **kwargs) -> None:
    """Tell the users that get or lose a group or a permission, from whichever side."""
    if sender not in RIGHT_LINKS:
        return
    if action not in ("post_add", "pre_remove", "pre_clear"):  # while the two are linked
        return
    if isinstance(instance, User):
        _broadcast_change(instance)
    elif model is User and pk_set is not None:
        _broadcast_changes(Q(pk__in=pk_set))
    else:
        _on_right_deleted(instance)


@receiver(pre_delete, sender=Group)
@receiver(pre_delete, sender=Permission)
def _on_right_deleted(instance, **kwargs) -> None:
    """Tell the users that have a group, or a permission of their own or of a group."""
    found = Q(pk__in=[])
    for field in RIGHT_FIELDS:
        if isinstance(instance, field.related_model):
            found |= Q(**{field.name: instance})
        elif isinstance(instance, Permission):
            found |= Q(**{f"{field.name}__permissions": instance})
    _broadcast_changes(found)


def _broadcast_changes(found: Q) -> None:
    for user in User._default_manager.filter(found).distinct()[:MAX_TOLD]:
        _broadcast_change(user)


def _broadcast_change(user: Any) -> None:
    broadcast(user_topic(user), LOGIN_CHANGED)
