"""Goes on with a move that did not end, from any machine, or puts back what it parked (operations-safety 5.4, 11)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final

from sidekiq_tui.operations import guard
from sidekiq_tui.operations.catalog import Evacuate, Operation, ReturnStaged, Transfer
from sidekiq_tui.operations.census import place_name
from sidekiq_tui.operations.desk import Desk
from sidekiq_tui.operations.entries import is_digests, unpack, unpack_targets
from sidekiq_tui.operations.errors import CannotBeDone
from sidekiq_tui.operations.execute import Transit
from sidekiq_tui.operations.fingerprint import fingerprint
from sidekiq_tui.operations.guard import peer_refusal
from sidekiq_tui.operations.journal import Batch, Noted
from sidekiq_tui.operations.outcome import Tally
from sidekiq_tui.operations.parameters import operation_of
from sidekiq_tui.operations.plan import Peer, Plan, Price
from sidekiq_tui.operations.resume import left
from sidekiq_tui.operations.survey import Survey, survey
from sidekiq_tui.operations.targets import Targets
from sidekiq_tui.operations.transfer_record import (
    KINDS,
    PeerRecord,
    is_source,
    is_target,
    peer_of,
    transform_text,
    whole_places,
)
from sidekiq_tui.operations.transfer_setback import Setback, setback
from sidekiq_tui.operations.transform import Transform, transform_from, transform_like, transform_of
from sidekiq_tui.operations.undo import known_records
from sidekiq_tui.operations.unfinished import Settled, conclude
from sidekiq_tui.operations.warnings import jobs
from sidekiq_tui.servers.mark import ServerMark
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.operation_record import OperationRecord, RecordKeys, close
from sidekiq_tui.sidekiq.transfer_steps import TransferState, state_of

_JIDS: Final = 20
"""So many jobs of a setback are named in a plan."""
_LOOKS: Final = 5


@dataclass(frozen=True, slots=True)
class Found:
    """A move as its servers and this machine's journal know it. `there`: None when the target does not (any more)."""

    id: str
    record: OperationRecord
    known: bool
    """Whether the source knows of it: else the record is made of what the journal says."""
    peer: PeerRecord
    noted: Noted | None
    here: TransferState
    there: TransferState | None
    there_generation: int
    parked: int
    setback: Setback | None

    @property
    def who(self) -> str:
        """Who began it."""
        return self.record.who


def is_move(records: Collection[OperationRecord], noted: Noted | None) -> bool:
    """Whether this is a move between servers, by what either the server or the journal says."""
    return any(record.kind in KINDS for record in records) or (noted is not None and noted.kind in KINDS)


async def find(desk: Desk, server: Server, id: str, ours: Collection[str], *, forced: bool = False) -> Found | None:
    """The move of that id that left this server; None when it is no move. `forced`: the target may be away.

    Raises `CannotBeDone` when it runs, or nothing can be done about it; SidekiqError when either server is away.
    """
    found = await _look(desk, server, id, ours, forced)
    for _ in range(_LOOKS):
        if found is None or found.setback is None or not found.known:
            return found
        # One record is read after the other: a setback is only what they still say when nothing changes.
        before = found.here, found.there
        found = await _look(desk, server, id, ours, forced)
        if found is not None and (found.here, found.there) == before:
            return found
    raise CannotBeDone("somebody is at it: its records change")


