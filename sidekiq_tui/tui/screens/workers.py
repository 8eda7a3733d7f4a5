"""Workers: the processes, and under each the jobs that it runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Sequence
from dataclasses import replace
from time import perf_counter
from typing import ClassVar, Final, Literal, cast

from textual import on, work
from textual.app import ComposeResult

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Column, Context, Span
from sidekiq_tui.presentation.columns.worker_tree import (
    LONG_LEAST,
    GoneRow,
    ProcessRow,
    Tree,
    WorkerOrder,
    WorkerRow,
    WorkRow,
    tree_rows,
    worker_trees,
)
from sidekiq_tui.presentation.columns.workers import WORKERS as COLUMNS
from sidekiq_tui.presentation.columns.workers import worker_columns
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.servers.poller import COST_SHARE, MAX_INTERVAL
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.job import JobRecord
from sidekiq_tui.sidekiq.process import Process
from sidekiq_tui.sidekiq.replies import reason
from sidekiq_tui.sidekiq.work import Work
from sidekiq_tui.tui.actions import Action, bindings
from sidekiq_tui.tui.actions.job import COPY
from sidekiq_tui.tui.actions.lists import FILTER, LIST, SORT
from sidekiq_tui.tui.actions.operations import PROCESS_CHANGES
from sidekiq_tui.tui.actions.workers import WORKERS
from sidekiq_tui.tui.clipboard import copy_jids, copy_json
from sidekiq_tui.tui.screens.dashboard_panels import denied_line
from sidekiq_tui.tui.screens.listing import NO_ROWS, context_of, left_out, range_spans, reason_against_empty
from sidekiq_tui.tui.screens.read_view import ReadView
from sidekiq_tui.tui.screens.word_filter import WordFilter
from sidekiq_tui.tui.screens.workers_details import details
from sidekiq_tui.tui.screens.workers_siblings import WorkSiblings
from sidekiq_tui.tui.screens.workers_usual import UsualTimes
from sidekiq_tui.tui.screens.workers_words import ORDER_WORDS, about, fitted, matches, notes, title_left, title_right
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.subject import Subject
from sidekiq_tui.tui.widgets.record_table import RecordTable
from sidekiq_tui.tui.widgets.rows import StaticRows
from sidekiq_tui.tui.widgets.sorting import Order
from sidekiq_tui.tui.widgets.text_block import TextBlock
from sidekiq_tui.tui.widgets.title_line import TitleLine

Foot = Literal["notes", "details", "all notes"]
"""What stands under the tree."""
ORDERS: Final[tuple[WorkerOrder, ...]] = ("name", "state", "memory", "running", "threads", "beat", "version")
MOST_READ: Final = 200
"""With more processes all are folded at first, and only what the unfolded ones run is read: one round trip."""
READS_WEIGHED: Final = 3
"""The quickest of so many reads says what one costs: a slow moment of the line is no reason to look less often."""
GHOSTS_READ: Final = 50
"""Whose work is read too: so many died without a word only where something is very wrong."""
NOTE_LINES: Final = 3
LOW: Final = 30
"""Below this many lines there is one for notes."""
DETAIL_LINES: Final = 13
DETAIL_LINES_LOW: Final = 9
WIDE: Final = 100
NARROW: Final = 66
"""Below this many columns names give way, so that states are not cut."""


class WorkersScreen(WordFilter, ReadView[tuple[Work, ...]]):
    """Processes come with every poll; what is read here is what they run."""

    view: ClassVar[str] = "workers"
    filter_hint: ClassVar[str] = "process, tag, queue, class or JID"
    scopes: ClassVar[tuple[str, ...]] = (LIST, SORT, FILTER, COPY, WORKERS, PROCESS_CHANGES)
    BINDINGS = bindings(SORT, FILTER, COPY, WORKERS, PROCESS_CHANGES)
    every: ClassVar[float] = 1.0

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self._order = Order("name")
        self._folds: dict[str, set[str]] = {}
        self._foot: Foot = "notes"
        self._usual = UsualTimes()
        self._trees: tuple[Tree, ...] = ()
        self._all_jobs: tuple[WorkRow, ...] = ()
        self._matched: frozenset[str] = frozenset()
        self._rows: StaticRows[WorkerRow] = StaticRows()
        self._notes: tuple[Cell, ...] = ()
        self._costs: deque[float] = deque(maxlen=READS_WEIGHED)
        self.neighbours = WorkSiblings(self._jobs_shown, lambda row: self.table.place(row))

    def body(self) -> ComposeResult:
        """Title, tree, notes or details."""
        yield TitleLine(ascii=self.app_state.ascii, id="title")
        yield RecordTable[WorkerRow](COLUMNS, id="table")
        block = TextBlock(ascii=self.app_state.ascii, id="worker-notes")
        block.styles.height = NOTE_LINES
        yield block

    @property
    def table(self) -> RecordTable[WorkerRow]:
        """The tree."""
        return self.query_one("#table", RecordTable)

    def tree_columns(self, *, narrow: bool = False) -> tuple[Column[WorkerRow], ...]:
        """The columns of the tree."""
        return worker_columns(self.app_state.time_mode, narrow=narrow)

    @property
    def processes(self) -> tuple[Process, ...]:
        """As of the last poll."""
        overview = self.snapshot.overview
        return () if overview is None else overview.processes

    @property
    def ghosts(self) -> tuple[str, ...]:
        """Those that died without a word, as of the last poll."""
        overview = self.snapshot.overview
        return () if overview is None else overview.ghosts

    @property
    def folded(self) -> set[str]:
        """Whose jobs are hidden; what a person folded stays so, for each server."""
        if (known := self._folds.get(self.scope_key)) is not None:
            return known
        return {process.identity for process in self.processes} if len(self.processes) > MOST_READ else set()

    def on_mount(self) -> None:
        """Keys go to the tree."""
        self.table.focus()

    # Reading

    @property
    def pause(self) -> float:
        """With each poll; less often where it is dear, so that it takes a small share of the time."""
        return max(self.every, min(min(self._costs, default=0.0) / COST_SHARE, MAX_INTERVAL))

    async def read(self, server: str) -> tuple[Work, ...]:
        """The work of the processes that the last poll saw, and of those that are gone."""
        shown = [process.identity for process in self.processes]
        if len(shown) > MOST_READ:
            folded = self.folded
            shown = [identity for identity in shown if identity not in folded][:MOST_READ]
        shown += self.ghosts[:GHOSTS_READ]
        began = perf_counter()
        found = await self.app_state.registry.server(server).work(shown) if shown else ()
        self._costs.append(perf_counter() - began)
        self._ask_what_is_usual(server, found)
        return found

    def _ask_what_is_usual(self, server: str, found: Sequence[Work]) -> None:
        """Of the classes that may run long, and of the job under the cursor."""
        now = self.app_state.now()
        here = self.table.current
        jobs = [here.work.job] if isinstance(here, WorkRow) else []
        jobs += [one.job for one in found if one.run_at is not None and now - one.run_at > LONG_LEAST]
        due = self._usual.due((job.metrics_class or "" for job in jobs), now)
        if due:
            self._read_usual(server, due, self._usual)

    @work(group="usual", exclusive=True, exit_on_error=False)
    async def _read_usual(self, server: str, due: tuple[str, ...], usual: UsualTimes) -> None:
        now = self.app_state.now()
        try:
            usual.put(due, await self.app_state.registry.server(server).usual_times(due), now)
        except SidekiqError:
            usual.put(due, {}, now)  # without them what runs for an hour is long
        if usual is self._usual and self.is_front:
            self.draw()

    def restart(self) -> None:
        """Another server has other processes."""
        self.workers.cancel_group(self, "usual")
        self._usual = UsualTimes()
        self._costs.clear()
        self.table.restart()

    def on_screen_suspend(self) -> None:
        """Nothing is read for what is not seen."""
        self.workers.cancel_group(self, "usual")

    # Keys

    def reason_against(self, action: Action) -> str | None:
        """What needs rows, and what needs a job."""
        match action.id:
            case "filter" | "save-filter" | "pick-filter":
                return None if self.processes else NO_ROWS
            case "copy-jid" | "copy-json":
                return None if isinstance(self.table.current, WorkRow) else "this is no job"
            case "fold-process" | "fold-all" | "unfold" | "unfold-all" | "worker-details":
                return NO_ROWS if self.table.empty else None
        return reason_against_empty(self.table, action)

    def subject(self) -> Subject:
        """The process under the cursor, or the one of the job there, and all that are shown."""
        row = self.table.current
        identity = row.work.identity if isinstance(row, WorkRow) else None if row is None else identity_of(row)
        shown = tuple(tree.head.process for tree in self._trees if isinstance(tree.head, ProcessRow))
        return Subject(
            self.server,
            process=next((one for one in shown if one.identity == identity), None),
            processes=shown,
            narrowed=bool(self._filter),
            ghosts=self.ghosts,
            running=row.work.job if isinstance(row, WorkRow) else None,
        )

    def action_sort_next(self) -> None:
        """By name, trouble, memory, longest job, busy threads, heartbeat, version."""
        at = ORDERS.index(cast(WorkerOrder, self._order.key))
        key = ORDERS[(at + 1) % len(ORDERS)]
        self._order = Order(key, falling=key not in ("name", "version"))
        self._sorted()

    def action_sort_reverse(self) -> None:
        """The other way round."""
        self._order = self._order.reversed()
        self._sorted()

    def _sorted(self) -> None:
        self.redraw()
        self.say(f"processes by {ORDER_WORDS[cast(WorkerOrder, self._order.key)][self._order.falling]}", "muted")

    def action_details(self) -> None:
        """Under the tree: all about the row, then all notes where some are left out, then as before."""
        left_out = len(self._notes) > self._note_lines
        if self._foot == "notes":
            self._foot = "details"
        else:
            self._foot = "all notes" if self._foot == "details" and left_out else "notes"
        self.redraw()

    def action_unfold(self) -> None:
        """Shows the jobs of the process; where they are shown, goes to the first."""
        row = self.table.current
        if row is None or isinstance(row, WorkRow):
            return
        identity = identity_of(row)
        if identity in self.folded:
            self._fold(self.folded - {identity})
        elif isinstance(self._rows.get(self.table.cursor + 1), WorkRow):
            self.table.action_cursor_down()

    def action_fold(self) -> None:
        """Hides the jobs of the process; on one of them, goes to the process."""
        row = self.table.current
        if isinstance(row, WorkRow):
            self._go_to(row.work.identity)
        elif row is not None and identity_of(row) in self._matched:
            self.say("its jobs match the filter; esc clears it", "muted")
        elif row is not None:
            self._fold(self.folded | {identity_of(row)})

    def action_unfold_all(self) -> None:
        """Shows all jobs."""
        self._fold(set())

    def action_fold_all(self) -> None:
        """Hides all jobs; the cursor goes to the process of its job."""
        row = self.table.current
        self._fold({process.identity for process in self.processes} | {tree.identity for tree in self._trees})
        if isinstance(row, WorkRow):
            self._go_to(row.work.identity)

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
        self._folds[self.scope_key] = folded
        self.draw()
        self.refresh_footer()
        if shown_more and len(self.processes) > MOST_READ:
            self.refresh_now()

    def _go_to(self, identity: str) -> None:
        found = self._rows.index_of((identity,), self.table.cursor)
        if found is not None:
            self.table.place(found)

    def _jobs_shown(self) -> list[tuple[int, JobRecord]]:
        rows = ((index, self._rows.get(index)) for index in range(self._rows.size))
        return [(index, row.work.job) for index, row in rows if isinstance(row, WorkRow)]

    @on(RecordTable.Opened)
    def _opened_row(self) -> None:
        row = self.table.current
        if isinstance(row, WorkRow):
            from sidekiq_tui.tui.screens.job import open_job

            open_job(self, self.server, row.work.job, self.neighbours)
        elif row is not None and identity_of(row) in self.folded - self._matched:
            self.action_unfold()
        else:
            self.action_fold()

    @on(RecordTable.Moved)
    def _moved(self) -> None:
        if self.is_front:
            self._draw_around()
            self.refresh_footer()

    # Drawing

    def draw(self) -> None:
        """Title, tree, notes."""
        self._plant()
        folded = frozenset(self.folded) - self._matched
        rows = tree_rows(self._trees, folded)
        self._rows = StaticRows(rows, _row_key)
        self.table.set_columns(self.tree_columns(narrow=self.app.size.width < NARROW))
        self.table.show(
            self._rows,
            replace(context_of(self.app_state), folded=folded),
            sorted_by=self._order.heading,
            stale=self.away,
            notice=() if rows else self._notice(),
        )
        self._draw_around()

    def _plant(self) -> None:
        """The trees that the filter leaves, in order, all jobs, and what there is to note.

        A process that has the words stays with all its jobs, else with those of its jobs that do, unfolded.
        """
        every = worker_trees(
            self.processes,
            self.found or (),
            ghosts=self.ghosts,
            usual=self._usual.times,
            order=cast(WorkerOrder, self._order.key),
            falling=self._order.falling,
            now=self.app_state.now(),
        )
        self._all_jobs = tuple(job for tree in every for job in tree.jobs)
        self._trees, self._matched = every, frozenset()
        if self._filter:
            kept = [(tree, _with_words(tree, self._filter)) for tree in every]
            self._trees = tuple(left for _, left in kept if left is not None)
            self._matched = frozenset(left.identity for tree, left in kept if left is not None and left is not tree)
        self._notes = tuple(self._find_notes())

    def _draw_around(self) -> None:
        """Title, message line, and notes or details."""
        context = context_of(self.app_state)
        self._draw_title(context)
        row, columns = self.table.current, self.tree_columns()
        self.note([] if row is None else about(row, context, left_out(self.table, columns, row, context)))
        self._draw_foot(row, context)

    def _draw_foot(self, row: WorkerRow | None, context: Context) -> None:
        width = self.app.size.width
        lines = DETAIL_LINES if self.app.size.height >= LOW else DETAIL_LINES_LOW
        rule: Cell = (Span(" "), Span(context.glyphs.rule * (width - 2), "rule"))
        if self._foot == "details" and row is not None:
            shown = [rule, *details(row, context, width - 1, lines - 1)]
        elif self._foot == "all notes":
            shown = [rule, *((Span(" "), *note) for note in fitted(self._notes, lines - 1, width - 2, context))]
        else:
            lines = self._note_lines
            shown = [(Span(" "), *note) for note in fitted(self._notes, lines, width - 2, context)]
        block = self.query_one("#worker-notes", TextBlock)
        block.styles.height = lines
        block.put(shown)

    @property
    def _note_lines(self) -> int:
        return NOTE_LINES if self.app.size.height >= LOW else 1

    def _find_notes(self) -> list[Cell]:
        overview = self.snapshot.overview
        if overview is None:
            return []
        context = context_of(self.app_state)
        found: list[Cell] = []
        if self.error is not None and self.processes:
            found.append(denied_line("Jobs in progress", reason(self.error), context.glyphs))
        if not self.away:
            found += notes(overview, self._all_jobs, context)
        if len(self.processes) > MOST_READ and self.folded:
            found.append((Span(f"over {MOST_READ} processes: jobs are read where they are unfolded", "muted"),))
        return found

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

    def title_words(self, wide: bool, context: Context) -> list[Span]:
        """How many processes there are, and how busy they are."""
        overview = self.snapshot.overview
        known = overview is not None and overview.live_processes is not None
        return title_left(self.processes if known else None, wide, context)

    def _draw_title(self, context: Context) -> None:
        state, wide = self.app_state, self.app.size.width >= WIDE
        left = self.title_words(wide, context)
        age = self.snapshot.age(state.now())
        if self._filter:
            matching = sum(isinstance(tree.head, ProcessRow) for tree in self._trees)
            left = [left[0], Span("  filter ", "muted"), Span(display_text(self._filter), "accent")]
            left.append(Span(f"  {units.count(matching)} match", "strong"))
        if self.away and age is not None:
            left.append(Span(f"  as of {units.age(age)} ago", "warn"))
        elif self.slow and self.found is None:
            left.append(Span("  reading what they run …", "muted"))
        shown = range_spans(self.table, self._rows.size)
        longest = [] if self.away else title_right(self._all_jobs, state.now())
        if shown and not wide:
            longest = []
        self.query_one("#title", TitleLine).show(left, [*longest, *([Span("  ")] if shown and longest else []), *shown])


def _with_words(tree: Tree, words: str) -> Tree | None:
    """The tree itself if the process has the words, with those of its jobs that do, or nothing."""
    head = tree.head.process if isinstance(tree.head, ProcessRow) else tree.head.identity
    if matches(head, words):
        return tree
    jobs = tuple(job for job in tree.jobs if matches(job.work, words))
    return replace(tree, jobs=jobs) if jobs else None


def identity_of(row: ProcessRow | GoneRow) -> str:
    """The identity of a process, or of what is left of it."""
    return row.identity if isinstance(row, GoneRow) else row.process.identity


def _row_key(row: WorkerRow) -> Hashable:
    if isinstance(row, WorkRow):
        return (row.work.identity, row.work.tid, row.work.job.raw)
    return (identity_of(row),)
