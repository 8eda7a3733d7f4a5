"""Walks through all of a list or sorted set in bounded slices while others change it.

The promise: an entry that is there from the first read to the last, bytes and score unchanged, is seen exactly once.
What comes or goes meanwhile may be seen or not.
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.find import OVERLAP, Finder, Mark, SetPart
from sidekiq_tui.sidekiq.payload import to_bytes
from sidekiq_tui.sidekiq.replies import natural, payloads, scored

SLICE_SIZE: Final = 500

# So many entries of the overlap must stand in a row to be taken for the place where the last slice ended.
_RUN: Final = 2
# ZSCAN looks at so many entries a call: a thousand cost the server 8 ms (protocol 17.1).
_SCAN_COUNT: Final = 500
_GLOB: Final = re.compile(r"[*?\[\]\\]")
_ESCAPED: Final = r"\\\g<0>"
# A list that loses its place more often than this changes too fast to be walked.
_PASSES: Final = 3

Entry = tuple[bytes, float | None]


@dataclass(frozen=True, slots=True)
class Stretch:
    """What one read brought: entries (payload, score) not seen before, and how far the walk is (of `total` entries).

    `complete`: the walk is over, and kept its promise.
    """

    entries: Sequence[Entry]
    read: int
    total: int
    complete: bool
    sifted: bool = False
    """The server has left out what cannot match."""


# ---- Lists


async def walk_list(
    db: Database, key: bytes, slice_size: int = SLICE_SIZE, finder: Finder | None = None
) -> AsyncIterator[Stretch]:
    """All of a list, head (newest) first; one round trip for its length, then one a slice. Raises SidekiqError.

    Entries are addressed from the tail: pushes at the head then move nothing, and jobs that workers take from the tail
    only bring entries again that were read before. An overlap shows how far the rest has moved. Where it is lost (its
    entries were all deleted, or many were pushed at the tail) the list is walked again for what was not seen, where
    copies of what was, byte for byte, are left out. A list that turns over with every slice ends as not `complete`.

    With a `finder` the entries are those that may match, and slices are as large as it makes them.
    """
    seen = _Seen()
    total = 0
    for attempt in range(_PASSES):
        left = natural(await db.command("LLEN", key)) or 0
        total = total or left
        known: list[bytes] = []
        gap = complete = False
        while left > 0:
            first, last = -(left + len(known)), -max(left - (finder.entries if finder else slice_size) + 1, 1)
            part = await finder.in_list(key, first, last, known) if finder else None
            if part is not None:
                fresh = seen.take(part.raws, only_new=False)
                known, left = part.tail or known, min(-part.last - 1, part.size)
            else:
                last = -max(left - slice_size + 1, 1)
                length, reply = await db.read([("LLEN", key), ("LRANGE", key, first, last)])
                raws = payloads(reply)
                start = _after(raws, known)
                fresh = seen.take(raws[start or 0 :], only_new=start is None)
                gap = gap or (start is None and bool(fresh))
                known, left = raws[-OVERLAP:] or known, min(-last - 1, natural(length) or 0)
            complete = left == 0 and not gap
            read = total if complete or attempt else total - left
            yield Stretch([(raw, None) for raw in fresh], read, total, complete, part is not None)
        if not gap:
            break
    else:
        return
    if not complete:  # there was nothing to read
        yield Stretch((), total, total, True)


class _Seen:
    """Which payloads were seen: 8 bytes each, and a set only when a walk has lost its place."""

    def __init__(self) -> None:
        self._hashes = array("q")
        self._set: set[int] | None = None

    def take(self, raws: list[bytes], *, only_new: bool) -> list[bytes]:
        """Notes the payloads and returns those to hand on: all, until `only_new` was asked for once."""
        if only_new and self._set is None:
            self._set = set(self._hashes)
        if self._set is None:
            self._hashes.extend(map(hash, raws))
            return raws
        fresh = [raw for raw in raws if hash(raw) not in self._set]
        self._set.update(map(hash, fresh))
        return fresh


def _after(raws: list[bytes], known: list[bytes]) -> int | None:
    """Where in `raws` the entries begin that come after `known`, the last ones read before; None when that is lost."""
    if raws[: len(known)] == known:  # nothing has moved; or the first slice
        return len(known)
    need = min(_RUN, len(known))
    for end in range(len(known), need - 1, -1):  # the last ones may have been deleted meanwhile
        places = [place for place, raw in enumerate(raws) if raw == known[end - 1]]
        if places:
            run, place = max((_run(raws, place, known, end), -place) for place in places)
            if run >= need:
                return 1 - place
    return None


def _run(raws: list[bytes], place: int, known: list[bytes], end: int) -> int:
    """How many entries up to `place` are those of `known` up to `end`, in a row but for those deleted since."""
    run = 0
    for entry in reversed(known[:end]):
        if run > place:
            break
        run += raws[place - run] == entry
    return run


# ---- Sorted sets


async def walk_set(
    db: Database,
    key: bytes,
    *,
    lowest: float = -math.inf,
    highest: float = math.inf,
    descending: bool = False,
    slice_size: int = SLICE_SIZE,
    finder: Finder | None = None,
) -> AsyncIterator[Stretch]:
    """All of a sorted set within scores, in its order; one round trip a slice. Raises SidekiqError.

    Redis orders entries by (score, bytes), so the last one read tells exactly what is still to come, whatever was added
    or removed before it. With a `finder` (for all scores) the entries are those that may match.
    """
    reader = _SetReader(db, key, (highest, lowest) if descending else (lowest, highest), descending, slice_size)
    mark: Mark | None = None
    read = 0
    while True:
        found = await finder.in_set(key, mark, descending=descending) if finder else None
        part = found or await reader.read(mark)
        read += part.read
        yield Stretch(part.entries, read, max(part.size, read), part.mark is None, found is not None)
        if part.mark is None:
            return
        mark = part.mark


class _SetReader:
    """Reads slices of a sorted set, each from where a mark says.

    Within one score that is found by an offset, which points at the last entry: when what comes first lies behind it,
    entries before it were removed, and the offset steps back.
    """

    def __init__(
        self, db: Database, key: bytes, scores: tuple[float, float], descending: bool, slice_size: int
    ) -> None:
        self._db = db
        self._key = key
        self._start, self._end = scores
        self._direction = -1 if descending else 1
        self._slice_size = max(slice_size, 2)  # one entry is the last one's, read again

    async def read(self, mark: Mark | None) -> SetPart:
        start = _score(self._start) if mark is None else _score(mark.score)
        if mark is not None and mark.raw is None:
            start, mark = f"({start}", None
        offset = 0 if mark is None else mark.offset
        while True:
            size, found = await self._slice(start, offset)
            if mark is None or not offset or (found and not self._behind(found[0], mark)):
                break
            offset = max(0, offset - self._slice_size)
        known = 0
        while mark is not None and known < len(found) and not self._behind(found[known], mark):
            known += 1
        fresh = found[known:]
        after = None
        if len(found) == self._slice_size:
            score = found[-1][1]
            same = sum(1 for _, other in found if other == score)
            place = same - 1 + (offset if mark is not None and score == mark.score else 0)
            raw = fresh[-1][0] if fresh or mark is None else mark.raw
            after = Mark(score, raw, place)
        return SetPart(fresh, len(fresh), size, after)

    async def _slice(self, start: str, offset: int) -> tuple[int, list[tuple[bytes, float]]]:
        command = "ZREVRANGEBYSCORE" if self._direction < 0 else "ZRANGEBYSCORE"
        limit = ("LIMIT", offset, self._slice_size)
        ranged = (command, self._key, start, _score(self._end), "WITHSCORES", *limit)
        size, reply = await self._db.read([("ZCARD", self._key), ranged])
        return natural(size) or 0, scored(reply)

    def _behind(self, entry: tuple[bytes, float], mark: Mark) -> bool:
        """Whether the entry comes after the mark in the walk's order."""
        place, last = (entry[1], entry[0]), (mark.score, mark.raw or b"")
        return place > last if self._direction > 0 else place < last


