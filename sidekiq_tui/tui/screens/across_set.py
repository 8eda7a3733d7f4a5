"""One list of jobs, a set or a queue: of one server, or of all in true order."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Final

from sidekiq_tui.presentation.columns.base import Cell, Span
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.servers.fleet_search import FleetSearch
from sidekiq_tui.servers.job_on import server_of
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.search import Matcher, Slice
from sidekiq_tui.tui.screens.across_list import AcrossList, absent_spans, nobody_notice
from sidekiq_tui.tui.screens.job_reader import PageReader, job_key
from sidekiq_tui.tui.screens.job_words import no_match_line, nothing_in
from sidekiq_tui.tui.screens.jobs import JobsScreen
from sidekiq_tui.tui.screens.merged_reader import Hurried, MergedReader, SetReader
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.subject import Subject
from sidekiq_tui.tui.widgets.rows import Rows, StaticRows
from sidekiq_tui.tui.widgets.sorting import Order

LEAST_SECONDS: Final = 1.0
"""Between two reads of all servers that nobody asked for, however many of them are polled meanwhile."""


class MergedScreen(AcrossList, JobsScreen):
    """Subclasses say which list, how the merged one is read, and what its order is."""

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self._merged: tuple[tuple[str, ...], MergedReader] | None = None
        self._in_time: tuple[tuple[object, ...], Rows[JobRecord]] | None = None

    def new_reader(self) -> MergedReader:
        """Reads the list of all servers of the scope."""
        raise NotImplementedError

    def time_of(self, job: JobRecord) -> float:
        """What the list is ordered by."""
        return job.score or 0.0

    @property
    def falling(self) -> bool:
        """Whether the latest comes first."""
        return (self.place.kind == "dead") != self.order.falling

    @property
    def reader(self) -> PageReader:
        """The server, or all of them as one."""
        return self.merged if self.across else super().reader

    @property
    def merged(self) -> MergedReader:
        """Reads the list of all servers of the scope."""
        names = self.servers
        if self._merged is None or self._merged[0] != names:
            self._merged = (names, self.new_reader())
        return self._merged[1]

    @property
    def hurried_reader(self) -> PageReader | None:
        """The servers that answer at once, where others take their time."""
        return Hurried(self.merged) if self.across and self.merged.fleet.behind else None

    @property
    def outdated(self) -> bool:
        """Of several: when one was polled since, and the last read is a moment ago."""
        if not self.across:
            return super().outdated
        state, read = self.app_state, self._read_at
        taken = [at for name in self.servers if (at := state.snapshots[name].taken_at) is not None]
        return bool(taken) and (read is None or max(taken) > read + LEAST_SECONDS)

    def search(self, matcher: Matcher) -> FleetSearch:
        """In this list alone."""
        return FleetSearch(self.app_state.fleet, matcher, place=self.place)

    @property
    def matched_places(self) -> tuple[Place, ...]:
        """In this list alone."""
        return (self.place,)

    @property
    def wider(self) -> tuple[Subject, ...]:
        """The list of every server that has it, or does not answer."""
        return places_of(self.app_state, self.place, self.servers)

    def slices(self, matcher: Matcher) -> AsyncGenerator[Slice, None]:
        """The list of one server, or of all at once, held against a filter."""
        return self.slices_across(matcher) if self.across else super().slices(matcher)

    def arranged(self, jobs: Sequence[JobRecord]) -> Rows[JobRecord]:
        """What was found on several servers stands in the order of the list, not as it came."""
        if not self.across or self.order.key is not None:
            return super().arranged(jobs)
        state: tuple[object, ...] = (id(jobs), len(jobs), self.falling)
        if self._in_time is None or self._in_time[0] != state:
            ordered = sorted(jobs, key=self._by_time, reverse=self.falling)
            self._in_time = (state, StaticRows[JobRecord](ordered, job_key))
        return self._in_time[1]

    def _by_time(self, job: JobRecord) -> tuple[float, bytes, str]:
        return (self.time_of(job), job.raw, server_of(job) or "")

    def order_changed(self) -> None:
        """Matches of several servers are turned round in memory."""
        if self.across and self.order == Order(None, True) and self.stale:
            return
        super().order_changed()

    # Words.

    @property
    def named(self) -> str:
        """Several servers are no name."""
        return "" if self.across else super().named

    def title_left(self, narrow: bool) -> Sequence[Span]:
        """With the servers that are missing, and why."""
        spans = list(super().title_left(narrow))
        if not self.across:
            return spans
        state = self.app_state
        count = len(self.servers)
        where = f"group {display_text(state.group, 20)}" if state.group else f"{count:,} servers"
        if not narrow and not self.found:
            spans.insert(1, Span(f"  on {where}", "muted"))
        absent = dict(self.absent)
        if self.found is None:
            absent = {**self.merged.missing, **absent}
        return [*spans, *absent_spans(absent, narrow=narrow)]

    def notice(self) -> Sequence[Cell]:
        """Why there are no rows on any server."""
        if not self.across:
            return super().notice()
        if self.found is not None and (self.found.complete or self.found.stopped or not self.scanning):
            return [no_match_line(self.found)]
        if self.stale:
            return nobody_notice(self.absent, len(self.servers))
        if self.found is not None or self._read_at is None:
            return []
        if self._error is not None:
            return nobody_notice(self.merged.missing, len(self.servers))
        return self.nothing("any server" if len(self.servers) > 1 else display_text(self.server))

    def nothing(self, where: str) -> Sequence[Cell]:
        """That the list is empty, and how jobs come there."""
        return nothing_in(self.place, where)


class SetScreen(MergedScreen):
    """Subclasses say which set."""

    def new_reader(self) -> MergedReader:
        """Reads the set of all servers of the scope."""
        return SetReader(self.app_state.fleet, self.place, self.app_state)


def places_of(state: AppState, place: Place, servers: Sequence[str]) -> tuple[Subject, ...]:
    """A set, or a queue of one name, on each server; without those that are known not to have the queue."""
    found = []
    for name in servers:
        snapshot = state.snapshots[name]
        queues = [queue.name for queue in snapshot.overview.queues] if snapshot.overview is not None else []
        if place.queue is None or place.queue in queues or snapshot.error is not None:
            found.append(Subject(name, whole=place, queue=place.queue))
    return tuple(found) if len(found) > 1 else ()
