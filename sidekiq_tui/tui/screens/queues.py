"""The queues of the scope, with what their history says: growing or shrinking, and when they are empty."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Column, Span
from sidekiq_tui.presentation.columns.queues import QUEUES, SERVER, QueueRow, queue_rows
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.tui.actions import Action, bindings
from sidekiq_tui.tui.actions.lists import FILTER, LIST, SORT
from sidekiq_tui.tui.actions.operations import NEW_JOBS, PASTE, QUEUE_CHANGES, QUEUE_ROWS, WHOLE_CHANGES
from sidekiq_tui.tui.screens.listing import NO_ROWS, context_of, left_out, range_spans, reason_against_empty
from sidekiq_tui.tui.screens.queue_list import open_queue, queue_key, queue_subject, queues_notice
from sidekiq_tui.tui.screens.scope_view import ScopeView
from sidekiq_tui.tui.screens.word_filter import WordFilter
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.subject import Subject
from sidekiq_tui.tui.widgets.record_table import RecordTable
from sidekiq_tui.tui.widgets.rows import StaticRows
from sidekiq_tui.tui.widgets.sorting import Order, in_order, next_order
from sidekiq_tui.tui.widgets.title_line import TitleLine

RISING = frozenset({"queue", "server"})


class QueuesScreen(WordFilter):
    """Every queue, also the empty ones; the filter is by name and asks no server."""

    view: ClassVar[str] = "queues"
    filter_hint: ClassVar[str] = "part of a queue's name"
    scopes: ClassVar[tuple[str, ...]] = (
        LIST,
        SORT,
        FILTER,
        QUEUE_CHANGES,
        PASTE,
        QUEUE_ROWS,
        WHOLE_CHANGES,
        NEW_JOBS,
    )
    BINDINGS = bindings(SORT, FILTER, QUEUE_CHANGES, PASTE, QUEUE_ROWS, WHOLE_CHANGES, NEW_JOBS)

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self._order = Order("queue")
        self._listed: Sequence[Any] = ()
        self._counts: tuple[int, int | None, int] = (0, None, 0)

    def body(self) -> ComposeResult:
        """Title and list."""
        yield TitleLine(ascii=self.app_state.ascii, id="title")
        yield RecordTable[QueueRow](QUEUES, id="table")

    @property
    def table(self) -> RecordTable[Any]:
        """The list."""
        return self.query_one("#table", RecordTable)

    @property
    def columns(self) -> tuple[Column[Any], ...]:
        """The columns: busy needs the work of every process, which is not read here."""
        columns: tuple[Column[Any], ...] = tuple(column for column in QUEUES if column.key != "busy")
        return (SERVER, *columns) if self.app_state.scope is None else columns

    def on_mount(self) -> None:
        """Keys go to the list."""
        self.table.focus()

    # What a row is.

    def rows_of(self, view: ScopeView) -> Sequence[Any]:
        """A row for each queue of each server."""
        several = self.app_state.scope is None
        return [row for one in view.snapshots for row in queue_rows(one, server=several)]

    def name_of(self, row: Any) -> str:
        """The queue's name."""
        name: str = row.summary.name
        return name

    def key_of(self, row: Any) -> Hashable:
        """The same row from one poll to the next."""
        return queue_key(row)

    def waits(self, row: Any) -> bool:
        """Whether jobs wait in it."""
        return bool(row.summary.size)

    def open_row(self, row: Any) -> None:
        """Shows the jobs of the queue."""
        open_queue(self, row)

    # Drawing.

    def show(self, snapshots: Mapping[str, ServerSnapshot]) -> None:
        """Draws the queues of the scope."""
        state = self.app_state
        view = ScopeView(tuple(state.in_scope.values()), state.now())
        context = context_of(state)
        every = self.rows_of(view)
        rows = [row for row in every if self.wanted(self.name_of(row))]
        self._listed = in_order(rows, self.columns, self._order, context)
        ordered: StaticRows[Any] = StaticRows(self._listed, self.key_of)
        notice: list[Cell] = queues_notice(view, context) if not every else [self._no_match(len(every))]
        self.table.set_columns(self.columns)
        self.table.show(ordered, context, sorted_by=self._order.heading, stale=view.away, notice=notice)
        known = len(every) if view.overviews else None
        self._counts = (len(rows), known, sum(map(self.waits, every)))
        self._draw_around()

    def tick(self, now: float) -> None:
        """The age of what is shown."""
        self._draw_around()

    def reason_against(self, action: Action) -> str | None:
        """A list needs rows."""
        if action.id == "filter":
            return None if self._counts[1] else NO_ROWS
        return reason_against_empty(self.table, action)

    def subject(self) -> Subject:
        """The queue under the cursor."""
        return queue_subject(self, self.table.current)

    def action_sort_next(self) -> None:
        """By the next column."""
        self._order = next_order(self._order, self.columns, self.table.columns_shown, RISING)
        self.redraw()

    def action_sort_reverse(self) -> None:
        """The other way round."""
        self._order = self._order.reversed()
        self.redraw()

    @on(RecordTable.Opened)
    def _open(self) -> None:
        if self.table.current is not None:
            self.open_row(self.table.current)

    @on(RecordTable.Moved)
    def _moved(self) -> None:
        if self.is_front:
            self._draw_around()

    def more_words(self) -> list[Span]:
        """What else the title says."""
        return []

    def title_right(self, shown: int) -> list[Span]:
        """Which rows are visible."""
        return range_spans(self.table, shown)

    def _no_match(self, count: int) -> Cell:
        return (
            Span("Nothing matches ", "strong"),
            Span(display_text(self._filter), "accent"),
            Span(f"  {units.count(count)} queues.  ", "muted"),
            Span("esc", "key"),
            Span(" clears the filter", "muted"),
        )

    def _draw_around(self) -> None:
        """Title and message line."""
        state = self.app_state
        view = ScopeView(tuple(state.in_scope.values()), state.now())
        shown, count, waiting = self._counts
        spans = [Span(f"Queues {units.count(count)}", "title")]
        age = view.snapshots[0].age(view.now) if len(view.snapshots) == 1 else None
        if view.away and age is not None:
            spans.append(Span(f"  as of {units.age(age)} ago", "warn"))
        if self._filter:
            spans += [Span("  filter ", "muted"), Span(display_text(self._filter), "accent")]
            spans.append(Span(f"  {units.count(shown)} match", "strong"))
        elif count is not None:
            spans.append(Span(f"  {units.count(waiting)} with a backlog", "muted"))
        self.query_one("#title", TitleLine).show(spans + self.more_words(), self.title_right(shown))
        row = self.table.current
        self.note([] if row is None else left_out(self.table, self.columns, row, context_of(state)))
