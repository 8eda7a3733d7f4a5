"""What was deleted or cleared and can still come back: found through one list, read, restored, freed in time.

Nothing here looks for keys by scanning. Times are Unix seconds. Everything raises SidekiqError.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, cast

from sidekiq_tui.sidekiq.clearing import place_key, redis_type
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.job import JobRecord, Place, PlaceKind
from sidekiq_tui.sidekiq.replies import fields, json_value, natural, payloads, scored, text
from sidekiq_tui.sidekiq.scripts import script
from sidekiq_tui.sidekiq.walk import walk_list, walk_set

PART_SIZE: Final = 10_000
"""Members of a trash key at most where entries are deleted one by one: should Redis expire it, it stands for 4 ms."""
STEP: Final = 200
"""Entries that one step of a restoration moves."""
BUDGET: Final = 64 << 20
"""Bytes of trash that a server is burdened with, unless 2 % of its memory limit is more."""
_FREED: Final = 500
_RESULT: Final = re.compile(r"r\d+")
_NAME: Final = re.compile(r"([0-9a-zA-Z]+)(?::([0-9]{1,9}))?")

Restoring = Literal["ok", "done", "taken", "closed", "gap", "type", "refused"]
"""As a batch answers (operations-safety 5.3)."""


@dataclass(frozen=True, slots=True)
class TrashPart:
    """One trash key. `part` is None for a cleared queue or set; `place` where it came from, None when not known.

    `record`: what the server still knows of the operation: kind, who, at.
    """

    operation: str
    part: int | None
    key: bytes
    place: Place | None
    count: int
    reap_at: float
    record: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of a restoration did: entries put back, those that were there again, those still to come."""

    status: Restoring
    restored: int = 0
    existing: int = 0
    duplicated: int = 0
    left: int = 0
    error: str = ""


async def read_trash(db: Database) -> tuple[TrashPart, ...]:
    """All trash that is still there, the newest first. Three trips, and only reads."""
    listed = scored(await db.command("ZRANGE", db.keys.trash_index, 0, -1, "WITHSCORES"))
    named = [(key, reap_at, name) for key, reap_at in reversed(listed) if (name := _named(db, key)) is not None]
    operations = list(dict.fromkeys(name[0] for _, _, name in named))
    kinds = await db.pipeline([("TYPE", key) for key, _, _ in named])
    sizes = await db.pipeline(
        [("LLEN" if kind == b"list" else "ZCARD", key) for (key, _, _), kind in zip(named, kinds, strict=True)]
        + [("HGETALL", key) for id in operations for key in (db.keys.operation(id), db.keys.operation_closed(id))]
    )
    told = [fields(reply) for reply in sizes[len(named) :]]
    records = {id: _record(told[2 * at] or told[2 * at + 1]) for at, id in enumerate(operations)}
    parts = []
    for (key, reap_at, (id, part)), count in zip(named, map(natural, sizes), strict=False):
        if count:
            places = _places(records[id].get("places"))
            parts.append(TrashPart(id, part, key, _place(places, part), count, reap_at, records[id]))
    return tuple(parts)


async def read_part(db: Database, part: TrashPart, offset: int, limit: int) -> tuple[JobRecord, ...]:
    """Some entries of a part, in its order: a queue's newest first, a set's by score. One trip."""
    place = part.place or Place("dead")
    last = offset + max(limit, 1) - 1
    if await _is_list(db, part):
        raws = payloads(await db.command("LRANGE", part.key, offset, last))
        return tuple(JobRecord(raw, place) for raw in raws)
    entries = scored(await db.command("ZRANGE", part.key, offset, last, "WITHSCORES"))
    return tuple(JobRecord(raw, place, score) for raw, score in entries)


async def walk_part(db: Database, part: TrashPart) -> AsyncIterator[tuple[JobRecord, ...]]:
    """All of a part in slices, to search in."""
    place = part.place or Place("dead")
    walk = walk_list(db, part.key) if await _is_list(db, part) else walk_set(db, part.key)
    async for stretch in walk:
        yield tuple(JobRecord(raw, place, score) for raw, score in stretch.entries)


async def restore_step(
    db: Database, record: bytes, seq: int, bid: str, source: bytes, place: Place, *, size: int = STEP
) -> Step:
    """Puts the next entries of a trash part, or of a stage, back to their place: at most `size`, or 512 KiB.

    A queue gets them at its front, the last of the list to run first; a set with their scores, unless the same bytes
    are there again. A batch of the operation whose record this is: repeat it with the next number until none is left.
    """
    keys = (record, source, place_key(db, place), db.keys.queues, db.keys.trash_index)
    arguments = (seq, bid, size, redis_type(place), place.queue or "")
    reply = await db.command("EVAL", script("restore"), len(keys), *keys, *arguments)
    status, results, left, error = reply if isinstance(reply, list) and len(reply) == 4 else (b"refused", b"", 0, b"")
    said = text(results) or ""
    counts = said.count("1"), said.count("x"), said.count("D")
    return Step(cast(Restoring, text(status)), *counts, natural(left) or 0, text(error) or "")


async def reap(db: Database, now: float) -> int:
    """Frees what nobody has taken back in a week; how many keys."""
    due = payloads(await db.command("ZRANGEBYSCORE", db.keys.trash_index, "-inf", int(now), "LIMIT", 0, _FREED))
    freed = 0
    for key in due:
        if _named(db, key) is not None:
            command = ("EVAL", script("reap"), 2, db.keys.trash_index, key, int(now))
            freed += natural(await db.command(*command)) or 0
    return freed


def budget(maxmemory: int | None) -> int:
    """How many bytes of trash a server with this memory limit (bytes; 0 or None: none) may be burdened with."""
    return max(BUDGET, (maxmemory or 0) // 50)


def _named(db: Database, key: bytes) -> tuple[str, int | None] | None:
    """The operation and part of a trash key; None for what is none, whatever somebody put in the list."""
    start = db.keys.trash("")
    found = _NAME.fullmatch(key[len(start) :].decode("latin-1")) if key.startswith(start) else None
    return None if found is None else (found[1], None if found[2] is None else int(found[2]))


def _record(told: Mapping[str, bytes]) -> dict[str, str]:
    return {name: text(value) or "" for name, value in told.items() if not _RESULT.fullmatch(name)}


def _places(value: str | None) -> list[tuple[Place, int | None, int]]:
    """Where the parts of an operation belong: place, its first part, its entries (as BEGIN has written it)."""
    listed = json_value(value.encode("utf-8", "surrogateescape")) if value else None
    places = []
    for one in listed if isinstance(listed, list) else ():
        match one:
            case [str(kind), str() | None as queue, int() | None as first, int(count)]:
                if kind in ("retry", "schedule", "dead") if queue is None else kind == "queue":
                    places.append((Place(cast(PlaceKind, kind), queue), first, count))
    return places


def _place(places: list[tuple[Place, int | None, int]], part: int | None) -> Place | None:
    """The place that a part came from: the one with the greatest first part up to it."""
    if part is None:
        return places[0][0] if places else None
    before = [(first, place) for place, first, _ in places if first is not None and first <= part]
    return max(before, key=lambda one: one[0])[1] if before else None


async def _is_list(db: Database, part: TrashPart) -> bool:
    if part.place is not None:
        return part.place.kind == "queue"
    return await db.command("TYPE", part.key) == b"list"
