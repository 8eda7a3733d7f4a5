"""Errors: what the jobs in retries and dead have in common, largest first, and what there is to know about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.geometry import Region
from textual.message import Message

from sidekiq_tui.errors import SqtuiError
from sidekiq_tui.operations.selection import Matching
from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Column, Span
from sidekiq_tui.presentation.columns.errors import ERRORS as COLUMNS
from sidekiq_tui.presentation.columns.errors import ErrorRow, error_columns, error_name, error_rows
from sidekiq_tui.presentation.glyphs import glyph_set
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.sidekiq.error_filter import group_matches, parse_group_filter
from sidekiq_tui.sidekiq.error_groups import MINUTE, MINUTES, TENS, Cause, ErrorGroup
from sidekiq_tui.sidekiq.errors import FilterError
from sidekiq_tui.sidekiq.filter import Filter
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.tui.actions import Action, bindings
from sidekiq_tui.tui.actions.errors import ERRORS
from sidekiq_tui.tui.actions.job import COPY
from sidekiq_tui.tui.actions.lists import FILTER, LIST, SORT
from sidekiq_tui.tui.actions.operations import JOB_CHANGES
from sidekiq_tui.tui.clipboard import copy_jids, copy_json
from sidekiq_tui.tui.screens.dashboard_titles import choice_spans
from sidekiq_tui.tui.screens.errors_layout import errors_layout
from sidekiq_tui.tui.screens.errors_reader import ErrorsReader
from sidekiq_tui.tui.screens.errors_words import SOON, details, empty_notice, title_left, title_right
from sidekiq_tui.tui.screens.listing import NO_ROWS, context_of, left_out, range_spans, reason_against_empty
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.subject import Subject
from sidekiq_tui.tui.widgets.board import Board
from sidekiq_tui.tui.widgets.line import Line
from sidekiq_tui.tui.widgets.line_chart import GUTTER, LineChart
from sidekiq_tui.tui.widgets.record_table import RecordTable
from sidekiq_tui.tui.widgets.rows import StaticRows
from sidekiq_tui.tui.widgets.sorting import Order, in_order, next_order
from sidekiq_tui.tui.widgets.text_block import TextBlock
from sidekiq_tui.tui.widgets.title_line import TitleLine, fitting

RISING: Final = frozenset({"class", "error", "in", "queue"})
PLACES: Final = (Place("retry"), Place("dead"))
"""Where failed jobs are."""


class ErrorsTable(RecordTable[ErrorRow]):
    """The list of groups. Enter also answers the question that stands in the place of rows."""

    def action_open(self) -> None:
        """Opens the group under the cursor, or says yes."""
        self.post_message(self.Opened())


class ErrorsScreen(ErrorsReader):
    """The groups of one server's failed jobs."""

    scopes: ClassVar[tuple[str, ...]] = (LIST, SORT, FILTER, COPY, ERRORS, JOB_CHANGES)
    BINDINGS = bindings(SORT, FILTER, COPY, ERRORS, JOB_CHANGES)

    @dataclass
    class Found(Message):
        """The job to copy; None if those known have left."""

        job: JobRecord | None
        as_json: bool

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self._order = Order("jobs", True)
        self._typed = ""
        self._filter: Filter | None = None
        self._rows: list[ErrorRow] = []
        self._places: dict[str, Region] = {}
        self._day = False
        self._charted: Cause | None = None
        self._footer_tells: int | None = None

    def body(self) -> ComposeResult:
        """Title, list, details, chart."""
        ascii = self.app_state.ascii
        yield Board(
            TitleLine(ascii=ascii, id="title"),
            ErrorsTable(COLUMNS, id="table"),
            Line(id="rule"),
            TextBlock(ascii=ascii, id="details"),
            TitleLine(ascii=ascii, id="chart-title"),
            LineChart(_whole, role="chart-bad", id="chart"),
            id="board",
        )

    @property
    def table(self) -> RecordTable[ErrorRow]:
        """The list."""
        return self.query_one("#table", RecordTable)

    @property
    def selected(self) -> ErrorGroup | None:
        """The group under the cursor."""
        row = self.table.current
        return None if row is None else row.group

    @property
    def columns(self) -> tuple[Column[ErrorRow], ...]:
        """The columns; points in time need more room."""
        return error_columns(self.app_state.time_mode)

    @property
    def named(self) -> str:
        """What the frame does not name of what is shown."""
        return self.server if self.app_state.scope is None else ""

    def on_mount(self) -> None:
        """Keys go to the list."""
        self.table.focus()

    def restart(self) -> None:
        """Another server has other groups."""
        self.table.restart()
        self._charted = None

    # Keys

    def reason_against(self, action: Action) -> str | None:
        """What needs a group, a read, or room."""
        match action.id:
            case "stop-scan":
                return None if self.reads_all else "nothing is being read"
            case "filter" | "save-filter" | "pick-filter":
                return None if self.board is not None and self.board.groups else NO_ROWS
            case "copy-jid" | "copy-json":
                return NO_ROWS if self.table.empty else "the server does not answer" if self.away else None
            case "errors-shorter" | "errors-longer" if "chart" not in self._places:
                return "the terminal is too small for it"
        return reason_against_empty(self.table, action)

    def subject(self) -> Subject:
        """All jobs of the group under the cursor, also those that were not read."""
        group = None if self.asked else self.selected
        if group is None:
            return Subject(self.server)
        matcher = self.app_state.registry.server(self.server).errors.matcher(group.cause)
        return Subject(self.server, Matching(PLACES, matcher), group.count, alive=group.retries)

    def change_ended(self, server: str) -> None:
        """Reads again what may be read unasked."""
        if server == self.server and self.is_front and not self.asked:
            self.refresh_now()

    @property
    def filter_text(self) -> str:
        """The filter in force."""
        return self._typed

    def apply_filter(self, text: str) -> None:
        """Keeps the groups that match; asks no server."""
        try:
            wanted = parse_group_filter(text.strip())
        except FilterError as error:
            self.say(display_text(f"{error.message}  {error.hint}".strip()), "bad")
            return
        self._typed, self._filter = text.strip(), None if wanted.empty else wanted
        self.redraw()

    def clear(self) -> bool:
        """`esc` says no to a question, else clears the filter."""
        if self.asked:
            self.answer(read=False)
            return True
        cleared = self._filter is not None
        if cleared:
            self.apply_filter("")
        return cleared

    def action_filter(self) -> None:
        """Asks which groups."""
        before = self._typed

        def done(text: str | None) -> None:
            self.apply_filter(before if text is None else text)

        def changed(text: str) -> None:
            try:
                parse_group_filter(text.strip())
            except FilterError:
                return  # half a word may mean nothing yet
            self.apply_filter(text)

        self.ask("/", before, done, (Span("words  class:  error:  queue:", "muted"),), changed)

    def action_sort_next(self) -> None:
        """By the next column."""
        self._order = next_order(self._order, self.columns, self.table.columns_shown, RISING)
        self.redraw()

    def action_sort_reverse(self) -> None:
        """The other way round."""
        self._order = self._order.reversed()
        self.redraw()

    def stop_scan(self) -> None:
        """Stops a full read and keeps what was read."""
        if self.reads_all:
            self.stop_reading()
            self.call_after_refresh(self._stopped)

    def _stopped(self) -> None:
        self._look()
        self.redraw()

    def action_span(self, day: int) -> None:
        """Two hours, or a day."""
        if "chart" in self._places:
            self._day = bool(day)
            self._charted = None
            self.redraw()

    def action_copy_jid(self) -> None:
        """The JID of the job that failed last."""
        self._copy(as_json=False)

    def action_copy_json(self) -> None:
        """Its payload."""
        self._copy(as_json=True)

    def _copy(self, *, as_json: bool) -> None:
        if self.selected is not None and not self.away:
            self._find(self.selected.cause, as_json)

    @work(group="copy", exclusive=True, exit_on_error=False)
    async def _find(self, cause: Cause, as_json: bool) -> None:
        try:
            job = await self.app_state.registry.server(self.server).error_job(cause)
        except SqtuiError as error:
            self.say(display_text(error.message), "warn")
        else:
            self.post_message(self.Found(job, as_json))

    def on_errors_screen_found(self, message: Found) -> None:
        """Copies what is still there."""
        if message.job is None:
            self.say("the jobs known of it have left both sets since; ctrl+r reads again", "warn")
        elif message.as_json:
            copy_json(self, [message.job])
        else:
            copy_jids(self, [message.job])

    @on(RecordTable.Opened)
    def _open(self) -> None:
        if self.asked:
            self.answer(read=True)
        elif (group := self.selected) is not None:
            from sidekiq_tui.tui.screens.found import FoundScreen

            matcher = self.app_state.registry.server(self.server).errors.matcher(group.cause)
            title = error_name(group, context_of(self.app_state)).text
            self.app.push_screen(
                FoundScreen(self.app_state, self.server, matcher, title=title, places=PLACES, view="errors")
            )

    @on(RecordTable.Moved)
    def _moved(self) -> None:
        if self.is_front:
            self._draw_title()
            self._draw_selected()

    @on(Board.Resized)
    def _resized(self) -> None:
        self.redraw()

    # Drawing

    def draw(self) -> None:
        """Draws title, list, and what depends on its cursor."""
        context = context_of(self.app_state)
        every = [] if self.board is None or self.asked else error_rows(self.board)
        wanted = self._filter
        matching = [row for row in every if wanted is None or group_matches(wanted, row.group)]
        self._rows = in_order(matching, self.columns, self._order, context)
        self._arrange()
        notice = empty_notice(self.snapshot, self.board, self.reading, self._typed, context)
        self.table.set_columns(self.columns)
        rows: StaticRows[ErrorRow] = StaticRows(self._rows, _cause)
        at_top = self.growing and self.table.cursor == 0
        self.table.show(
            rows,
            context,
            sorted_by=self._order.heading,
            stale=self.away,
            notice=notice,
        )
        if at_top:
            self.table.place(0)
        self._draw_title()
        self._draw_selected()

    def _arrange(self) -> None:
        board = self.query_one(Board)
        self._places = errors_layout(board.size.width, board.size.height, details=bool(self._rows))
        board.lay_out(self._places)
        if "rule" in self._places:
            rule = glyph_set(self.app_state.ascii).rule
            self.query_one("#rule", Line).put((Span(rule * board.size.width, "rule"),))

    def _draw_title(self) -> None:
        state, width = self.app_state, self.size.width
        context = context_of(state)
        left = title_left(self.board, len(self._rows), self._typed, self.named, width)
        right = title_right(self.board, self.reading, self.away, context, width)
        shown = range_spans(self.table, len(self._rows))
        right = [*shown, Span("  "), *right] if shown else right
        self.query_one("#title", TitleLine).show(fitting(left, right, width), right)

    def _draw_selected(self) -> None:
        row, board = self.table.current, self.board
        count = None if row is None else row.group.count
        if self._footer_tells != count:  # keys say how many jobs they would hit
            self._footer_tells = count
            self.refresh_footer()
        if row is None or board is None:
            self.note()
            return
        context = context_of(self.app_state)
        told = [column for column in self.columns if column.key != "share"]  # a meter is for comparing rows
        self.note(left_out(self.table, told, row, context))
        if "details" in self._places:
            runs = self.app_state.registry.server(self.server).errors.next_runs(row.group.cause, SOON)
            self.query_one("#details", TextBlock).put(details(row, board, runs, context))
        if "chart" in self._places:
            self._draw_chart(row.group, context.now)

    def _draw_chart(self, group: ErrorGroup, now: float) -> None:
        chart = self.query_one("#chart", LineChart)
        if self._charted != group.cause:
            self._charted = group.cause
            chart.restart()
        columns = self._places["chart"].width - GUTTER
        if self._day:
            cells = min(columns, TENS)
            samples, each, span = group.history.day(now, cells), TENS * 10 * MINUTE / cells, TENS * 10 * MINUTE
        else:
            cells = min(columns, MINUTES)
            samples, each, span = group.history.minutes(now, cells), MINUTE, cells * MINUTE
        reach, half = ("24h", "12h") if self._day else (units.age(span), units.age(span // 2))
        ticks = (f"{reach} ago", half, "now")
        chart.show(samples, ticks, stale=self.away, ascii=self.app_state.ascii)
        per = "minute" if each == MINUTE else units.age(each)
        self.query_one("#chart-title", TitleLine).show(
            (Span(f"failures per {per} ", "title"), Span(f"last {reach}", "muted")),
            choice_spans(("2h", "24h"), int(self._day)),
        )


def _whole(value: float) -> str:
    """The label of a chart of whole things: half a failure has none."""
    return units.count(value) if value == int(value) else ""


def _cause(row: ErrorRow) -> Cause:
    return row.group.cause