async def _look(desk: Desk, server: Server, id: str, ours: Collection[str], forced: bool) -> Found | None:
    records = [record for record in await known_records(server) if record.id == id]
    noted = await desk.journal.noted(id)
    if noted is not None and noted.server != server.name:
        noted = None
    if not is_move(records, noted):
        return None
    if id in ours:
        raise CannotBeDone("it is running here: stop it first")
    if noted is not None and noted.owner != desk.journal.owner and noted.running(desk.clock()):
        raise CannotBeDone(f"{noted.who} is at it (process {noted.owner.pid} on {noted.owner.host})")
    record = max((one for one in records if is_source(one)), key=lambda one: one.generation, default=None)
    if record is None and any(is_target(one) for one in records):
        raise CannotBeDone("its jobs come from another server: go on with it there")
    known = record is not None
    record = record or _forgotten(server, noted)
    peer = peer_of(record.fields)
    if peer is None:
        raise CannotBeDone("its record does not say where its jobs go")
    target = _server(desk, peer.name)
    try:
        theirs = [one for one in await known_records(target) if one.id == id and is_target(one)]
    except SidekiqError:
        if not forced:
            raise
        theirs = []
    last = max(theirs, key=lambda one: one.generation, default=None)
    here = state_of(record.fields, record.state)
    there = None if last is None else state_of(last.fields, last.state)
    parked = await server.parked(id, [stage.bid for stage in here.stages]) if here.stages else 0
    found = None
    if there is not None or not forced:
        found = await setback(desk.journal, id, server, here if known else None, there)
    generation = peer.generation if last is None else last.generation
    return Found(id, record, known, peer, noted, here, there, generation, parked, found)


def _forgotten(server: Server, noted: Noted | None) -> OperationRecord:
    """Stands for a record that the source has forgotten. Raises `CannotBeDone` where the journal cannot help."""
    operation = None if noted is None else operation_of(noted.kind, noted.parameters)
    if noted is None or not isinstance(operation, Transfer | Evacuate):
        raise CannotBeDone(f"{server.name} no longer knows this move (flushed, evicted or restored)")
    peer = json.dumps([operation.target, "", 1]).encode()
    fields = {"kind": noted.kind.encode(), "who": noted.who.encode(), "peer": peer}
    return OperationRecord(noted.id, 1, "done", noted.at, 0, {}, fields)


async def plan_resume(desk: Desk, server: Server, found: Found) -> tuple[Plan, Transit]:
    """What is left of a move: the parked jobs arrive, then, where it is known here, the rest. Raises SidekiqError."""
    target = _server(desk, found.peer.name)
    now = desk.clock()
    seen = await survey(server, now, read_only=desk.read_only)
    there = await survey(target, now, read_only=desk.read_only)
    operation, transform = _meant(found)
    whole = whole_places(found.record.fields)
    goes_on = found.setback is None and found.here.state == "open"
    targets = await _rest(desk, found) if goes_on and not whole else None
    goes_on = goes_on and (bool(whole) or targets is not None)
    total = found.record.count or (0 if found.noted is None else found.noted.count)
    rest = max(0, total - found.here.moved - found.parked) if whole else 0 if targets is None else targets.count
    count = found.parked + (rest if goes_on else 0)
    notes = [f"{jobs(found.parked)} parked by {found.who or 'somebody'} arrive first"] if found.parked else []
    if not goes_on and rest == 0 and total > found.here.moved + found.parked:
        notes.append("what else was to be moved is not known on this machine: only what is parked goes")
    notes += setback_notes(found, server.name)
    about = repr((found.id, found.here.next, found.here.moved, found.parked)).encode()
    plan = _plan(operation, seen, there, count, about, notes, targets, target)
    refused = seen.refusal(operation) or peer_refusal(target.profile, read_only=desk.read_only)
    if not found.known:
        refused = refused or f"{server.name} no longer knows this move (flushed, evicted or restored)"
    elif found.there is None or found.there.state == "closed":
        refused = refused or f"{target.name} no longer knows this move: put back what is parked instead"
    generations = found.record.generation, found.there_generation
    transit = Transit(
        generations, transform, goes_on, whole if goes_on else (), found.here.moved, found.setback is not None
    )
    return replace(plan, refused=refused), transit


