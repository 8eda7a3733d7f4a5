"""Pages and matches of one list of several servers, as those of one server come."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

from sidekiq_tui.servers.fleet import Fleet
from sidekiq_tui.servers.fleet_search import FleetSearch
from sidekiq_tui.servers.job_on import JobOn
from sidekiq_tui.servers.merged import MergedPage, MergedSet
from sidekiq_tui.servers.merged_pages import MergedPages
from sidekiq_tui.servers.merged_queue import MergedQueue, QueuePage
from sidekiq_tui.servers.slice_on import SliceOn
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.queue import Page
from sidekiq_tui.tui.state import AppState

Labels = Mapping[str, str | None]


class MergedReader:
    """One list of all servers of a scope. `missing`: those that the last page is without, and why."""

    def __init__(self, fleet: Fleet, state: AppState) -> None:
        self.missing: Mapping[str, SidekiqError] = {}
        self.fleet: Final = fleet
        self._state: Final = state
        self._labels: Final = labels_of(state)

    async def page(
        self, place: Place, offset: int, limit: int, *, backwards: bool = False, hurried: bool = False
    ) -> Page:
        """As `Server.page`; `hurried`: without servers that are slow. Raises SidekiqError where none answers."""
        page = await self._merged(offset, limit, backwards, hurried)
        self.missing = page.missing
        if not page.sizes and page.missing:
            raise next(iter(page.missing.values()))
        jobs = tuple(JobOn(row.job, row.server, self._labels.get(row.server)) for row in page.rows)
        return Page(place, page.offset, page.size, jobs, page.read_at)

    async def _merged(self, offset: int, limit: int, backwards: bool, hurried: bool) -> MergedPage | QueuePage:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Hurried:
    """The pages of several servers without those that are slow to answer."""

    reader: MergedReader

    async def page(self, place: Place, offset: int, limit: int, *, backwards: bool = False) -> Page:
        """As `MergedReader.page`."""
        return await self.reader.page(place, offset, limit, backwards=backwards, hurried=True)


class SetReader(MergedReader):
    """Retries, scheduled or dead jobs."""

    def __init__(self, fleet: Fleet, place: Place, state: AppState) -> None:
        super().__init__(fleet, state)
        self._ways: Final = {way: MergedPages(MergedSet(fleet, place, backwards=way)) for way in (False, True)}

    async def _merged(self, offset: int, limit: int, backwards: bool, hurried: bool) -> MergedPage:
        page = await self._ways[backwards].page(offset, limit, now=self._state.clock(), hurried=hurried)
        return replace(page, offset=offset)


class QueueReader(MergedReader):
    """The queue of one name."""

    def __init__(self, fleet: Fleet, place: Place, state: AppState) -> None:
        super().__init__(fleet, state)
        self._ways: Final = {way: MergedQueue(fleet, place.queue or "", backwards=way) for way in (False, True)}

    async def _merged(self, offset: int, limit: int, backwards: bool, hurried: bool) -> QueuePage:
        queue = self._ways[backwards]
        page = await queue.page(offset, limit, hurried=hurried)
        if page.sizes and not _covers(page, offset, limit):
            # A far place is found by shares first, from there exactly.
            page = await queue.page(offset, limit, hurried=hurried)
        first = min(max(0, offset - page.offset), len(page.rows))
        return replace(page, offset=page.offset + first, rows=page.rows[first : first + limit])


def _covers(page: QueuePage, offset: int, limit: int) -> bool:
    reached = page.offset + len(page.rows)
    return (page.offset <= offset and reached >= min(offset + limit, page.size)) or offset >= page.size


def labels_of(state: AppState) -> Labels:
    """The label of each server."""
    return {name: one.profile.label for name, one in state.snapshots.items()}


async def merged_slices(search: FleetSearch, labels: Labels) -> AsyncGenerator[SliceOn, None]:
    """The reads of a search of several servers, as they come."""
    async with aclosing(search.slices()) as found:
        async for part in found:
            one = part.slice
            if one is not None:
                label = labels.get(part.server)
                jobs: tuple[JobRecord, ...] = tuple(JobOn(job, part.server, label) for job in one.jobs)
                yield SliceOn(one.place, jobs, one.read, one.total, one.complete, part.server)
