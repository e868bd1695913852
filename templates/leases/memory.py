"""Who is where, as leases that end by themselves. They lie in this process's memory."""

import time
from collections.abc import Collection, Mapping


class Leases:
    """For each topic its members, each until their lease ends."""

    def __init__(self) -> None:
        self.ends: dict[str, dict[str, float]] = {}

    async def renew(self, members: Mapping[str, Collection[str]], seconds: float) -> None:
        """Let the leases of these members of topics end in ``seconds`` from now."""
        end = time.monotonic() + seconds
        for topic, names in members.items():
            self.ends.setdefault(topic, {}).update(dict.fromkeys(names, end))

    async def members(self, topics: Collection[str]) -> dict[str, set[str]]:
        """Return for each topic those whose lease has not ended."""
        now = time.monotonic()
        for topic, ends in list(self.ends.items()):
            self.ends[topic] = {member: end for member, end in ends.items() if end > now}
            if not self.ends[topic]:
                del self.ends[topic]
        return {topic: set(self.ends.get(topic, ())) for topic in topics}
