"""Middleware around every consumer: the origin check, and the proxies that are trusted."""

from collections.abc import Awaitable
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import ParseResult, urlparse

from channels.security.websocket import OriginValidator
from django.conf import settings

from serving.asgi import Application, Receive, Scope, Send, refuse

SHOWN_LENGTH = 200  # characters of a refused origin


class OriginCheck(OriginValidator):
    """Refuse WebSockets from pages of other sites, and say so in the log.

    Browsers apply no same-origin rule to WebSockets (RFC 6455, section 10.2). Clients that
    are not browsers must send an ``Origin`` header too.
    """

    def __init__(self, application: Application) -> None:
        super().__init__(application, settings.ALLOWED_HOSTS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin = dict(scope["headers"]).get(b"origin", b"").decode("latin1")
        try:
            valid = self.valid_origin(as_django_compares(urlparse(origin)) if origin else None)
        except ValueError:  # not even a URL
            valid = False
        if valid:
            await self.application(scope, receive, send)
        else:
            shown = repr(origin[:SHOWN_LENGTH]) if origin else "(none)"  # a program may send any
            reason = f"origin {shown} is not in ALLOWED_HOSTS {self.allowed_origins}"
            await refuse(reason, receive, send)


def as_django_compares(origin: ParseResult) -> ParseResult:
    """Return the origin without the dot that may end a host name: ``Host`` is taken so too."""
    host, colon, port = origin.netloc.partition(":")
    return origin._replace(netloc=f"{host.removesuffix('.')}{colon}{port}")


class TrustedProxies:
    """Take the client's address and scheme from a proxy in ``TRUSTED_PROXIES``, and put
    FORCE_SCRIPT_NAME before the path, if the proxy has taken it away.

    A Unix socket has no address; a process that may open it is trusted. Header lists are
    read from the right: what stands left of the last untrusted hop can be forged.
    """

    def __init__(self, application: Application) -> None:
        self.application = application

    def trusts(self, host: str) -> bool:
        address = parse_address(host)
        if address is None:
            return not host
        return any(address in network for network in settings.TRUSTED_PROXIES)

    def below_prefix(self, scope: Scope) -> Scope:
        prefix = (settings.FORCE_SCRIPT_NAME or "").rstrip("/")
        if not prefix:
            return scope
        path = scope["path"]
        if path != prefix and not path.startswith(f"{prefix}/"):
            path = prefix + path
        return {**scope, "root_path": prefix, "path": path}

    def seen_from_outside(self, scope: Scope) -> Scope:
        """Return ``scope`` as if there were no proxies."""
        host, port = scope.get("client") or ("", 0)
        host = str(parse_address(host) or host)
        if not self.trusts(host):
            return {**scope, "client": (host, port)}
        headers = {name: value.decode("latin1") for name, value in scope["headers"]}
        for hop in reversed(headers.get(b"x-forwarded-for", host).split(",")):
            hop = hop.strip()
            host = str(parse_address(hop) or hop)
            if not self.trusts(host):
                break
        scope = {**scope, "client": (host, port)}
        if headers.get(b"x-forwarded-proto") == "https":
            scope["scheme"] = "https" if scope["type"] == "http" else "wss"
        return scope

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] in ("http", "websocket"):
            scope = self.below_prefix(self.seen_from_outside(scope))
        return self.application(scope, receive, send)


def parse_address(host: str) -> IPv4Address | IPv6Address | None:
    """Return the address that ``host`` is, or None if it is none.

    An IPv4 address is one as such: a server that listens on "::" sees ::ffff:127.0.0.1.
    """
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
