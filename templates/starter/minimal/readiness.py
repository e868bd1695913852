"""What ``/ready/`` asks of the channel layer."""

from channels.layers import get_channel_layer


async def layer_is_ready() -> bool:
    """Return whether the layer takes an event for a group without members.

    It raises what the layer does.
    """
    await get_channel_layer().group_send("readiness", {"type": "readiness.probe"})
    return True
