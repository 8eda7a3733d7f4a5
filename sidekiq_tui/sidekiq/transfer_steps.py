"""The steps that bring jobs from one server to another, each once and to be repeated at will (operations-safety 11).

Jobs are parked on their own server before they go (TAKE), are put on the other one under a number and a random id that
its record keeps (PUT), and only then leave the first (ACK). Each step answers the same when it comes again; a late one
changes nothing. Every function raises SidekiqError when the conversation fails: send it again until it is answered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, cast

from sidekiq_tui.sidekiq.clearing import place_key, redis_type
from sidekiq_tui.sidekiq.database import Argument, Database, Reply
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.job import Place, PlaceKind
from sidekiq_tui.sidekiq.keys import SET_NAMES
from sidekiq_tui.sidekiq.operation_record import KEPT, RecordKeys
from sidekiq_tui.sidekiq.payload import to_text
from sidekiq_tui.sidekiq.replies import fields as hash_fields
from sidekiq_tui.sidekiq.replies import natural, payloads, scored, text
from sidekiq_tui.sidekiq.scripts import script

MOST_OPEN: Final = 4
"""Stages that may be open at once: so many batches are on neither server where workers see them."""
STAGE_BYTES: Final = 512 * 1024
"""A stage takes no more entries once it holds so much."""

TakeStatus = Literal["ok", "done", "empty", "moved", "full", "closed", "type", "refused"]
"""Parked now; parked before; nothing was there; the record is at another number; enough is parked; no open record;
the key is none of Sidekiq's; the server would not write."""
PutStatus = Literal["ok", "done", "old", "back", "closed", "type", "refused"]
"""Put now; put before; the number holds another batch; the record is behind what it has said; as above."""
AckStatus = Literal["ok", "old", "closed", "refused", "type"]
"""Ended now; ended before, or another's; no record; as above."""


class Staged(NamedTuple):
    """A parked job; `score` for those of sets."""

    raw: bytes
    score: float | None = None


class Chosen(NamedTuple):
    """A job to be parked, by its bytes; `tail`: it lies nearer to the end of its queue that runs next."""

    raw: bytes
    tail: bool = False


class Iteration(NamedTuple):
    """How far an iterable job has come, as it is stored; `ttl`: milliseconds it still lives, 0 for ever."""

    jid: str
    values: tuple[bytes, ...]
    ttl: int


@dataclass(frozen=True, slots=True)
class Taken:
    """What TAKE answered. `results`: `1` parked, `0` no longer there, `-` not tried; with `done` the stage tells.

    `staged`: what is parked, as `read_stage` gives it; None with `done`.
    """

    status: TakeStatus
    results: str = ""
    next: int = 0
    error: str = ""
    staged: tuple[Staged, ...] | None = None


@dataclass(frozen=True, slots=True)
class Put:
    """What PUT answered. `results`: `1` put, `x` was there already. With `ok` an error is about states of iterables."""

    status: PutStatus
    results: str = ""
    next: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class GivenBack:
    """What came back to its place; `existing`: members of a set that were there again."""

    status: AckStatus
    restored: int = 0
    existing: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class OpenStage:
    """A stage that is neither acknowledged nor given back. `place`: where its jobs come from."""

    seq: int
    bid: str
    place: Place


@dataclass(frozen=True, slots=True)
class TransferState:
    """A record of either server. `acked`: on the source, the number after the last batch that left it for good."""

    state: Literal["open", "done", "closed"]
    next: int
    acked: int
    moved: int
    """On the source: jobs that left it for good."""
    put: int
    """On the target: jobs that came."""
    stages: tuple[OpenStage, ...]
    """On the source: in the order in which they were taken."""
    ids: Mapping[int, str]
    """On the target: every batch that came, by its number."""
    results: Mapping[int, str]
    """On the target: of batches of which some were there already."""
    fields: Mapping[str, bytes] = field(default_factory=dict)


async def take_end(
    db: Database,
    keys: RecordKeys,
    seq: int,
    bid: str,
    place: Place,
    *,
    expected: int,
    count: int,
    skip: int = 0,
    drain: bool = False,
) -> Taken:
    """Parks the next jobs of a queue (those that run next first) or of a set (from the low end, after `skip`)."""
    arguments = ("end", count, STAGE_BYTES, skip)
    return await _take(db, keys, seq, bid, place, expected, arguments, drain)


