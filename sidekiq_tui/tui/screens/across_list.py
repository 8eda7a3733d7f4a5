"""A list of jobs that can be of one server or of all servers of the scope: then with the server of each job."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from sidekiq_tui.operations.selection import Matching, Selection
from sidekiq_tui.operations.selection import Rows as ChosenRows
from sidekiq_tui.presentation.columns.base import Column, Span
from sidekiq_tui.presentation.columns.jobs import SERVER
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.servers.fleet_search import FleetSearch
from sidekiq_tui.servers.job_on import plain, server_of
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.filter import Filter
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.search import Matcher, Slice
from sidekiq_tui.tui.actions import Action
from sidekiq_tui.tui.screens.job_scan import ScanScreen
from sidekiq_tui.tui.screens.job_words import Found
from sidekiq_tui.tui.screens.merged_reader import labels_of, merged_slices
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.subject import Subject

_NO_RULE: Final = "A marks what a filter finds: the lists of several servers are no single one"


class AcrossList(ScanScreen):
    """What such a list has besides. Subclasses say how pages are read, and give `search`."""

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self.searching: FleetSearch | None = None

    @property
    def across(self) -> bool:
        """Whether it shows several servers."""
        return self.app_state.scope is None

    @property
    def server(self) -> str:
        """The server in view; of several the one of the job under the cursor."""
        state = self.app_state
        if state.scope is None and self.is_mounted and (job := self.table.current) is not None:
            return server_of(job) or state.preferred
        return state.preferred

    @property
    def servers(self) -> tuple[str, ...]:
        """The servers whose jobs these are."""
        return self.app_state.names if self.across else (self.server,)

    @property
    def stale(self) -> bool:
        """Whether nobody answers."""
        if not self.across:
            return super().stale
        return all(self.app_state.snapshots[name].error is not None for name in self.servers)

    @property
    def columns(self) -> tuple[Column[JobRecord], ...]:
        """With the server first."""
        return (SERVER, *super().columns) if self.across else super().columns

    @property
    def absent(self) -> Mapping[str, SidekiqError]:
        """The servers that what is shown is without, and why."""
        state = self.app_state
        away = {name: error for name in self.servers if (error := state.snapshots[name].error) is not None}
        if self.searching is None or self.found is None or not self.across:
            return away
        failed = {name: one.error for name, one in self.searching.progress.items() if one.error is not None}
        return {**failed, **away}

    # Searching.

    def search(self, matcher: Matcher) -> FleetSearch:
        """The search of all servers for a matcher."""
        return FleetSearch(self.app_state.fleet, matcher)

    def slices_across(self, matcher: Matcher) -> AsyncGenerator[Slice, None]:
        """The reads of all servers for a matcher, as they come."""
        self.searching = self.search(matcher)
        return merged_slices(self.searching, labels_of(self.app_state))

    @property
    def scanned_all(self) -> bool:
        """Whether all servers were read to their end."""
        return not self.across or self.searching is None or self.searching.complete

    @property
    def found_told(self) -> Found | None:
        """Where all that answer were read to their end, that is all: titles name those that are missing."""
        found, search = self.found, self.searching
        if found is None or search is None or not self.across or found.full:
            return found
        ended = [one for one in search.progress.values() if one.state != "left out"]
        if any(one.state == "reading" or (one.state == "done" and not one.complete) for one in ended):
            return found
        return replace(found, complete=True, stopped=False)

    # Changing.

    @property
    def selected(self) -> Selection | None:
        """The jobs that are marked, or the one under the cursor."""
        if not self.across:
            return super().selected
        jobs = tuple(map(plain, self.chosen))
        return ChosenRows(jobs) if jobs else None

    def subject(self) -> Subject:
        """Jobs of one server, or those of each of several."""
        found = super().subject()
        if not self.across:
            return found
        found = replace(found, whole=None, queue=None, template=plain(found.template) if found.template else None)
        parts = self._parts()
        if len(parts) > 1:
            return replace(found, parts=parts, wider=self.wider)
        if parts:
            found = replace(found, server=parts[0].server, jobs=parts[0].jobs)
        return replace(found, wider=self.wider)

    @property
    def matched_places(self) -> tuple[Place, ...]:
        """Where a plan looks anew for all that the filter matches; nowhere: it keeps to the rows that were found."""
        return ()

    @property
    def wider(self) -> tuple[Subject, ...]:
        """What can be cleared or paused on all servers at once."""
        return ()

    def _parts(self) -> tuple[Subject, ...]:
        """What is chosen on each server; with all that a filter matches also servers that do not answer now."""
        matcher, places = self.matcher, self.matched_places
        if self.marks.all_matching and matcher is not None and places:
            wanted = matcher if isinstance(matcher, Filter) else None
            named = [name for name in self.servers if wanted is None or wanted.matches_server(name)]
            return tuple(Subject(name, Matching(places, matcher)) for name in named)
        jobs: dict[str, list[JobRecord]] = {}
        for job in self.chosen:
            jobs.setdefault(server_of(job) or self.app_state.preferred, []).append(plain(job))
        return tuple(Subject(name, ChosenRows(tuple(those)), len(those)) for name, those in jobs.items())

    def reason_against(self, action: Action) -> str | None:
        """Without a filter nothing stands for all jobs of several servers."""
        if action.id == "mark-all" and self.across and self.matcher is None:
            return _NO_RULE
        return super().reason_against(action)

    def mark_all(self) -> str:
        """What a filter found on all servers, as far as it was read: each row is one of its server's."""
        if not self.across:
            return super().mark_all()
        if self.matcher is None:
            return _NO_RULE
        words = self.mark_these(self.matches)
        self.marks.all_matching = bool(self.marks and self.matched_places)
        if self.found is not None and not self.found.complete:
            more = "; an action reads all and counts before it asks" if self.marks.all_matching else ""
            words = f"marked the {len(self.marks):,} found so far{more}"
        return words

    def change_ended(self, server: str) -> None:
        """Reads again."""
        if server in self.servers and self.is_front:
            self.refresh_now()


def absent_spans(absent: Mapping[str, SidekiqError], *, narrow: bool) -> list[Span]:
    """The servers that a list is without, for its title: one with the reason, of several the names."""
    if not absent:
        return []
    names = [display_text(name, 20) for name in absent]
    words = f"  without {', '.join(names[:2])}" + (f" and {len(names) - 2} more" if len(names) > 2 else "")
    why = display_text(next(iter(absent.values())).message, 60)
    return [Span(words, "warn strong"), *([] if narrow else [Span(f"  {why}", "warn")])]


def nobody_notice(absent: Mapping[str, SidekiqError], count: int) -> Sequence[tuple[Span, ...]]:
    """Nobody answers: each server and why."""
    first = (Span("The server does not answer." if count == 1 else f"None of {count} servers answers.", "strong"),)
    why = [
        (Span(f"{display_text(name)}  "), Span(display_text(error.message), "muted")) for name, error in absent.items()
    ]
    return [first, *why]
