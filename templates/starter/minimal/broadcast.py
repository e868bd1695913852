"""Send to a group from anywhere: views, commands, threads, signals, consumers.

An event is a dict whose ``type`` names the consumer's handler: ``echo.message``
calls ``echo_message``. Group names have up to 99 of ASCII letters, digits, -, _ and .
https://channels.readthedocs.io/en/stable/topics/channel_layers.html#groups
"""

import asyncio
import logging

from asgiref.sync import async_to_sync
from channels.consumer import get_handler_name
from channels.layers import BaseChannelLayer, get_channel_layer
from django.db import transaction

from serving.outages import is_outage

logger = logging.getLogger(__name__)

SEND_SECONDS = 5  # how long a channel layer may take for one event

require_valid_group_name = BaseChannelLayer().require_valid_group_name  # not every layer has it


def broadcast(group: str, event: dict) -> None:
    """Send ``event`` to ``group``: after the commit where a transaction is open, else now.

    Raises TypeError or ValueError at once for a bad group name or event. A layer that is
    away gets one line in the log: what is stored stays stored.
    """
    _require_valid(group, event)
    if transaction.get_connection().in_atomic_block:
        transaction.on_commit(lambda: _send(group, event), robust=True)
    else:
        _send(group, event)


async def abroadcast(group: str, event: dict) -> None:
    """Send ``event`` to ``group`` from async code, which can hold no transaction open.

    Raises also what the channel layer raises.
    """
    _require_valid(group, event)
    async with asyncio.timeout(SEND_SECONDS):
        await get_channel_layer().group_send(group, event)


def _send(group: str, event: dict) -> None:
    try:
        async_to_sync(abroadcast)(group, event)
    except Exception as error:
        if not is_outage(error):
            raise
        logger.warning("Not sent to %s: %r", group, error)


def _require_valid(group: str, event: dict) -> None:
    """Raise TypeError for a bad group name, and ValueError for an event with a bad ``type``."""
    require_valid_group_name(group)
    get_handler_name(event)
