"""People without an account: their ids, and the names that they picked."""

import secrets
from typing import Any
from unicodedata import category, normalize

from django.conf import settings
from django.contrib.auth import get_user_model

from realtime.frames import Person
from realtime.text import has_visible, is_visible

NAME_LENGTH = 40
JOINERS = "\u200c\u200d"  # in Persian words, Indian scripts, and emoji of several people


def guest(session: Any, name: str = "") -> Person:
    """Return the guest whose browser has this session.

    A program without a session is a new guest each time, and may bring a ``name``.
    """
    guest_id = session.get("guest_id") or new_guest_id()
    picked = clean_name(session.get("guest_name", ""))
    if not picked and (brought := clean_name(name)) and not is_taken(brought):
        picked = brought
    return Person(guest_id, picked or guest_id[: len("guest-1234")])


def new_guest_id() -> str:
    return f"guest-{secrets.token_hex(8)}"


def clean_name(name: str) -> str:
    """Return ``name`` as it is shown: one line, or "" where nothing of it would be seen.

    It is "" too where guests may not pick names.
    """
    if not settings.CHAT_GUESTS_PICK_NAMES:
        return ""
    characters = (
        character
        for character in " ".join(name.split())
        if character in JOINERS or category(character) not in ("Cc", "Cf", "Cs")
    )
    shown = "".join(characters)[:NAME_LENGTH].strip(f" {JOINERS}")
    return shown if has_visible(shown) else ""


def is_taken(name: str) -> bool:
    """Whether a user has this name, or one that differs in case and invisible characters only."""
    users: Any = get_user_model()
    seen = "".join(c for c in normalize("NFKC", name) if c == " " or is_visible(c))
    same = {f"{users.USERNAME_FIELD}__iexact": seen}
    return users._default_manager.filter(**same).exists()
