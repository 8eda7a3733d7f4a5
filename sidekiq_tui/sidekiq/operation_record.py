"""The record of an operation on the server, and the batches that only it lets through (operations-safety 4 and 5).

A batch writes its number, a random id and a result for each entry into the record, in the same script as its effects.
So a lost reply is settled by closing the record: after that no delayed command of that generation can act.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from sidekiq_tui.sidekiq.batch_items import Item
from sidekiq_tui.sidekiq.batch_wire import batch_command
from sidekiq_tui.sidekiq.database import Database, Reply
from sidekiq_tui.sidekiq.errors import AuthenticationFailed, CommandRefused, Forbidden, SidekiqError
from sidekiq_tui.sidekiq.keys import Keys
from sidekiq_tui.sidekiq.payload import to_text
from sidekiq_tui.sidekiq.replies import fields as hash_fields
from sidekiq_tui.sidekiq.replies import natural, scored
from sidekiq_tui.sidekiq.scripts import script

KEPT: Final = 9 * 24 * 3600
"""Seconds that a record is kept once its operation has ended."""
PARKED: Final = "parked"
"""The field with the key of jobs that lie in no place of Sidekiq's: a record is kept until that is gone."""
CLOSER: Final = "closer"
"""The field that says who has ended an operation that somebody else was at."""
ORPHANED: Final = 24 * 3600
"""Seconds after which a record that nothing was done with is forgotten: its BEGIN was lost."""
_LISTED: Final = 1000
"""Operations that are looked at, the latest first."""

Mode = Literal["A", "B"]
"""With a record, or guarded by the bytes of each entry alone."""
Status = Literal["ok", "done", "taken", "closed", "gap", "type", "refused"]
"""Carried out now; carried out before; the number is used by another batch; no open record; a number was left out; a
key has another type; the server would not write. Only after the first two anything happened."""

