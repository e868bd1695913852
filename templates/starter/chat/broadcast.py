"""Send to a group or topic from anywhere: views, commands, threads, signals, consumers.

An event is a dict whose ``type`` names the consumer's handler: ``echo.message`` calls
``echo_message``. A frame reaches each socket of a topic as it is. Names of groups and
topics have up to 99 of ASCII letters, digits, -, _ and .
https://channels.readthedocs.io/en/stable/topics/channel_layers.html#groups
"""

import asyncio
import logging

from asgiref.sync import async_to_sync
from channels.consumer import get_handler_name
from channels.layers import get_channel_layer
from django.db import transaction

from realtime.frames import Frame
from realtime.hub import FRAME, SEND_SECONDS, hub, serving_hub
from realtime.tasks import in_event_loop
from realtime.topic import require_valid_group_name
from serving.outages import is_outage

logger = logging.getLogger(__name__)


def broadcast(group: str, event: dict | Frame) -> None:
    """Send to ``group``: after the commit where a transaction is open, else now.

    In a server process it waits for nothing, and what one thread sends keeps its order.
    Raises TypeError or ValueError at once for a bad group name or event. A layer that is
    away gets one line in the log: what is stored stays stored.
    """
    event = _as_event(group, event)
    if in_event_loop():  # where no transaction can be open
        (serving_hub() or hub()).send(group, event)
    elif transaction.get_connection().in_atomic_block:
        transaction.on_commit(lambda: _send(group, event), robust=True)
    else:
        _send(group, event)


async def abroadcast(group: str, event: dict | Frame) -> None:
    """Send to ``group`` from async code, and wait until the channel layer has the event.

    Raises also what the layer raises.
    """
    event = _as_event(group, event)
    async with asyncio.timeout(SEND_SECONDS):
        await get_channel_layer().group_send(group, event)


def _send(group: str, event: dict) -> None:
    if serving := serving_hub():
        serving.send(group, event)
        return
    try:
        async_to_sync(abroadcast)(group, event)
    except Exception as error:
        if not is_outage(error):
            raise
        logger.warning("Not sent to %s: %r", group, error)


def _as_event(group: str, event: dict | Frame) -> dict:
    """Return what the layer carries. Raises TypeError for a bad name, ValueError for a bad type."""
    require_valid_group_name(group)
    if isinstance(event, Frame):
        return {"type": FRAME, "text": event.encode()}
    get_handler_name(event)
    return event
