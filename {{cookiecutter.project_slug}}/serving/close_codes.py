"""The close codes of every WebSocket here. It imports the standard library alone.

RFC 6455 leaves 4000 to 4999 to applications; not every server takes others from one.
"""

from enum import IntEnum


class CloseCode(IntEnum):
    """Why a socket closes. The range tells a client what to do."""

    # Do not come back.
    UNAUTHENTICATED = 4001
    BAD_FRAMES = 4002
    FORBIDDEN = 4003
    NOT_FOUND = 4004
    TOO_BIG = 4009
    # Come back after a backoff.
    TOO_MANY = 4100
    TOO_SLOW = 4108
    RATE_LIMITED = 4129
    UNAVAILABLE = 4150
    # Come back now, after ``retry_in_ms`` where the server gives that.
    RESTART = 4200
    IDLE = 4201
    RENEWED = 4202