# Replies that come before anything runs (operations-safety 5.3).
_NOT_EXECUTED: Final = frozenset(
    (
        "NOSCRIPT", "BUSY", "LOADING", "READONLY", "MASTERDOWN", "OOM", "MISCONF", "NOREPLICAS", "NOPERM", "NOAUTH",
        "MOVED", "CROSSSLOT", "CLUSTERDOWN",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RecordKeys:
    """Where one generation of an operation keeps its record."""

    names: Keys
    id: str
    generation: int = 1

    @property
    def record(self) -> bytes:
        """While it is open, and when it was done."""
        return self.names.operation(self.id, self.generation)

    @property
    def closed(self) -> bytes:
        """Once it is fenced."""
        return self.names.operation_closed(self.id, self.generation)

    @property
    def member(self) -> str:
        """In the list of operations: the id, from the second generation on with its number."""
        return self.id if self.generation == 1 else f"{self.id}:{self.generation}"


@dataclass(frozen=True, slots=True)
class BatchReply:
    """What a batch answered. `results`: a character for each entry, see `batch_items.Result`."""

    status: Status
    results: str = ""
    error: str = ""
    """Why it was refused, or where it stopped; for `type` the name of the key."""
    who: str = ""
    """For `taken`: who runs this operation."""
    next: int | None = None
    """For `gap`: the number that comes next."""

    @property
    def code(self) -> str:
        """The first word of the error, as `OOM`, `NOPERM`, `READONLY`, `LOCKED`; empty when there is none."""
        first = self.error.partition(" ")[0]
        return first if first.isupper() else ""


Numbered = tuple[int, str, Sequence[Item]]
"""A batch: its number in the generation, its random id, its items."""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What the record says of one batch. Empty `results`: the server broke off in the middle of it."""

    bid: str
    results: str


@dataclass(frozen=True, slots=True)
class ClosedRecord:
    """A fenced record: which batch would have been next, and what became of the last ones, by their number."""

    next: int
    results: Mapping[int, BatchResult]
    fields: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OperationRecord:
    """One generation of an operation as the server knows it. `begun`: Unix seconds."""

    id: str
    generation: int
    state: Literal["open", "done", "closed"]
    begun: float
    next: int
    results: Mapping[int, BatchResult]
    fields: Mapping[str, bytes]

    @property
    def kind(self) -> str:
        """What it does."""
        return to_text(self.fields.get("kind", b""))

    @property
    def who(self) -> str:
        """Who began it."""
        return to_text(self.fields.get("who", b""))

    @property
    def count(self) -> int | None:
        """For how many entries."""
        return natural(self.fields.get("n"))


async def begin(
    db: Database, keys: RecordKeys, fields: Mapping[str, str | bytes | int | float], now: float
) -> Literal["ok", "exists"]:
    """Makes the record; `exists` when this generation was begun before. A lost reply is never sent again: new id.

    `fields` must hold neither payloads nor arguments nor filters. Raises SidekiqError.
    """
    reply = await db.command(
        b"EVAL",
        script("begin"),
        3,
        keys.record,
        keys.closed,
        keys.names.operations,
        keys.member,
        now,
        *(part for pair in fields.items() for part in pair),
    )
    return "ok" if reply == b"ok" else "exists"


async def run_batch(
    db: Database,
    keys: RecordKeys,
    seq: int,
    bid: str,
    items: Sequence[Item],
    *,
    now: float,
    mode: Mode = "A",
    drain: bool = False,
) -> BatchReply:
    """Carries a batch out, at most once for its number and id. `now`: Unix seconds; `drain`: even on a full server.

    In mode B there is no record: each entry is guarded by its bytes alone, and a new job by nothing.
    Raises ValueError for items that make no sense, and SidekiqError: `classify` says whether it may have run then.
    """
    record = keys.record if mode == "A" else None
    _, _, *arguments = batch_command(keys.names, record, seq, bid, items, now=now, drain=drain)
    return _batch_reply(await db.run_script(script("batch", drain=drain), *arguments))


async def run_batches(
    db: Database, keys: RecordKeys, batches: Sequence[Numbered], *, now: float, drain: bool = False
) -> list[BatchReply | SidekiqError] | None:
    """Carries batches out that follow one another, in one round trip; what `run_batch` would have returned or raised.

    What stops one stops those after it: they find a gap, unless it got so far as to have results. None when nothing was
    sent, since the first batch of a connection has to go alone. Raises as `run_batch`.
    """
    calls = [batch_command(keys.names, keys.record, *one, now=now, drain=drain)[2:] for one in batches]
    replies = await db.run_together(script("batch", drain=drain), calls)
    if replies is None:
        return None
    return [reply if isinstance(reply, SidekiqError) else _batch_reply(reply) for reply in replies]


def _batch_reply(reply: Reply) -> BatchReply:
    status, results, told = _three_texts(reply)
    match status:
        case "ok" | "done" | "closed":
            return BatchReply(status, results, _plain(told))
        case "type":
            return BatchReply(status, error=told)
        case "refused":
            return BatchReply(status, error=_plain(told))
        case "taken":
            return BatchReply(status, who=told)
        case "gap":
            return BatchReply(status, next=int(told))
    raise SidekiqError("The server gave an answer to a batch that is none")


async def close(db: Database, keys: RecordKeys, by: str = "") -> ClosedRecord | None:
    """Fences the generation: nothing of it that is still under way can act any more. May be sent again.

    `by`: who ends it, where that is not the one who runs the operation; the field CLOSER says so from then on.
    None when the server knows no such record: it was flushed, evicted, restored, or never begun. Raises SidekiqError.
    """
    reply = await db.command(b"EVAL", script("close"), 2, keys.record, keys.closed, KEPT, by)
    if reply is None:
        return None
    return closed_record(hash_fields(reply))


def closed_record(known: Mapping[str, bytes]) -> ClosedRecord:
    """What the fields of a record say."""
    return ClosedRecord(natural(known.get("next")) or 0, _results(known), known)


async def finish(db: Database, keys: RecordKeys) -> bool:
    """Ends an operation all of whose batches have answered; False when its record is closed or gone.

    May be sent again. Raises SidekiqError.
    """
    return await db.command(b"EVAL", script("finish"), 2, keys.record, keys.closed, KEPT) == b"ok"


async def read_operations(db: Database) -> tuple[OperationRecord, ...]:
    """All that the server knows of operations, the latest first. Only reads. Raises SidekiqError."""
    listed = scored(await db.command(b"ZRANGE", db.keys.operations, 0, _LISTED - 1, b"REV", b"WITHSCORES"))
    members = [(_record_keys(db.keys, member), begun) for member, begun in listed]
    commands = [(b"HGETALL", key) for keys, _ in members for key in (keys.record, keys.closed)]
    replies = await db.read(commands)
    records = (_known(keys, begun, replies[2 * at], replies[2 * at + 1]) for at, (keys, begun) in enumerate(members))
    return tuple(record for record in records if record is not None)


async def prune(db: Database, now: float) -> int:
    """Forgets operations whose record is gone, and those that began a day ago and did nothing. How many.

    Raises SidekiqError.
    """
    members = scored(await db.command(b"ZRANGE", db.keys.operations, 0, _LISTED - 1, b"WITHSCORES"))
    commands = []
    for member, _ in members:
        keys = _record_keys(db.keys, member)
        commands.append(
            (b"EVAL", script("prune"), 3, db.keys.operations, keys.record, keys.closed, member, now - ORPHANED)
        )
    return sum(reply == 1 for reply in await db.read(commands))


def classify(error: BaseException) -> Literal["not executed", "unknown"]:
    """Whether a call that raised may have had an effect. Only a reply that comes before anything runs says no."""
    if isinstance(error, Forbidden | AuthenticationFailed | CommandRefused):
        return "not executed"
    if isinstance(error, SidekiqError) and error.code in _NOT_EXECUTED:
        return "not executed"
    return "unknown"


def _three_texts(reply: Reply) -> tuple[str, str, str]:
    if not isinstance(reply, list) or len(reply) != 3:
        return "", "", ""
    status, results, told = (to_text(part) if isinstance(part, bytes) else "" for part in reply)
    return status, results, told


def _plain(error: str) -> str:
    """An error without where in the script it happened, and without the class that says nothing."""
    return error.partition(" script: ")[0].removesuffix(",").removeprefix("-").removeprefix("ERR ")


def _record_keys(names: Keys, member: bytes) -> RecordKeys:
    id, _, generation = to_text(member).partition(":")
    return RecordKeys(names, id, natural(generation) or 1)


def _known(keys: RecordKeys, begun: float, open_reply: Reply, closed_reply: Reply) -> OperationRecord | None:
    known, state = hash_fields(open_reply), "done"
    if not known:
        known, state = hash_fields(closed_reply), "closed"
    elif known.get("state") == b"open":
        state = "open"
    if not known:
        return None
    return OperationRecord(
        keys.id,
        keys.generation,
        state,  # type: ignore[arg-type]
        begun,
        natural(known.get("next")) or 0,
        _results(known),
        known,
    )


def _results(known: Mapping[str, bytes]) -> dict[int, BatchResult]:
    found: dict[int, BatchResult] = {}
    for name, value in known.items():
        number = natural(name[1:]) if name[:1] == "r" else None
        if number is not None:
            bid, _, results = to_text(value).partition(":")
            found[number] = BatchResult(bid, results)
    return found
