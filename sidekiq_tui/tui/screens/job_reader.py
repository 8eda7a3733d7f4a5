"""Reads what a list of jobs shows: the visible window, again and again while the list moves, or all that match."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.queue import Page
from sidekiq_tui.tui.widgets.rows import displacement

_SLICE: Final = 1000
_AROUND: Final = 100


class PageReader(Protocol):
    """A server, or several that are read as one."""

    async def page(self, place: Place, offset: int, limit: int, *, backwards: bool = False) -> Page:
        """Some jobs of a place. Raises SidekiqError."""


@dataclass(frozen=True, slots=True)
class WithIterations:
    """The pages of a server, each with the iteration states of some jobs: no round trip more."""

    server: Server
    jids: tuple[str, ...]

    async def page(self, place: Place, offset: int, limit: int, *, backwards: bool = False) -> Page:
        """As `Server.page`."""
        return await self.server.page(place, offset, limit, backwards=backwards, iterating=self.jids)


@dataclass(frozen=True, slots=True)
class Window:
    """One read: its page, and how far the jobs have moved since the one before."""

    page: Page
    shift: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What was on the screen when the read began: the size of the list, the keys by index, the cursor's index."""

    size: int
    keys: Mapping[int, Hashable]
    cursor: int | None = None
    """None if it was not in view."""

    def shift(self, page: Page) -> int | None:
        """How far the jobs have moved."""
        after = {page.offset + index: job_key(job) for index, job in enumerate(page.jobs)}
        return displacement(self.keys, after, self.cursor)


async def read_again(
    server: PageReader,
    place: Place,
    span: tuple[int, int],
    seen: Seen,
    span_after: Callable[[int], tuple[int, int]],
    *,
    backwards: bool = False,
) -> Window:
    """Reads `span` (offset, length) again and finds the jobs that were `seen`, which may have moved meanwhile.

    `span_after` says what must be read once jobs have moved that far. One trip where nothing moved out of `span`,
    else two; `backwards`: from the list's other end. Raises SidekiqError.
    """
    page = await server.page(place, *span, backwards=backwards)
    shift = seen.shift(page)
    grown = page.size - seen.size
    if shift is None and grown and seen.keys:
        # All that was visible is elsewhere: most likely so much further as the list has grown.
        further = await server.page(place, *span_after(grown), backwards=backwards)
        found = seen.shift(further)
        return Window(page) if found is None else Window(further, found)
    moved = shift or 0
    wanted = span_after(moved)
    if moved and not _covers(page, wanted):
        page = await server.page(place, *wanted, backwards=backwards)
    return Window(page, moved)


@dataclass(frozen=True, slots=True)
class Range:
    """Rows between two that are known: their indexes and their identities when it was asked for."""

    first: int
    last: int
    one: Hashable
    other: Hashable


async def read_range(
    server: PageReader, place: Place, wanted: Range, *, backwards: bool = False
) -> tuple[JobRecord, ...] | None:
    """The jobs from one end of a range to the other, a trip for every thousand; None if an end is no longer there.

    Some more is read around it, for the list may have moved meanwhile. Raises SidekiqError.
    """
    jobs: list[JobRecord] = []
    for offset in range(max(0, wanted.first - _AROUND), wanted.last + _AROUND + 1, _SLICE):
        jobs += (await server.page(place, offset, _SLICE, backwards=backwards)).jobs
    places = {job.identity: index for index, job in enumerate(jobs)}
    ends = places.get(wanted.one), places.get(wanted.other)  # type: ignore[call-overload]
    if ends[0] is None or ends[1] is None:
        return None
    return tuple(jobs[min(ends) : max(ends) + 1])


def job_key(job: JobRecord) -> Hashable:
    """Place and bytes."""
    return job.identity


def job_weight(job: JobRecord) -> int:
    """Bytes."""
    return len(job.raw)


def _covers(page: Page, span: tuple[int, int]) -> bool:
    offset, length = span
    last = min(offset + length, page.size)
    return page.offset <= offset and last <= page.offset + len(page.jobs)
