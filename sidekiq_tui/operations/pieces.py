"""The pieces of each operation: what batches carry out, some at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing
from typing import Final

from sidekiq_tui.operations.batch_run import Piece
from sidekiq_tui.operations.catalog import (
    CancelJobs,
    DeleteProfiles,
    Enlist,
    OfJobs,
    Operation,
    Pause,
    PruneProcesses,
    ResetStatistics,
    SignalProcesses,
)
from sidekiq_tui.operations.count import Count
from sidekiq_tui.operations.entries import Entry
from sidekiq_tui.operations.making import Maker
from sidekiq_tui.operations.payloads import refusal
from sidekiq_tui.operations.sources import Sources
from sidekiq_tui.sidekiq import batch_items as batch
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import InvalidJob
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.payload import to_bytes
from sidekiq_tui.sidekiq.replies import whole

STRETCH: Final = 40
"""Pieces that are made at a stretch, a few tenths of a millisecond: answers wait for it, and the server with them."""
_SCHEDULE: Final = Place("schedule")


async def of_jobs(
    db: Database, operation: OfJobs, sources: Sources, maker: Maker, count: Count, *, keep: bool
) -> AsyncIterator[list[Piece]]:
    """The jobs of the plan. `keep`: the journal gets what undo needs. What cannot be written is counted as such."""
    async with aclosing(sources.read(db)) as slices:
        async for chosen in slices:
            pieces: list[Piece] = []
            for job, tail in chosen:
                reason = refusal(job, operation)
                if reason:
                    count.left_alone(reason)
                    continue
                try:
                    item, entry = maker.make(job, tail=tail)
                except InvalidJob as error:
                    count.left_alone(str(error))
                    continue
                pieces.append(Piece(item, entry if keep else None, job.jid))
                if len(pieces) >= STRETCH:
                    yield pieces
                    pieces = []
            if pieces:
                yield pieces
    count.plus(gone=sources.missing)


async def of_enlist(operation: Enlist, *, keep: bool) -> AsyncIterator[list[Piece]]:
    """New jobs, in their order. `keep`: the journal gets what undo needs."""
    pieces: list[Piece] = []
    for new, queue, at in operation.payloads:
        if at is None:
            item, target = batch.Push(new, queue), Place("queue", queue)
        else:
            item, target = batch.Push(new, score=at), _SCHEDULE
        entry = Entry(None, b"", None, target, new, at) if keep else None
        pieces.append(Piece(item, entry, JobRecord(new, target).jid))
        if len(pieces) >= STRETCH:
            yield pieces
            pieces = []
    if pieces:
        yield pieces


async def of_others(db: Database, operation: Operation, now: float) -> AsyncIterator[list[Piece]]:
    """Operations that are not for jobs in lists."""
    if isinstance(operation, ResetStatistics):
        yield [piece async for piece in _counters(db, operation)]
    else:
        yield [Piece(item, Entry(None, to_bytes(name))) for name, item in _named_items(operation, now)]


async def _counters(db: Database, operation: ResetStatistics) -> AsyncIterator[Piece]:
    """The counters as they are now; one that moves on until the batch runs is left alone."""
    keys = {"processed": db.keys.stat_processed, "failed": db.keys.stat_failed}
    replies = await db.read([("GET", keys[counter]) for counter in operation.counters])
    for counter, reply in zip(operation.counters, replies, strict=True):
        known = whole(reply) or 0
        yield Piece(batch.ResetCounter(counter, known), Entry(None, counter.encode(), float(known)))


def _named_items(operation: Operation, now: float) -> Iterable[tuple[str, batch.Item]]:
    match operation:
        case Pause(queues=queues, paused=paused):
            return [(queue, batch.SetPaused(queue, paused)) for queue in queues]
        case SignalProcesses(signal=signal, identities=identities):
            return [(identity, batch.SendSignal(identity, signal)) for identity in identities]
        case PruneProcesses(identities=identities):
            return [(identity, batch.Prune(identity)) for identity in identities]
        case CancelJobs(jids=jids):
            return [(jid, batch.CancelIteration(jid, int(now))) for jid in jids]
        case DeleteProfiles(profiles=profiles):
            return [(profile, batch.DeleteProfile(profile)) for profile in profiles]
    raise TypeError(f"{operation.kind} has no items")
