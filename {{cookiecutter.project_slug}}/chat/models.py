from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from realtime.frames import Person


def new_epoch() -> str:
    return uuid4().hex


class Room(models.Model):
    """A log of messages: a room's, or the direct messages of its owner."""

    slug = models.SlugField(_("part of the address"), unique=True)
    title = models.CharField(_("title"), max_length=100)
    open_to_guests = models.BooleanField(_("open to guests"), default=False)
    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        blank=True,
        editable=False,
        related_name="inbox",
        help_text="whose direct messages these are",
    )
    epoch = models.CharField(
        max_length=32, default=new_epoch, editable=False, help_text="names this log, for clients"
    )
    seq = models.PositiveBigIntegerField(
        _("newest number"), default=0, editable=False, help_text="that of the newest message"
    )

    class Meta:
        ordering = ["title"]
        verbose_name = _("room")
        verbose_name_plural = _("rooms")

    def __str__(self) -> str:
        return self.title

    @property
    def topic(self) -> str:
        """The topic of the room's sockets. Not by the slug, which may name another room later."""
        return f"room.{self.pk}"


class Message(models.Model):
    room = models.ForeignKey(Room, models.CASCADE, related_name="messages", verbose_name=_("room"))
    seq = models.PositiveBigIntegerField(
        _("number"), help_text=_("It counts up by one in each room.")
    )
    client_id = models.UUIDField(
        _("identifier"), help_text=_("It is the same when a client sends the message again.")
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("author"),
    )
    guest_id = models.CharField(_("identifier of the guest"), max_length=40, blank=True)
    guest_name = models.CharField(_("name of the guest"), max_length=40, blank=True)
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("recipient"),
    )
    text = models.TextField(_("text"))
    sent_at = models.DateTimeField(_("time"), auto_now_add=True)

    class Meta:
        ordering = ["room", "seq"]
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            models.UniqueConstraint(fields=["room", "seq"], name="one_message_per_seq"),
            models.UniqueConstraint(fields=["room", "client_id"], name="one_message_per_client_id"),
        ]

    def __str__(self) -> str:
        return f"{self.room}, {self.seq}"

    @property
    def person(self) -> Person:
        """The author of the message."""
        if self.guest_id:
            return Person(self.guest_id, self.guest_name)
        return person_of(self.author)


def person_of(user) -> Person:
    """Return a user as frames show one, or a placeholder for a deleted user."""
    return user_person(user.pk, user.get_username()) if user else user_person(None, "")


def user_person(pk: Any, name: str) -> Person:
    return Person("", gettext("(deleted)")) if pk is None else Person(f"user-{pk}", name)