async def plan_return(
    desk: Desk, server: Server, operation: ReturnStaged, ours: Collection[str]
) -> tuple[Plan, Transit]:
    """What putting parked jobs back would do. Raises SidekiqError, `CannotBeDone`."""
    found = await find(desk, server, operation.operation, ours, forced=operation.force)
    if found is None:
        raise CannotBeDone("this is no move between servers")
    target = _server(desk, found.peer.name)
    now = desk.clock()
    seen = await survey(server, now, read_only=desk.read_only)
    there = None
    try:
        there = await survey(target, now, read_only=desk.read_only)
    except SidekiqError:
        if not operation.force:
            raise
    ids = {} if found.there is None else found.there.ids
    arrived = sum(ids.get(stage.seq) == stage.bid for stage in found.here.stages)
    notes = []
    if arrived:
        notes.append(f"{arrived:,} of {len(found.here.stages):,} batches are on {target.name}: these are not put back")
    refused = "" if found.parked or found.here.state == "open" else "nothing is parked"
    if found.there is None:
        if operation.force:
            notes.append(f"{target.name} cannot say what it has of this move: jobs may run twice")
        else:
            refused = refused or f"{target.name} no longer knows this move: only by force, jobs may run twice then"
    notes += setback_notes(found, server.name)
    about = repr((found.id, found.here.next, found.parked, operation.force)).encode()
    plan = _plan(operation, seen, there, found.parked, about, notes, None, target)
    refused = seen.refusal(operation) or peer_refusal(target.profile, read_only=desk.read_only) or refused
    try:
        _, transform = _meant(found)
    except CannotBeDone:
        transform = transform_like(transform_text(found.record.fields))
    transit = Transit((found.record.generation, found.there_generation), transform, goes_on=False)
    return replace(plan, refused=refused, undo="cannot be undone: move them again instead"), transit


def setback_notes(found: Found, source: str) -> list[str]:
    """What a server has forgotten, in words, with the jobs as far as this machine knows them."""
    back = found.setback
    if back is None:
        return []
    named = ", ".join(back.jids[:_JIDS]) or "not known on this machine"
    more = f" and {len(back.jids) - _JIDS:,} more" if len(back.jids) > _JIDS else ""
    if back.side == "parked":
        what = f"{source} has lost {jobs(back.count)} that were parked there: they are on neither server"
    elif back.side == "target":
        what = (
            f"{found.peer.name} went back in time: {jobs(back.count)} that it had taken are no longer on either server"
        )
    else:
        what = f"{source} went back in time: up to {jobs(back.count)} are on both servers"
    return [f"{what}: {named}{more}"]


def _meant(found: Found) -> tuple[Operation, Transform]:
    """What was asked for. Raises `CannotBeDone` where only the machine that began knows."""
    noted = found.noted
    operation = None if noted is None else operation_of(noted.kind, noted.parameters)
    text = transform_text(found.record.fields)
    transform = transform_from(text)
    if isinstance(operation, Transfer | Evacuate):
        said = json.loads(text or b"{}")
        return operation, transform_of(operation, said.get("form"))
    if transform is None:
        raise CannotBeDone(f"what is to be changed in these jobs is known only where {found.who or 'it was begun'} is")
    if found.record.kind == Evacuate.kind:
        return Evacuate(target=found.peer.name, redact=transform.redact), transform
    return transform.transfer(found.peer.name), transform


async def _rest(desk: Desk, found: Found) -> Targets | None:
    """Chosen jobs that were not handled; None when this machine does not know them."""
    if found.noted is None:
        return None
    await _settle(desk, found)
    kept = await desk.journal.rest(found.id)
    if kept is None:
        return None
    try:
        return await left(desk, found.noted, unpack_targets(kept))
    except ValueError as error:
        raise CannotBeDone(str(error)) from error


async def _settle(desk: Desk, found: Found) -> None:
    """Tells the journal what became of batches whose end it did not hear of."""
    noted = found.noted
    assert noted is not None
    known: dict[int, str] = {}
    before: int | None = None
    there = found.there
    parked = {stage.seq for stage in found.here.stages}
    while batches := await desk.journal.batches(found.id, before=before, limit=200):
        before = batches[-1].number
        for one in batches:
            if one.results is None and there is not None and there.ids.get(one.number) == one.bid:
                known[one.number] = _line(one, there.results.get(one.number))
            elif one.results is None and one.number not in parked:
                known[one.number] = "-" * one.n
    await desk.journal.settle(found.id, known, noted.generation, noted.tally)


