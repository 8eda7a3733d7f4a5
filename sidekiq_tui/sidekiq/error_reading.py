"""Reads retry and dead into an index of errors: once in full, slice by slice, and then only what has changed.

A refresh counts the entries of ranges of scores (ZCOUNT, at most 512 ranges a set in the first trip) and reads again
only the ranges whose count is not what it was: new failures, jobs retried, moved, killed or deleted by anyone, with any
backoff. What it can miss: as many entries came into one small range of scores as left it since the last time. Jobs that
run and fail again never do that, for what is due is a range by itself; of jobs taken out by hand it can be so until the
next change there. And failures in between, of a job that failed twice since. It never reads more than
`MOST_AGAIN` entries; when more have changed it says so, and only reading everything again helps.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Final

from sidekiq_tui.sidekiq.database import Command, Database, Reply
from sidekiq_tui.sidekiq.deploy import Mark, mark_commands, marks_in
from sidekiq_tui.sidekiq.error_index import SETS, ErrorIndex, Found
from sidekiq_tui.sidekiq.errors import ReplyError, SidekiqError
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.keys import SetName
from sidekiq_tui.sidekiq.replies import natural, reason, scored
from sidekiq_tui.sidekiq.score_blocks import BLOCK
from sidekiq_tui.sidekiq.walk import SLICE_SIZE, walk_set

MOST_AGAIN: Final = 20_000
"""Entries that a refresh reads at most."""
_DAY: Final = 86400
_CHUNK: Final = 100
"""Entries between two looks at what else is to do: 100 take 6 ms."""
_DUE_WITHIN: Final = 7.0
"""Seconds: half of the shortest wait for a retry (protocol 15, 15 s), so that clocks may differ by as much."""
_AT_ONCE: Final = 2 * BLOCK
"""A changed range of so many entries is read without counting its blocks first."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a full read is: `read` of `total` entries of both sets."""

    read: int
    total: int
    complete: bool


@dataclass(frozen=True, slots=True)
class Changes:
    """What a refresh found: entries that came and left; `skipped`: so many changed that they were not read.

    `marks`: the deploys of today.
    """

    came: int = 0
    left: int = 0
    skipped: int = 0
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class _Range:
    """Neighbouring blocks of a set, and how many entries they have now."""

    name: SetName
    run: range
    low: float
    high: float
    size: int


async def read_all(
    db: Database, index: ErrorIndex, denied: dict[SetName, str], *, now: float, most: int | None = None
) -> AsyncGenerator[Progress, None]:
    """Reads both sets into an empty index, one round trip a slice; `most` entries of each (the first: soonest, newest).

    A set that may not be read is noted in `denied`, with the reason. Raises SidekiqError when that is so for both, or
    the conversation fails. Only when the last yield is `complete` can the index be refreshed.
    """
    sizes = {name: natural(size) or 0 for name, size in zip(SETS, await _sizes(db), strict=True)}
    refusal: ReplyError | None = None
    whole = True
    for name in SETS:
        descending = name == "dead"
        place, read = Place(name), 0
        try:
            async for stretch in walk_set(db, db.keys.job_set(name), descending=descending):
                entries = stretch.entries if most is None else stretch.entries[: most - read]
                for start in range(0, len(entries), _CHUNK):
                    jobs = (JobRecord(raw, place, score) for raw, score in entries[start : start + _CHUNK])
                    index.add(name, jobs, now)
                    await asyncio.sleep(0)
                read += len(entries)
                sizes[name] = max(read, stretch.total)
                yield Progress(sum(map(index.size, SETS)), sum(sizes.values()), False)
                if len(entries) < len(stretch.entries) or (read == most and not stretch.complete):
                    whole = False
                    break
                if stretch.complete:
                    sizes[name] = read
        except ReplyError as error:
            refusal = error
            denied[name] = reason(error)
            sizes[name] = read
        finally:  # whoever stops reading keeps what was read
            index.sets[name].seal(descending=descending)
    if refusal is not None and len(denied) == len(SETS):
        raise refusal
    yield Progress(sum(map(index.size, SETS)), sum(sizes.values()), whole)


async def _sizes(db: Database) -> list[object]:
    return [*await db.pipeline([("ZCARD", db.keys.job_set(name)) for name in SETS])]


