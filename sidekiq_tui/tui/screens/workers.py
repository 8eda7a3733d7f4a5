"""Workers: the processes, and under each the jobs that it runs."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Final, cast

from textual import on, work
from textual.app import ComposeResult

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Span
from sidekiq_tui.presentation.columns.workers import (
    WORKERS as COLUMNS,
)
from sidekiq_tui.presentation.columns.workers import (
    ProcessRow,
    WorkerOrder,
    WorkerRow,
    WorkRow,
    worker_columns,
    worker_rows,
)
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.process import Process
from sidekiq_tui.sidekiq.replies import reason
from sidekiq_tui.sidekiq.work import Work
from sidekiq_tui.tui.actions import Action, bindings
from sidekiq_tui.tui.actions.job import COPY
from sidekiq_tui.tui.actions.lists import FILTER, LIST, SORT
from sidekiq_tui.tui.actions.workers import WORKERS
from sidekiq_tui.tui.clipboard import copy_jids, copy_json
from sidekiq_tui.tui.screens.dashboard_panels import denied_line
from sidekiq_tui.tui.screens.listing import NO_ROWS, context_of, range_spans, reason_against_empty
from sidekiq_tui.tui.screens.read_view import ReadView
from sidekiq_tui.tui.screens.workers_words import about, fitted, matches, notes, title_left, title_right
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.widgets.record_table import RecordTable
from sidekiq_tui.tui.widgets.rows import StaticRows
from sidekiq_tui.tui.widgets.sorting import Order
from sidekiq_tui.tui.widgets.text_block import TextBlock
from sidekiq_tui.tui.widgets.title_line import TitleLine

ORDERS: Final[tuple[WorkerOrder, ...]] = ("name", "state", "threads", "memory", "running")
MOST_UNFOLDED: Final = 200
"""With more processes all are folded at first, and only the work of those that are not is read: one round trip."""
NOTE_LINES: Final = 3
LOW: Final = 30
"""Below this many lines there is one for notes."""
WIDE: Final = 100
USUAL_SECONDS: Final = 60.0
"""How often the usual times of the classes that run are read."""


class WorkersScreen(ReadView[tuple[Work, ...]]):
    """Processes come with every poll; what is read here is what they run."""

    view: ClassVar[str] = "workers"
    scopes: ClassVar[tuple[str, ...]] = (LIST, SORT, FILTER, COPY, WORKERS)
    BINDINGS = bindings(SORT, FILTER, COPY, WORKERS)
    every: ClassVar[float] = 1.0

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self._order = Order("name")
        self._filter = ""
        self._folded: set[str] | None = None
        self._usual: Mapping[str, float] = {}
        self._usual_at: float | None = None
        self._usual_of: frozenset[str] = frozenset()

    def body(self) -> ComposeResult:
        """Title, tree, notes."""
        yield TitleLine(ascii=self.app_state.ascii, id="title")
        yield RecordTable[WorkerRow](COLUMNS, id="table")
        block = TextBlock(ascii=self.app_state.ascii, id="worker-notes")
        block.styles.height = NOTE_LINES
        yield block

    @property
    def table(self) -> RecordTable[WorkerRow]:
        """The tree."""
        return self.query_one("#table", RecordTable)

    @property
    def processes(self) -> tuple[Process, ...]:
        """As of the last poll."""
        overview = self.snapshot.overview
        return () if overview is None else tuple(overview.processes)

    @property
    def folded(self) -> set[str]:
        """Whose jobs are hidden."""
        if self._folded is None:
            return {process.identity for process in self.processes} if len(self.processes) > MOST_UNFOLDED else set()
        return self._folded

    def on_mount(self) -> None:
        """Keys go to the tree."""
        self.table.focus()

    # Reading

    async def read(self, server: str) -> tuple[Work, ...]:
        """The work of the processes that the last poll saw."""
        handle = self.app_state.registry.server(server)
        shown = [process.identity for process in self.processes]
        if len(shown) > MOST_UNFOLDED:
            shown = [identity for identity in shown if identity not in self.folded][:MOST_UNFOLDED]
        found = await handle.work(shown) if shown else ()
        self._read_usual(server, frozenset(one.job.display_class or "" for one in found))
        return found

    def restart(self) -> None:
        """Another server has other processes."""
        self.workers.cancel_group(self, "usual")
        self._folded, self._usual, self._usual_at = None, {}, None
        self.table.restart()

    def on_screen_suspend(self) -> None:
        """Nothing is read for what is not seen."""
        self.workers.cancel_group(self, "usual")

    @work(group="usual", exclusive=True, exit_on_error=False)
    async def _read_usual(self, server: str, classes: frozenset[str]) -> None:
        now = self.app_state.now()
        known = classes <= self._usual_of
        if not classes or (known and self._usual_at is not None and now - self._usual_at < USUAL_SECONDS):
            return
        try:
            found = await self.app_state.registry.server(server).usual_times(sorted(classes))
        except SidekiqError:
            return  # then nothing is marked but what runs for an hour
        if server == self.server:
            self._usual, self._usual_of, self._usual_at = found, classes, now
            if self.is_front:
                self.draw()

    # Keys

    def reason_against(self, action: Action) -> str | None:
        """What needs rows, and what needs a job."""
        match action.id:
            case "filter" | "save-filter" | "pick-filter":
                return None if self.processes else NO_ROWS
            case "copy-jid" | "copy-json":
                return None if isinstance(self.table.current, WorkRow) else "this is no job"
            case "fold-process" | "fold-all" | "unfold" | "unfold-all":
                return NO_ROWS if self.table.empty else None
        return reason_against_empty(self.table, action)

    @property
    def filter_text(self) -> str:
        """The words that rows must have."""
        return self._filter

    def apply_filter(self, text: str) -> None:
        """Keeps the processes and jobs that have all words; asks no server."""
        self._filter = text.strip()
        self.redraw()

    def clear(self) -> bool:
        """`esc` clears the filter."""
        cleared = bool(self._filter)
        if cleared:
            self.apply_filter("")
        return cleared

    def action_filter(self) -> None:
        """Asks for words."""
        before = self._filter

        def done(text: str | None) -> None:
            self.apply_filter(before if text is None else text)

        self.ask("/", before, done, (Span("process, tag, queue, class or JID", "muted"),), self.apply_filter)

    def action_sort_next(self) -> None:
        """By name, trouble, threads, memory, longest job."""
        at = ORDERS.index(cast(WorkerOrder, self._order.key))
        self._order = Order(ORDERS[(at + 1) % len(ORDERS)])
        self.redraw()

    def action_sort_reverse(self) -> None:
        """The other way round."""
        self._order = self._order.reversed()
        self.redraw()

    def action_unfold(self) -> None:
        """Shows the jobs of the process; where they are shown, goes to the first."""
        row = self.table.current
        if not isinstance(row, ProcessRow):
            return
        if row.process.identity in self.folded:
            self._fold(self.folded - {row.process.identity})
        else:
            self.table.action_cursor_down()

    def action_fold(self) -> None:
        """Hides the jobs of the process; on one of them, goes to the process."""
        row = self.table.current
        if isinstance(row, ProcessRow):
            self._fold(self.folded | {row.process.identity})
        elif isinstance(row, WorkRow) and row.process is not None:
            found = self._rows().index_of((row.process.identity,), self.table.cursor)
            if found is not None:
                self.table.place(found)

    def action_unfold_all(self) -> None:
        """Shows all jobs."""
        self._fold(set())

    def action_fold_all(self) -> None:
        """Hides all jobs."""
        self._fold({process.identity for process in self.processes})

    def action_copy_jid(self) -> None:
        """The JID of the job under the cursor."""
        if isinstance(row := self.table.current, WorkRow):
            copy_jids(self, [row.work.job])

    def action_copy_json(self) -> None:
        """Its payload."""
        if isinstance(row := self.table.current, WorkRow):
            copy_json(self, [row.work.job])

    def _fold(self, folded: set[str]) -> None:
        shown_more = bool(self.folded - folded)
        self._folded = folded
        self.draw()
        if shown_more and len(self.processes) > MOST_UNFOLDED:
            self.refresh_now()

    @on(RecordTable.Opened)
    def _opened_row(self) -> None:
        row = self.table.current
        if isinstance(row, ProcessRow):
            identity = row.process.identity
            self._fold(self.folded ^ {identity})
        elif isinstance(row, WorkRow):
            from sidekiq_tui.tui.screens.job import open_job

            open_job(self, self.server, row.work.job)

    @on(RecordTable.Moved)
    def _moved(self) -> None:
        if self.is_front:
            self._draw_title()
            self.refresh_footer()

    # Drawing

    def draw(self) -> None:
        """Title, tree, notes."""
        context = replace(context_of(self.app_state), folded=frozenset(self.folded))
        self.table.set_columns(worker_columns(self.app_state.time_mode))
        rows = self._rows()
        self.table.show(
            rows,
            context,
            sorted_by=self._order.heading,
            stale=self.away,
            notice=self._notice() if not rows.size else (),
        )
        lines = NOTE_LINES if self.app.size.height >= LOW else 1
        block = self.query_one("#worker-notes", TextBlock)
        block.styles.height = lines
        overview = self.snapshot.overview
        found: list[Cell] = []
        if self.error is not None and overview is not None and self.processes:
            found.append(denied_line("Jobs in progress", reason(self.error), context.glyphs))
        if overview is not None and not self.away:
            found += notes(overview, self._jobs(), context)
        block.put([(Span(" "), *note) for note in fitted(found, lines)])
        self._draw_title()

    def _rows(self) -> StaticRows[WorkerRow]:
        processes, found = self._kept()
        rows = worker_rows(
            processes,
            found,
            self.folded,
            usual=self._usual,
            order=cast(WorkerOrder, self._order.key),
            falling=self._order.falling,
            now=self.app_state.now(),
        )
        return StaticRows(rows, _row_key)

    def _kept(self) -> tuple[Sequence[Process], Sequence[Work]]:
        """What the filter leaves: a process that has the words with all its jobs, else those of its jobs that do."""
        processes, found = self.processes, self.found or ()
        if not self._filter:
            return processes, found
        whole = {process.identity for process in processes if matches(process, self._filter)}
        kept = [one for one in found if one.identity in whole or matches(one, self._filter)]
        with_jobs = whole | {one.identity for one in kept}
        return [process for process in processes if process.identity in with_jobs], kept

    def _jobs(self) -> list[WorkRow]:
        rows = worker_rows(self.processes, self.found or (), usual=self._usual)
        return [row for row in rows if isinstance(row, WorkRow)]

    def _notice(self) -> list[Cell]:
        name, overview = display_text(self.server), self.snapshot.overview
        glyphs = context_of(self.app_state).glyphs
        if overview is None:
            return [(Span(f"Nothing known of {name} yet.", "muted"),)]
        if (denied := overview.denied.get("processes")) is not None:
            return [denied_line("Workers", denied, glyphs)]
        if self._filter and self.processes:
            return [
                (
                    Span("Nothing matches ", "strong"),
                    Span(display_text(self._filter), "accent"),
                    Span(f"  {units.count(len(self.processes))} processes.  ", "muted"),
                    Span("esc", "key"),
                    Span(" clears the filter", "muted"),
                )
            ]
        return [
            (Span(f"No processes on {name}: nothing runs jobs.", "strong"),),
            (Span("A process comes here with its first heartbeat.", "muted"),),
        ]

    def _draw_title(self) -> None:
        state, wide = self.app_state, self.size.width >= WIDE
        context = context_of(state)
        left = title_left(self.processes, wide, context)
        age = self.snapshot.age(state.now())
        if state.scope is None:
            left.insert(1, Span(f" on {display_text(self.server)}", "muted"))
        if self._filter:
            left += [Span("  filter ", "muted"), Span(display_text(self._filter), "accent")]
        if self.away and age is not None:
            left.append(Span(f"  as of {units.age(age)} ago", "warn"))
        elif self.slow and self.found is None:
            left.append(Span("  reading what they run …", "muted"))
        shown = range_spans(self.table, self._rows().size)
        longest = title_right(self._jobs(), state.now()) if wide or not shown else []
        self.query_one("#title", TitleLine).show(left, [*shown, *([Span("  ")] if shown and longest else []), *longest])
        row = self.table.current
        self.note([] if row is None else about(row, context))


def _row_key(row: WorkerRow) -> Hashable:
    if isinstance(row, ProcessRow):
        return (row.process.identity,)
    return (row.work.identity, row.work.tid, row.work.job.raw)
