"""Send to a group from anywhere: views, commands, threads, signals, consumers.

An event is a dict whose ``type`` names the consumer's handler: ``echo.message``
calls ``echo_message``. Group names have up to 99 of ASCII letters, digits, -, _ and .
https://channels.readthedocs.io/en/stable/topics/channel_layers.html#groups
"""

from functools import partial

from asgiref.sync import async_to_sync
from channels.layers import BaseChannelLayer, get_channel_layer
from django.db import transaction

require_valid_group_name = BaseChannelLayer().require_valid_group_name  # not every layer has it


def broadcast(group: str, event: dict) -> None:
    """Send ``event`` to ``group``: after the commit where a transaction is open, else now.

    Raises TypeError for a bad group name, at once.
    """
    require_valid_group_name(group)
    send = partial(async_to_sync(get_channel_layer().group_send), group, event)
    if transaction.get_connection().in_atomic_block:
        transaction.on_commit(send)
    else:
        send()


async def abroadcast(group: str, event: dict) -> None:
    """Send ``event`` to ``group`` from async code, which can hold no transaction open.

    Raises TypeError for a bad group name.
    """
    require_valid_group_name(group)
    await get_channel_layer().group_send(group, event)
