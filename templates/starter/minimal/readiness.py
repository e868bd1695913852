"""The probe of the channel layer for ``/ready/``."""

from channels.layers import get_channel_layer


async def layer_is_ready() -> bool:
    """Return whether the layer takes an event for a group without members.

    Raises the errors of the layer.
    """
    await get_channel_layer().group_send("readiness", {"type": "readiness.probe"})
    return True
