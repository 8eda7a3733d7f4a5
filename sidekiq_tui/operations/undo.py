"""What can be taken back, and how: from the journal, from the server's trash, or by the opposite (10)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

from sidekiq_tui.operations.batch_run import Piece
from sidekiq_tui.operations.catalog import MoveToQueue, Pause, Undo
from sidekiq_tui.operations.census import place_name
from sidekiq_tui.operations.entries import Entry, is_digests, unpack
from sidekiq_tui.operations.fingerprint import fingerprint
from sidekiq_tui.operations.history import UndoEntry
from sidekiq_tui.operations.journal import Batch, Journal, Noted
from sidekiq_tui.operations.parameters import operation_of
from sidekiq_tui.operations.plan import Plan, Price
from sidekiq_tui.operations.price import BATCH_ENTRIES, ENTRY
from sidekiq_tui.operations.survey import survey
from sidekiq_tui.operations.targets import digest
from sidekiq_tui.operations.warnings import server_notes
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq import batch_items as batch
from sidekiq_tui.sidekiq.errors import Forbidden
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.keys import SetName
from sidekiq_tui.sidekiq.operation_record import OperationRecord
from sidekiq_tui.sidekiq.trash import TrashPart

_DUE_KINDS: Final = ("retry", "schedule")


@dataclass(frozen=True, slots=True)
class Way:
    """How one operation is taken back: with what the journal has, or with what lies in the trash."""

    noted: Noted | None
    parts: tuple[TrashPart, ...]

    @property
    def cleared(self) -> TrashPart | None:
        """The trash of a whole queue or set, which comes back at once."""
        return next((part for part in self.parts if part.part is None), None)


def undo_id(operation: Undo) -> str:
    """The id under which an operation is taken back: always the same, so that it can begin only once."""
    if operation.only is None:
        return f"{operation.operation}u"
    chosen = digest(b"".join(sorted(operation.only))).hex()
    return f"{operation.operation}u{chosen[:12]}"


async def way_back(journal: Journal, server: Server, id: str) -> Way:
    """What there is to take an operation back with. Raises SidekiqError."""
    noted = await journal.noted(id)
    if noted is not None and noted.server != server.name:
        noted = None
    parts = tuple(part for part in await known_trash(server) if part.operation == id)
    return Way(noted, tuple(sorted(parts, key=lambda part: -1 if part.part is None else part.part)))


async def plan_undo(
    journal: Journal, server: Server, operation: Undo, *, now: float, read_only: bool = False, again: bool = False
) -> Plan:
    """What taking an operation back would do. Reads only. `again`: an undo that did not end is gone on with.

    Raises SidekiqError.
    """
    seen = await survey(server, now, read_only=read_only)
    way = await way_back(journal, server, operation.operation)
    records = () if again else await known_records(server)
    count, places = _counted(operation, way)
    refused = seen.refusal(operation) or _refused(operation, way, records, count)
    about = digest(repr((operation.operation, operation.only, sorted(places.items()))).encode())
    notes = [*_notes(way, seen.now), *server_notes(operation, seen, count)]
    if seen.abilities.mode == "B" and way.parts:
        refused = refused or "this user may not read or write what sqtui keeps on the server"
    return Plan(
        operation=operation,
        server=server.name,
        label=server.profile.label,
        mark=seen.mark,
        mode=seen.abilities.mode,
        user=seen.abilities.user,
        count=count,
        made_at=now,
        fingerprint=fingerprint(operation, server.name, seen.mark, count, about),
        places=places,
        notes=tuple(notes),
        refused=refused,
        undo="cannot be undone: do it again instead",
        price=Price(
            calls=2 + -(-count // BATCH_ENTRIES), seconds=2 * count * ENTRY, longest_call=BATCH_ENTRIES * ENTRY
        ),
    )


def _counted(operation: Undo, way: Way) -> tuple[int, dict[str, int]]:
    """How many entries may come back, and from where they were taken."""
    places: dict[str, int] = {}
    for part in way.parts:
        name = "unknown" if part.place is None else place_name(part.place)
        places[name] = places.get(name, 0) + part.count
    if operation.only is not None:
        return len(operation.only), places
    if way.parts:
        return sum(places.values()), places
    return (way.noted.tally.done if way.noted is not None else 0), places


def _refused(operation: Undo, way: Way, records: Sequence[OperationRecord], count: int) -> str:
    noted = way.noted
    known = [record for record in records if record.id == operation.operation]
    if any(record.id == undo_id(operation) for record in records):
        begun = next(record for record in records if record.id == undo_id(operation))
        how = "is under way" if begun.state == "open" else "was done"
        return f"its undo {how} already ({begun.who})"
    if noted is not None and noted.undone is not None and operation.only is None:
        return "it was undone already"
    begun_here = noted is not None and noted.state in ("open", "unknown")
    if begun_here or (noted is None and any(one.state == "open" for one in known)):
        return "it has not ended: resume it, or leave it, first"
    if way.parts:
        if any(part.place is None for part in way.parts):
            return "the server no longer says where these jobs were"
        return ""
    if noted is None:
        return "nothing is known here to undo it with: it expired, or another machine has it"
    if noted.undo == "trash":
        return "its trash is gone: it expired, or somebody removed it"
    if noted.undo == "no":
        return "it cannot be undone"
    return "" if count else "nothing was done"


def _notes(way: Way, now: float) -> list[str]:
    notes = []
    queues = any(part.place is not None and part.place.kind == "queue" for part in way.parts)
    if queues and way.cleared is None:
        notes.append("put back at the front, in their old order; their exact place is not kept")
    if any(part.place is not None and part.place.kind in _DUE_KINDS for part in way.parts):
        notes.append("those whose time has passed run at once")
    if way.noted is not None and way.noted.kind in ("retry", "enqueue") and not way.parts:
        notes.append("what a worker has taken ran or is running, and stays")
    return notes


# ---- The pieces


async def from_journal(journal: Journal, noted: Noted, *, after: int = 0) -> AsyncIterator[list[Piece]]:
    """What takes back the entries that were done, the last first; `after` of them are left out."""
    operation = operation_of(noted.kind, noted.parameters)
    front = isinstance(operation, MoveToQueue) and operation.front
    paused = isinstance(operation, Pause) and operation.paused
    async for one in _kept(journal, noted):
        entries = unpack(one.blob or b"")
        done = [entry for entry, result in zip(entries, one.results or "", strict=True) if result == "1"]
        pieces = [
            Piece(reverse(entry, noted.kind, front=front, paused=paused), None, _jid(entry)) for entry in done[::-1]
        ]
        left_out = min(after, len(pieces))
        after -= left_out
        if pieces[left_out:]:
            yield pieces[left_out:]


async def _kept(journal: Journal, noted: Noted) -> AsyncIterator[Batch]:
    """The batches of which the bytes were kept, the last first, but for a clear, which began with the oldest jobs."""
    number: int | None = None
    while True:
        if noted.kind == "clear":
            batches = await journal.batches_after(noted.id, -1 if number is None else number)
        else:
            batches = await journal.batches(noted.id, before=number)
        if not batches:
            return
        number = batches[-1].number
        for one in batches:
            if one.blob is not None and one.results is not None and not is_digests(one.blob):
                yield one


def reverse(entry: Entry, kind: str, *, front: bool = False, paused: bool = False) -> batch.Item:
    """The item that takes one entry back. `front`: it was moved to the front of its new queue."""
    place, target, new = entry.place, entry.target, entry.new
    if kind == "pause":
        return batch.SetPaused(entry.old.decode("utf-8", "surrogateescape"), not paused)
    if kind == "reset":
        return batch.ResetCounter("processed" if entry.old == b"processed" else "failed", add=int(entry.score or 0))
    if new is None or target is None:
        return _pushed_back(entry)
    if place is None:
        if target.kind == "queue":
            return batch.TakeBack(target.queue or "", new)
        return batch.Unpush(_set(target), new)
    if target.kind == "queue":
        if place.kind == "queue":
            if place == target:
                return batch.EditInQueue(place.queue or "", new, entry.old)
            # Put back last first: at the front of the old queue, unless they had been put at the front of the new one.
            return batch.MoveFromQueue(
                target.queue or "", new, entry.old, target_queue=place.queue, front=not front, tail=front
            )
        return batch.TakeBack(target.queue or "", new, entry.old, _set(place), entry.score)
    if place.kind == "queue":
        return batch.Move(_set(target), new, place.queue or "", entry.old)
    if place == target and new == entry.old:
        return batch.Reschedule(_set(place), new, entry.new_score or 0.0, entry.score or 0.0)
    score = None if place == target else entry.score or 0.0  # an edit had left the score as it was
    return batch.MoveInSets(_set(target), new, _set(place), entry.old, score)


def _pushed_back(entry: Entry) -> batch.Item:
    """A job that was deleted and whose bytes were kept here."""
    if entry.place is None:
        raise ValueError("an entry that cannot be put back")
    if entry.place.kind == "queue":
        return batch.Push(entry.old, entry.place.queue)
    return batch.Push(entry.old, score=entry.score, into=_set(entry.place))


async def from_trash(server: Server, way: Way, only: Collection[bytes]) -> AsyncIterator[list[Piece]]:
    """Some entries of the trash, by their digests."""
    for part in way.parts:
        found: list[JobRecord] = []
        async for jobs in server.walk_trash(part):
            found.extend(job for job in jobs if digest(job.raw) in only)
        if found:
            yield [Piece(_restored(part, job), None, job.jid) for job in found]


def _restored(part: TrashPart, job: JobRecord) -> batch.Item:
    place = part.place
    if place is None:
        raise ValueError("nobody knows where these jobs were")
    if place.kind == "queue":
        return batch.RestoreToQueue(part.key, job.raw, place.queue or "")
    return batch.RestoreToSet(part.key, job.raw, _set(place), job.score or 0.0)


# ---- What can be undone


async def undoable(journal: Journal, server: Server, now: float) -> tuple[UndoEntry, ...]:
    """Everything on one server that can be taken back, the newest first. Raises SidekiqError."""
    parts: dict[str, list[TrashPart]] = {}
    for part in await known_trash(server):
        parts.setdefault(part.operation, []).append(part)
    known = {noted.id: noted for noted in await journal.all_noted(server.name)}
    begun = {record.id for record in await known_records(server)}
    entries = [_of_trash(server.name, id, found, known.get(id)) for id, found in parts.items()]
    for noted in known.values():
        if can_be_undone(noted) and noted.undo != "trash" and f"{noted.id}u" not in begun:
            entries.append(of_journal(noted))
    return tuple(sorted(entries, key=lambda entry: -entry.at))


def can_be_undone(noted: Noted) -> bool:
    """Whether the journal has a way back that nobody has taken."""
    return noted.undo != "no" and noted.undone is None and noted.state not in ("open", "unknown")


def of_journal(noted: Noted, expires: float | None = None) -> UndoEntry:
    """An operation of the journal that can be undone."""
    assert noted.undo != "no"
    return UndoEntry(
        noted.id,
        noted.server,
        noted.kind,
        noted.words,
        noted.tally.done,
        noted.at,
        noted.who,
        expires,
        noted.undo,
        True,
    )


def _of_trash(server: str, id: str, parts: Sequence[TrashPart], noted: Noted | None) -> UndoEntry:
    first = parts[0]
    count = sum(part.count for part in parts)
    expires = min(part.reap_at for part in parts)
    if noted is not None:
        return replace(of_journal(replace(noted, undo="trash"), expires), count=count)
    places = list(dict.fromkeys(place_name(part.place) for part in parts if part.place is not None))
    kind = first.record.get("kind") or "delete"
    words = f"{kind} {count:,}" + (f" from {', '.join(places)}" if places else "")
    at = _number(first.record.get("at"), expires - 7 * 86400)
    return UndoEntry(id, server, kind, words, count, at, first.record.get("who", ""), expires, "trash", here=False)


async def known_trash(server: Server) -> tuple[TrashPart, ...]:
    """What lies in the trash; nothing for a user who may not touch keys of ours: such a one has put nothing there."""
    try:
        return await server.trash()
    except Forbidden:
        return ()


async def known_records(server: Server) -> tuple[OperationRecord, ...]:
    """What the server knows of operations; nothing for such a user."""
    try:
        return await server.operation_records()
    except Forbidden:
        return ()


def _number(text: str | None, otherwise: float) -> float:
    try:
        return float(text or "")
    except ValueError:
        return otherwise


def _set(place: Place) -> SetName:
    return cast(SetName, place.kind)


def _jid(entry: Entry) -> str | None:
    return JobRecord(entry.new or entry.old, entry.place or Place("work")).jid
