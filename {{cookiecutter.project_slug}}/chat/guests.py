"""People without an account: who they are, and the name that they picked."""

import secrets

from django.conf import settings

from realtime.frames import Person

NAME_LENGTH = 40


def guest(session: dict, name: str = "") -> Person:
    """Return the guest whose browser has this session.

    A program without a session is a new guest each time, and may bring a ``name``.
    """
    guest_id = session.get("guest_id") or new_guest_id()
    name = clean_name(session.get("guest_name") or name)
    return Person(guest_id, name or guest_id[: len("guest-1234")])


def new_guest_id() -> str:
    return f"guest-{secrets.token_hex(8)}"


def clean_name(name: str) -> str:
    """Return ``name`` as it is shown: one line, or "" where guests have no say."""
    if not settings.CHAT_GUESTS_PICK_NAMES:
        return ""
    return "".join(c for c in " ".join(name.split()) if c.isprintable())[:NAME_LENGTH]
