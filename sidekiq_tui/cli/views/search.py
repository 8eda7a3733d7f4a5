"""Jobs anywhere on a server that match a filter."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidekiq_tui.cli import diagnostics, render
from sidekiq_tui.cli.searching import look_everywhere
from sidekiq_tui.cli.view import Outcome, View, answers
from sidekiq_tui.presentation import records
from sidekiq_tui.presentation.columns import JobRow, Span, job_columns
from sidekiq_tui.presentation.columns.jobs import JID
from sidekiq_tui.presentation.units import count
from sidekiq_tui.servers.fleet_search import FleetSearch
from sidekiq_tui.sidekiq.filter import Filter
from sidekiq_tui.sidekiq.job import JobRecord

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
    """What a filter matches in running jobs, sets and queues.

    `limit` jobs a server (None: all of them); `deadline` seconds for each. With `stream` each job is handed over as a
    record as soon as it is found, and `lines` has none.
    """

    word = "search"

    def __init__(
        self,
        filter: Filter,
        *,
        limit: int | None,
        deadline: float | None = None,
        stream: Callable[[records.Record], None] | None = None,
    ) -> None:
        self._filter = filter
        self._limit = limit
        self._deadline = deadline
        self._stream = stream
        self._streamed: dict[str, int] = {}

    def wants(self, profile: Profile) -> bool:
        """Whether the filter's `server:` terms let it through."""
        return self._filter.matches_server(profile.name)

    async def ask(self, servers: Sequence[Server]) -> list[Outcome[FoundJobs]]:
        """All servers at once, slice by slice; says on stderr which places could not be read to the end."""
        return await look_everywhere(
            servers,
            lambda fleet: FleetSearch(fleet, self._filter, limit=self._limit, deadline=self._deadline),
            lambda jobs, progress: FoundJobs(tuple(jobs[: self._limit]), progress.read, progress.complete),
            found=None if self._stream is None else self._hand_over,
        )

    async def read(self, server: Server) -> FoundJobs:
        """One server."""
        (outcome,) = await self.ask([server])
        if outcome.value is None:
            raise outcome.error or RuntimeError("a search without a result")
        return outcome.value

    def _hand_over(self, server: str, jobs: Sequence[JobRecord]) -> None:
        before = self._streamed.get(server, 0)
        some = jobs if self._limit is None else jobs[: max(0, self._limit - before)]
        self._streamed[server] = before + len(some)
        for job in some:
            if self._stream is not None:
                self._stream({"server": server, **records.job_record(job, time.time(), place=True)})

    def lines(self, elements: Sequence[records.Record]) -> Iterable[records.Record]:
        """The jobs that were not handed over already."""
        return () if self._stream is not None else super().lines(elements)

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