async def scan_set(db: Database, key: bytes, pattern: str) -> AsyncIterator[Stretch]:
    """Entries of a sorted set whose raw bytes match a glob, in no order; the server looks, only matches come over.

    `read` is an estimate. Raises SidekiqError.
    """
    seen: set[bytes] = set()
    cursor, read = b"0", 0
    while True:
        scan = ("ZSCAN", key, cursor, "MATCH", to_bytes(pattern), "COUNT", _SCAN_COUNT)
        size, reply = await db.read([("ZCARD", key), scan])
        found: object = []
        if isinstance(reply, list) and len(reply) == 2 and isinstance(reply[0], bytes):
            cursor, found = reply[0], reply[1]
        fresh = [entry for entry in scored(found) if entry[0] not in seen]  # ZSCAN may repeat itself
        seen.update(raw for raw, _ in fresh)
        total = natural(size) or 0
        complete = cursor == b"0"
        read = total if complete else min(read + _SCAN_COUNT, total)
        yield Stretch(fresh, read, total, complete)
        if complete:
            return


def containing(text: str) -> str:
    """The glob that matches anything with this text in it."""
    return f"*{_GLOB.sub(_ESCAPED, text)}*"


def _score(score: float) -> str:
    """The shortest text that reads back as the same double (protocol 12.2)."""
    return repr(score)