async def take_these(
    db: Database,
    keys: RecordKeys,
    seq: int,
    bid: str,
    place: Place,
    jobs: Sequence[Chosen],
    *,
    expected: int,
    drain: bool = False,
) -> Taken:
    """Parks jobs by their bytes; those of a queue must come oldest first."""
    arguments: list[Argument] = ["these", len(jobs), 1 << 40]
    for job in jobs:
        arguments += ["t" if job.tail else "h", job.raw]
    return await _take(db, keys, seq, bid, place, expected, arguments, drain)


async def _take(
    db: Database,
    keys: RecordKeys,
    seq: int,
    bid: str,
    place: Place,
    expected: int,
    arguments: Sequence[Argument],
    drain: bool,
) -> Taken:
    reply = await db.run_script(
        script("take", drain=drain), 3, keys.record, place_key(db, place), db.keys.stage(keys.id, bid),
        seq, bid, expected, _place_text(place), redis_type(place), *arguments,
    )  # fmt: skip
    told, staged = (reply[:4], reply[4]) if isinstance(reply, list) and len(reply) == 5 else (reply, None)
    status, results, next, error = _parts(told, 4)
    said = cast(TakeStatus, _said(status))
    return Taken(
        said, _said(results), natural(next) or 0, _plain(error), _staged(place, staged) if said == "ok" else None
    )


async def read_stage(db: Database, keys: RecordKeys, bid: str, place: Place) -> tuple[Staged, ...]:
    """The jobs of a stage: of a queue the oldest first, of a set by score. Only reads."""
    stage = db.keys.stage(keys.id, bid)
    if place.kind == "queue":
        return _staged(place, await db.command("LRANGE", stage, 0, -1))
    return _staged(place, await db.command("ZRANGE", stage, 0, -1, "WITHSCORES"))


async def size(db: Database, place: Place) -> int:
    """How many jobs lie there."""
    command = "LLEN" if place.kind == "queue" else "ZCARD"
    return natural(await db.command(command, place_key(db, place))) or 0


async def read_iterations(db: Database, jids: Sequence[str]) -> tuple[Iteration, ...]:
    """The states of those of the jobs that are iterable and have run; one trip where none is. Raises SidekiqError."""
    wanted = list(dict.fromkeys(jids))
    if not wanted:
        return ()
    names = [db.keys.iteration(jid) for jid in wanted]
    if not natural(await db.command("EXISTS", *names)):
        return ()
    replies = await db.pipeline([command for name in names for command in (("HGETALL", name), ("PTTL", name))])
    found: list[Iteration] = []
    for at, jid in enumerate(wanted):
        values, ttl = replies[2 * at], replies[2 * at + 1]
        if isinstance(values, list) and values:
            kept = tuple(value for value in values if isinstance(value, bytes))
            found.append(Iteration(jid, kept, natural(ttl) or 0))
    return tuple(found)


async def put(
    db: Database,
    keys: RecordKeys,
    seq: int,
    bid: str,
    place: Place,
    jobs: Sequence[Staged],
    *,
    expected: int,
    iterations: Sequence[Iteration] = (),
) -> Put:
    """Puts jobs on the other server: at the head of a queue, the first of them deepest, or into a set.

    `expected`: the number that the record there has reached at least; when it is lower, it has gone back in time.
    """
    names = [db.keys.iteration(one.jid) for one in iterations]
    arguments: list[Argument] = [seq, bid, expected, redis_type(place), place.queue or "", len(jobs)]
    for job in jobs:
        arguments += [job.raw] if place.kind == "queue" else [_score(job.score), job.raw]
    for one in iterations:
        arguments += [one.ttl, len(one.values), *one.values]
    reply = await db.run_script(
        script("put"), 3 + len(names), keys.record, place_key(db, place), db.keys.queues, *names, *arguments
    )
    status, results, next, error = _parts(reply, 4)
    return Put(cast(PutStatus, _said(status)), _said(results), natural(next) or 0, _plain(error))


async def acknowledge(
    db: Database,
    keys: RecordKeys,
    seq: int,
    bid: str,
    place: Place,
    *,
    gone: int,
    back: Sequence[int] = (),
    to_head: bool = False,
    jids: Sequence[str] = (),
) -> tuple[AckStatus, str]:
    """Ends a stage of which the other server has `gone` jobs; those at the ranks `back` return to their place.

    In a queue they return to where they run next, or `to_head`. `jids`: iterable jobs whose states went along.
    """
    names = [db.keys.iteration(jid) for jid in jids]
    reply = await db.run_script(
        script("ack"), 4 + len(names), keys.record, db.keys.stage(keys.id, bid), place_key(db, place),
        db.keys.queues, *names, seq, bid, redis_type(place), place.queue or "", "head" if to_head else "tail", gone,
        *back,
    )  # fmt: skip
    status, error = _parts(reply, 2)
    return cast(AckStatus, _said(status)), _plain(error)


