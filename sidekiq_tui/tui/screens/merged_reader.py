"""Pages and matches of one set of several servers, as those of one server come."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Final

from sidekiq_tui.servers.fleet import Fleet
from sidekiq_tui.servers.fleet_search import FleetSearch
from sidekiq_tui.servers.job_on import JobOn
from sidekiq_tui.servers.merged import MergedSet
from sidekiq_tui.servers.merged_pages import MergedPages
from sidekiq_tui.servers.slice_on import SliceOn
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.queue import Page
from sidekiq_tui.tui.state import AppState

Labels = Mapping[str, str | None]


class MergedReader:
    """One set of all servers of a scope. `missing`: those that the last page is without, and why."""

    def __init__(self, fleet: Fleet, place: Place, state: AppState) -> None:
        self.missing: Mapping[str, SidekiqError] = {}
        self.sizes: Mapping[str, int] = {}
        self._state: Final = state
        self._labels: Final = labels_of(state)
        self._ways: Final = {way: MergedPages(MergedSet(fleet, place, backwards=way)) for way in (False, True)}

    async def page(self, place: Place, offset: int, limit: int, *, backwards: bool = False) -> Page:
        """As `Server.page`. Raises SidekiqError where no server answers."""
        page = await self._ways[backwards].page(offset, limit, now=self._state.clock())
        self.missing, self.sizes = page.missing, page.sizes
        if not page.sizes and page.missing:
            raise next(iter(page.missing.values()))
        jobs = tuple(JobOn(row.job, row.server, self._labels.get(row.server)) for row in page.rows)
        return Page(place, offset, page.size, jobs, page.read_at)


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
