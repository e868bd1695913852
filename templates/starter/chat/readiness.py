"""The probe of the channel layer for ``/ready/``."""

from realtime.hub import hub


async def layer_is_ready() -> bool:
    """Return whether the layer carries events, and holds each subscription of this process.

    While it does not, the chat goes on: messages are stored, and shown later.
    """
    return await hub().is_ready()
