"""Metrics: which classes run, how long they take, how often they fail."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.geometry import Region
from textual.message import Message

from sidekiq_tui.errors import SqtuiError
from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.presentation.columns.metrics import METRICS as COLUMNS
from sidekiq_tui.presentation.columns.metrics import MetricsRow, metrics_rows
from sidekiq_tui.presentation.glyphs import glyph_set
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.sidekiq.histogram import Counts, Form, add_up
from sidekiq_tui.sidekiq.metrics import Metrics
from sidekiq_tui.tui.actions import Action, bindings
from sidekiq_tui.tui.actions.lists import FILTER, LIST, SORT
from sidekiq_tui.tui.actions.metrics import METRICS, METRICS_CHART
from sidekiq_tui.tui.screens.dashboard_titles import choice_spans
from sidekiq_tui.tui.screens.listing import NO_ROWS, left_out, range_spans, reason_against_empty
from sidekiq_tui.tui.screens.metrics_layout import list_layout
from sidekiq_tui.tui.screens.metrics_periods import PERIODS, Period, ticks
from sidekiq_tui.tui.screens.metrics_samples import Measure, rates, resample, unit_of
from sidekiq_tui.tui.screens.metrics_view import MetricsView, Source
from sidekiq_tui.tui.screens.metrics_words import age_spans, empty_notice, list_title, marks_spans, period_choices
from sidekiq_tui.tui.screens.word_filter import WordFilter
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.widgets.board import Board
from sidekiq_tui.tui.widgets.line import Line
from sidekiq_tui.tui.widgets.line_chart import GUTTER
from sidekiq_tui.tui.widgets.record_table import RecordTable
from sidekiq_tui.tui.widgets.rows import StaticRows
from sidekiq_tui.tui.widgets.sorting import Order, in_order, next_order
from sidekiq_tui.tui.widgets.title_line import TitleLine, fitting

RISING: Final = frozenset({"class"})
MINUTES_A_CLASS: Final = 60
"""Histograms read for a row at most, evenly over the period; its own screen reads all."""
NARROW: Final = 100
NARROWEST_RANGE: Final = 72
CHARTS: Final[tuple[tuple[str, str, Measure], ...]] = (
    ("time", "Run time", "ms"),
    ("runs", "Runs", "p"),
    ("failed", "Failures", "f"),
)


class MetricsScreen(WordFilter, MetricsView):
    """Every class that ran in the period, and the top ones over time."""

    filter_hint: ClassVar[str] = "part of a class's name"
    scopes: ClassVar[tuple[str, ...]] = (LIST, SORT, FILTER, METRICS, METRICS_CHART)
    BINDINGS = bindings(SORT, FILTER, METRICS, METRICS_CHART)

    @dataclass
    class Timed(Message):
        """How long the runs of some classes took."""

        source: Source
        of: Metrics
        counts: Mapping[str, Counts]

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self._order = Order("total", True)
        self._chart = 0
        self._rows: list[MetricsRow] = []
        self._counts: dict[str, Counts] = {}
        self._timed: set[str] = set()
        self._timing = False
        self._places: dict[str, Region] = {}

    def body(self) -> ComposeResult:
        """Title, list, chart."""
        ascii = self.app_state.ascii
        yield Board(
            TitleLine(ascii=ascii, id="title"),
            RecordTable[MetricsRow](COLUMNS, id="table"),
            Line(id="rule"),
            TitleLine(ascii=ascii, id="chart-title"),
            Line(id="marks"),
            id="board",
        )

    @property
    def table(self) -> RecordTable[MetricsRow]:
        """The list of classes."""
        return self.query_one("#table", RecordTable)

    def on_mount(self) -> None:
        """Keys go to the list."""
        self.table.focus()

    # Data

    async def read(self, period: Period) -> Metrics:
        """All classes, in two trips as a rule."""
        server = self.app_state.registry.server(self.server)
        return await server.top_metrics(minutes=period.minutes, hours=period.hours)

    async def histograms(
        self, wanted: Mapping[str, Collection[float]], forms: Collection[Form]
    ) -> Mapping[str, Mapping[float, Counts]]:
        """How long the runs of classes took, by minute. Raises SqtuiError."""
        return await self.app_state.registry.server(self.server).histograms(wanted, forms)

    @property
    def named(self) -> str:
        """What the frame does not name of what is shown."""
        return self.server if self.app_state.scope is None else ""

    def restart(self) -> None:
        """Run times are those of a server and a period."""
        self._counts, self._timed = {}, set()
        self.table.restart()

    def stop_reading(self) -> None:
        """Run times are not read for nobody either."""
        super().stop_reading()
        self.workers.cancel_group(self, "times")
        self._timing = False

    def on_metrics_view_arrived(self, message: MetricsView.Arrived) -> None:
        """The run times shown until now stay until those of this read are there."""
        if message.source == self._source:
            self._timed.clear()
        super().on_metrics_view_arrived(message)

    def _read_times(self) -> None:
        """Reads run times of the visible rows that have none of the last read; one trip or two, one at a time."""
        metrics = self.metrics
        if metrics is None or self._timing or self.app_state.frozen or not self.is_front or self.away:
            return
        first, last = self.table.window
        missing = [row.class_name for row in self._rows[first : last + 1] if row.class_name not in self._timed]
        if missing:
            self._timing = True
            self._load_times(metrics, missing)

    @work(group="times", exclusive=True, exit_on_error=False)
    async def _load_times(self, metrics: Metrics, classes: Collection[str]) -> None:
        source = self.source
        wanted = {name: metrics.minutes(name, MINUTES_A_CLASS) for name in classes}
        forms = metrics.forms
        try:
            found = await self.histograms(wanted, forms)
        except SqtuiError as error:
            found = {}  # the columns say `–`, the message line why
            self.say(display_text(f"run times can't be read: {error.message}"), "warn")
        counts = {name: add_up(found.get(name, {}).values()) for name in classes}
        self.post_message(self.Timed(source, metrics, counts))

    def on_metrics_screen_timed(self, message: Timed) -> None:
        """Draws the run times, if they are those of what is shown."""
        self._timing = False
        if message.source == self._source and message.of is self.metrics:
            self._counts.update(message.counts)
            self._timed.update(message.counts)
        self.redraw()

    # Keys

    def reason_against(self, action: Action) -> str | None:
        """A list needs rows, a chart room."""
        if action.id == "filter":
            return None if self.metrics is not None and self.metrics.jobs else NO_ROWS
        if action.id.startswith("metrics-chart") and "chart" not in self._places:
            return "the terminal is too small for it"
        return super().reason_against(action) or reason_against_empty(self.table, action)

    def action_sort_next(self) -> None:
        """By the next column."""
        self._order = next_order(self._order, COLUMNS, self.table.columns_shown, RISING)
        self.redraw()

    def action_sort_reverse(self) -> None:
        """The other way round."""
        self._order = self._order.reversed()
        self.redraw()

    def action_chart(self, step: int) -> None:
        """Another number in the chart."""
        if "chart" in self._places:
            self._chart = (self._chart + step) % len(CHARTS)
            self.redraw()

    @on(RecordTable.Opened)
    def _open(self) -> None:
        row = self.table.current
        if row is not None:
            from sidekiq_tui.tui.screens.metrics_class import MetricsClassScreen

            self.app.push_screen(MetricsClassScreen(self.app_state, self.server, row.class_name, self._period))

    @on(RecordTable.Moved)
    def _moved(self) -> None:
        if self.is_front:
            self._draw_title()
            self._draw_note()
            self._read_times()

    @on(Board.Resized)
    def _resized(self) -> None:
        self.redraw()

    # Drawing

    def draw(self) -> None:
        """Draws title, list and chart."""
        self._arrange()
        context = self.drawing
        every = metrics_rows(self.metrics, self._counts) if self.metrics is not None else []
        matching = [row for row in every if self.wanted(row.class_name)]
        self._rows = in_order(matching, COLUMNS, self._order, context)
        rows: StaticRows[MetricsRow] = StaticRows(self._rows, lambda row: row.class_name)
        notice = empty_notice(
            self.snapshot, self.period, self.metrics, self._error, self._filter, context, self.app_state.frozen
        )
        self.table.show(rows, context, sorted_by=self._order.heading, stale=self.away, notice=notice)
        self._draw_title()
        self._draw_note()
        self._draw_chart()
        self._read_times()

    def _arrange(self) -> None:
        board = self.query_one(Board)
        ran = self.metrics is not None and bool(self.metrics.jobs)
        self._places = list_layout(board.size.width, board.size.height, chart=ran)
        if "chart" in self._places and not board.query("#chart"):
            from sidekiq_tui.tui.widgets.plot import LinesPlot  # plotext is slow to load

            board.mount(LinesPlot(units.rate, id="chart"))
        board.lay_out(self._places)
        self.query_one("#rule", Line).put((Span(glyph_set(self.app_state.ascii).rule * board.size.width, "rule"),))

    def _draw_title(self) -> None:
        state = self.app_state
        age = None if self.metrics is None else state.now() - self.metrics.ends_at
        narrow = self.size.width < NARROW
        left = list_title(self.metrics, self._rows, self._filter, self.named, narrow)
        state_now = age_spans(self._slow, self.away, PERIODS[self._period], age)
        roomy = not narrow or (self.size.width >= NARROWEST_RANGE and not state_now)
        shown = range_spans(self.table, len(self._rows)) if roomy else []
        right = [*shown, Span("  " if shown else ""), *period_choices(self._period, self.snapshot)]
        kept = fitting(left, [*state_now, *right], self.size.width)
        self.query_one("#title", TitleLine).show([*kept, *state_now], right)

    def _draw_note(self) -> None:
        row = self.table.current
        self.note([] if row is None else left_out(self.table, COLUMNS, row, self.drawing))

    def _draw_chart(self) -> None:
        metrics = self.metrics
        if "chart" not in self._places or not self.query("#chart"):
            return
        from sidekiq_tui.tui.widgets.plot import MOST_LINES, LinesPlot, PlotLine, legend

        _, what, measure = CHARTS[self._chart]
        title = f"{what} {unit_of(metrics)[1]}"
        lines: list[PlotLine] = []
        if metrics is not None:
            columns = min(len(metrics.buckets) - 1, self._places["chart"].width - GUTTER)
            sums = {row.class_name: sum(metrics.jobs[row.class_name].series[measure].values()) for row in self._rows}
            top = sorted((name for name in sums if sums[name]), key=lambda name: (-sums[name], name))[:MOST_LINES]
            lines = [PlotLine(each, resample(rates(metrics, metrics.jobs[each], measure), columns)) for each in top]
            self.query_one("#marks", Line).put(marks_spans(metrics, self._places["marks"].width - GUTTER, GUTTER))
        choices = choice_spans([word for word, _, _ in CHARTS], self._chart)
        room = self._places["chart"].width - len(title) - sum(len(text) for text, _ in choices) - 6
        names = legend(lines, room)
        self.query_one("#chart-title", TitleLine).show((Span(f"{title}  ", "title"), *names), choices)
        plot = self.query_one("#chart", LinesPlot)
        plot.label = units.duration if measure == "ms" else units.rate
        plot.show(lines, ticks(self.period, metrics, self.app_state.time_mode), ascii=self.app_state.ascii)
