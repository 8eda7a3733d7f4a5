"""Retries, scheduled or dead jobs of several servers as one list in true order, read a page at a time.

The order is (score, bytes, server). A place in the list is kept by these, not by a rank: what comes and goes on any
server between two pages neither repeats a row nor leaves one out.
"""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from sidekiq_tui.servers.fleet import Answers, Fleet
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.set_window import Cut, SetWindow

ANCHORS: Final = 3
"""Entries of each server by which a place among many of one score is found again."""


@dataclass(frozen=True, slots=True)
class MergedRow:
    """A job and the server that it lies on."""

    server: str
    job: JobRecord

    @property
    def identity(self) -> tuple[str, Place, bytes]:
        """What tells this row from others."""
        return (self.server, self.job.place, self.job.raw)


@dataclass(frozen=True, slots=True)
class MergedCut:
    """A place between two rows: before, or `after` (in rising order), the entry `raw` of `score` on `server`.

    `raw` None: before, or after, all entries of that score.
    """

    score: float
    raw: bytes | None = None
    server: str = ""
    after: bool = False
    anchors: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)
    """By server, entries of this score near the place."""

    def on(self, name: str) -> Cut:
        """The same place among the entries of one server: of equal ones, those of the lower name come first."""
        anchors = self.anchors.get(name, ())
        if self.raw is None:
            return Cut(self.score, None, self.after, anchors)
        return Cut(self.score, self.raw, self.after if name == self.server else name < self.server, anchors)


@dataclass(frozen=True, slots=True)
class MergedPage:
    """Some rows of the merged list, in its order. Counts are of servers that answered; `read_at` is Unix seconds."""

    place: Place
    offset: int
    """Rows before the first one here."""
    size: int
    rows: tuple[MergedRow, ...]
    cut_at: int
    """How many of the rows lie before the place that was asked for."""
    start: MergedCut
    """Before the first row, in the list's direction: read on backwards from here."""
    end: MergedCut
    """After the last row."""
    sizes: Mapping[str, int]
    missing: Mapping[str, SidekiqError]
    pending: frozenset[str]
    read_at: float

    @property
    def at_start(self) -> bool:
        """Whether nothing comes before it."""
        return self.offset <= 0

    @property
    def at_end(self) -> bool:
        """Whether nothing comes after it."""
        return self.offset + len(self.rows) >= self.size


_LOWEST: Final = MergedCut(-math.inf)
_HIGHEST: Final = MergedCut(math.inf, after=True)


class MergedSet:
    """One set (retry, schedule or dead) of all servers of a fleet. Retry and schedule soonest first, dead newest first.

    No method raises for a server: it is missing in the page, which says why. One trip a server and page; two where
    more entries than fit on a page have one score.
    """

    def __init__(self, fleet: Fleet, place: Place, *, backwards: bool = False) -> None:
        """`backwards` turns the order round. `place` is retry, schedule or dead."""
        if place.kind not in ("retry", "schedule", "dead"):
            raise ValueError(f"{place.kind} has no scores")
        self.fleet: Final = fleet
        self.place: Final = place
        self.falling: Final = (place.kind == "dead") != backwards
        self.first: Final = _HIGHEST if self.falling else _LOWEST
        """The place before all rows."""
        self.last: Final = _LOWEST if self.falling else _HIGHEST
        """The place after all rows."""

    def before(self, row: MergedRow) -> MergedCut:
        """The place before a row, in the list's direction; the row need not be there any more."""
        return self._beside(row, after=self.falling)

    def after(self, row: MergedRow) -> MergedCut:
        """The place after a row."""
        return self._beside(row, after=not self.falling)

    async def read(self, cut: MergedCut, *, before: int = 0, after: int = 0, hurried: bool = False) -> MergedPage:
        """Rows on both sides of a place: at most `before` and `after` of them, in the list's direction.

        `hurried`: without the servers that are slow to answer.
        """
        answers = await self.fleet.ask(lambda server: self._window(server, cut, before, after), hurried=hurried)
        return self._page(cut, answers, before, after)

    async def _window(self, server: Server, cut: MergedCut, before: int, after: int) -> SetWindow:
        below, above = (after, before) if self.falling else (before, after)
        return await server.set_window(self.place, cut.on(server.name), below, above)

    def _page(self, cut: MergedCut, answers: Answers[SetWindow], before: int, after: int) -> MergedPage:
        below_count, above_count = (after, before) if self.falling else (before, after)
        windows = answers.values
        falling = heapq.merge(
            *(self._rows(name, one.below)[::-1] for name, one in windows.items()), key=_key, reverse=True
        )
        rising = heapq.merge(*(self._rows(name, one.above) for name, one in windows.items()), key=_key)
        below = [row for row, _ in zip(falling, range(below_count), strict=False)][::-1]
        above = [row for row, _ in zip(rising, range(above_count), strict=False)]
        size = sum(window.size for window in windows.values())
        position = sum(window.position for window in windows.values())
        low, high = position - len(below), position + len(above)
        rows = below + above
        start, end = self._edge(rows, cut, after=False), self._edge(rows[::-1], cut, after=True)
        if self.falling:
            rows.reverse()
            start, end = end, start
        return MergedPage(
            place=self.place,
            offset=max(0, size - high) if self.falling else low,
            size=size,
            rows=tuple(rows),
            cut_at=len(above) if self.falling else len(below),
            start=start,
            end=end,
            sizes={name: window.size for name, window in windows.items()},
            missing=answers.missing,
            pending=answers.pending,
            read_at=time.time(),
        )

    def _rows(self, name: str, entries: Sequence[tuple[bytes, float]]) -> list[MergedRow]:
        return [MergedRow(name, JobRecord(raw, self.place, score)) for raw, score in entries]

    def part(self, page: MergedPage, first: int, count: int) -> MergedPage:
        """`count` rows of a page from its row `first` on, as a page of its own."""
        rows = page.rows[first : first + count]
        if not rows:
            return replace(page, rows=(), offset=page.offset + first, cut_at=0, start=page.end, end=page.end)
        low, high = (rows[::-1], rows) if self.falling else (rows, rows[::-1])
        edges = self._edge(low, page.start, after=False), self._edge(high, page.end, after=True)
        start, end = edges[::-1] if self.falling else edges
        cut_at = min(max(page.cut_at - first, 0), len(rows))
        return replace(page, rows=rows, offset=page.offset + first, cut_at=cut_at, start=start, end=end)

    def _edge(self, rows: Sequence[MergedRow], cut: MergedCut, *, after: bool) -> MergedCut:
        """The place before, or `after`, the first of some rows; what follows it, and `cut`, are known to be near."""
        if not rows:
            return cut
        nearby = dict(cut.anchors) if cut.score == rows[0].job.score else {}
        return self._beside(rows[0], after=after, rows=rows, nearby=nearby)

    def _beside(
        self,
        row: MergedRow,
        *,
        after: bool,
        rows: Sequence[MergedRow] = (),
        nearby: Mapping[str, tuple[bytes, ...]] = MappingProxyType({}),
    ) -> MergedCut:
        score = row.job.score or 0.0
        anchors: dict[str, tuple[bytes, ...]] = {row.server: (row.job.raw,)}
        for other in rows:
            if other.job.score != score:
                break
            known = anchors.get(other.server, ())
            if len(known) < ANCHORS and other.job.raw not in known:
                anchors[other.server] = (*known, other.job.raw)
        return MergedCut(score, row.job.raw, row.server, after, {**nearby, **anchors})


def _key(row: MergedRow) -> tuple[float, bytes, str]:
    return (row.job.score or 0.0, row.job.raw, row.server)
