"""The merged list by row number, for lists that scroll: exact near what was read before, by a few counts elsewhere."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sidekiq_tui.servers.fleet import Answers
from sidekiq_tui.servers.merged import MergedCut, MergedPage, MergedSet
from sidekiq_tui.servers.server import Server

NEAR: Final = 500
"""Rows that are read and thrown away at most, to go on from a place that is known."""
PLACES: Final = 200
"""Places that are remembered."""
POINTS: Final = 24
"""Scores counted in a trip, to find the one where a row is."""
ROUNDS: Final = 6

_MINUTE: Final = 60.0
_SPANS: Final = (0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 240, 480, 1440, 2880, 7200, 14400, 43200, 525600)
"""Minutes from now, both ways, at which a first trip counts: jobs lie densest near now."""
_FAR: Final = (1e11, 1e13, 1e16, 1e300)

Sizes = tuple[int, tuple[int, ...]]


@dataclass(slots=True)
class _Bracket:
    """Rows up to score `low` are `before`, rows up to `high` are `until`: the one wanted is between."""

    low: float
    before: int
    high: float
    until: int

    def narrow(self, score: float, count: int, wanted: int) -> None:
        """`count` rows have a score up to this one."""
        if count <= wanted and score >= self.low:
            self.low, self.before = score, count
        elif count > wanted and score <= self.high:
            self.high, self.until = score, count

    def estimate(self, wanted: int) -> float:
        """The score where the row should be, if they lie evenly."""
        low, high = max(self.low, -_FAR[-1]), min(self.high, _FAR[-1])
        return low + (high - low) * ((wanted - self.before) / max(1, self.until - self.before))

    def points(self, wanted: int) -> list[float]:
        """Scores to count next: around the estimate, and evenly over all that is left."""
        low, high = max(self.low, -_FAR[-1]), min(self.high, _FAR[-1])
        middle, width = self.estimate(wanted), high - low
        evenly = [low + width * number / (POINTS // 2 + 1) for number in range(1, POINTS // 2 + 1)]
        near = [middle + sign * width / 2**power for power in range(4, 4 + POINTS // 4) for sign in (-1, 1)]
        return sorted({point for point in (*evenly, *near) if low < point < high})


class MergedPages:
    """Pages of a `MergedSet` by offset. Between two reads servers move: a page says itself at which offset it is."""

    def __init__(self, merged: MergedSet) -> None:
        self.merged: Final = merged
        self._known: deque[tuple[int, MergedCut]] = deque(maxlen=PLACES)
        self._sizes: Mapping[str, int] = {}

    @property
    def _size(self) -> int:
        return sum(self._sizes.values())

    async def page(self, offset: int, limit: int, *, now: float, hurried: bool = False) -> MergedPage:
        """At most `limit` rows from `offset` on; `now` (Unix seconds) helps to guess where rows are.

        `hurried`: without the rows of servers that are slow to answer, at the place that they have with them.

        One read at either end and next to what was read before, mostly two elsewhere, some more where scores lie very
        unevenly. Among more rows of one score than `NEAR`, on several servers, a page far from all known ones may
        begin at another offset than asked for: it says so.
        """
        offset, limit = max(0, offset), max(1, limit)
        for _ in range(2):
            known = self._nearest(offset, limit)
            if known is None:
                break
            at, cut = known
            back, forth = max(0, at - offset), max(0, offset + limit - at)
            page = await self._read(cut, back, forth, hurried)
            if hurried and page.pending & self._sizes.keys():
                return self._cut_out(replace(page, offset=at - page.cut_at, size=self._size), offset, limit)
            if _covers(page, offset, limit) or not page.sizes:
                return self._cut_out(page, offset, limit)
        away = self.merged.fleet.behind & self._sizes.keys() if hurried else frozenset[str]()
        if not away:
            return await self._jump(offset, limit, now, hurried)
        share = sum(size for name, size in self._sizes.items() if name not in away) / max(1, self._size)
        page = await self._jump(round(offset * share), limit, now, hurried)
        return replace(page, offset=offset, size=self._size)

    def _nearest(self, offset: int, limit: int) -> tuple[int, MergedCut] | None:
        """The known place nearest to some rows, unless it is far."""
        ends = [(0, self.merged.first), *([(self._size, self.merged.last)] if self._size else [])]
        best = min((*self._known, *ends), key=lambda one: _distance(one[0], offset, limit))
        return best if _distance(best[0], offset, limit) <= NEAR else None

    async def _read(self, cut: MergedCut, before: int, after: int, hurried: bool) -> MergedPage:
        page = await self.merged.read(cut, before=before, after=after, hurried=hurried)
        if page.sizes and not (hurried and page.pending):
            self._sizes = page.sizes
            edges = (page.offset, page.offset + len(page.rows))
            kept = [(at, one) for at, one in self._known if at not in edges and at < page.size]
            self._known.clear()
            self._known.extend([*kept, *zip(edges, (page.start, page.end), strict=True)])
        return page

    def _cut_out(self, page: MergedPage, offset: int, limit: int) -> MergedPage:
        first = min(max(0, offset - page.offset), len(page.rows))
        return self.merged.part(page, first, limit)

    async def _jump(self, offset: int, limit: int, now: float, hurried: bool) -> MergedPage:
        bracket = _Bracket(-math.inf, 0, math.inf, 0)
        points = _around(now)
        page = None
        for _ in range(ROUNDS):
            answers = await self._counted(points, hurried)
            if not answers.values:
                break
            size = sum(one for one, _ in answers.values.values())
            wanted = min(max(size - offset - limit if self.merged.falling else offset, 0), max(0, size - 1))
            bracket.until = bracket.until or size
            for index, point in enumerate(points):
                bracket.narrow(point, sum(counts[index] for _, counts in answers.values.values()), wanted)
            crowd = bracket.until - bracket.before
            if crowd > NEAR and not bracket.points(wanted):
                cut = await self._in_crowd(bracket, wanted, hurried)
            else:
                cut = MergedCut(bracket.estimate(wanted) if crowd > NEAR else bracket.low, after=True)
            spare = max(limit, NEAR // 2)
            back, forth = (spare, limit + spare) if crowd > NEAR else (0, wanted - bracket.before + 2 * limit)
            page = await self._read(cut, *((forth, back) if self.merged.falling else (back, forth)), hurried)
            if _covers(page, offset, limit) or not (points := bracket.points(wanted)):
                break
        if page is None:
            page = await self._read(self.merged.first, 0, limit, hurried)
        return self._cut_out(page, offset, limit)

    async def _counted(self, points: Sequence[float], hurried: bool) -> Answers[Sizes]:
        return await self.merged.fleet.ask(
            lambda server: server.counts_until(self.merged.place, points), hurried=hurried
        )

    async def _in_crowd(self, bracket: _Bracket, wanted: int, hurried: bool) -> MergedCut:
        """A place among many entries of one score: on the server that has the most of them, as far in as is wanted."""
        answers = await self._counted((bracket.low, bracket.high), hurried)
        if not answers.values:
            return MergedCut(bracket.low, after=True)
        name, (size, (below, until)) = max(answers.values.items(), key=lambda one: one[1][1][1] - one[1][1][0])
        share = (wanted - bracket.before) / max(1, bracket.until - bracket.before)
        rank = below + int((until - below) * share)

        async def entry(server: Server) -> tuple[bytes, float] | None:
            falling = self.merged.place.kind == "dead"
            page = await server.page(self.merged.place, size - 1 - rank if falling else rank, 1)
            return next(((job.raw, job.score or 0.0) for job in page.jobs), None)

        one = await self.merged.fleet.only((name,)).ask(entry, hurried=hurried)
        found = one.values.get(name)
        if found is None:
            return MergedCut(bracket.low, after=True)
        return MergedCut(found[1], found[0], name, anchors={name: (found[0],)})


def _distance(place: int, offset: int, limit: int) -> int:
    """Rows to read in vain when going from a known place to some rows."""
    return max(offset - place, place - offset - limit, 0)


def _covers(page: MergedPage, offset: int, limit: int) -> bool:
    end = page.offset + len(page.rows)
    return page.offset <= offset and (end >= offset + limit or page.at_end)


def _around(now: float) -> list[float]:
    spans = [span * _MINUTE for span in _SPANS]
    return [*(-far for far in reversed(_FAR)), *(now - span for span in reversed(spans)), now,
            *(now + span for span in spans), *_FAR]  # fmt: skip
