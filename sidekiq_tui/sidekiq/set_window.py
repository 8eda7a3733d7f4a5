"""Reads entries of a sorted set on both sides of a place between two of them, at the price of what is read.

Redis orders entries by (score, bytes). A place given by these two stays where it is whatever is added or removed, which
a rank does not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sidekiq_tui.sidekiq.database import Command, Database
from sidekiq_tui.sidekiq.replies import counted, natural, scored

Entry = tuple[bytes, float]

_SLACK: Final = 16
"""Entries read on either side of a rank, for the entries that come and go between two trips."""
_PROBES: Final = 8
"""Entries looked at in a trip, where a place has to be found among many of one score."""
_TRIES: Final = 30
"""A set of a million entries of one score needs seven."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A place between two entries, in rising order: before, or `after`, the entry `raw` of `score`, there or not.

    `raw` None: before, or after, all entries of that score.
    """

    score: float
    raw: bytes | None = None
    after: bool = False
    anchors: tuple[bytes, ...] = ()
    """Entries of this score near the cut, the nearest first: among many of one score they tell where it is."""

    def has_before_it(self, entry: Entry) -> bool:
        """Whether an entry lies before this place."""
        raw, score = entry
        if score != self.score:
            return score < self.score
        if self.raw is None or raw == self.raw:
            return self.after
        return raw < self.raw


START: Final = Cut(-math.inf)
END: Final = Cut(math.inf, after=True)


@dataclass(frozen=True, slots=True)
class SetWindow:
    """Entries next to a cut, both sides in rising order; `position` entries lie before the cut, of `size`."""

    size: int
    position: int
    below: tuple[Entry, ...]
    above: tuple[Entry, ...]


async def read_window(db: Database, key: bytes, cut: Cut, below: int, above: int) -> SetWindow:
    """The `below` entries before a cut and the `above` ones after it, or as many as there are. Raises SidekiqError.

    One trip; two where more entries than asked for have the very score of the cut. Only when all its anchors have left
    such a crowd, it takes a few more to find the place among them.
    """
    if cut.raw is None and cut.score == -math.inf and not cut.after:
        return await _from_start(db, key, above)
    if cut.raw is None and cut.score == math.inf and cut.after:
        return await _from_end(db, key, below)
    reader = _Reader(db, key, cut, below, above)
    window = await reader.by_score()
    if window is None:
        window = await reader.by_rank()
    return window


async def _from_start(db: Database, key: bytes, above: int) -> SetWindow:
    size, reply = await db.read([("ZCARD", key), ("ZRANGE", key, 0, max(above, 1) - 1, "WITHSCORES")])
    return SetWindow(counted(size), 0, (), tuple(scored(reply)[:above]))


async def _from_end(db: Database, key: bytes, below: int) -> SetWindow:
    size, reply = await db.read([("ZCARD", key), ("ZRANGE", key, -max(below, 1), -1, "WITHSCORES")])
    entries = scored(reply)
    count = counted(size)
    return SetWindow(count, count, tuple(entries[-below:] if below else ()), ())


class _Reader:
    """One read of a window. What the first trip learns of ranks helps the later ones."""

    def __init__(self, db: Database, key: bytes, cut: Cut, below: int, above: int) -> None:
        self._db = db
        self._key = key
        self._cut = cut
        self._below = below
        self._above = above
        self._ranks: list[tuple[bytes, int]] = []
        self._low = self._high = 0
        """The cut's position is one of these, or between them."""

    async def by_score(self) -> SetWindow | None:
        """One trip from the score of the cut in both directions; None if too many have that score."""
        key, score = self._key, repr(self._cut.score)
        fixed: list[Command] = [("ZCARD", key), ("ZCOUNT", key, "-inf", f"({score}"), ("ZCOUNT", key, score, score)]
        ranks: list[Command] = [("ZRANK", key, anchor) for anchor in self._cut.anchors]
        up, down = self._above + 1, self._below + 1
        ranges: list[Command] = [
            ("ZRANGEBYSCORE", key, score, "+inf", "WITHSCORES", "LIMIT", 0, up),
            ("ZREVRANGEBYSCORE", key, score, "-inf", "WITHSCORES", "LIMIT", 0, down),
        ]
        replies = await self._db.read([*fixed, *ranks, *ranges])
        size, less, same = map(counted, replies[:3])
        known = zip(self._cut.anchors, map(natural, replies[3:-2]), strict=True)
        self._ranks = [(raw, rank) for raw, rank in known if rank is not None]
        self._low, self._high = less, less + same
        rising, falling = scored(replies[-2]), scored(replies[-1])
        above = [entry for entry in rising if not self._cut.has_before_it(entry)]
        below = [entry for entry in falling if self._cut.has_before_it(entry)]
        all_above = bool(above) or len(rising) < up
        all_below = bool(below) or len(falling) < down
        if all_above:
            position = less + len(rising) - len(above)
        elif all_below:
            position = less + same - (len(falling) - len(below))
        else:
            return None
        whole_above = len(above) >= self._above or len(rising) < up
        whole_below = len(below) >= self._below or len(falling) < down
        if not whole_above or not whole_below:
            self._low = self._high = position
            return None
        return SetWindow(size, position, tuple(reversed(below[: self._below])), tuple(above[: self._above]))

    async def by_rank(self) -> SetWindow:
        """From where the cut should be; searched for if it is not there."""
        guess = self._guess()
        for _ in range(_TRIES):
            if guess is None:
                guess = await self._search()
            first = max(0, guess - self._below - _SLACK)
            last = guess + self._above + _SLACK
            ranged: Command = ("ZRANGE", self._key, first, last, "WITHSCORES")
            size, reply = await self._db.read([("ZCARD", self._key), ranged])
            entries = scored(reply)
            split = sum(1 for entry in entries if self._cut.has_before_it(entry))
            whole_below = split >= self._below or first == 0
            whole_above = len(entries) - split >= self._above or len(entries) < last - first + 1
            if whole_below and whole_above:
                below = entries[max(0, split - self._below) : split]
                above = entries[split : split + self._above]
                return SetWindow(counted(size), first + split, tuple(below), tuple(above))
            inside = 0 < split < len(entries)
            guess = first + split if inside else None
        return SetWindow(counted(size), first + split, tuple(entries[:split]), tuple(entries[split:]))

    def _guess(self) -> int | None:
        if self._low == self._high:
            return self._low
        if not self._ranks:
            return None
        raw, rank = self._ranks[0]
        return rank + 1 if self._cut.has_before_it((raw, self._cut.score)) else rank

    async def _search(self) -> int:
        """The cut's position, by looking at a few entries of its score at a time."""
        key, score = self._key, repr(self._cut.score)
        counts = await self._db.read([("ZCOUNT", key, "-inf", f"({score}"), ("ZCOUNT", key, score, score)])
        low = counted(counts[0])
        high = low + counted(counts[1])
        while high - low > _SLACK:
            places = sorted({low + (high - low) * number // (_PROBES + 1) for number in range(1, _PROBES + 1)})
            replies = await self._db.read([("ZRANGE", key, place, place, "WITHSCORES") for place in places])
            found = [(place, entry) for place, reply in zip(places, replies, strict=True) for entry in scored(reply)]
            low, high = _narrowed(low, high, [(place, self._cut.has_before_it(entry)) for place, entry in found])
        return (low + high) // 2


def _narrowed(low: int, high: int, seen: Sequence[tuple[int, bool]]) -> tuple[int, int]:
    """Between which positions the cut is, by which entries lie before it."""
    before = [place + 1 for place, is_before in seen if is_before]
    behind = [place for place, is_before in seen if not is_before]
    new_low = max([low, *before])
    return new_low, max(new_low, min([high, *behind]))
