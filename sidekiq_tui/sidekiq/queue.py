"""One queue: a list whose head (index 0) is the newest job, and whose tail runs next (protocol 3.1, 7 and 12.1)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sidekiq_tui.sidekiq.database import Command, Database, Reply
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.iteration import IterationState, iteration_commands, parse_iterations
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.replies import natural
from sidekiq_tui.sidekiq.stats import waited

FURTHEST: Final = 1 << 62
"""No list or set reaches so far, and Redis can still count to the end of a page there."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some jobs of a list or set. `size` is that of all of it; `read_at` is Unix seconds."""

    place: Place
    offset: int
    size: int
    jobs: tuple[JobRecord, ...]
    read_at: float
    iterations: Mapping[str, IterationState] = field(default_factory=dict)
    """How far iterable jobs have come, by JID: of those that were asked for."""


async def page_replies(
    db: Database, commands: Sequence[Command], iterating: Sequence[str]
) -> tuple[list[Reply], Mapping[str, IterationState]]:
    """The replies that make a page, and the states of some jobs, in one round trip. Raises SidekiqError."""
    replies = await db.pipeline([*commands, *iteration_commands(db.keys, iterating)])
    for reply in replies[: len(commands)]:
        if isinstance(reply, SidekiqError):
            raise reply
    return replies[: len(commands)], parse_iterations(iterating, replies[len(commands) :])


class Queue:
    """A queue by its name, without prefix. An unknown one reads as empty, for that is what an empty one is."""

    def __init__(self, db: Database, name: str) -> None:
        self.name: Final = name
        self.place: Final = Place("queue", name)
        self.key: Final = db.keys.queue(name)
        self._db = db

    async def size(self) -> int:
        """How many jobs wait. Raises SidekiqError."""
        return natural(await self._db.command("LLEN", self.key)) or 0

    async def latency(self, now: float) -> float | None:
        """Seconds that the job which runs next has waited at `now` (Unix seconds). Raises SidekiqError.

        Counts from enqueued_at, else created_at (8.1.1+). 0.0 for an empty queue; None when there is no readable time;
        never negative, though clocks disagree.
        """
        return waited(await self._db.command("LINDEX", self.key, -1), now)

    async def page(self, offset: int, limit: int, *, backwards: bool = False, iterating: Sequence[str] = ()) -> Page:
        """At most `limit` jobs from `offset`, newest first, in one round trip; `backwards`: oldest first.

        `iterating`: the jids whose iteration states are read with it. Raises SidekiqError.
        """
        first = min(offset, FURTHEST)
        last = first + max(limit, 1) - 1
        ends = (-last - 1, -first - 1) if backwards else (first, last)
        commands: list[Command] = [("LLEN", self.key), ("LRANGE", self.key, *ends)]
        (size, raws), iterations = await page_replies(self._db, commands, iterating)
        entries = raws if isinstance(raws, list) else []
        found = (entries[::-1] if backwards else entries)[: max(limit, 0)]
        jobs = tuple(JobRecord(raw, self.place) for raw in found if isinstance(raw, bytes))
        return Page(self.place, offset, natural(size) or 0, jobs, time.time(), iterations)