async def give_back(db: Database, keys: RecordKeys, seq: int, bid: str, place: Place) -> GivenBack:
    """Puts a whole stage back. Only once the other server is fenced, and known not to have its jobs."""
    reply = await db.run_script(
        script("give_back"), 4, keys.record, db.keys.stage(keys.id, bid), place_key(db, place), db.keys.queues,
        seq, bid, redis_type(place), place.queue or "",
    )  # fmt: skip
    status, restored, existing, error = _parts(reply, 4)
    return GivenBack(cast(AckStatus, _said(status)), natural(restored) or 0, natural(existing) or 0, _plain(error))


async def end_transfer(db: Database, keys: RecordKeys) -> Literal["ok", "open", "closed"]:
    """Ends the source's record; `open`: jobs are still parked."""
    reply = await db.run_script(script("end_transfer"), 2, keys.record, keys.closed, KEPT)
    return "ok" if reply == b"ok" else "open" if reply == b"open" else "closed"


async def transfer_state(db: Database, keys: RecordKeys) -> TransferState | None:
    """The record as it is now, open, done or closed; None when the server knows none. Only reads."""
    open_reply, closed_reply = await db.read([("HGETALL", keys.record), ("HGETALL", keys.closed)])
    told = hash_fields(open_reply)
    if told:
        return state_of(told, "open" if told.get("state") == b"open" else "done")
    told = hash_fields(closed_reply)
    return state_of(told, "closed") if told else None


def state_of(told: Mapping[str, bytes], state: Literal["open", "done", "closed"]) -> TransferState:
    """What the fields of a record say."""
    ids = {seq: to_text(bid) for seq, bid in _numbered(told, "id:")}
    places = {seq: place for seq, at in _numbered(told, "of:") if (place := _place_of(to_text(at))) is not None}
    results = {seq: to_text(one) for seq, one in _numbered(told, "r")}
    return TransferState(
        state=state,
        next=natural(told.get("next")) or 0,
        acked=natural(told.get("acked")) or 0,
        moved=natural(told.get("moved")) or 0,
        put=natural(told.get("put")) or 0,
        stages=tuple(OpenStage(seq, ids[seq], places[seq]) for seq in sorted(ids) if seq in places),
        ids=ids,
        results=results,
        fields=told,
    )


async def confirm(db: Database, *, replicas: int, append_only: bool) -> bool | None:
    """Waits until what was written is on the disk or on a replica, as far as the server offers; None: it does not.

    At most a second; False when that was not long enough. What is refused counts as not offered.
    """
    try:
        if append_only:
            reply: Reply = await db.command("WAITAOF", 1, 0, 1000)
            return isinstance(reply, list) and bool(reply) and reply[0] == 1
        if replicas:
            reply = await db.command("WAIT", 1, 500)
            return isinstance(reply, int) and reply >= 1
    except SidekiqError as error:
        if error.code in ("", "TIMEOUT") and error.exit_code == 3:
            raise
    return None


def _numbered(told: Mapping[str, bytes], start: str) -> Iterator[tuple[int, bytes]]:
    size = len(start)
    for name, value in told.items():
        if name.startswith(start) and name[size:].isdecimal():
            yield int(name[size:]), value


def _staged(place: Place, reply: Reply) -> tuple[Staged, ...]:
    if place.kind == "queue":
        return tuple(Staged(raw) for raw in reversed(payloads(reply)))
    return tuple(Staged(raw, score) for raw, score in scored(reply))


def _place_text(place: Place) -> str:
    return f"{place.kind}:{place.queue or ''}"


def _place_of(text: str) -> Place | None:
    kind, _, queue = text.partition(":")
    if kind == "queue":
        return Place("queue", queue)
    return Place(cast(PlaceKind, kind)) if kind in SET_NAMES else None


def _score(score: float | None) -> str:
    return repr(0.0 if score is None else score)


def _parts(reply: Reply, count: int) -> list[Reply]:
    if not isinstance(reply, list) or len(reply) != count:
        raise SidekiqError("The server gave an answer to a step that is none")
    return reply


def _said(part: Reply) -> str:
    return text(part) or ""


def _plain(part: Reply) -> str:
    """An error without where in the script it happened."""
    return _said(part).partition(" script: ")[0].removesuffix(",").removeprefix("-").removeprefix("ERR ")
