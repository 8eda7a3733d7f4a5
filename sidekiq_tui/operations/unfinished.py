"""Operations without an end: found here and on the server, fenced, told how far they got (operations-safety 5.4)."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sidekiq_tui.operations import guard, words
from sidekiq_tui.operations.audit import Head
from sidekiq_tui.operations.catalog import Across, Enlist, Evacuate, OfJobs, Transfer, Undo
from sidekiq_tui.operations.desk import Desk
from sidekiq_tui.operations.errors import CannotBeDone, CannotBeKept
from sidekiq_tui.operations.execute_rebuild import STAGE
from sidekiq_tui.operations.forgotten import Loss, batches_of, complete, forgotten
from sidekiq_tui.operations.history import Unfinished
from sidekiq_tui.operations.journal import Batch, Noted, State
from sidekiq_tui.operations.outcome import Tally
from sidekiq_tui.operations.parameters import operation_of
from sidekiq_tui.operations.prepared import UNKNOWN, new_bid
from sidekiq_tui.operations.transfer_record import is_source, is_target, peer_of
from sidekiq_tui.operations.undo import known_records, known_trash
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq import claims
from sidekiq_tui.sidekiq import operation_record as records
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import Forbidden
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.sidekiq.operation_record import BatchResult, OperationRecord, RecordKeys
from sidekiq_tui.sidekiq.payload import to_text
from sidekiq_tui.sidekiq.replies import json_value, natural
from sidekiq_tui.sidekiq.transfer_steps import state_of
from sidekiq_tui.sidekiq.trash import restore_step

_RECENT: Final = 600.0
"""Seconds for which an operation that only the server knows of is taken for running."""
_PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Settled:
    """What is known of an operation once nothing of it can act any more.

    `generation`: the last that was begun. `returned`: parked jobs that were put back into their queues.
    """

    noted: Noted | None
    tally: Tally
    generation: int
    returned: int
    words: str
    loss: Loss | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """One generation after its fence: it carried out the batches from `first` up to, not including, `end`."""

    first: int
    end: int
    results: Mapping[int, BatchResult]
    """Of the last of them, by their number in the operation."""
    fields: Mapping[str, bytes]


# ---- Listing


async def unfinished(desk: Desk, server: Server, ours: Collection[str]) -> tuple[Unfinished, ...]:
    """All on one server, the oldest first. `ours`: ids that run in this session. Raises SidekiqError."""
    noted = {one.id: one for one in await desk.journal.all_noted(server.name)}
    told: dict[str, list[OperationRecord]] = {}
    for record in await known_records(server):
        if not is_target(record):  # it belongs to the server that the jobs come from
            told.setdefault(record.id, []).append(record)
    parked = {id: await _parked(server, said) for id, said in told.items()}
    now = desk.clock()
    run_id = (await server.mark()).run_id if noted else None
    found: list[Unfinished] = []
    for id in dict.fromkeys([*noted, *told]):
        one, said = noted.get(id), told.get(id, [])
        if one is None:
            if parked[id] or (any(record.state == "open" for record in said) and not complete(said)):
                found.append(_told_there(server.name, said, parked[id], now))
            continue
        entry = _noted_here(desk, one, said, parked.get(id, 0), now, id in ours)
        if one.state in ("open", "unknown") or parked.get(id):
            found.append(entry)
        elif (loss := await forgotten(desk.journal, one, said, run_id, now)) is not None:
            found.append(replace(entry, settled=one.tally.settled - loss.entries, forgotten=loss.entries))
        elif failed_in_part(one):
            found.append(replace(entry, failed=True))
    return tuple(sorted(found, key=lambda entry: entry.at))


def failed_in_part(noted: Noted) -> bool:
    """Whether it was refused on its way and can be gone on with. An undo could not even begin again."""
    if noted.state != "failed" or not noted.tally.untouched:
        return False
    operation = operation_of(noted.kind, noted.parameters)
    return isinstance(operation, OfJobs | Enlist | Undo) and not isinstance(operation, Across)


def _target(said: Sequence[OperationRecord], noted: Noted | None = None) -> str | None:
    """Where the jobs of a move go, by its record, else by the journal; None of anything else."""
    peer = next((found.name for one in said if is_source(one) and (found := peer_of(one.fields)) is not None), None)
    operation = None if noted is None or peer is not None else operation_of(noted.kind, noted.parameters)
    return operation.target if isinstance(operation, Transfer | Evacuate) else peer


def _noted_here(
    desk: Desk, noted: Noted, said: Sequence[OperationRecord], parked: int, now: float, runs: bool
) -> Unfinished:
    elsewhere = noted.owner != desk.journal.owner and noted.running(now)
    return Unfinished(
        id=noted.id,
        server=noted.server,
        kind=noted.kind,
        who=noted.who,
        at=noted.at,
        count=noted.count,
        settled=noted.tally.settled,
        parked=parked,
        running=runs or elsewhere,
        can_continue=not (runs or elsewhere),
        peer=_target(said, noted),
    )


def _told_there(server: str, said: Sequence[OperationRecord], parked: int, now: float) -> Unfinished:
    first = min(said, key=lambda record: record.generation)
    return Unfinished(
        id=first.id,
        server=server,
        kind=first.kind,
        who=first.who,
        at=first.begun,
        count=first.count or 0,
        settled=0,
        parked=parked,
        running=now - max(record.begun for record in said) < _RECENT,
        can_continue=any(is_source(record) for record in said),
        peer=_target(said),
    )


def stages(fields: Mapping[str, bytes]) -> tuple[str, str] | None:
    """The queue whose jobs an operation has parked, and under which random id."""
    match json_value(fields.get(STAGE)):
        case [str(queue), str(bid)]:
            return queue, bid
    return None


async def _parked(server: Server, said: Sequence[OperationRecord]) -> int:
    named = {found[1] for record in said if (found := stages(record.fields)) is not None}
    named |= {stage.bid for one in said if is_source(one) for stage in state_of(one.fields, one.state).stages}
    return await server.parked(said[0].id, sorted(named)) if named else 0


async def heads_on(desk: Desk, name: str) -> list[tuple[str, Head]]:
    """The heads of this machine's audit that records on a server keep, of operations that the journal knows."""
    ours = {noted.id for noted in await desk.journal.all_noted(name)}
    found = []
    for record in await known_records(desk.server(name)):
        said, _, hash = (record.fields.get("audit") or b"").decode("ascii", "replace").partition(":")
        n = natural(said)
        if record.id in ours and n is not None:
            found.append((name, Head(n, hash)))
    return found


