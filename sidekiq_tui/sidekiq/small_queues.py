"""Reads small queues, several in one round trip: over a slow line a trip each would take minutes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, NamedTuple

from sidekiq_tui.sidekiq.database import Command, Database, Reply
from sidekiq_tui.sidekiq.errors import ReplyError, SidekiqError
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.sidekiq.replies import payloads
from sidekiq_tui.sidekiq.walk import SLICE_SIZE

SMALL: Final = 100
"""A queue of so many entries, or fewer, is read with others."""
BYTES: Final = 512 * 1024
"""About so many bytes are read in a trip, by the size of the payloads read before."""
FIRST_ENTRIES: Final = 200
"""Entries of the first trip, before that is known."""

# A queue may have grown since its length was asked for: so many entries more are read.
_GROWN: Final = 10


@dataclass(frozen=True, slots=True)
class Target:
    """A place to search, and how many entries its queue had; None where that is not known."""

    place: Place
    size: int | None = None

    @property
    def small(self) -> bool:
        """Whether it is a queue to be read with others."""
        return self.size is not None and self.size <= SMALL


class WholeQueue(NamedTuple):
    """All of a queue at one moment, newest first; or why it cannot be read; None if it has grown too much."""

    place: Place
    raws: list[bytes] | ReplyError | None


class SmallQueues:
    """Reads the small queues that come next, as many as are worth a trip."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._entries = self._bytes = 0

    async def read(self, targets: deque[Target]) -> list[WholeQueue]:
        """Takes small queues from the left of the targets and reads them, in one trip. Raises SidekiqError."""
        batch = self._take(targets)
        commands: list[Command] = [
            ("LRANGE", self._db.keys.queue(one.place.queue or ""), 0, _limit(one) - 1) for one in batch
        ]
        replies = await self._db.pipeline(commands)
        return [self._whole(one, reply) for one, reply in zip(batch, replies, strict=True)]

    def _whole(self, target: Target, reply: Reply) -> WholeQueue:
        if isinstance(reply, ReplyError):
            return WholeQueue(target.place, reply)
        if isinstance(reply, SidekiqError):
            raise reply
        raws = payloads(reply)
        self._entries += len(raws)
        self._bytes += sum(map(len, raws))
        return WholeQueue(target.place, raws if len(raws) < _limit(target) else None)

    def _take(self, targets: deque[Target]) -> list[Target]:
        most = FIRST_ENTRIES
        if self._entries:
            most = min(SLICE_SIZE, BYTES * self._entries // max(self._bytes, 1))
        batch: list[Target] = []
        while targets and targets[0].small and (not batch or (targets[0].size or 0) <= most):
            most -= targets[0].size or 0
            batch.append(targets.popleft())
        return batch


def _limit(target: Target) -> int:
    return (target.size or 0) + _GROWN
