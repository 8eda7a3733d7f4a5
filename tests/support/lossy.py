"""A connection that loses calls: before them, after them, or for a while; and all that was sent may come once more."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final

from sidekiq_tui.sidekiq.database import Command, Database, Reply
from sidekiq_tui.sidekiq.errors import ServerTimeout
from sidekiq_tui.sidekiq.keys import Keys

LOST: Final = 0.2
"""Of all calls."""
REPLAYED: Final = 0.15
"""After so many calls something that was sent earlier arrives again."""


class LossyDatabase(Database):
    """Speaks through another Database, and badly: a fifth of the calls raise, whether they arrived or not."""

    def __init__(self, real: Database, random: Random) -> None:
        self.keys = Keys()  # type: ignore[misc]
        self.trips = 0
        self.scripts = True
        self._loaded = set()
        self._by_hash = True
        self.sent: list[Command] = []
        """Every command ever sent."""
        self.late: list[Command] = []
        """Those still under way."""
        self._real = real
        self._random = random

    async def pipeline(self, commands: Sequence[Command]) -> list[Reply]:
        """As the real one, or ServerTimeout."""
        await self.disturb()
        self.sent += commands
        fate = self._random.random()
        if fate < LOST / 3:
            raise ServerTimeout("dropped")
        if fate < LOST * 2 / 3:
            self.late += commands
            raise ServerTimeout("held")
        replies = await self._real.pipeline(commands)
        if fate < LOST:
            raise ServerTimeout("the reply was lost")
        return replies

    async def disturb(self) -> None:
        """What is under way may arrive now, and what arrived may arrive again."""
        if self.late and self._random.random() < 0.3:
            await self._real.pipeline([self.late.pop(self._random.randrange(len(self.late)))])
        if self.sent and self._random.random() < REPLAYED:
            await self._real.pipeline([self._random.choice(self.sent)])

    async def replay(self) -> None:
        """Everything once more, in its order and then in another one."""
        await self._real.pipeline(self.sent)
        await self._real.pipeline(self._random.sample(self.sent, len(self.sent)))
