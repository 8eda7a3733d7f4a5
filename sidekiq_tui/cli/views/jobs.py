"""Jobs of a queue or a set: one page, or what a filter matches."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sidekiq_tui.cli import diagnostics, render
from sidekiq_tui.cli.view import Outcome, View, answers
from sidekiq_tui.presentation import records
from sidekiq_tui.presentation.columns import JobRow, Span, job_columns
from sidekiq_tui.presentation.columns.jobs import JID
from sidekiq_tui.presentation.units import count
from sidekiq_tui.sidekiq.filter import Filter
from sidekiq_tui.sidekiq.job import JobRecord, Place, PlaceKind

if TYPE_CHECKING:
    from sidekiq_tui.cli.render import Look
    from sidekiq_tui.servers.profile import Profile
    from sidekiq_tui.servers.server import Server

_KINDS: Final[dict[str, PlaceKind]] = {"queue": "queue", "retries": "retry", "scheduled": "schedule", "dead": "dead"}
_PAGE: Final = 500  # one reply of more would hold up the server's other clients


@dataclass(frozen=True, slots=True)
class Jobs:
    """The jobs to print. `read` of `size` entries were looked at; None without a filter."""

    size: int
    jobs: tuple[JobRecord, ...]
    read: int | None = None
    complete: bool = True
    """Whether there are no more to print than these."""


class JobsView(View[Jobs]):
    """One list of jobs, in Sidekiq's own order. `limit` None: all of them."""

    def __init__(self, view: str, *, queue: str | None, filter: Filter | None, offset: int, limit: int | None) -> None:
        self.word = view  # type: ignore[misc]  # four views of one kind
        self._place = Place(_KINDS[view], queue)
        self._filter = filter
        self._offset = offset
        self._limit = limit

    def wants(self, profile: Profile) -> bool:
        """Whether the filter's `server:` terms let it through."""
        return self._filter is None or self._filter.matches_server(profile.name)

    async def read(self, server: Server) -> Jobs:
        """One trip for a page; slice by slice where a filter looks at all, or more than a page is wanted."""
        if self._filter is None and self._limit is not None and self._limit <= _PAGE:
            page = await server.page(self._place, self._offset, self._limit)
            return Jobs(page.size, page.jobs, complete=self._offset + len(page.jobs) >= page.size)
        return await self._scan(server, self._filter or Filter())

    async def _scan(self, server: Server, wanted: Filter) -> Jobs:
        found: list[JobRecord] = []
        end = None if self._limit is None else self._offset + self._limit
        read = size = 0
        complete = False
        async with aclosing(server.scan(self._place, wanted)) as slices:
            async for part in slices:
                found += part.jobs
                read, size, complete = part.read, part.total, part.complete
                diagnostics.PROGRESS.show(
                    f"{server.name}: {count(len(found))} match in {count(read)} of {count(size)} read"
                )
                if end is not None and len(found) >= end:
                    complete = complete and len(found) == end
                    break
        return Jobs(size, tuple(found[self._offset : end]), read if self._filter else None, complete)

    def element(self, profile: Profile, value: Jobs, now: float) -> records.Record:
        """The whole list's size and the jobs; with a filter also what it is, and how much was read for it."""
        record: records.Record = {"size": value.size}
        if self._filter is not None:
            record |= {"filter": self._filter.text, "read": value.read, "complete": value.complete}
        return {**record, "jobs": [records.job_record(job, now) for job in value.jobs]}

    def element_without(self, profile: Profile, error: Exception) -> records.Record:
        """No size, no jobs."""
        return {"size": None, "jobs": []}

    def table(self, outcomes: Sequence[Outcome[Jobs]], now: float, look: Look) -> list[str]:
        """One row a job; on a terminal also how many there are."""
        columns = [
            *job_columns(self._place.kind if self._place.kind != "work" else "search", time_mode=look.time_mode),
            JID,
        ]
        given = answers(outcomes)
        groups = [(profile, [JobRow(job) for job in jobs.jobs]) for profile, jobs in given]
        lines = render.grouped(columns, groups, look.context(now), look, several=len(outcomes) > 1)
        if look.tty:
            lines += [render.line((Span(self._summary(profile, jobs), "muted"),), look) for profile, jobs in given]
        return lines

    def _summary(self, profile: Profile, jobs: Jobs) -> str:
        shown = f"{count(self._offset + 1)}-{count(self._offset + len(jobs.jobs))}" if jobs.jobs else "none"
        name = diagnostics.safe(profile.name)
        if self._filter is None:
            return f"{name}: {shown} of {count(jobs.size)}"
        more = "all read" if jobs.complete else f"{count(jobs.read)} of {count(jobs.size)} read"
        return f"{name}: {shown} that match {diagnostics.safe(self._filter.text)}, {more}"