async def refresh(db: Database, index: ErrorIndex, names: Sequence[SetName], *, now: float) -> Changes:
    """Brings a complete index up to date: one trip if nothing has changed, else two; three beyond 30,000 entries a set.

    Nothing of the index changes before everything is read. Raises SidekiqError.
    """
    due, spans = _ranges(index, names, now)
    today = (now - now % _DAY, now)
    counts = _counts(db, spans)
    replies = await db.pipeline([*counts, *mark_commands(db.keys, *today)])
    marks = marks_in(replies[len(counts) :], *today)
    changed = _changed(spans, replies[: len(counts)], always=due)
    fine = [one for one in changed if len(one.run) > 1 and _known(index, one) + one.size > 3 * _AT_ONCE]
    if fine:
        blocks = [_range(index, one.name, range(block, block + 1)) for one in fine for block in one.run]
        recounted = _changed(blocks, await db.pipeline(_counts(db, blocks)))
        changed = [one for one in changed if one not in fine] + recounted
    much = sum(one.size for one in changed)
    if much > MOST_AGAIN:
        return Changes(skipped=much, marks=marks)
    came, left = await _put(index, await _read(db, changed), now)
    return Changes(came, left, marks=marks)


async def _put(index: ErrorIndex, found: Found, now: float) -> tuple[int, int]:
    """Puts what was read in its place, while others go on. Who stops it waits for the rest, so that all is counted."""
    steps = index.replacing(found, now)
    try:
        while True:
            next(steps)
            await asyncio.sleep(0)
    except StopIteration as ended:
        came, left = ended.value
        return came, left
    finally:
        for _ in steps:
            pass


def _ranges(index: ErrorIndex, names: Sequence[SetName], now: float) -> tuple[_Range | None, list[_Range]]:
    """The ranges to count, and which of them is to be read whatever its count, unless it is empty.

    That is the one of the retries that are due. Jobs leave retry there by themselves, and what fails comes in later
    scores, so that neither makes up for the other in one range.
    """
    due: _Range | None = None
    spans: list[_Range] = []
    for name in names:
        blocks, first = index.sets[name], 0
        if name == "retry":
            first = blocks.split(now + _DUE_WITHIN)
            due = _range(index, name, range(first))
            if due.size > _AT_ONCE:  # nobody takes them, or nobody has looked for long
                spans += [_range(index, name, run) for run in blocks.spans(0, first)]
                due = None
            else:
                spans.append(due)
        spans += [_range(index, name, run) for run in blocks.spans(first)]
    return due, spans


def _counts(db: Database, ranges: Sequence[_Range]) -> list[Command]:
    return [("ZCOUNT", db.keys.job_set(one.name), *_bounds(one)) for one in ranges]


def _changed(ranges: Sequence[_Range], counts: Sequence[Reply], always: _Range | None = None) -> list[_Range]:
    """Those of some ranges that have not as many entries as they had. Raises SidekiqError."""
    found = []
    for one, reply in zip(ranges, counts, strict=True):
        if isinstance(reply, SidekiqError):
            raise reply
        count = natural(reply) or 0
        if count != one.size or (one is always and count):
            found.append(_Range(one.name, one.run, one.low, one.high, count))
    return found


def _range(index: ErrorIndex, name: SetName, run: range) -> _Range:
    blocks = index.sets[name].blocks
    size = sum(blocks[one].size for one in run)
    return _Range(name, run, blocks[run.start].low, blocks[run.stop - 1].high, size)


def _known(index: ErrorIndex, one: _Range) -> int:
    return _range(index, one.name, one.run).size


async def _read(db: Database, ranges: Sequence[_Range]) -> Found:
    """The entries of ranges now: small ones all in one trip, large ones in slices."""
    found: dict[SetName, list[tuple[range, Sequence[JobRecord]]]] = {name: [] for name in SETS}
    small = [one for one in ranges if 0 < one.size <= SLICE_SIZE]
    commands: list[Command] = [
        ("ZRANGEBYSCORE", db.keys.job_set(one.name), *_bounds(one), "WITHSCORES", "LIMIT", 0, MOST_AGAIN)
        for one in small
    ]
    replies = dict(zip(small, await db.read(commands), strict=True))
    for one in ranges:
        entries = scored(replies[one]) if one in replies else []
        if one.size > SLICE_SIZE:
            key = db.keys.job_set(one.name)
            async for stretch in walk_set(db, key, lowest=one.low, highest=one.high):
                entries += [(raw, score) for raw, score in stretch.entries if score is not None and _within(score, one)]
        place = Place(one.name)
        found[one.name].append((one.run, [JobRecord(raw, place, score) for raw, score in entries]))
    return {name: sorted(parts, key=lambda part: part[0].start) for name, parts in found.items() if parts}


def _within(score: float, one: _Range) -> bool:
    return score > one.low or not one.run.start


def _bounds(one: _Range) -> tuple[str, str]:
    """Both ends of a range as Redis wants them: the lower one is not part of it, but for the first of all."""
    return f"({one.low!r}" if one.run.start else "-inf", repr(one.high)
