"""What stands around every consumer: whom we believe, and whom we let in."""

from collections.abc import Awaitable
from ipaddress import ip_address
from urllib.parse import urlparse

from channels.security.websocket import OriginValidator
from django.conf import settings

from realtime.asgi import refuse


class OriginCheck(OriginValidator):
    """Refuse WebSockets from pages of other sites, and say so in the log.

    Browsers apply no same-origin rule to WebSockets (RFC 6455, section 10.2). A
    program that is no browser sends an ``Origin`` of its own to be let in.
    """

    def __init__(self, application) -> None:
        super().__init__(application, settings.ALLOWED_HOSTS)

    async def __call__(self, scope, receive, send) -> None:
        origin = dict(scope["headers"]).get(b"origin", b"").decode("latin1")
        try:
            valid = self.valid_origin(urlparse(origin) if origin else None)
        except ValueError:  # not even a URL
            valid = False
        if valid:
            await self.application(scope, receive, send)
        else:
            reason = f"origin {origin or '(none)'} is not in ALLOWED_HOSTS {self.allowed_origins}"
            await refuse(reason, receive, send)


class TrustedProxies:
    """Take the client's address and scheme from a proxy in ``TRUSTED_PROXIES``.

    A Unix socket has no address; whoever may open it is trusted. Header lists are
    read from the right: what stands left of the last untrusted hop can be forged.
    """

    def __init__(self, application) -> None:
        self.application = application

    def trusts(self, host: str) -> bool:
        try:
            address = ip_address(host)
        except ValueError:
            return not host
        return any(address in network for network in settings.TRUSTED_PROXIES)

    def seen_from_outside(self, scope: dict) -> dict:
        """Return ``scope`` as if there were no proxies."""
        host, port = scope.get("client") or ("", 0)
        if not self.trusts(host):
            return scope
        headers = {name: value.decode("latin1") for name, value in scope["headers"]}
        for hop in reversed(headers.get(b"x-forwarded-for", host).split(",")):
            host = hop.strip()
            if not self.trusts(host):
                break
        scope = {**scope, "client": (host, port)}
        if headers.get(b"x-forwarded-proto") == "https":
            scope["scheme"] = "https" if scope["type"] == "http" else "wss"
        return scope

    def __call__(self, scope, receive, send) -> Awaitable[None]:
        if scope["type"] in ("http", "websocket"):
            scope = self.seen_from_outside(scope)
        return self.application(scope, receive, send)
