"""Brings the entries of a plan, each once, in the order in which they are handled (operations-safety 6.3, 6.4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from functools import partial
from typing import Final, NamedTuple

from sidekiq_tui.operations.ahead import read_ahead
from sidekiq_tui.operations.catalog import Across, MoveToQueue, OfJobs
from sidekiq_tui.operations.patience import BREAKS, patiently, pause_after
from sidekiq_tui.operations.targets import Targets, digest
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import ServerUnreachable
from sidekiq_tui.sidekiq.job import JobRecord, Place

ROWS_LOOKED_FOR: Final = 500
"""For so many rows of a queue it is asked where they lie; for more the queue is read."""
NEAR: Final = 1000
"""Entries from either end of a queue in which a row is looked for."""
_PASSES: Final = 3
_SLICE: Final = 100
_STEP: Final = 500


class Chosen(NamedTuple):
    """An entry to handle. `tail`: it lies nearer to the end of its queue that runs next."""

    job: JobRecord
    tail: bool = False


def oldest_first(operation: OfJobs) -> bool:
    """Whether jobs of a queue go so: what is pushed at a queue's head keeps its order then; all else newest first."""
    return isinstance(operation, Across) or (isinstance(operation, MoveToQueue) and not operation.front)


class Sources:
    """The entries of one operation. `missing` says, once all is read, how many were no longer where they had been."""

    def __init__(self, server: Server, operation: OfJobs, targets: Targets) -> None:
        self._server = server
        self._targets = targets
        self._oldest_first = oldest_first(operation)
        self.missing = 0
        """Entries that were confirmed and not found."""

    async def read(self, db: Database) -> AsyncGenerator[list[Chosen], None]:
        """All entries, some at a time; sets from the low end. Raises SidekiqError: what was given stays given."""
        known = None if self._targets.jobs is None else _by_place(self._targets.jobs)
        for place, digests in self._targets.digests.items():
            if known is not None and (place.kind != "queue" or digests.total() <= ROWS_LOOKED_FOR):
                rows = known.get(place, [])
                if place.kind == "queue":
                    yield await patiently(partial(self._queue_rows, db, place, rows))
                else:
                    rows.sort(key=lambda job: job.score or 0.0)
                    for start in range(0, len(rows), _STEP):
                        yield [Chosen(job) for job in rows[start : start + _STEP]]
            elif place.kind == "queue":
                yield await patiently(partial(self._whole_queue, place, digests))
            else:
                async with aclosing(self._set(place, digests)) as found:
                    async for slice_ in found:
                        yield slice_

    async def _set(self, place: Place, digests: Counter[bytes]) -> AsyncGenerator[list[Chosen], None]:
        wanted = Wanted(digests)
        left = wanted.left  # what `wanted` still looks for is less: it is read ahead
        passes = breaks = 0
        complete = False
        while passes < _PASSES and not complete:
            try:
                async with aclosing(read_ahead(self._server.scan(place, wanted))) as slices:
                    async for found in slices:
                        complete, breaks = found.complete, 0
                        if found.jobs:
                            yield [Chosen(job) for job in found.jobs]
                        left -= len(found.jobs)
                        if not left:
                            return
                passes += 1
            except ServerUnreachable:  # what was given is not given again
                breaks += 1
                if breaks == BREAKS:
                    raise
                await pause_after(breaks)
        self.missing += wanted.left

    async def _whole_queue(self, place: Place, digests: Counter[bytes]) -> list[Chosen]:
        """What is wanted of a queue. It is read to its end before any is touched: taking from it moves the rest."""
        wanted = Wanted(digests)
        found: list[Chosen] = []
        async with aclosing(read_ahead(self._server.scan(place, wanted))) as slices:
            async for slice_ in slices:
                tail = slice_.read * 2 > slice_.total
                found.extend(Chosen(job, tail) for job in slice_.jobs)
                if len(found) == digests.total():
                    break
        self.missing += wanted.left
        return found[::-1] if self._oldest_first else found

    async def _queue_rows(self, db: Database, place: Place, rows: Sequence[JobRecord]) -> list[Chosen]:
        """Rows in the order of their queue, as far as they lie near one of its ends; the others as they came."""
        key = db.keys.queue(place.queue or "")
        placed: list[tuple[float, Chosen]] = []
        for start in range(0, len(rows), _SLICE):
            part = rows[start : start + _SLICE]
            looks = [("LPOS", key, job.raw, "RANK", rank, "MAXLEN", NEAR) for job in part for rank in (1, -1)]
            length, *replies = await db.pipeline([("LLEN", key), *looks])
            size = length if isinstance(length, int) else 0
            for at, job in enumerate(part):
                head, last = replies[2 * at], replies[2 * at + 1]
                if isinstance(head, int):
                    placed.append((float(head), Chosen(job)))
                elif isinstance(last, int):
                    placed.append((float(last), Chosen(job, tail=True)))
                else:  # somewhere in the middle, or gone
                    placed.append((size / 2, Chosen(job)))
        placed.sort(key=lambda one: one[0])
        ordered = [chosen for _, chosen in placed]
        return ordered[::-1] if self._oldest_first else ordered


class Wanted:
    """A matcher for the entries of a plan in one place: says yes to each as often as it was confirmed."""

    text = ""

    def __init__(self, digests: Counter[bytes]) -> None:
        self._digests = Counter(digests)
        self.left = digests.total()
        """Entries that were not met yet."""

    def may_match(self, raw: bytes) -> bool:
        """Bytes alone don't tell."""
        return True

    def matches(self, job: JobRecord, now: float) -> bool:
        """Whether it is one of them, and not met before."""
        one = digest(job.raw)
        left = self._digests.get(one)
        if not left:
            return False
        self._digests[one] = left - 1
        self.left -= 1
        return True


def _by_place(jobs: Iterable[JobRecord]) -> dict[Place, list[JobRecord]]:
    found: dict[Place, list[JobRecord]] = {}
    place, of_it = None, []
    for job in jobs:
        if job.place is not place:
            place, of_it = job.place, found.setdefault(job.place, [])
        of_it.append(job)
    return found


def counts_by_place(targets: Targets) -> dict[Place, int]:
    """How many entries there are of each place."""
    return {place: digests.total() for place, digests in targets.digests.items()}
