"""Workers of one server, or of all servers of the scope in one tree: then with the server of each process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from time import perf_counter

from sidekiq_tui.presentation.columns.base import Cell, Column, Context, Span, label_role, text_key
from sidekiq_tui.presentation.columns.worker_tree import WorkerRow, WorkRow
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.servers.across import read_work
from sidekiq_tui.servers.job_on import JobOn
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.job import JobRecord
from sidekiq_tui.sidekiq.process import Process
from sidekiq_tui.sidekiq.work import Work
from sidekiq_tui.tui.screens.across_list import absent_spans, nobody_notice
from sidekiq_tui.tui.screens.listing import context_of
from sidekiq_tui.tui.screens.workers import GHOSTS_READ, MOST_READ, WorkersScreen, identity_of
from sidekiq_tui.tui.screens.workers_words import notes, title_left
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.subject import Subject

_LOUD = ("bad", "warn")


class WorkersOfScopeScreen(WorkersScreen):
    """Several servers may have processes of one identity (two profiles of one Redis), so theirs name the server too."""

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self._origins: dict[str, tuple[str, str]] = {}
        self._absent: Mapping[str, SidekiqError] = {}
        self._asked: frozenset[str] = frozenset()
        """The servers that answered when work was read last."""

    @property
    def across(self) -> bool:
        """Whether it shows several servers."""
        return self.app_state.scope is None

    @property
    def scope_key(self) -> str:
        """What is shown: a server, or these servers."""
        return "\n".join(self.app_state.names)

    @property
    def server(self) -> str:
        """The server in view; of several the one of the row under the cursor."""
        if self.across and self.is_mounted and (row := self.table.current) is not None:
            return self._origin(row)[0] or super().server
        return super().server

    @property
    def away(self) -> bool:
        """Whether nobody answers."""
        if not self.across:
            return super().away
        return all(snapshot.error is not None for snapshot in self.app_state.in_scope.values())

    @property
    def taken_at(self) -> float | None:
        """When the last of them was polled."""
        if not self.across:
            return super().taken_at
        return max((one.taken_at for one in self.app_state.in_scope.values() if one.taken_at is not None), default=None)

    @property
    def pause(self) -> float:
        """None where a server answers by now of which no work was read."""
        return super().pause if not self.across or self._answering <= self._asked else 0.0

    @property
    def _answering(self) -> frozenset[str]:
        return frozenset(
            name for name, one in self.app_state.in_scope.items() if one.overview is not None and one.error is None
        )

    @property
    def absent(self) -> Mapping[str, SidekiqError]:
        """The servers whose workers are not shown, and why."""
        away = {name: one.error for name, one in self.app_state.in_scope.items() if one.error is not None}
        return {**self._absent, **away}

    @property
    def processes(self) -> tuple[Process, ...]:
        """Those of all servers that answer."""
        if not self.across:
            return super().processes
        return tuple(
            replace(process, identity=self._on(name, process.identity))
            for name, one in self.app_state.in_scope.items()
            if one.overview is not None and one.error is None
            for process in one.overview.processes
        )

    @property
    def ghosts(self) -> tuple[str, ...]:
        """The same of those that died without a word."""
        if not self.across:
            return super().ghosts
        return tuple(
            self._on(name, identity)
            for name, one in self.app_state.in_scope.items()
            if one.overview is not None and one.error is None
            for identity in one.overview.ghosts
        )

    async def read(self, server: str) -> tuple[Work, ...]:
        """The work of all servers at once; one that is late is left out."""
        if not self.across:
            return await super().read(server)
        self._asked = self._answering
        shown = [process.identity for process in self.processes]
        if len(shown) > MOST_READ:
            folded = self.folded
            shown = [identity for identity in shown if identity not in folded][:MOST_READ]
        wanted: dict[str, list[str]] = {}
        for identity in (*shown, *self.ghosts[:GHOSTS_READ]):
            name, own = self._origins[identity]
            wanted.setdefault(name, []).append(own)
        began = perf_counter()
        found = await read_work(self.app_state.fleet.only(wanted), wanted)
        self._costs.append(perf_counter() - began)
        self._absent = found.missing
        return tuple(replace(row.work, identity=self._on(row.server, row.work.identity)) for row in found.rows)

    def subject(self) -> Subject:
        """The processes of the server of the row under the cursor, and those of each server that are shown."""
        found = super().subject()
        if not self.across:
            return found
        mine = {identity: own for identity, (name, own) in self._origins.items() if name == found.server}
        shown: dict[str, list[Process]] = {name: [] for name in self.app_state.names}
        for process in found.processes:
            name, own = self._origins[process.identity]
            shown[name].append(replace(process, identity=own))
        return replace(
            found,
            process=_as_own(found.process, mine),
            processes=tuple(one for process in found.processes if (one := _as_own(process, mine)) is not None),
            ghosts=tuple(mine[identity] for identity in found.ghosts if identity in mine),
            wider=tuple(
                Subject(name, processes=tuple(those)) for name, those in shown.items() if those or name in self.absent
            ),
        )

    def tree_columns(self, *, narrow: bool = False) -> tuple[Column[WorkerRow], ...]:
        """With the server first."""
        columns = super().tree_columns(narrow=narrow)
        if not self.across:
            return columns
        server = Column[WorkerRow]("server", "server", 8, 12, self._server_cell, weight=2, sort=self._server_key)
        return (server, *columns)

    def _server_cell(self, row: WorkerRow, context: Context, width: int | None) -> Cell:
        if isinstance(row, WorkRow):
            return ()  # it is said once, with its process
        name = self._origin(row)[0]
        profile = self.app_state.snapshots[name].profile if name in self.app_state.snapshots else None
        return (Span(context.safe(name), label_role(profile.label if profile is not None else None)),)

    def _server_key(self, row: WorkerRow, context: Context) -> tuple[int, float | str]:
        return text_key(self._origin(row)[0])

    def _jobs_shown(self) -> list[tuple[int, JobRecord]]:
        if not self.across:
            return super()._jobs_shown()
        rows = ((index, self._rows.get(index)) for index in range(self._rows.size))
        return [(index, JobOn(row.work.job, self._origin(row)[0])) for index, row in rows if isinstance(row, WorkRow)]

    def _find_notes(self) -> list[Cell]:
        if not self.across:
            return super()._find_notes()
        context = context_of(self.app_state)
        found: list[Cell] = []
        for name, one in self.app_state.in_scope.items():
            if one.overview is None or one.error is not None:
                continue
            jobs = [job for job in self._all_jobs if self._origin(job)[0] == name]
            named = Span(f"{display_text(name, 16)}  ", label_role(one.profile.label))
            found += [(named, *note) for note in notes(one.overview, jobs, context)]
        return sorted(found, key=_loudness)

    def _notice(self) -> list[Cell]:
        if not self.across or (self._filter and self.processes):
            return super()._notice()
        if self.away:
            return list(nobody_notice(self.absent, len(self.app_state.names)))
        return [
            (Span("No processes on any server: nothing runs jobs.", "strong"),),
            (Span("A process comes here with its first heartbeat.", "muted"),),
        ]

    def title_words(self, wide: bool, context: Context) -> list[Span]:
        """How many processes on how many servers, and the servers that are missing."""
        if not self.across:
            return super().title_words(wide, context)
        state = self.app_state
        spans = title_left(None if self.away else self.processes, wide, context)
        where = f"group {display_text(state.group, 20)}" if state.group else f"{len(state.names):,} servers"
        if wide:
            spans.insert(1, Span(f" on {where}", "muted"))
        return [*spans, *absent_spans(self.absent, narrow=True)]

    def _on(self, server: str, identity: str) -> str:
        composed = f"{identity} on {server}"
        self._origins[composed] = (server, identity)
        return composed

    def _origin(self, row: WorkerRow) -> tuple[str, str]:
        identity = row.work.identity if isinstance(row, WorkRow) else identity_of(row)
        return self._origins.get(identity, ("", identity))


def _as_own(process: Process | None, mine: Mapping[str, str]) -> Process | None:
    """The process as its own server knows it; None for one of another server."""
    if process is None or process.identity not in mine:
        return None
    return replace(process, identity=mine[process.identity])


def _loudness(note: Sequence[Span]) -> int:
    return next((_LOUD.index(role) for _, role in note if role in _LOUD), len(_LOUD))
