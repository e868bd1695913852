"""How log records are written: as lines for people, or as JSON for what collects them.

Neither has the password of a URL, which libraries quote in their errors.
"""

import json
import logging
import re
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

URL_LOGIN = re.compile(r"(?<=://)[^\s/@'\"\\]*@")

# The connection that the running code serves: see serving.connections.
current_connection: ContextVar[Any] = ContextVar("current_connection", default=None)


class LineFormatter(logging.Formatter):
    """Writes a record as a line, and a traceback below it."""

    def format(self, record: logging.LogRecord) -> str:
        return hide_passwords(super().format(record))


class JSONFormatter(logging.Formatter):
    """Writes a record as one line of JSON.

    The keys are time, level, logger, process and message; traceback where there is one; the
    id of the connection, and of its user once it is known.
    """

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
        }
        if connection := current_connection.get():
            fields["connection"] = connection.id
            if connection.user_id is not None:
                fields["user"] = connection.user_id
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return hide_passwords(json.dumps(fields, default=str))


def hide_passwords(text: str) -> str:
    return URL_LOGIN.sub("***@", text)


class OneLineForBadRequests(logging.Filter):
    """Leaves one line of a request that Django refuses, such as one with a foreign host.

    Programs that scan the net send many of them. Django logs a traceback and a second line.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        if record.name.startswith("django.security."):
            record.exc_info = None
            if request is not None:
                request.refusal_is_logged = True
            return True
        return not getattr(request, "refusal_is_logged", False)
