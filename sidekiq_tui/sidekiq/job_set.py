"""The sorted sets of jobs: retry, schedule, dead (protocol 3.1 and 12.1 to 12.3)."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from typing import Final

from sidekiq_tui.sidekiq.database import Command, Database
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.keys import SetName
from sidekiq_tui.sidekiq.queue import FURTHEST, Page, page_replies
from sidekiq_tui.sidekiq.replies import natural, scored
from sidekiq_tui.sidekiq.walk import Stretch, containing, scan_set, walk_set


class JobSet:
    """One of the three sets. Retry and schedule read soonest first, dead newest first, as in Sidekiq's own UI."""

    def __init__(self, db: Database, name: SetName) -> None:
        self.name: Final = name
        self.place: Final = Place(name)
        self.key: Final = db.keys.job_set(name)
        self.descending: Final = name == "dead"
        self._db = db

    async def size(self) -> int:
        """How many entries it has. Raises SidekiqError."""
        return natural(await self._db.command("ZCARD", self.key)) or 0

    async def page(self, offset: int, limit: int, *, backwards: bool = False, iterating: Sequence[str] = ()) -> Page:
        """At most `limit` entries from `offset`, in one round trip, at the same price at any depth.

        `backwards` counts from the other end; `iterating`: the jids whose iteration states are read with it.
        Raises SidekiqError.
        """
        first = min(offset, FURTHEST)
        last = first + max(limit, 1) - 1
        falling = self.descending != backwards
        # From the end with negative ranks: ZRANGE ... REV is not in Redis 6.0.
        ranks = (-last - 1, -first - 1) if falling else (first, last)
        commands: list[Command] = [("ZCARD", self.key), ("ZRANGE", self.key, *ranks, "WITHSCORES")]
        (size, reply), iterations = await page_replies(self._db, commands, iterating)
        entries = scored(reply)
        if falling:
            entries.reverse()
        jobs = tuple(JobRecord(raw, self.place, score) for raw, score in entries[: max(limit, 0)])
        return Page(self.place, offset, natural(size) or 0, jobs, time.time(), iterations)

    async def counts_until(self, ends: Sequence[float]) -> tuple[int, tuple[int, ...]]:
        """How many entries it has, and how many up to each score (inclusive), in one round trip.

        O(log N) each for the server. Raises SidekiqError.
        """
        counts = [("ZCOUNT", self.key, "-inf", repr(end)) for end in ends]
        size, *until = await self._db.read([("ZCARD", self.key), *counts])
        return natural(size) or 0, tuple(natural(count) or 0 for count in until)

    async def fetch(self, score: float, jid: str | None = None) -> list[JobRecord]:
        """The entries of exactly this score (there may be several), of `jid` if given. Raises SidekiqError."""
        jobs = await self.fetch_range(score, score)
        return jobs if jid is None else [job for job in jobs if job.jid == jid]

    async def fetch_range(self, lowest: float, highest: float) -> list[JobRecord]:
        """All entries with a score within (inclusive), lowest first, a trip a slice. Raises SidekiqError."""
        found = walk_set(self._db, self.key, lowest=lowest, highest=highest)
        return [job async for stretch in found for job in self.jobs(stretch)]

    async def find_job(self, jid: str) -> JobRecord | None:
        """The entry of this jid, from the whole set: O(N) for the server, in small slices. Raises SidekiqError.

        Only entries that match come over the wire. As in Ruby, a jid written with `\\u` escapes is missed.
        """
        async for stretch in scan_set(self._db, self.key, containing(jid)):
            for job in self.jobs(stretch):
                if job.jid == jid:
                    return job
        return None

    async def scan(self, pattern: str) -> AsyncIterator[JobRecord]:
        """Entries whose payload matches a glob, as Ruby's `scan`: without a `*` anywhere in it. Raises SidekiqError.

        On the raw JSON: case-sensitive; `* ? [ ] \\` are special; an entry comes once, in no order.
        """
        async for stretch in scan_set(self._db, self.key, pattern if "*" in pattern else f"*{pattern}*"):
            for job in self.jobs(stretch):
                yield job

    def jobs(self, stretch: Stretch) -> tuple[JobRecord, ...]:
        """What a walk through this set brought, as jobs."""
        return tuple(JobRecord(raw, self.place, score) for raw, score in stretch.entries)
