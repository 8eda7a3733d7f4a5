"""Every item of a batch as a case: what lies there before, what lies there after, and when it must leave all alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sidekiq_tui.sidekiq.batch_items import (
    CancelIteration,
    DeleteFromQueue,
    DeleteFromSet,
    DeleteProfile,
    EditInQueue,
    Item,
    Move,
    MoveFromQueue,
    MoveInSets,
    MoveToFront,
    Prune,
    Push,
    Reschedule,
    ResetCounter,
    RestoreToQueue,
    RestoreToSet,
    SendSignal,
    SetPaused,
    TakeBack,
    Unpush,
)
from sidekiq_tui.sidekiq.database import Command, Database, Reply
from sidekiq_tui.sidekiq.keys import Keys
from sidekiq_tui.sidekiq.replies import payloads, scored

KEYS: Final = Keys()
ID: Final = "0123456789abcdef0123"
TRASH: Final = KEYS.trash(ID, 0)
STAGE: Final = KEYS.stage(ID, "0123456789ab")
DUE: Final = 1795400470.9334693
LATER: Final = 1795404070.1
NOW: Final = 1795400000

Value = Sequence[bytes] | Mapping[bytes, float] | frozenset[bytes] | Mapping[bytes, bytes] | bytes
State = Mapping[bytes, Value]
"""Keys and what they hold: list, sorted set, set, hash, string."""

A, B, C = b'{"jid":"a"}', b'{"jid":"b"}', b'{"jid":"c"}'
PROCESS: Final = "web-1:7:abcdef"
_INFO: Final = b'{"hostname":"web-1","embedded":false,"tag":"\\"embedded\\":true"}'


@dataclass(frozen=True, slots=True)
class Case:
    """One item. `gone` and `exists`: states that it must answer with `0` or `x`, and leave as they are."""

    name: str
    item: Item
    before: State
    after: State
    gone: State | None = None
    exists: State | None = None


def cases(old: bytes, new: bytes) -> tuple[Case, ...]:
    """All of them, with these payloads."""
    return (*_of_sets(old, new), *_of_queues(old, new), *_of_new_jobs(old, new), *_of_trash(old), *_of_the_rest())


def _of_sets(old: bytes, new: bytes) -> tuple[Case, ...]:
    there: State = {b"retry": {old: DUE, A: DUE}, b"queues": frozenset({b"mail"}), b"queue:mail": [B, C]}
    moved: State = {b"retry": {A: DUE}, b"queues": frozenset({b"mail", b"low"}), b"queue:low": [new, B]}
    both: State = {b"retry": {old: DUE, A: DUE}, b"dead": {old: 5.0}}
    return (
        Case(
            "move",
            Move("retry", old, "low", new),
            {**there, b"queue:low": [B]},
            {**there, **moved},
            gone={**there, b"retry": {A: DUE}},
        ),
        Case(
            "kill",
            MoveInSets("retry", old, "dead", old, LATER),
            {b"retry": {old: DUE, A: DUE}, b"dead": {B: 5.0}},
            {b"retry": {A: DUE}, b"dead": {B: 5.0, old: LATER}},
            gone={b"retry": {A: DUE}, b"dead": {old: 5.0}},
            exists=both,
        ),
        Case(
            "edit in a set",
            MoveInSets("schedule", old, "schedule", new, DUE),
            {b"schedule": {old: DUE, A: 1.5}},
            {b"schedule": {new: DUE, A: 1.5}},
            gone={b"schedule": {A: 1.5}},
            exists={b"schedule": {old: DUE, new: 2.0}},
        ),
        Case(
            "reschedule",
            Reschedule("schedule", old, DUE, LATER),
            {b"schedule": {old: DUE, A: DUE}},
            {b"schedule": {old: LATER, A: DUE}},
            gone={b"schedule": {old: DUE + 0.0000005, A: DUE}},
        ),
        Case(
            "delete from a set",
            DeleteFromSet("dead", old, TRASH),
            {b"dead": {old: DUE, A: 1.0}},
            {b"dead": {A: 1.0}, TRASH: {old: DUE}},
            gone={b"dead": {A: 1.0}},
        ),
        Case(
            "delete from a set for good",
            DeleteFromSet("dead", old, None),
            {b"dead": {old: DUE, A: 1.0}},
            {b"dead": {A: 1.0}},
            gone={b"dead": {A: 1.0}},
        ),
    )


def _of_queues(old: bytes, new: bytes) -> tuple[Case, ...]:
    mail: State = {b"queue:mail": [A, old, B, old, C]}
    gone: State = {b"queue:mail": [A, B, C]}
    other: State = {b"queues": frozenset({b"low"}), b"queue:low": [B]}
    return (
        Case(
            "delete the newer twin", DeleteFromQueue("mail", old, TRASH), mail, _with(mail, [A, B, old, C], old), gone
        ),
        Case(
            "delete the older twin",
            DeleteFromQueue("mail", old, TRASH, tail=True),
            mail,
            _with(mail, [A, old, B, C], old),
            gone,
        ),
        Case(
            "delete from a queue for good",
            DeleteFromQueue("mail", old, None, tail=True),
            mail,
            {b"queue:mail": [A, old, B, C]},
            gone,
        ),
        Case(
            "move to a queue",
            MoveFromQueue("mail", old, new, target_queue="low"),
            {**mail, b"queue:low": [B]},
            {**other, b"queue:mail": [A, B, old, C], b"queue:low": [new, B]},
            {**gone, b"queue:low": [B]},
        ),
        Case(
            "move to the front of a queue",
            MoveFromQueue("mail", old, new, target_queue="low", front=True, tail=True),
            {**mail, b"queue:low": [B]},
            {**other, b"queue:mail": [A, old, B, C], b"queue:low": [B, new]},
            {**gone, b"queue:low": [B]},
        ),
        Case(
            "move to the back of its own queue",
            MoveFromQueue("mail", old, old, target_queue="mail"),
            mail,
            {b"queue:mail": [old, A, old, B, C], b"queues": frozenset({b"mail"})},
            gone,
        ),
        Case(
            "move to the front of its own queue",
            MoveFromQueue("mail", old, new, target_queue="mail", front=True, tail=True),
            mail,
            {b"queue:mail": [A, B, old, C, new], b"queues": frozenset({b"mail"})},
            gone,
        ),
        Case(
            "move out of a stage",
            MoveFromQueue("mail", old, new, target_queue="low", tail=True, stage=STAGE),
            {**mail, STAGE: [old, A], b"queue:low": [B]},
            {**mail, **other, STAGE: [A], b"queue:low": [new, B]},
            {**mail, STAGE: [A], b"queue:low": [B]},
        ),
        Case(
            "kill from a queue",
            MoveFromQueue("mail", old, old, target_set="dead", score=LATER, tail=True),
            {**mail, b"dead": {A: 1.0}},
            {b"queue:mail": [A, old, B, C], b"dead": {A: 1.0, old: LATER}},
            {**gone, b"dead": {old: 1.0}},
            {**mail, b"dead": {old: 1.0}},
        ),
        Case(
            "edit in a queue",
            EditInQueue("mail", old, new),
            mail,
            {b"queue:mail": [A, new, B, old, C]},
            gone,
        ),
        Case(
            "edit the older twin",
            EditInQueue("mail", old, new, tail=True),
            mail,
            {b"queue:mail": [A, old, B, new, C]},
            gone,
        ),
        Case("to the front", MoveToFront("mail", old), mail, {b"queue:mail": [A, B, old, C, old]}, gone),
        Case("last of a queue", DeleteFromQueue("mail", old, None), {b"queue:mail": [old]}, {}),
    )


def _with(state: State, rest: list[bytes], old: bytes) -> State:
    return {**state, b"queue:mail": rest, TRASH: [old]}


def _of_new_jobs(old: bytes, new: bytes) -> tuple[Case, ...]:
    low: State = {b"queue:low": [A, new, B]}
    return (
        Case("push", Push(new, queue="low"), {b"queue:low": [A]}, _queue("low", [new, A])),
        Case(
            "push for later",
            Push(new, score=LATER),
            {b"schedule": {A: 1.0}},
            {b"schedule": {A: 1.0, new: LATER}},
            exists={b"schedule": {new: 1.0}},
        ),
        Case(
            "put back into a set",
            Push(new, score=DUE, into="dead"),
            {b"dead": {A: 1.0}},
            {b"dead": {A: 1.0, new: DUE}},
            exists={b"dead": {new: 1.0}},
        ),
        Case("take back a push", TakeBack("low", new), low, {b"queue:low": [A, B]}, gone={b"queue:low": [A]}),
        Case(
            "take back a retry",
            TakeBack("low", new, old, "retry", DUE),
            {**low, b"retry": {A: 1.0}},
            {b"queue:low": [A, B], b"retry": {A: 1.0, old: DUE}},
            gone={b"queue:low": [A, B], b"retry": {old: 1.0}},
            exists={**low, b"retry": {old: 1.0}},
        ),
        Case(
            "take back a push for later",
            Unpush("schedule", new),
            {b"schedule": {new: LATER, A: 1.0}},
            {b"schedule": {A: 1.0}},
            gone={b"schedule": {A: 1.0}},
        ),
    )


def _queue(name: str, entries: list[bytes]) -> State:
    return {b"queue:" + name.encode(): entries, b"queues": frozenset({name.encode()})}


def _of_trash(old: bytes) -> tuple[Case, ...]:
    binned: State = {TRASH: {old: DUE, A: 1.0}, b"dead": {B: 2.0}}
    return (
        Case(
            "restore to a set",
            RestoreToSet(TRASH, old, "dead", DUE),
            binned,
            {TRASH: {A: 1.0}, b"dead": {B: 2.0, old: DUE}},
            gone={TRASH: {A: 1.0}, b"dead": {B: 2.0}},
            exists={**binned, b"dead": {old: 3.0}},
        ),
        Case(
            "restore to a queue",
            RestoreToQueue(TRASH, old, "low"),
            {TRASH: [old, A], b"queue:low": [B]},
            {**_queue("low", [B, old]), TRASH: [A]},
            gone={TRASH: [A], b"queue:low": [B]},
        ),
    )


def _of_the_rest() -> tuple[Case, ...]:
    process, signals = PROCESS.encode(), PROCESS.encode() + b"-signals"
    alive: State = {b"processes": frozenset({process}), process: {b"info": _INFO}}
    embedded: State = {**alive, process: {b"info": b'{"embedded":true}'}}
    state, profile = b"it-abc", b"tok-abc"
    fresh = {b"cancelled": b"1795400000", b"c": b"null", b"ex": b"0", b"rt": b"0"}
    data = {b"data": b"\x1f\x8b", b"jid": b"abc"}
    return (
        Case(
            "signal",
            SendSignal(PROCESS, "TSTP"),
            {**alive, signals: [b"TTIN"]},
            {**alive, signals: [b"TSTP", b"TTIN"]},
            gone=embedded,
            exists={**alive, signals: [b"TTIN", b"TSTP"]},
        ),
        Case(
            "signal to nobody",
            SendSignal(PROCESS, "TERM"),
            alive,
            {**alive, signals: [b"TERM"]},
            {process: {b"info": b"{}"}},
        ),
        Case(
            "signal to a ghost",
            SendSignal(PROCESS, "TERM"),
            alive,
            {**alive, signals: [b"TERM"]},
            {b"processes": frozenset({process})},
        ),
        Case(
            "prune",
            Prune(PROCESS),
            {b"processes": frozenset({process, b"x"})},
            {b"processes": frozenset({b"x"})},
            alive,
        ),
        Case("cancel", CancelIteration("abc", NOW), {}, {state: fresh}, exists={state: {b"cancelled": b"7"}}),
        Case(
            "cancel what runs",
            CancelIteration("abc", NOW),
            {state: {b"c": b"12", b"ex": b"3", b"rt": b"1.5"}},
            {state: {b"c": b"12", b"ex": b"3", b"rt": b"1.5", b"cancelled": b"1795400000"}},
        ),
        Case(
            "pause",
            SetPaused("mail", True),
            {},
            {b"paused": frozenset({b"mail"})},
            exists={b"paused": frozenset({b"mail"})},
        ),
        Case(
            "unpause",
            SetPaused("mail", False),
            {b"paused": frozenset({b"mail", b"low"})},
            {b"paused": frozenset({b"low"})},
            gone={b"paused": frozenset({b"low"})},
        ),
        Case(
            "reset",
            ResetCounter("failed", 41),
            {b"stat:failed": b"41", b"stat:processed": b"7"},
            {b"stat:failed": b"0", b"stat:processed": b"7"},
            gone={b"stat:failed": b"42"},
        ),
        Case("give back", ResetCounter("processed", add=41), {b"stat:processed": b"2"}, {b"stat:processed": b"43"}),
        Case(
            "delete a profile",
            DeleteProfile("tok-abc"),
            {b"profiles": {profile: LATER, b"other": 1.0}, profile: data},
            {b"profiles": {b"other": 1.0}},
            gone={b"profiles": {profile: LATER}, profile: {b"info": b"no profile"}},
        ),
    )


OF_JOBS: Final = 27
"""So many cases, the first ones, are about payloads."""


def names() -> list[str]:
    """The names of all cases, as stable parameter ids."""
    return [case.name for case in cases(b"old", b"new")]


def case_of(name: str, old: bytes = b'{"jid":"old"}', new: bytes = b'{"jid":"new"}') -> Case:
    """The case of that name."""
    return next(case for case in cases(old, new) if case.name == name)


async def put(db: Database, state: State) -> None:
    """Empties the database and writes a state."""
    commands: list[Command] = [("FLUSHDB",)]
    for key, value in state.items():
        match value:
            case bytes():
                commands.append(("SET", key, value))
            case frozenset():
                commands.append(("SADD", key, *value))
            case Mapping():
                for name, entry in value.items():
                    command = ("HSET", key, name, entry) if isinstance(entry, bytes) else ("ZADD", key, entry, name)
                    commands.append(command)
            case _:
                commands.append(("RPUSH", key, *value))
    await db.read(commands)


async def seen(db: Database) -> dict[bytes, Value]:
    """What is there, without records and lists of our own; what holds jobs is shown. Two trips and a third."""
    keys = [key for key in sorted(payloads(await db.command("KEYS", "*"))) if not _is_record(key)]
    kinds = await db.read([("TYPE", key) for key in keys])
    replies = await db.read(
        [_READS[kind](key) for kind, key in zip(kinds, keys, strict=True) if isinstance(kind, bytes)]
    )
    return {key: _value(kind, reply) for key, kind, reply in zip(keys, kinds, replies, strict=True)}


def _is_record(key: bytes) -> bool:
    return key.startswith((b"sqtui:op", b"sqtui:lock")) or key == b"sqtui:trash"


_READS: Final[Mapping[bytes, Callable[[bytes], Command]]] = {
    b"list": lambda key: ("LRANGE", key, 0, -1),
    b"zset": lambda key: ("ZRANGE", key, 0, -1, "WITHSCORES"),
    b"set": lambda key: ("SMEMBERS", key),
    b"hash": lambda key: ("HGETALL", key),
    b"string": lambda key: ("GET", key),
}


def _value(kind: object, reply: Reply) -> Value:
    if kind == b"zset":
        return dict(scored(reply))
    if kind == b"string":
        assert isinstance(reply, bytes)
        return reply
    flat = payloads(reply)
    if kind == b"hash":
        return dict(zip(flat[::2], flat[1::2], strict=True))
    return frozenset(flat) if kind == b"set" else flat
