"""The errors of one server as they were read: kept while the server's handle lives, brought up to date when asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

from sidekiq_tui.sidekiq.database import Command, Database
from sidekiq_tui.sidekiq.deploy import MAX_DAYS, Mark, read_marks
from sidekiq_tui.sidekiq.error_groups import Cause, ErrorGroup, GroupMatcher
from sidekiq_tui.sidekiq.error_index import SETS, ErrorIndex
from sidekiq_tui.sidekiq.error_reading import Changes, Progress, read_all, refresh
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.keys import SetName
from sidekiq_tui.sidekiq.replies import scored

UNASKED: Final = 20_000
"""Entries of both sets that may be read without asking first."""

# Entries of one score that are looked at to find one again: a bulk kill gives many nearly the same.
_OF_ONE_SCORE: Final = 100


@dataclass(frozen=True, slots=True)
class ErrorBoard:
    """What is known of the errors of a server. Times are Unix seconds."""

    groups: tuple[ErrorGroup, ...]
    retries: int
    """Entries of retry that are in the groups."""
    dead: int
    total: int
    """Entries that both sets had when they were read."""
    complete: bool
    """Whether all entries were read: only then can the board be refreshed."""
    first: int | None
    """Only so many entries of each set were wanted: the retries due next, and the last dead."""
    as_of: float
    """When what it shows was last true."""
    marks: tuple[Mark, ...] = ()
    """Deploys of the last 90 days, oldest first."""
    denied: Mapping[SetName, str] = field(default_factory=dict)
    """Sets that may not be read, and why."""
    skipped: int = 0
    """So many entries have changed since that a refresh would not read them."""

    @property
    def jobs(self) -> int:
        """Entries in the groups."""
        return self.retries + self.dead

    def deploy_before(self, time: float | None) -> Mark | None:
        """The last deploy up to a time; None if there was none or the time is not known."""
        before = [mark for mark in self.marks if time is not None and mark.at <= time]
        return before[-1] if before else None

    def is_new(self, group: ErrorGroup) -> bool | None:
        """Whether no job of a group failed before the latest deploy; None if no deploy is known."""
        if not self.marks or group.first_at is None:
            return None
        return group.first_at >= self.marks[-1].at


class ErrorBook:
    """The index of one server, and the board made from it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._index: ErrorIndex | None = None
        self._board: ErrorBoard | None = None
        self._draft: tuple[ErrorIndex, Progress, dict[SetName, str], int | None] | None = None
        self._marks: tuple[Mark, ...] = ()
        self._busy = asyncio.Lock()

    @property
    def board(self) -> ErrorBoard | None:
        """What was read last; while there is nothing yet, what a running read has so far."""
        if self._board is None and self._draft is not None:
            return self._drafted()
        return self._board

    async def read(self, db: Database, most: int | None) -> AsyncGenerator[Progress, None]:
        """Reads everything anew (`most` entries of each set): a trip for deploys, one for sizes, then one a slice.

        Whoever stops iterating keeps what was read, if it is the first read; a later one then changes nothing.
        Raises SidekiqError.
        """
        async with self._busy:
            now = self._clock()
            try:
                self._marks = await read_marks(db, now - MAX_DAYS * 86400, now)
            except SidekiqError:
                self._marks = ()
            index, denied = ErrorIndex(), dict[SetName, str]()
            ended = False
            try:
                async with aclosing(read_all(db, index, denied, now=now, most=most)) as slices:
                    async for progress in slices:
                        self._draft = (index, progress, denied, most)
                        yield progress
                ended = True
            finally:
                if self._draft is not None and (ended or self._board is None or not self._board.complete):
                    self._index, self._board = index, self._drafted()
                self._draft = None

    async def refresh(self, db: Database) -> Changes:
        """Brings a complete board up to date, at the price of what has changed. Raises SidekiqError."""
        async with self._busy:
            index, board = self._index, self._board
            if index is None or board is None or not board.complete:
                return Changes()
            now = self._clock()
            names = [name for name in SETS if name not in board.denied]
            changes = await refresh(db, index, names, now=now)
            earlier = {(mark.at, mark.label) for mark in self._marks}
            new = [mark for mark in changes.marks if (mark.at, mark.label) not in earlier]
            self._marks = tuple(sorted([*self._marks, *new], key=lambda mark: mark.at))
            as_of = board.as_of if changes.skipped else now
            self._board = self._made(index, index.size("retry") + index.size("dead"), board, as_of, changes.skipped)
            return changes

    async def job(self, db: Database, cause: Cause) -> JobRecord | None:
        """The job of a group that failed last, read now in one trip; None if those known have all left.

        Raises SidekiqError.
        """
        if self._index is None:
            return None
        samples = self._index.samples(cause)
        limit: Command = ("WITHSCORES", "LIMIT", 0, _OF_ONE_SCORE)
        ranges: list[Command] = [(db.keys.job_set(one.place), *[repr(one.score)] * 2, *limit) for one in samples]
        replies = await db.read([("ZRANGEBYSCORE", *one) for one in ranges])
        for sample, reply in zip(samples, replies, strict=True):
            for raw, score in scored(reply):
                if hash(raw) == sample.hash:
                    return JobRecord(raw, Place(sample.place), score)
        return None

    def next_runs(self, cause: Cause, within: float) -> tuple[float, float, int] | None:
        """When the next and the last retry of a group is due (Unix seconds), and how many are within some seconds."""
        return None if self._index is None else self._index.next_runs(cause, self._clock(), within)

    def matcher(self, cause: Cause) -> GroupMatcher:
        """What finds the jobs of a group again."""
        return GroupMatcher(cause) if self._index is None else self._index.matcher(cause)

    def _drafted(self) -> ErrorBoard | None:
        if self._draft is None:
            return None
        index, progress, denied, most = self._draft
        start = ErrorBoard((), 0, 0, 0, progress.complete, most, self._clock(), denied=dict(denied))
        return self._made(index, progress.total, start, start.as_of, 0)

    def _made(self, index: ErrorIndex, total: int, like: ErrorBoard, as_of: float, skipped: int) -> ErrorBoard:
        return ErrorBoard(
            groups=like.groups if skipped else index.groups(),
            retries=index.size("retry"),
            dead=index.size("dead"),
            total=total,
            complete=like.complete,
            first=like.first,
            as_of=as_of,
            marks=self._marks,
            denied=like.denied,
            skipped=skipped,
        )