# ---- Settling


async def settle(desk: Desk, server: Server, id: str, ours: Collection[str]) -> Settled:
    """Fences every generation, puts parked jobs back, and finds out what became of all batches.

    Raises `CannotBeDone` while somebody is at it, SidekiqError when the server does not answer: then it stays open.
    """
    noted = await desk.journal.noted(id)
    if noted is not None and noted.server != server.name:
        raise CannotBeDone(f"that was done on {noted.server}")
    now = desk.clock()
    if id in ours:
        raise CannotBeDone("it is running here: stop it first")
    if noted is not None and noted.owner != desk.journal.owner and noted.running(now):
        raise CannotBeDone(f"{noted.who} is at it (process {noted.owner.pid} on {noted.owner.host})")
    said = sorted(
        (record for record in await known_records(server) if record.id == id), key=lambda record: record.generation
    )
    if noted is None and not said:
        raise CannotBeDone("nothing is known of such an operation")
    mark = await server.mark()
    loss = None if noted is None else await forgotten(desk.journal, noted, said, mark.run_id, now)
    grant = guard.admit_upkeep(mark, server.profile, "close", now, read_only=desk.read_only)
    db = await server.writer(grant)
    try:
        reached = [await _fence(db, record, desk.who.text) for record in said]
        returned = await _return(db, said, desk.who.text, now)
    finally:
        await db.close()
    if noted is None:
        return _foreign(said, reached, returned)
    tally = await _tally(desk, server, noted, reached, loss)
    trouble = [f"{returned:,} parked jobs were put back into their queue"] if returned else []
    if loss is not None:
        trouble.append(f"{server.name} went back in time and has forgotten {loss.entries:,} of these")
    generation = max((record.generation for record in said), default=0)
    return Settled(noted, tally, generation, returned, "; ".join(trouble), loss)


