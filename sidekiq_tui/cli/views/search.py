"""Jobs anywhere on a server that match a filter."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidekiq_tui.cli import diagnostics, render
from sidekiq_tui.cli.view import Outcome, View, answers
from sidekiq_tui.cli.views.job import PLACES
from sidekiq_tui.presentation import records
from sidekiq_tui.presentation.columns import JobRow, Span, job_columns
from sidekiq_tui.presentation.columns.jobs import JID
from sidekiq_tui.presentation.units import count
from sidekiq_tui.sidekiq.filter import Filter
from sidekiq_tui.sidekiq.job import JobRecord, Place

if TYPE_CHECKING:
    from sidekiq_tui.cli.render import Look
    from sidekiq_tui.servers.profile import Profile
    from sidekiq_tui.servers.server import Server


@dataclass(frozen=True, slots=True)
class FoundJobs:
    """What a search found, in how many entries."""

    jobs: tuple[JobRecord, ...]
    read: int
    complete: bool
    """Whether every place was read to its end."""


class SearchView(View[FoundJobs]):
    """What a filter matches in running jobs, sets and queues. `limit` None: all of it."""

    word = "search"

    def __init__(self, filter: Filter, *, limit: int | None) -> None:
        self._filter = filter
        self._limit = limit

    def wants(self, profile: Profile) -> bool:
        """Whether the filter's `server:` terms let it through."""
        return self._filter.matches_server(profile.name)

    async def read(self, server: Server) -> FoundJobs:
        """Slice by slice; says on stderr which places could not be read to the end."""
        found: list[JobRecord] = []
        read: dict[Place, int] = {}
        missed: dict[Place, None] = {}
        full = False
        async with aclosing(server.search(self._filter)) as slices:
            async for part in slices:
                found += part.jobs
                read[part.place] = part.read
                missed[part.place] = None
                if part.complete:
                    del missed[part.place]
                total = count(sum(read.values()))
                diagnostics.PROGRESS.show(
                    f"{server.name}: {count(len(found))} found in {total} read, {PLACES[part.place.kind]}"
                )
                if self._limit is not None and len(found) >= self._limit:
                    full = True
                    break
        if missed and not full:
            places = ", ".join(f"{PLACES[place.kind]} {place.queue or ''}".strip() for place in missed)
            diagnostics.warn(f"{server.name}: not everything could be searched: {places}", "there may be more")
        return FoundJobs(tuple(found[: self._limit]), sum(read.values()), not missed and not full)

    def element(self, profile: Profile, value: FoundJobs, now: float) -> records.Record:
        """The jobs, each with its place, and whether these are all."""
        jobs = [records.job_record(job, now, place=True) for job in value.jobs]
        return {"filter": self._filter.text, "read": value.read, "complete": value.complete, "jobs": jobs}

    def element_without(self, profile: Profile, error: Exception) -> records.Record:
        """No jobs, and so not all of them."""
        return {"filter": self._filter.text, "read": None, "complete": False, "jobs": []}

    def table(self, outcomes: Sequence[Outcome[FoundJobs]], now: float, look: Look) -> list[str]:
        """One row a job, with where it is; on a terminal also how much was read."""
        columns = [*job_columns("search", time_mode=look.time_mode), JID]
        given = answers(outcomes)
        groups = [(profile, [JobRow(job) for job in found.jobs]) for profile, found in given]
        lines = render.grouped(columns, groups, look.context(now), look, several=len(outcomes) > 1)
        if look.tty:
            lines += [render.line((Span(self._summary(profile, found), "muted"),), look) for profile, found in given]
        return lines

    def _summary(self, profile: Profile, found: FoundJobs) -> str:
        name, words = diagnostics.safe(profile.name), diagnostics.safe(self._filter.text)
        read = "all read" if found.complete else "not all read"
        return f"{name}: {count(len(found.jobs))} match {words} in {count(found.read)} jobs, {read}"
