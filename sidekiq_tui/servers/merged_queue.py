"""One queue of several servers as one list: by how long jobs wait, each server's jobs in its own queue's order."""

from __future__ import annotations

import heapq
import math
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sidekiq_tui.servers.fleet import Fleet
from sidekiq_tui.servers.merged import MergedRow
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.list_window import ListCut, ListWindow

NEAR: Final = 500
"""Rows that are read and thrown away at most, to go on from a place that is known."""
PLACES: Final = 100

_KNOWN: Final = 32
"""Entries of each server by which a place is found again."""


@dataclass(frozen=True, slots=True)
class QueueCut:
    """A place in the merged queue: one in each server's. A server that is not in it is cut at the same `share`."""

    places: Mapping[str, ListCut]
    share: float
    """Of all jobs, those above the place: 0 at the newest."""


@dataclass(frozen=True, slots=True)
class QueuePage:
    """Some rows, in the list's direction. Counts are of servers that answered; `read_at` is Unix seconds."""

    place: Place
    offset: int
    size: int
    rows: tuple[MergedRow, ...]
    cut_at: int
    """How many of the rows lie before the place that was asked for."""
    start: QueueCut
    """Before the first row in the list's direction: read on backwards from here."""
    end: QueueCut
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


@dataclass(frozen=True, slots=True)
class _Part:
    """What of one server's window is on a page: so many of the entries above the cut, and below it."""

    window: ListWindow
    above: int
    below: int


class MergedQueue:
    """The queue of one name on all servers of a fleet: newest first, or, `backwards`, what runs next first.

    Times decide between servers; within one, the queue's own order stays. One trip a server and page. Its places hold
    while clients push and workers take some dozens of jobs between two reads; beyond that rows may repeat or be missed.
    """

    def __init__(self, fleet: Fleet, queue: str, *, backwards: bool = False) -> None:
        self.fleet: Final = fleet
        self.place: Final = Place("queue", queue)
        self.backwards: Final = backwards
        self.first: Final = QueueCut({}, 1.0 if backwards else 0.0)
        """The place before all rows, in the list's direction."""
        self.last: Final = QueueCut({}, 0.0 if backwards else 1.0)
        """The place after all rows."""
        self._known: deque[tuple[int, QueueCut]] = deque(maxlen=PLACES)
        self._sizes: Mapping[str, int] = {}

    @property
    def _size(self) -> int:
        return sum(self._sizes.values())

    async def read(self, cut: QueueCut, *, before: int = 0, after: int = 0, hurried: bool = False) -> QueuePage:
        """Rows on both sides of a place: at most `before` and `after` of them, in the list's direction.

        `hurried`: without the servers that are slow to answer.
        """
        above, below = (after, before) if self.backwards else (before, after)
        answers = await self.fleet.ask(lambda server: self._window(server, cut, above, below), hurried=hurried)
        windows = answers.values
        size = sum(window.size for window in windows.values())
        parts, up, down = self._chosen(windows, above, below)
        offset = sum(part.window.size - part.window.older - part.above for part in parts.values())
        rows = (*reversed(up), *down)
        start, end = self._cut(parts, size, top=True), self._cut(parts, size, top=False)
        if self.backwards:
            rows, start, end = rows[::-1], end, start
            offset = size - offset - len(rows)
        page = QueuePage(
            self.place, max(0, offset), size, rows, len(down if self.backwards else up), start, end,
            {name: window.size for name, window in windows.items()}, answers.missing, answers.pending, time.time(),
        )  # fmt: skip
        if not (hurried and page.pending):
            self._remember(page)
        return page

    async def page(self, offset: int, limit: int, *, hurried: bool = False) -> QueuePage:
        """About `limit` rows from `offset` on: exact at both ends and near what was read before, by shares elsewhere.

        The page says itself at which offset it begins; `hurried`: at the one that it has with the rows of servers that
        are slow to answer, and without these.
        """
        ends = [(0, self.first), *([(self._size, self.last)] if self._size else [])]
        at, cut = min((*self._known, *ends), key=lambda one: max(offset - one[0], one[0] - offset - limit, 0))
        if max(offset - at, at - offset - limit, 0) > NEAR:
            share = offset / max(1, self._size)
            at, cut = offset, QueueCut({}, 1 - share if self.backwards else share)
        back, forth = max(0, at - offset), max(0, offset + limit - at)
        page = await self.read(cut, before=back, after=forth, hurried=hurried)
        if hurried and page.pending & self._sizes.keys():
            return replace(page, offset=max(0, at - page.cut_at), size=self._size)
        return page

    async def _window(self, server: Server, cut: QueueCut, above: int, below: int) -> ListWindow:
        place = cut.places.get(server.name)
        if place is None and cut.share == 0.0:
            return await server.list_window(self.place, None, above, below)
        if place is None and cut.share < 1.0:
            size = (await server.page(self.place, 0, 1)).size
            place = ListCut(round(size * (1 - cut.share)))
        return await server.list_window(self.place, place or ListCut(0), above, below)

    def _chosen(
        self, windows: Mapping[str, ListWindow], above: int, below: int
    ) -> tuple[dict[str, _Part], list[MergedRow], list[MergedRow]]:
        """Which entries of each server are on the page, and the rows on both sides, the nearest to the cut first."""
        up = self._nearest({name: one.above[::-1] for name, one in windows.items()}, above, falling=False)
        down = self._nearest({name: one.below for name, one in windows.items()}, below, falling=True)
        parts = {name: _Part(window, _count(up, name), _count(down, name)) for name, window in windows.items()}
        return parts, up, down

    def _nearest(self, entries: Mapping[str, Sequence[bytes]], count: int, *, falling: bool) -> list[MergedRow]:
        timed = (self._timed(name, raws, falling=falling) for name, raws in entries.items())
        merged = heapq.merge(*timed, key=lambda one: one[0])
        return [row for (_, row), _ in zip(merged, range(count), strict=False)]

    def _timed(
        self, name: str, raws: Sequence[bytes], *, falling: bool
    ) -> Iterator[tuple[tuple[float, str], MergedRow]]:
        """Rows with what they are merged by: never less than the one before, for a queue's own order stays."""
        reached = -math.inf
        for raw in raws:
            job = JobRecord(raw, self.place)
            since = job.waiting_since
            if since is not None:
                reached = max(reached, -since if falling else since)
            yield (reached, name), MergedRow(name, job)

    def _cut(self, parts: Mapping[str, _Part], size: int, *, top: bool) -> QueueCut:
        """The place above, or below, what is on the page."""
        places: dict[str, ListCut] = {}
        for name, part in parts.items():
            window = part.window
            entries = (*window.above, *window.below)
            at = len(window.above) + (-part.above if top else part.below)
            older = window.older + (part.above if top else -part.below)
            places[name] = ListCut(older, entries[max(0, at - _KNOWN) : at][::-1], entries[at : at + _KNOWN])
        older = sum(place.older for place in places.values())
        return QueueCut(places, (size - older) / size if size else 0.0)

    def _remember(self, page: QueuePage) -> None:
        if page.sizes:
            self._sizes = page.sizes
            edges = (page.offset, page.offset + len(page.rows))
            kept = [(at, cut) for at, cut in self._known if at not in edges and at < page.size]
            self._known.clear()
            self._known.extend([*kept, *zip(edges, (page.start, page.end), strict=True)])


def _count(rows: Sequence[MergedRow], name: str) -> int:
    return sum(row.server == name for row in rows)