async def _fence(db: Database, record: OperationRecord, who: str) -> Reach:
    fields, following, results = record.fields, record.next, record.results
    if record.state == "open":
        keys = RecordKeys(db.keys, record.id, record.generation)
        try:
            closed = await records.close(db, keys, who or "somebody")
        except Forbidden:  # no scripts
            closed = await claims.close(db, keys)
        if closed is not None:
            fields, following, results = closed.fields, closed.next, closed.results
            for result in results.values():
                if not result.results:
                    # Claimed and not delivered, where there are no scripts; nothing elsewhere.
                    await claims.return_claims(db, record.id, result.bid)
    first, end = batches_of(replace(record, fields=fields, next=following))
    return Reach(first, end, {first + seq: result for seq, result in results.items()}, fields)


async def _return(db: Database, said: Sequence[OperationRecord], who: str, now: float) -> int:
    """Puts parked jobs back into their queues, under a generation of its own; how many."""
    returned = 0
    generation = max((record.generation for record in said), default=0)
    for queue, bid in dict.fromkeys(found for record in said if (found := stages(record.fields)) is not None):
        stage = db.keys.stage(said[0].id, bid)
        left = natural(await db.command("LLEN", stage)) or 0
        if not left:
            continue
        generation += 1
        keys = RecordKeys(db.keys, said[0].id, generation)
        fields: dict[str, str | float] = {
            "v": 1,
            "kind": said[0].kind,
            "who": who,
            "at": now,
            STAGE: json.dumps([queue, bid]),
            records.PARKED: to_text(stage),
        }
        if await records.begin(db, keys, fields, now) == "exists":
            raise CannotBeDone("somebody else is putting its parked jobs back")
        seq = 0
        while left:
            done = await restore_step(db, keys.record, seq, new_bid(), stage, Place("queue", queue))
            if done.status not in ("ok", "done"):
                raise CannotBeDone(f"its parked jobs cannot be put back now: {done.error or done.status}")
            seq, left, returned = seq + 1, done.left, returned + done.restored
        await records.finish(db, keys)
    for record in said:
        if stages(record.fields) is not None:  # from now on they may be forgotten
            ended = records.finish if record.state == "done" else records.close
            await ended(db, RecordKeys(db.keys, record.id, record.generation))
    return returned


def _foreign(said: Sequence[OperationRecord], reached: Sequence[Reach], returned: int) -> Settled:
    """What can be told of an operation of another machine."""
    first = said[0]
    count = first.count or 0
    batches = sum(reach.end - reach.first for reach in reached)
    told = f"{first.kind} of {first.who or 'somebody'} ended after {batches:,} batches of {count:,} entries"
    if returned:
        told += f"; {returned:,} parked jobs were put back into their queue"
    return Settled(None, Tally(), max(record.generation for record in said), returned, told)


