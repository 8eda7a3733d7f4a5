"""Operations on sets where the server runs no scripts: transactions guarded by a private key (operations-safety 6.8).

The record is watched, as batches are numbered in it: a transaction that comes late finds it changed and does nothing.
Entries are claimed first: what is there of them goes to a stage, with its score, and leaves its set in that moment.
From the stage, which nobody else touches, they are delivered. A set that workers use is never watched.

The functions are those of `operation_record`, for items of sets and new jobs. All raise SidekiqError.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from sidekiq_tui.sidekiq.batch_items import (
    DeleteFromSet,
    Item,
    Move,
    MoveInSets,
    Push,
    Reschedule,
    RestoreToSet,
    Result,
)
from sidekiq_tui.sidekiq.clearing import TRASH_EXPIRES, TRASH_REAPED
from sidekiq_tui.sidekiq.database import Argument, Command, Database, Reply
from sidekiq_tui.sidekiq.errors import ReplyError
from sidekiq_tui.sidekiq.keys import SET_NAMES, Keys, SetName
from sidekiq_tui.sidekiq.operation_record import KEPT, BatchReply, ClosedRecord, RecordKeys, closed_record
from sidekiq_tui.sidekiq.payload import to_text
from sidekiq_tui.sidekiq.replies import fields as hash_fields
from sidekiq_tui.sidekiq.replies import natural, scored

ClaimItem = Move | MoveInSets | Reschedule | DeleteFromSet | RestoreToSet | Push
_LATE: Final = 24
"""So many of the last results are kept: more than there are batches whose results the journal may lack."""
_TURNS: Final = 50
"""So often a transaction is tried again because another one has changed the record."""


async def begin(
    db: Database, keys: RecordKeys, told: Mapping[str, str | bytes | int | float], now: float
) -> Literal["ok", "exists"]:
    """Makes the record; `exists` when this generation was begun before."""

    def decide(replies: list[Reply]) -> list[Command]:
        if replies != [0]:
            return []
        pairs: list[Argument] = [part for pair in told.items() for part in pair]
        return [
            ("ZADD", keys.names.operations, now, keys.member),
            ("HSET", keys.record, *pairs, "next", 0, "state", "open"),
        ]

    return "ok" if await _once(db, keys, [("EXISTS", keys.record, keys.closed)], decide) else "exists"


async def close(db: Database, keys: RecordKeys) -> ClosedRecord | None:
    """Fences the generation: no transaction of it that is still under way can act any more. May be sent again."""
    known: dict[str, bytes] = {}

    def decide(replies: list[Reply]) -> list[Command]:
        opened, closed = map(hash_fields, replies)
        known.clear()
        known.update(opened or closed)
        return [("RENAMENX", keys.record, keys.closed), ("EXPIRE", keys.closed, KEPT)] if opened else []

    await _once(db, keys, [("HGETALL", keys.record), ("HGETALL", keys.closed)], decide)
    return closed_record(known) if known else None


async def finish(db: Database, keys: RecordKeys) -> bool:
    """Ends an operation all of whose batches have answered; False when its record is closed or gone."""
    there = False

    def decide(replies: list[Reply]) -> list[Command]:
        nonlocal there
        there = isinstance(replies[0], bytes)
        return [("HSET", keys.record, "state", "done"), ("EXPIRE", keys.record, KEPT)] if there else []

    await _once(db, keys, [("HGET", keys.record, "state")], decide)
    return there


async def run_batch(
    db: Database, keys: RecordKeys, seq: int, bid: str, items: Sequence[Item], *, now: float
) -> BatchReply:
    """Carries a batch out, at most once for its number and id; after a lost reply call it again. `now`: Unix seconds.

    Raises ValueError for items that take a script.
    """
    batch = _Batch(keys, seq, bid, tuple(map(_possible, items)), now)
    for _ in range(_TURNS):
        batch.answer = None
        done = await db.transaction([keys.record, *batch.private()], batch.reads(), batch.decide)
        if done is not None and batch.answer is not None:
            return batch.answer
    raise ReplyError("another session works on the same operation")


async def return_claims(db: Database, id: str, bid: str) -> int:
    """Puts back what a batch has claimed and not delivered, once its record is closed; how many entries."""
    count = 0
    for source in SET_NAMES:
        stage = _stage(db.keys, id, bid, source)

        def decide(replies: list[Reply], source: SetName = source, stage: bytes = stage) -> list[Command]:
            back = [("ZADD", db.keys.job_set(source), "NX", repr(score), old) for old, score in scored(replies[0])]
            return [*back, ("DEL", stage)] if back else []

        while (done := await db.transaction([stage], [("ZRANGE", stage, 0, -1, "WITHSCORES")], decide)) is None:
            pass
        count += max(len(done) - 1, 0)
    return count


@dataclass
class _Batch:
    """A batch that is new is claimed, and then delivered; one that needs no claim is delivered at once."""

    keys: RecordKeys
    seq: int
    bid: str
    items: tuple[ClaimItem, ...]
    now: float
    answer: BatchReply | None = None
    sources: dict[SetName, bytes] = field(init=False)
    trashes: tuple[bytes, ...] = field(init=False)

    def __post_init__(self) -> None:
        named = dict.fromkeys(entry[0] for item in self.items if (entry := _entry(item)) is not None)
        self.sources = {source: _stage(self.keys.names, self.keys.id, self.bid, source) for source in named}
        self.trashes = tuple(dict.fromkeys(item.trash for item in self.items if isinstance(item, RestoreToSet)))

    def private(self) -> tuple[bytes, ...]:
        """The keys besides the record that only this operation changes."""
        return (*self.sources.values(), *self.trashes)

    def reads(self) -> list[Command]:
        """What `decide` has to know, in its order."""
        return [
            ("HMGET", self.keys.record, "next", "state", "who", f"r{self.seq}"),
            *(("TYPE", key) for key in self._types()),
            *(("ZRANGE", stage, 0, -1, "WITHSCORES") for stage in self.sources.values()),
            *(("ZCARD", trash) for trash in self.trashes),
            *(lookup for item in self.items for lookup in _lookups(self.keys.names, item)),
        ]

    def decide(self, replies: list[Reply]) -> list[Command]:
        """The next step: the claim; the delivery, which leaves the answer; or only the answer."""
        rest = iter(replies)
        facts = next(rest)
        following, state, who, result = facts if isinstance(facts, list) else (None, None, None, None)
        step = self._step(natural(following), state, result)
        if isinstance(step, BatchReply):
            self.answer = replace(step, who=to_text(who)) if step.status == "taken" and isinstance(who, bytes) else step
            return []
        for key, kind in self._types().items():
            if next(rest) not in (kind, b"none"):
                self.answer = BatchReply("type", error=to_text(key))
                return []
        claimed = {source: dict(scored(next(rest))) for source in self.sources}
        kept = {trash: natural(next(rest)) or 0 for trash in self.trashes}
        if step == "claim" and self.sources:
            return self._claim()
        return self._deliver(claimed, kept, rest)

    def _types(self) -> dict[bytes, bytes]:
        """The keys that are written or claimed from, and what they must be."""
        names = self.keys.names
        kinds = dict.fromkeys((names.job_set(source) for source in self.sources), b"zset")
        for item in self.items:
            kinds |= _target(names, item)
        return kinds

    def _step(self, following: int | None, state: Reply, result: Reply) -> BatchReply | Literal["claim", "deliver"]:
        """Where the record says that this batch is."""
        told, _, results = (to_text(result) if isinstance(result, bytes) else "").partition(":")
        if following is None or (state != b"open" and self.seq >= following):
            return BatchReply("closed")
        if self.seq > following:
            return BatchReply("gap", next=following)
        if self.seq == following:
            return "claim"
        if told != self.bid:
            return BatchReply("taken")
        return BatchReply("done", results) if results else "deliver"

    def _claim(self) -> list[Command]:
        names, commands = self.keys.names, self._noted("")
        for source, stage in self.sources.items():
            entries = (entry for item in self.items if (entry := _entry(item)) is not None)
            olds = [old for place, old in entries if place == source]
            key, want, got = names.job_set(source), stage + b":want", stage + b":got"
            commands += [
                ("DEL", want, got),
                ("SADD", want, *olds),
                ("ZINTERSTORE", got, 2, key, want, "WEIGHTS", 1, 0),
                ("ZUNIONSTORE", stage, 2, stage, got),
                ("ZREM", key, *olds),
                ("DEL", want, got),
            ]
        return commands

    def _deliver(
        self, claimed: dict[SetName, dict[bytes, float]], kept: dict[bytes, int], lookups: Iterator[Reply]
    ) -> list[Command]:
        names, commands, results = self.keys.names, [], ""
        for item in self.items:
            known = [_score(next(lookups)) for _ in _lookups(names, item)]
            entry = _entry(item)
            score = None if entry is None else claimed[entry[0]].pop(entry[1], None)
            result, some = _delivered(names, item, score, known, self.now)
            results += result
            commands += some
            if result == "1" and isinstance(item, RestoreToSet):
                kept[item.trash] -= 1
        for source, left in claimed.items():  # what is there twice in the batch, or no longer in it
            commands += [_put_back(names, source, old, score) for old, score in left.items()]
        if self.sources:
            commands.append(("DEL", *self.sources.values()))
        if emptied := [trash for trash, count in kept.items() if count == 0]:
            commands.append(("ZREM", names.trash_index, *emptied))
        self.answer = BatchReply("ok", results)
        return [*self._noted(results), *commands]

    def _noted(self, results: str) -> list[Command]:
        record = self.keys.record
        return [
            ("HSET", record, "next", self.seq + 1, f"r{self.seq}", f"{self.bid}:{results}"),
            ("HDEL", record, f"r{self.seq - _LATE}"),
        ]


def _delivered(
    names: Keys, item: ClaimItem, score: float | None, known: Sequence[float | None], now: float
) -> tuple[Result, list[Command]]:
    """What one entry comes to, and the commands for it. `score`: that of the claimed entry; `known`: its lookups."""
    match item:
        case Push():
            if item.queue is not None:
                return "1", [("SADD", names.queues, item.queue), ("LPUSH", names.queue(item.queue), item.new)]
            if known[0] is not None:
                return "x", []
            return "1", [("ZADD", names.job_set(item.into), repr(item.score or 0.0), item.new)]
        case RestoreToSet():
            kept, there = known
            if kept is None or there is not None:
                return "0" if kept is None else "x", []
            target = names.job_set(item.target)
            return "1", [("ZADD", target, repr(kept), item.old), ("ZREM", item.trash, item.old)]
    if score is None:
        return "0", []
    match item:
        case Move():
            return "1", [("SADD", names.queues, item.queue), ("LPUSH", names.queue(item.queue), item.new)]
        case MoveInSets() if known and known[0] is not None:
            return "x", [_put_back(names, item.source, item.old, score)]
        case MoveInSets():
            kept = score if item.score is None else item.score
            return "1", [("ZADD", names.job_set(item.target), repr(kept), item.new)]
        case Reschedule():
            fits = item.known == score
            new = item.score if fits else score
            return "1" if fits else "0", [_put_back(names, item.source, item.old, new)]
    if item.trash is None:
        return "1", []
    return "1", [
        ("ZADD", names.trash_index, "NX", int(now) + TRASH_REAPED, item.trash),
        ("ZADD", item.trash, repr(score), item.old),
        ("EXPIRE", item.trash, TRASH_EXPIRES),
    ]


def _put_back(names: Keys, source: SetName, old: bytes, score: float) -> Command:
    return ("ZADD", names.job_set(source), "NX", repr(score), old)


def _lookups(names: Keys, item: ClaimItem) -> list[Command]:
    """What has to be known of an entry besides its claim."""
    match item:
        case RestoreToSet():
            return [("ZSCORE", item.trash, item.old), ("ZSCORE", names.job_set(item.target), item.old)]
        case Push(queue=None):
            return [("ZSCORE", names.job_set(item.into), item.new)]
        case MoveInSets() if item.target != item.source or item.new != item.old:
            return [("ZSCORE", names.job_set(item.target), item.new)]
    return []


def _entry(item: ClaimItem) -> tuple[SetName, bytes] | None:
    """What is claimed, and from which set."""
    return None if isinstance(item, Push | RestoreToSet) else (item.source, item.old)


def _score(reply: Reply) -> float | None:
    return float(reply) if isinstance(reply, bytes) else None


def _target(names: Keys, item: ClaimItem) -> dict[bytes, bytes]:
    """The keys that an entry goes to, and their types."""
    match item:
        case Move() | Push() if item.queue is not None:
            return {names.queue(item.queue): b"list", names.queues: b"set"}
        case MoveInSets() | RestoreToSet():
            return {names.job_set(item.target): b"zset"}
        case DeleteFromSet(trash=bytes(trash)):
            return {trash: b"zset", names.trash_index: b"zset"}
        case Push():
            return {names.job_set(item.into): b"zset"}
    return {}


def _possible(item: Item) -> ClaimItem:
    if isinstance(item, ClaimItem):
        return item
    raise ValueError(f"{type(item).__name__} takes a server that runs scripts")


def _stage(names: Keys, id: str, bid: str, source: SetName) -> bytes:
    return names.stage(id, f"{bid}:{source}")


async def _once(
    db: Database, keys: RecordKeys, reads: Sequence[Command], decide: Callable[[list[Reply]], list[Command]]
) -> bool:
    """Carries out what `decide` says of the record, whoever else changes it; whether that was anything."""
    for _ in range(_TURNS):
        done = await db.transaction([keys.record, keys.closed], reads, decide)
        if done is not None:
            return bool(done)
    raise ReplyError("another session works on the same operation")