def _line(batch: Batch, said: str | None) -> str:
    """The results of a batch that arrived: `said` of those that went, nothing of those that could not."""
    if batch.blob is None or is_digests(batch.blob):
        return (said or "").ljust(batch.n, "1")
    told = iter(said or "")
    return "".join("-" if entry.new is None else next(told, "1") for entry in unpack(batch.blob))


async def leave_move(desk: Desk, found: Found) -> str:
    """Ends a move that its source has ended or forgotten, on the target and in the journal; says how far it got.

    Raises `CannotBeDone` for one that can be gone on with, SidekiqError.
    """
    if not is_over(found):
        raise CannotBeDone("jobs of this move may be parked: go on with it, or put them back")
    target = _server(desk, found.peer.name)
    grant = guard.admit_upkeep(await target.mark(), target.profile, "close", desk.clock(), read_only=desk.read_only)
    db = await target.writer(grant)
    try:
        await close(db, RecordKeys(db.keys, found.id, found.there_generation))
    finally:
        await db.close()
    ids = {} if found.there is None else found.there.ids
    why = "its records had ended" if found.known else "its source does not know it"
    return await conclude_move(desk, found.id, ids, why)


def is_over(found: Found) -> bool:
    """Whether nothing of a move can be gone on with or put back: only the journal does not know its end."""
    return not found.known or (found.here.state != "open" and not found.here.stages)


async def conclude_move(desk: Desk, id: str, arrived: Mapping[int, str], why: str) -> str:
    """Ends a move in the journal once nothing of it is parked. `arrived`: random ids of batches the target has."""
    noted = await desk.journal.noted(id)
    if noted is None:
        return why
    known: dict[int, str] = {}
    counts: Counter[str] = Counter()
    before: int | None = None
    while batches := await desk.journal.batches(id, before=before, limit=200):
        before = batches[-1].number
        for one in batches:
            results = one.results
            if results is None:
                there = arrived.get(one.number) == one.bid
                results = known[one.number] = _line(one, None) if there else "-" * one.n
            counts.update(results)
    tally = Tally(done=counts["1"], gone=noted.tally.gone, exists=counts["x"], refused=noted.tally.refused)
    tally = replace(tally, malformed=noted.tally.malformed)
    tally = replace(tally, untouched=max(0, noted.count - tally.settled))
    await desk.journal.settle(id, known, noted.generation, tally)
    return await conclude(desk, Settled(noted, tally, noted.generation, 0, why))


def _plan(
    operation: Operation,
    seen: Survey,
    there: Survey | None,
    count: int,
    about: bytes,
    notes: Collection[str],
    targets: Targets | None,
    target: Server,
) -> Plan:
    places = {} if targets is None else {place_name(one): found.total() for one, found in targets.digests.items()}
    return Plan(
        operation=operation,
        server=seen.profile.name,
        label=seen.profile.label,
        mark=seen.mark,
        mode=seen.abilities.mode,
        user=seen.abilities.user,
        count=count,
        made_at=seen.now,
        fingerprint=fingerprint(operation, seen.profile.name, seen.mark, count, about),
        places=places,
        notes=tuple(notes),
        undo="yes, by moving back what no worker has taken there yet",
        price=Price(calls=2 + count // 50, seconds=count * 1e-4),
        peer=_peer(target, there),
        targets=targets,
    )


def _peer(target: Server, there: Survey | None) -> Peer:
    profile = target.profile
    guarded = profile.guard or profile.production
    if there is None:  # it does not answer
        mark = ServerMark(None, (), profile.database, profile.namespace, None)
        return Peer(profile.name, profile.label, mark, None, guarded, writes=True)
    return Peer(profile.name, profile.label, there.mark, there.abilities.user, guarded, writes=True)


def _server(desk: Desk, name: str) -> Server:
    try:
        return desk.server(name)
    except KeyError:
        raise CannotBeDone(
            f"the other server of this move is called {name}: no profile here is", hint="add it"
        ) from None
