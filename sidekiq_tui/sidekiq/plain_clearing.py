"""What `clearing` and `trash.restore_step` do, for servers that run no scripts: transactions that watch the record.

A key is renamed only onto a name that is free, in one command that checks it. All raise SidekiqError.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, cast

from sidekiq_tui.sidekiq.batch_items import RestoreToSet
from sidekiq_tui.sidekiq.claims import run_batch
from sidekiq_tui.sidekiq.clearing import (
    TRASH_EXPIRES,
    TRASH_REAPED,
    Cleaning,
    Cleared,
    Restored,
    place_key,
    redis_type,
)
from sidekiq_tui.sidekiq.database import Command, Database, Reply
from sidekiq_tui.sidekiq.errors import ReplyError, SidekiqError, WrongType
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.sidekiq.keys import SetName
from sidekiq_tui.sidekiq.operation_record import RecordKeys
from sidekiq_tui.sidekiq.replies import natural, scored, text
from sidekiq_tui.sidekiq.trash import STEP, Step

_TURNS: Final = 20


async def clear(db: Database, record: bytes, place: Place, *, bound: int, trash: bytes | None, now: float) -> Cleared:
    """As `clearing.clear`."""
    key, size = place_key(db, place), _size(place)
    target = db.keys.trash("none") if trash is None else trash
    answer = Cleared("closed")

    def decide(replies: list[Reply]) -> list[Command]:
        nonlocal answer
        told, kind, taken, there = replies
        status, count, state = told if isinstance(told, list) else (None, None, None)
        answer = Cleared("closed")
        if isinstance(status, bytes):
            answer = Cleared(cast(Cleaning, text(status)), natural(count) or 0)
        elif state == b"open":
            answer = _judged(kind, place, natural(there) or 0, bound, taken == 1)
            noted: Command = ("HSET", record, "cleared", answer.status, "count", answer.count, "next", 1)
            return [noted, *(_emptying(db, key, place, trash, now) if answer.status == "ok" else ())]
        return []

    facts: Command = ("HMGET", record, "cleared", "count", "state")
    reads: list[Command] = [facts, ("TYPE", key), ("EXISTS", target), (size, key)]
    try:
        done = await _settled(db, [record], reads, decide)
    except WrongType:
        return Cleared("type")
    failed = next((reply for reply in done if isinstance(reply, SidekiqError)), None)
    if answer.status != "ok" or trash is None:
        return answer
    moved = natural(await db.command(size, trash)) or 0
    if failed is not None and not moved:  # all of it was fetched just before
        return Cleared("none")
    return Cleared("ok", moved)


def _judged(kind: Reply, place: Place, count: int, bound: int, taken: bool) -> Cleared:
    if kind == b"none":
        return Cleared("none")
    if kind != redis_type(place).encode():
        return Cleared("type")
    return Cleared("exists" if taken else "grown" if count > bound else "ok", count)


def _emptying(db: Database, key: bytes, place: Place, trash: bytes | None, now: float) -> list[Command]:
    commands: list[Command] = [("SREM", db.keys.queues, place.queue)] if place.queue is not None else []
    if trash is None:
        return [("UNLINK", key), *commands]
    listed: Command = ("ZADD", db.keys.trash_index, int(now) + TRASH_REAPED, trash)
    return [listed, ("RENAMENX", key, trash), ("EXPIRE", trash, TRASH_EXPIRES), *commands]


async def undo_clear(db: Database, record: bytes, place: Place, trash: bytes) -> Restored:
    """As `clearing.undo_clear`, if nothing at all came since."""
    key, size, index = place_key(db, place), _size(place), db.keys.trash_index
    answer = Restored("closed")

    def decide(replies: list[Reply]) -> list[Command]:
        nonlocal answer
        facts, kind, there, count = replies
        restored, state = facts if isinstance(facts, list) else (None, None)
        answer = Restored("closed")
        if restored is not None and kind == b"none":
            answer = Restored("ok", natural(restored) or 0)
        elif restored is not None:  # something came in that moment: it did not happen
            answer = Restored("many")
            undone: list[Command] = [("HDEL", record, "restored"), ("HSET", record, "next", 0)]
            return [*undone, ("EXPIRE", trash, TRASH_EXPIRES)]
        elif state == b"open" and (kind != redis_type(place).encode() or there == 1):
            answer = Restored("gone" if kind == b"none" else "many" if there == 1 else "type")
        elif state == b"open":
            answer = Restored("ok", natural(count) or 0)
            noted: Command = ("HSET", record, "restored", answer.restored, "next", 1)
            queue: list[Command] = [("SADD", db.keys.queues, place.queue)] if place.queue is not None else []
            return [noted, ("PERSIST", trash), ("RENAMENX", trash, key), *queue]
        return []

    reads: list[Command] = [("HMGET", record, "restored", "state"), ("TYPE", trash), ("EXISTS", key), (size, trash)]
    try:
        while await _settled(db, [record], reads, decide) and answer.status == "ok":
            pass  # once more, to see whether it happened
    except WrongType:
        return Restored("type")
    if answer.status == "ok":
        await db.command("ZREM", index, trash)
    return answer


async def restore_step(
    db: Database, keys: RecordKeys, seq: int, bid: str, source: bytes, place: Place, *, now: float, size: int = STEP
) -> Step:
    """As `trash.restore_step`. `now`: Unix seconds."""
    if place.kind != "queue":
        target = cast(SetName, place.kind)
        entries = scored(await db.command("ZRANGE", source, 0, size - 1, "WITHSCORES"))
        items = [RestoreToSet(source, old, target, score) for old, score in entries]
        reply = await run_batch(db, keys, seq, bid, items, now=now)
        results = reply.results if reply.status == "ok" else ""  # of `done` they are those of other entries
        there = [item.old for item, result in zip(items, results, strict=False) if result == "x"]
        if there:
            await db.command("ZREM", source, *there)
        left = natural(await db.command("ZCARD", source)) or 0
        return Step(reply.status, reply.results.count("1"), len(there), 0, left, reply.error)
    return await _restore_queue(db, keys, seq, bid, source, place, size)


async def _restore_queue(
    db: Database, keys: RecordKeys, seq: int, bid: str, source: bytes, place: Place, size: int
) -> Step:
    key, record = place_key(db, place), keys.record
    step = Step("closed")

    def decide(replies: list[Reply]) -> list[Command]:
        nonlocal step
        facts, kind, there = replies
        following, state, told = facts if isinstance(facts, list) else (None, None, None)
        known, _, results = (text(told) or "").partition(":")
        number = natural(following)
        step = Step("closed")
        if number is not None and seq < number:
            step = Step("done", len(results)) if known == bid else Step("taken")
        elif number is not None and state == b"open" and seq > number:
            step = Step("gap")
        elif number is not None and state == b"open" and kind not in (b"list", b"none"):
            step = Step("type")
        elif number is not None and state == b"open":
            count = min(size, natural(there) or 0)
            step = Step("ok", count)
            noted: Command = ("HSET", record, "next", seq + 1, f"r{seq}", f"{bid}:{'1' * count}")
            return [
                noted,
                *[("LMOVE", source, key, "LEFT", "RIGHT")] * count,
                ("SADD", db.keys.queues, place.queue or ""),
            ]
        return []

    reads: list[Command] = [("HMGET", record, "next", "state", f"r{seq}"), ("TYPE", key), ("LLEN", source)]
    done = await _settled(db, [record, source], reads, decide)
    left = natural(await db.command("LLEN", source)) or 0
    if not left:
        await db.command("ZREM", db.keys.trash_index, source)
    error = next((reply.message for reply in done if isinstance(reply, SidekiqError)), "")
    return Step(step.status, 0 if error else step.restored, 0, 0, left, error)


async def _settled(
    db: Database, watched: Sequence[bytes], reads: Sequence[Command], decide: Callable[[list[Reply]], list[Command]]
) -> list[Reply]:
    """A transaction that is tried again while others change what it watches."""
    for _ in range(_TURNS):
        done = await db.transaction(watched, reads, decide)
        if done is not None:
            return done
    raise ReplyError("another session works on the same operation")


def _size(place: Place) -> str:
    return "LLEN" if place.kind == "queue" else "ZCARD"
