"""What changed: on a server or on all, newest first, under the line of the worst latency."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.geometry import Region
from textual.message import Message

from sidekiq_tui.errors import SqtuiError
from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Column, Span
from sidekiq_tui.presentation.columns.timeline import timeline_columns
from sidekiq_tui.presentation.glyphs import glyph_set
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.presentation.timeline import event_cell, operation_event
from sidekiq_tui.servers.background import call_in_daemon
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.servers.timeline_events import BASELINE, Event, Kind
from sidekiq_tui.tui.actions import Action, bindings
from sidekiq_tui.tui.actions.changes import CHANGES
from sidekiq_tui.tui.actions.lists import FILTER, LIST
from sidekiq_tui.tui.messages import GoTo
from sidekiq_tui.tui.screens.changes_layout import changes_layout, marks_line
from sidekiq_tui.tui.screens.dashboard_titles import PERIODS, choice_spans
from sidekiq_tui.tui.screens.listing import NO_ROWS, context_of, range_spans, reason_against_empty
from sidekiq_tui.tui.screens.scope_view import ScopeView
from sidekiq_tui.tui.screens.word_filter import WordFilter
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.widgets.board import Board
from sidekiq_tui.tui.widgets.line import Line
from sidekiq_tui.tui.widgets.line_chart import GUTTER, LineChart
from sidekiq_tui.tui.widgets.record_table import RecordTable
from sidekiq_tui.tui.widgets.rows import StaticRows
from sidekiq_tui.tui.widgets.title_line import TitleLine

EVERY_SECONDS: Final = 30.0
"""How often marks of deploys and the audit are read again while somebody looks."""
MOST_OPERATIONS: Final = 1000
_VIEWS: Final[Mapping[Kind, str]] = {
    "errors new": "errors", "errors gone": "errors", "operation": "audit",
    "started": "workers", "ended": "workers", "lost": "workers", "versions": "workers", "tags": "workers",
    "queues new": "queues", "queues gone": "queues", "paused": "queues", "resumed": "queues",
    "deploy": "metrics",
}  # fmt: skip


class ChangesScreen(WordFilter):
    """What this session and earlier ones saw change; asks servers only for the marks that deploys left."""

    view: ClassVar[str] = "changes"
    filter_hint: ClassVar[str] = "deploy, a host, a queue, an error, who"
    scopes: ClassVar[tuple[str, ...]] = (LIST, FILTER, CHANGES)
    BINDINGS = bindings(FILTER, CHANGES)

    @dataclass
    class Gathered(Message):
        """Deploys and operations are in the timeline."""

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self._period = 3
        self._rows: list[Event] = []
        self._count = 0
        self._read_at: float | None = None
        self._read_of: tuple[str, ...] = ()
        self._places: dict[str, Region] = {}

    def body(self) -> ComposeResult:
        """Title, chart with marks, list."""
        ascii = self.app_state.ascii
        yield Board(
            TitleLine(ascii=ascii, id="title"),
            TitleLine(ascii=ascii, id="chart-title"),
            Line(id="marks"),
            LineChart(units.duration, id="chart"),
            RecordTable[Event](timeline_columns(), id="table"),
            id="board",
        )

    @property
    def table(self) -> RecordTable[Event]:
        """The list."""
        return self.query_one("#table", RecordTable)

    @property
    def columns(self) -> tuple[Column[Event], ...]:
        """With the server where there are several."""
        state = self.app_state
        return timeline_columns(state.time_mode, server=state.scope is None)

    def on_mount(self) -> None:
        """Keys go to the list."""
        self.table.focus()

    # Reading

    def show(self, snapshots: Mapping[str, ServerSnapshot]) -> None:
        """Draws what is known; now and then reads what polls do not bring."""
        state = self.app_state
        for name in state.names:
            board = state.registry.server(name).errors.board
            if board is not None:
                state.timeline.see_errors(name, snapshots[name].profile.address, board)
        self._draw()
        now = state.now()
        due = self._read_at is None or now - self._read_at >= EVERY_SECONDS or self._read_of != state.names
        if due and not state.frozen:
            self._start()

    def tick(self, now: float) -> None:
        """Ages."""
        self._draw()

    def refresh_now(self) -> None:
        """Reads again."""
        self._start()

    def change_ended(self, server: str) -> None:
        """An operation more."""
        self._start()

    def _start(self) -> None:
        self._read_at, self._read_of = self.app_state.now(), self.app_state.names
        self._gather()

    @work(group="changes", exclusive=True, exit_on_error=False)
    async def _gather(self) -> None:
        state = self.app_state
        operations = state.operations
        if operations is not None:
            with contextlib.suppress(SqtuiError, OSError):  # the audit's own view says what is wrong with it
                rows = await call_in_daemon(lambda: operations.audited(None, MOST_OPERATIONS))
                known = set(state.servers)
                state.timeline.add_operations(one for one in map(operation_event, rows) if one.server in known)
        answers = await state.fleet.ask(lambda server: server.deploys(BASELINE))
        for name, marks in answers.values.items():
            state.timeline.see_deploys(name, state.snapshots[name].profile.address, marks)
        self.post_message(self.Gathered())

    def on_changes_screen_gathered(self, _: Gathered) -> None:
        """Draws them."""
        if self.is_front:
            self.redraw()

    # Keys

    def reason_against(self, action: Action) -> str | None:
        """What needs rows or room."""
        if action.id in ("filter", "save-filter", "pick-filter"):
            return None if self._count else NO_ROWS
        if action.id.startswith("changes-") and "chart" not in self._places:
            return "the terminal is too small for it"
        return reason_against_empty(self.table, action)

    def action_period(self, step: int) -> None:
        """A shorter or a longer chart."""
        if "chart" in self._places:
            self._period = min(max(0, self._period + step), len(PERIODS) - 1)
            self.query_one("#chart", LineChart).restart()
            self.redraw()

    @on(RecordTable.Opened)
    def _open(self) -> None:
        event = self.table.current
        if event is None:
            return
        view = _VIEWS.get(event.kind, "dashboard")
        named = event.kind in ("errors new", "paused", "resumed", "queues new") and event.names
        self.post_message(GoTo(view, event.server, filter=event.names[-1] if named else ""))

    @on(RecordTable.Moved)
    def _moved(self) -> None:
        if self.is_front:
            self._draw_chart()
            self._draw_around()

    @on(Board.Resized)
    def _resized(self) -> None:
        self.redraw()

    # Drawing

    def _draw(self) -> None:
        state, context = self.app_state, context_of(self.app_state)
        board = self.query_one(Board)
        self._places = changes_layout(board.size.width, board.size.height)
        board.lay_out(self._places)
        every = state.timeline.events(state.names)
        self._count = len(every)
        self._rows = [event for event in every if self.wanted(self._text(event))]
        self.table.set_columns(self.columns)
        rows: StaticRows[Event] = StaticRows(self._rows, lambda event: event.key)
        self.table.show(rows, context, notice=() if self._rows else self._notice())
        self._draw_chart()
        self._draw_around()

    def _text(self, event: Event) -> str:
        told = "".join(span.text for span in event_cell(event, context_of(self.app_state)))
        return f"{event.server} {event.kind} {told}"

    def _notice(self) -> list[Cell]:
        if self._filter and self._count:
            words = Span(display_text(self._filter), "accent")
            clears = (Span("esc", "key"), Span(" clears the filter", "muted"))
            return [(Span("Nothing matches ", "strong"), words, Span(f"  {self._count:,} events.  ", "muted"), *clears)]
        return [
            (Span("Nothing has changed since sqtui first looked.", "strong"),),
            (Span("Deploys, processes, queues, errors and operations come here as they change.", "muted"),),
        ]

    def _draw_around(self) -> None:
        state = self.app_state
        spans = [Span(f"What changed {len(self._rows):,}", "title")]
        if state.scope is None:
            where = f"group {display_text(state.group, 20)}" if state.group else f"{len(state.names):,} servers"
            spans.append(Span(f"  on {where}", "muted"))
        if self._filter:
            spans += [Span("  filter ", "muted"), Span(display_text(self._filter), "accent")]
        self.query_one("#title", TitleLine).show(spans, range_spans(self.table, len(self._rows)))
        event, context = self.table.current, context_of(state)
        if event is None:
            self.note()
            return
        when = units.clock(event.at, context.now, utc=context.time_mode == "utc")
        self.note([Span(f"{when}  ", "muted"), *event_cell(event, context)])

    def _draw_chart(self) -> None:
        if "chart" not in self._places:
            return
        state = self.app_state
        now, glyphs = state.now(), glyph_set(state.ascii)
        view = ScopeView(tuple(state.in_scope.values()), now)
        period, _, times = PERIODS[self._period]
        columns = self._places["chart"].width - GUTTER
        samples = view.points("latency", period, columns)
        ticks: Sequence[str] = times
        if state.time_mode != "relative":
            ends = [now - period * (1 - index / (len(times) - 1)) for index in range(len(times))]
            ticks = tuple(units.clock(at, now, utc=state.time_mode == "utc") for at in ends)
        self.query_one("#chart", LineChart).show(samples, ticks, stale=view.away, ascii=state.ascii)
        marks = marks_line(self._rows, self.table.current, now=now, period=period, columns=columns, glyphs=glyphs)
        self.query_one("#marks", Line).put(marks)
        choices = choice_spans([name for _, name, _ in PERIODS], self._period)
        title = [Span("Worst latency ", "title"), Span(units.duration(view.points("latency", 60.0, 1)[0]), "strong")]
        self.query_one("#chart-title", TitleLine).show(title, choices)
