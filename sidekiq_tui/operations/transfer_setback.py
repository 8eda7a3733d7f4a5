"""Which jobs are affected when one of two servers of a move went back in time (operations-safety 11, 12)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

from sidekiq_tui.operations.catalog import Delete, Operation, PushAgain
from sidekiq_tui.operations.entries import Entry, is_digests, unpack
from sidekiq_tui.operations.journal import Batch, Journal
from sidekiq_tui.operations.selection import Rows
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.transfer_steps import TransferState

Side = Literal["source", "target"]


@dataclass(frozen=True, slots=True)
class Setback:
    """The server that went back, and the jobs: with `target` on neither server, with `source` perhaps on both.

    `entries` are those whose bytes this machine has; `count` is what the records say, which may be more.
    """

    side: Side
    entries: tuple[Entry, ...]
    count: int

    @property
    def jids(self) -> list[str]:
        """Of the jobs whose bytes are known here."""
        place = Place("dead")
        return [JobRecord(entry.old, entry.place or place).jid or "without a jid" for entry in self.entries]


async def setback(journal: Journal, id: str, here: TransferState | None, there: TransferState | None) -> Setback | None:
    """What was lost or doubled; None when both records fit. `here`: of the source, `there`: of the target."""
    if there is None or (here is not None and there.next < here.acked):
        reached = 0 if there is None else there.next
        lost = [
            entry
            async for batch in _batches(journal, id)
            if batch.number >= reached
            for entry in _gone(batch)
        ]  # fmt: skip
        known = here.moved if here is not None else 0
        count = max(len(lost), known - (there.put if there is not None else 0))
        return Setback("target", tuple(lost), count) if count else None
    reached = 0 if here is None else here.next
    if there.next <= reached:
        return None
    doubled = [
        entry
        async for batch in _batches(journal, id)
        if batch.number >= reached and there.ids.get(batch.number) == batch.bid
        for entry in _entries(batch)
        if entry.new is not None
    ]
    known = 0 if here is None else here.moved
    return Setback("source", tuple(doubled), max(len(doubled), there.put - known))


def _gone(batch: Batch) -> list[Entry]:
    """Those that have left the source for good."""
    results = batch.results or ""
    return [entry for entry, said in zip(_entries(batch), results, strict=False) if said in "1x"]


def _entries(batch: Batch) -> list[Entry]:
    return [] if batch.blob is None or is_digests(batch.blob) else unpack(batch.blob)


async def _batches(journal: Journal, id: str) -> AsyncIterator[Batch]:
    """In the order in which they went."""
    after = -1
    while batches := await journal.batches_after(id, after):
        after = batches[-1].number
        for one in batches:
            yield one


def remedies(back: Setback, source: str, target: str) -> list[tuple[str, Operation]]:
    """What a person may choose: the server, and what to do there."""
    if back.side == "target":
        lost = [
            JobRecord(entry.new, entry.target, entry.new_score)
            for entry in back.entries
            if entry.new is not None and entry.target is not None
        ]
        return [(target, PushAgain(lost=tuple(lost)))] if lost else []
    here = [JobRecord(entry.old, entry.place, entry.score) for entry in back.entries if entry.place is not None]
    there = [
        JobRecord(entry.new, entry.target, entry.new_score)
        for entry in back.entries
        if entry.new is not None and entry.target is not None
    ]
    sides = [(source, here), (target, there)]
    return [(name, Delete(jobs=Rows(tuple(jobs)))) for name, jobs in sides if jobs]
