"""Which jobs are affected when one of two servers of a move went back in time (operations-safety 11, 12)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Literal

from sidekiq_tui.operations.catalog import Delete, Operation, PushAgain
from sidekiq_tui.operations.entries import Entry, handled, is_digests, unpack
from sidekiq_tui.operations.journal import Batch, Journal
from sidekiq_tui.operations.plan import Plan
from sidekiq_tui.operations.planning import EVERYTHING
from sidekiq_tui.operations.selection import Rows
from sidekiq_tui.operations.targets import digest
from sidekiq_tui.operations.warnings import jobs
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.transfer_steps import TransferState

Side = Literal["source", "target", "parked"]


@dataclass(frozen=True, slots=True)
class Setback:
    """What was forgotten, and the jobs: on neither server when the target forgot them, or the source what was parked
    there (`parked`); perhaps on both when the source forgot that they had left.

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


@dataclass(slots=True)
class _Sums:
    """What the journal and both records say of all batches. `arrived`: only those that the source may have again."""

    lost: list[Entry]
    parked: list[Entry]
    arrived: list[Entry]
    unheard: list[Entry]


async def setback(
    journal: Journal, id: str, server: Server, here: TransferState | None, there: TransferState | None
) -> Setback | None:
    """What was lost or doubled; None when both records fit. `here`: of the source, `server`; `there`: of the target.

    Raises SidekiqError.
    """
    missing = set() if here is None else await _without_stage(server, id, here)
    sums = await _summed(journal, id, here, there, missing)
    if here is None:
        return await _forgotten(server, sums, there)
    reached, put = (0, 0) if there is None else (there.next, there.put)
    if there is None or reached < here.acked or sums.lost or here.moved > put:
        count = max(len(sums.lost), here.moved - put)
        if count > 0:
            return Setback("target", (*sums.lost, *sums.parked), count + len(sums.parked))
    if sums.parked or (missing and there is not None and any(there.ids.get(seq) != bid for seq, bid in missing)):
        return Setback("parked", tuple(sums.parked), len(sums.parked))
    if there is None or reached <= here.next:
        return None
    return Setback("source", tuple(sums.arrived), max(len(sums.arrived), put - here.moved))


async def _without_stage(server: Server, id: str, here: TransferState) -> set[tuple[int, str]]:
    """Stages of the record that are not there: evicted, or deleted by somebody."""
    return {(one.seq, one.bid) for one in here.stages if not await server.parked(id, [one.bid])}


async def _forgotten(server: Server, sums: _Sums, there: TransferState | None) -> Setback | None:
    """The source knows nothing of the move: flushed, or restored from before it. What lies there tells which."""
    candidates = (*sums.arrived, *sums.unheard, *sums.parked)
    again = await _there(server, candidates)
    lost = [*sums.lost, *(one for one in (*sums.unheard, *sums.parked) if one.old not in again)]
    if any(one.old in again for one in sums.arrived):
        return Setback("source", tuple(sums.arrived), max(len(sums.arrived), there.put if there is not None else 0))
    if lost:
        return Setback("target" if sums.lost else "parked", tuple(lost), len(lost))
    return None


async def _there(server: Server, entries: Sequence[Entry]) -> set[bytes]:
    """Which of these lie where they came from. Reads all of those places."""
    wanted: dict[Place, set[bytes]] = {}
    for entry in entries:
        if entry.place is not None:
            wanted.setdefault(entry.place, set()).add(entry.old)
    found: set[bytes] = set()
    for place, known in wanted.items():
        async with aclosing(server.scan(place, EVERYTHING)) as slices:
            async for part in slices:
                found.update(job.raw for job in part.jobs if job.raw in known)
    return found


async def _summed(
    journal: Journal,
    id: str,
    here: TransferState | None,
    there: TransferState | None,
    missing: Collection[tuple[int, str]],
) -> _Sums:
    sums = _Sums([], [], [], [])
    parked = {stage.bid for stage in here.stages} if here is not None else set()
    next, acked = (0, 0) if here is None else (here.next, here.acked)
    async for batch in _batches(journal, id):
        if there is not None and there.ids.get(batch.number) == batch.bid:
            if batch.number >= next:
                sums.arrived += _going(batch)
        elif batch.results is not None:
            gone = zip(_entries(batch), batch.results, strict=False)
            sums.lost += [entry for entry, said in gone if said in "1x"]
        elif (batch.number, batch.bid) in missing or (batch.number < acked and batch.bid not in parked):
            sums.parked += _going(batch)
        elif here is None:
            sums.unheard += _going(batch)
    return sums


def _going(batch: Batch) -> list[Entry]:
    """Those that were to leave the source."""
    return [entry for entry in _entries(batch) if entry.new is not None]


def _entries(batch: Batch) -> list[Entry]:
    return [] if batch.blob is None or is_digests(batch.blob) else unpack(batch.blob)


async def _batches(journal: Journal, id: str) -> AsyncIterator[Batch]:
    """In the order in which they went."""
    after = -1
    while batches := await journal.batches_after(id, after):
        after = batches[-1].number
        for one in batches:
            yield one


@dataclass(frozen=True, slots=True)
class Remedy:
    """What a person may choose: what to do on which server. `kept`: jobs that stay, being deleted on `other`."""

    server: str
    operation: Operation
    other: str = ""
    kept: int = 0


async def remedies(journal: Journal, id: str, back: Setback, source: str, target: str) -> list[Remedy]:
    """What can be done about a setback. A job that was deleted on one of two servers since is not offered on the other.

    Raises `JournalError`.
    """
    if back.side != "source":
        lost = _put(back.entries)
        return [Remedy(target, PushAgain(lost=tuple(lost)))] if lost else []
    here = [JobRecord(entry.old, entry.place, entry.score) for entry in back.entries if entry.place is not None]
    if not here:
        return []
    gone_here, gone_there = [await _deleted_since(journal, id, name) for name in (source, target)]
    stay_there = {entry.new for entry in back.entries if digest(entry.old) in gone_here}
    stay_here = {entry.old for entry in back.entries if entry.new is not None and digest(entry.new) in gone_there}
    found = []
    sides = (source, target, here, stay_here), (target, source, _put(back.entries), stay_there)
    for name, other, twice, stay in sides:
        chosen = tuple(job for job in twice if job.raw not in stay)
        found.append(Remedy(name, Delete(jobs=Rows(chosen)), other, len(twice) - len(chosen)))
    return found


def remedied(plan: Plan, way: Remedy) -> Plan:
    """The plan of a remedy, which says what stays; refused where all do."""
    if not way.kept:
        return plan
    said = f"{jobs(way.kept)} stay: they were deleted on {way.other}"
    if plan.count:
        return replace(plan, notes=(*plan.notes, said))
    return replace(plan, nothing=False, refused=f"{said}; undo that first")


def _put(entries: Sequence[Entry]) -> list[JobRecord]:
    """The jobs as the target had them."""
    return [
        JobRecord(entry.new, entry.target, entry.new_score)
        for entry in entries
        if entry.new is not None and entry.target is not None
    ]


async def _deleted_since(journal: Journal, id: str, server: str) -> set[bytes]:
    """Digests of jobs that this machine deleted on a server since that move, and did not put back."""
    move = await journal.noted(id)
    found: set[bytes] = set()
    for noted in await journal.all_noted(server):
        if noted.kind == Delete.kind and noted.undone is None and move is not None and noted.at >= move.at:
            async for batch in _batches(journal, noted.id):
                said = batch.results or "1" * batch.n  # what is not known yet counts as gone
                if batch.blob is not None:
                    found |= {one for _, one in handled(batch.blob, said)}
    return found