async def _tally(desk: Desk, server: Server, noted: Noted, reached: Sequence[Reach], loss: Loss | None) -> Tally:
    """What became of the entries; the journal is told of batches that it did not know the end of."""
    found: dict[int, str] = {}
    counts = dict.fromkeys(("1", "0", "x", "D", UNKNOWN, "-"), 0)
    before: int | None = None
    while batches := await desk.journal.batches(noted.id, before=before, limit=_PAGE):
        before = batches[-1].number
        for one in batches:
            results = one.results
            if results is None:
                results = found[one.number] = _results(one, reached)
            elif loss is not None and one.number >= loss.first:
                results = found[one.number] = "-" * one.n
            for result in results:
                counts[result] += 1
    done = counts["1"] + await _beside_batches(server, noted, reached)
    known = Tally(
        done=done,
        # What the journal has counted is there with what was not met when it was read, or it has counted nothing yet.
        gone=max(counts["0"], noted.tally.gone),
        exists=counts["x"],
        refused=noted.tally.refused,
        malformed=noted.tally.malformed,
        unknown=counts[UNKNOWN],
        duplicated=counts["D"],
    )
    tally = replace(known, untouched=max(0, noted.count - known.settled - known.unknown))
    await desk.journal.settle(noted.id, found, noted.generation, tally)
    return tally


def _results(batch: Batch, reached: Sequence[Reach]) -> str:
    """What became of a batch whose answer was never noted."""
    for reach in reached:
        if reach.first <= batch.number < reach.end:
            said = reach.results.get(batch.number)
            if said is None:  # carried out, and no longer among the last ones of which the record says more
                return UNKNOWN * batch.n
            if said.bid == batch.bid:
                return said.results.ljust(batch.n, UNKNOWN)
    # No record at all: it was flushed or evicted, and what it said with it.
    return ("-" if reached else UNKNOWN) * batch.n


async def _beside_batches(server: Server, noted: Noted, reached: Sequence[Reach]) -> int:
    """Entries that went by scripts other than batches: a clear, a rebuild that deletes, an undo from the trash."""
    fields = [reach.fields for reach in reached]
    if noted.kind == "clear":
        return sum(natural(one.get("count")) or 0 for one in fields if one.get("cleared") == b"ok")
    if noted.kind == "delete":
        return sum(natural(one.get("cut")) or 0 for one in fields)
    if noted.kind == "undo":
        original = noted.id.partition("u")[0]
        restored = sum(natural(one.get("restored")) or 0 for one in fields)
        steps = any(reach.end > reach.first for reach in reached) and not restored
        left = sum(part.count for part in await known_trash(server) if part.operation == original)
        # An undo by batches has these in the journal.
        return restored + (max(0, noted.count - left) if steps and not noted.tally.done else 0)
    return 0


async def conclude(desk: Desk, settled: Settled, *, offered: bool = False) -> str:
    """Writes the end of what was settled into journal and audit; says in words how far it got.

    `offered`: the rest is planned and has yet to be said yes to; what failed or was forgotten stays in the lists then.
    """
    noted = settled.noted
    if noted is None:
        return settled.words
    operation = operation_of(noted.kind, noted.parameters)
    trouble = "; ".join(["ended where it stopped", *([settled.words] if settled.words else [])])
    verb = words.DONE.get(noted.kind, noted.kind) if operation is None else words.done(operation)
    said = words.tallied(noted.kind, verb, settled.tally, trouble)
    state: State = "unknown" if settled.tally.unknown else "stopped"
    undo = noted.undo if settled.tally.done else "no"
    waits = offered and (noted.state == "failed" or settled.loss is not None)
    ended: State = "failed" if waits or state == "unknown" else state
    await desk.journal.end(noted.id, ended, settled.tally, undo=undo, rest=True)
    if noted.state == "failed" and settled.tally == noted.tally and waits:
        return said  # its line is in the audit
    fields = {
        "step": "outcome",
        "id": noted.id,
        "who": desk.who.text,
        "server": noted.server,
        "kind": noted.kind,
        "ending": said,
        "how": state,
        "counts": {name: getattr(settled.tally, name) for name in Tally.__dataclass_fields__},
        "undo": noted.id if undo != "no" else None,
    }
    try:
        await desk.audited(fields)
    except CannotBeKept as failure:
        return f"{said}; the line of this outcome is not in the audit: {failure}"
    return said
