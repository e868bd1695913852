"""Limits on posts by HTTP, for each client address and for each account.

They are counted in the cache "throttle" of CACHES, so for all processes that share it.
"""

import logging
import time
from hashlib import sha256
from typing import Any
from unicodedata import normalize

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.core.cache import caches
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin
from django.utils.translation import gettext as _

from serving.limits import network_of
from serving.outages import is_outage

logger = logging.getLogger(__name__)

SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}
RETRY_SECONDS = 10  # after which a cache that failed is asked again


class Counts:
    """The counts of all limits. While their cache is away nothing is counted: it refuses nobody."""

    def __init__(self) -> None:
        self.next_try = 0.0

    def add(self, name: str, change: int, seconds: int) -> int:
        """Change the count ``name``, which ends after ``seconds``. Return it, or 0 if unknown."""
        if time.monotonic() < self.next_try:
            return 0
        try:
            cache = caches["throttle"]
            cache.add(name, 0, seconds)
            return cache.incr(name, change)
        except ValueError:  # it was evicted just now
            return 0
        except Exception as error:
            self.next_try = time.monotonic() + RETRY_SECONDS
            logger.warning(
                "No limits on posts for %s s, their cache fails: %r",
                RETRY_SECONDS,
                error,
                exc_info=not is_outage(error),
            )
            return 0


counts = Counts()


class Throttle:
    """Counts up to a setting's number in each window of ``seconds``, for each key."""

    def __init__(self, setting: str, seconds: int) -> None:
        self.setting = setting
        self.seconds = seconds

    def _cache_key(self, key: str) -> str:
        window = int(time.time()) // self.seconds
        return f"throttle-{self.setting}-{window}-{sha256(key.encode()).hexdigest()}"

    def is_over(self, *keys: str) -> bool:
        """Count one for each key but "", and return whether that is too many for any."""
        numbers = [self._count(key, 1) for key in keys]
        return any(number > getattr(settings, self.setting) for number in numbers)

    def take_back(self, *keys: str) -> None:
        for key in keys:
            self._count(key, -1)

    def _count(self, key: str, change: int) -> int:
        return counts.add(self._cache_key(key), change, self.seconds) if key else 0

    @property
    def detail(self) -> str:
        minutes = -(-self.seconds // 60)
        return _("Too many attempts. Try again in {minutes} min.").format(minutes=minutes)

    def refuse(self, request: HttpRequest) -> HttpResponse | None:
        """Return the answer to a request above the limit of its address or of its user."""
        user = f"user-{request.user.pk}" if request.user.is_authenticated else ""
        if not self.is_over(address_of(request), user):
            return None
        headers = {"Retry-After": str(self.seconds)}
        return HttpResponse(self.detail, status=429, content_type="text/plain", headers=headers)


POSTS = Throttle("POSTS_PER_MINUTE", seconds=60)
LOGIN_FAILURES = Throttle("LOGIN_FAILURES", seconds=300)


def address_of(request: HttpRequest) -> str:
    return network_of(request.META.get("REMOTE_ADDR", ""))


class ThrottlePosts(MiddlewareMixin):
    """Refuses too many posts with status 429, whatever the page."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        if request.method in SAFE_METHODS:
            return None
        return POSTS.refuse(request)


class ThrottledBackend(ModelBackend):
    """Takes a limited number of wrong passwords, for a client address and for a name.

    It counts before it looks, since attempts may come together; those that succeed are
    taken back. Names without a user count as well: the answer does not tell them apart.
    """

    def authenticate(self, request, username=None, password=None, **kwargs):
        user_model: Any = get_user_model()
        name = username or kwargs.get(user_model.USERNAME_FIELD)
        if name is None or password is None:
            return None
        keys = [f"name {normalize('NFKC', name).casefold()}"]
        if request is not None:
            keys.append(address_of(request))
        if LOGIN_FAILURES.is_over(*keys):
            raise ValidationError(LOGIN_FAILURES.detail, code="throttled")
        user = super().authenticate(request, username=name, password=password)
        if user is not None:
            LOGIN_FAILURES.take_back(*keys)
        return user

    async def aauthenticate(self, request, username=None, password=None, **kwargs):
        return await sync_to_async(self.authenticate)(request, username, password, **kwargs)
