"""Who is where, as leases that end by themselves. They lie in this process's memory."""

import time
from collections.abc import Collection, Mapping

CLEAN_SECONDS = 5  # between two looks at all that has ended


class Leases:
    """For each topic its members, each until their lease ends."""

    def __init__(self) -> None:
        self.ends: dict[str, dict[str, float]] = {}
        self.next_cleaning = 0.0

    async def renew(self, members: Mapping[str, Collection[str]], seconds: float) -> None:
        """Let the leases of these members of topics end in ``seconds`` from now."""
        end = time.monotonic() + seconds
        for topic, names in members.items():
            self.ends.setdefault(topic, {}).update(dict.fromkeys(names, end))

    async def members(self, topics: Collection[str]) -> dict[str, set[str]]:
        """Return for each topic those whose lease has not ended."""
        now = time.monotonic()
        if now > self.next_cleaning:
            self.next_cleaning = now + CLEAN_SECONDS
            self._clean(now)
        return {
            topic: {member for member, end in self.ends.get(topic, {}).items() if end > now}
            for topic in topics
        }

    def _clean(self, now: float) -> None:
        for topic, ends in list(self.ends.items()):
            self.ends[topic] = {member: end for member, end in ends.items() if end > now}
            if not self.ends[topic]:
                del self.ends[topic]
