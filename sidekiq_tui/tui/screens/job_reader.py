"""Reads what a list of jobs shows: the visible window, again and again while the list moves, or all that match."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.queue import Page
from sidekiq_tui.tui.widgets.rows import displacement


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
    server: Server,
    place: Place,
    span: tuple[int, int],
    seen: Seen,
    span_after: Callable[[int], tuple[int, int]],
) -> Window:
    """Reads `span` (offset, length) again and finds the jobs that were `seen`, which may have moved meanwhile.

    `span_after` says what must be read once jobs have moved that far. One trip where nothing moved out of `span`,
    else two. Raises SidekiqError.
    """
    page = await server.page(place, *span)
    shift = seen.shift(page)
    grown = page.size - seen.size
    if shift is None and grown and seen.keys:
        # All that was visible is elsewhere: most likely so much further as the list has grown.
        further = await server.page(place, *span_after(grown))
        found = seen.shift(further)
        return Window(page) if found is None else Window(further, found)
    moved = shift or 0
    wanted = span_after(moved)
    if moved and not _covers(page, wanted):
        page = await server.page(place, *wanted)
    return Window(page, moved)


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
