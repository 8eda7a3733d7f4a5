"""The dashboard of the scope: what runs, what fails, what waits, and who works on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.geometry import Region
from textual.message import Message
from textual.widget import Widget

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Column, Context, Span
from sidekiq_tui.presentation.columns.queues import QUEUES, SERVER, QueueRow, queue_rows
from sidekiq_tui.presentation.glyphs import glyph_set
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.tui.actions import Action, bindings
from sidekiq_tui.tui.actions.dashboard import DASHBOARD
from sidekiq_tui.tui.actions.lists import LIST, SORT
from sidekiq_tui.tui.actions.operations import NEW_JOBS, PASTE, QUEUE_CHANGES, STATISTICS
from sidekiq_tui.tui.screens import dashboard_panels as panels
from sidekiq_tui.tui.screens.base import ViewScreen
from sidekiq_tui.tui.screens.dashboard_layout import DAYS, WEEKS, Places, dashboard_layout, history_places
from sidekiq_tui.tui.screens.dashboard_titles import (
    PANELS,
    PERIODS,
    QUEUE_PERIOD,
    USUAL_PERIOD,
    choice_spans,
    failed_title,
    failures_title,
    fitting_period,
    history_title,
    processed_title,
    queues_title,
)
from sidekiq_tui.tui.screens.days import Days, read_days
from sidekiq_tui.tui.screens.listing import context_of, left_out, reason_against_empty
from sidekiq_tui.tui.screens.queue_list import open_queue, queue_key, queue_subject, queues_notice
from sidekiq_tui.tui.screens.scope_view import Samples, ScopeView
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.subject import Subject
from sidekiq_tui.tui.widgets.board import Board
from sidekiq_tui.tui.widgets.line import Line
from sidekiq_tui.tui.widgets.line_chart import GUTTER, LineChart
from sidekiq_tui.tui.widgets.record_table import RecordTable
from sidekiq_tui.tui.widgets.rows import StaticRows
from sidekiq_tui.tui.widgets.sorting import Order, in_order, next_order
from sidekiq_tui.tui.widgets.text_block import TextBlock
from sidekiq_tui.tui.widgets.title_line import TitleLine

HISTORY_SECONDS: Final = 300.0
"""How long the counters of the days are good for."""
RETRY_SECONDS: Final = 10.0
"""After this they are read again if they could not be."""
RISING: Final = frozenset({"queue", "server"})

_BY_KEY: Final = {column.key: column for column in QUEUES}
_SIDE: Final = ("queue", "size", "latency", "served")
_FULL: Final = ("queue", "size", "latency", "trend", "served", "state")
_FULL_CELLS: Final = 56


class DashboardScreen(ViewScreen):
    """One server, or all of them added up."""

    view: ClassVar[str] = "dashboard"
    scopes: ClassVar[tuple[str, ...]] = (LIST, SORT, DASHBOARD, QUEUE_CHANGES, PASTE, NEW_JOBS, STATISTICS)
    BINDINGS = bindings(SORT, DASHBOARD, QUEUE_CHANGES, PASTE, NEW_JOBS, STATISTICS)

    @dataclass
    class DaysRead(Message):
        """The counters of the days arrived."""

        days: Days

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self._order = Order("latency", True)
        self._period = USUAL_PERIOD
        self._chosen = False
        self._panels: dict[bool, str] = {}
        self._places: dict[str, Region] = {}
        self._days: Days | None = None
        self._reading: tuple[object, ...] = ()
        self._drawn_for: tuple[object, ...] = ()

    def body(self) -> ComposeResult:
        """Charts, queues, facts."""
        yield Board(*self.parts(), id="board")

    def parts(self) -> Sequence[Widget]:
        """What the board holds."""
        ascii = self.app_state.ascii
        return (
            TitleLine(ascii=ascii, id="processed-title"),
            LineChart(units.rate, id="processed"),
            TitleLine(ascii=ascii, id="failed-title"),
            LineChart(units.rate, role="chart-bad", id="failed"),
            TitleLine(ascii=ascii, id="queues-title"),
            RecordTable[QueueRow](QUEUES, id="table"),
            TextBlock(ascii=ascii, id="workers"),
            TextBlock(ascii=ascii, id="redis"),
            Line(id="rule"),
            TitleLine(ascii=ascii, id="panel-title"),
            LineChart(units.count, id="days"),
            TitleLine(ascii=ascii, id="days-failed-title"),
            LineChart(units.count, role="chart-bad", id="days-failed"),
            TextBlock(ascii=ascii, id="trends"),
            TextBlock(ascii=ascii, id="today"),
            TextBlock(ascii=ascii, id="facts"),
        )

    @property
    def table(self) -> RecordTable[QueueRow]:
        """The list of queues."""
        return self.query_one("#table", RecordTable)

    @property
    def front(self) -> RecordTable[Any]:
        """The list that keys go to."""
        return self.table

    @property
    def across(self) -> bool:
        """Whether it shows several servers."""
        return self.app_state.scope is None

    @property
    def panels(self) -> tuple[str, ...]:
        """What the lower half can show."""
        return PANELS

    @property
    def panel(self) -> str:
        """What it shows: the first, until somebody chooses another; for one server and for several apart."""
        return self._panels.get(self.across, self.panels[0])

    @property
    def has_panels(self) -> bool:
        """Whether there is room for them."""
        return "panel-title" in self._places

    def on_mount(self) -> None:
        """Keys go to the queues."""
        self.table.focus()

    def on_screen_suspend(self) -> None:
        """Nothing is read for a screen that is not seen."""
        self.workers.cancel_group(self, "days")
        self._reading = ()

    def show(self, snapshots: Mapping[str, ServerSnapshot]) -> None:
        """Draws everything from the snapshots of the scope."""
        state = self.app_state
        view = ScopeView(tuple(state.in_scope.values()), state.now())
        context = context_of(state)
        rows = [row for one in view.snapshots for row in queue_rows(one, server=state.scope is None)]
        self._arrange(len(rows))
        if not self._chosen:
            self._period = fitting_period(view)
        if self._drawn_for != (state.names, self._period):
            self._drawn_for = (state.names, self._period)
            self._restart()
        self._draw_queues(view, rows, context)
        self._draw_moving(view)
        if not view.away:
            self._read_days()

    def tick(self, now: float) -> None:
        """Charts move with the polls, or by themselves when there are none."""
        view = ScopeView(tuple(self.app_state.in_scope.values()), now)
        if view.away:
            self._draw_moving(view)

    def refresh_now(self) -> None:
        """Reads the days again too."""
        self._days, self._reading = None, ()
        self._read_days()

    def subject(self) -> Subject:
        """The queue under the cursor."""
        return queue_subject(self, self.table.current)

    def reason_against(self, action: Action) -> str | None:
        """Panels need room, and lists rows."""
        if action.id in ("panel-next", "panel-previous") and not self.has_panels:
            return "the terminal is too small for it"
        return reason_against_empty(self.front, action)

    # Keys

    def action_period(self, step: int) -> None:
        """Shorter or longer charts."""
        self._period = max(0, min(self._period + step, len(PERIODS) - 1))
        self._chosen = True
        self.redraw()

    def action_panel(self, step: int) -> None:
        """Another chart in the lower half."""
        if self.has_panels:
            place = self.panels.index(self.panel) + step
            self._panels[self.across] = self.panels[place % len(self.panels)]
            self._restart()
            self.redraw()

    def action_sort_next(self) -> None:
        """The queues by the next column."""
        self._order = next_order(self._order, self._columns(), self.table.columns_shown, RISING)
        self.redraw()

    def action_sort_reverse(self) -> None:
        """The other way round."""
        self._order = self._order.reversed()
        self.redraw()

    @on(RecordTable.Opened)
    def _row_opened(self) -> None:
        self.open_row()

    def open_row(self) -> None:
        """Opens the queue under the cursor."""
        row = self.table.current
        if row is not None:
            open_queue(self, row)

    @on(RecordTable.Moved)
    def _cursor_moved(self) -> None:
        if self.is_front:
            self.draw_note()

    @on(Board.Resized)
    def _resized(self) -> None:
        self.redraw()

    # The days

    @property
    def _weekly(self) -> bool:
        return self.panel == "weeks"

    def _read_days(self) -> None:
        state, days = self.app_state, self._days
        count = WEEKS * 7 if self._weekly else DAYS
        wanted = (state.names, count)
        if state.frozen or self._reading == wanted or self._places.keys().isdisjoint(("panel-title", "facts")):
            return
        good_for = RETRY_SECONDS if days is not None and days.error else HISTORY_SECONDS
        short = days is not None and not days.error and len(days.days) < count
        if days is None or days.names != state.names or short or state.now() - days.read_at >= good_for:
            self._reading = wanted
            self._load_days(count)

    @work(group="days", exclusive=True, exit_on_error=False)
    async def _load_days(self, count: int) -> None:
        state = self.app_state
        days = await read_days(state.fleet, count, state.now())
        self.post_message(self.DaysRead(days))

    def on_dashboard_screen_days_read(self, message: DaysRead) -> None:
        """Draws the days, if they are still those of the scope."""
        self._reading = ()
        if message.days.names == self.app_state.names:
            self._days = message.days
            self.redraw()

    # Drawing

    def _columns(self) -> tuple[Column[QueueRow], ...]:
        """What the list has room for, and the server where there are several."""
        place = self._places.get("table", Region())
        keys = _FULL if place.width >= _FULL_CELLS else _SIDE
        columns = tuple(_BY_KEY[key] for key in keys)
        return (SERVER, *columns) if self.app_state.scope is None else columns

    def _arrange(self, queues: int) -> None:
        board = self.query_one(Board)
        size = board.size
        self._places = self.layout_of(size.width, size.height, queues)
        panel = self._places.pop("panel", None)
        if panel is not None and self.panel == "latency":
            self._places["latency"] = panel
            self._mount_plot(board)
        elif panel is not None:
            self._places |= history_places(panel, WEEKS if self._weekly else DAYS)
        board.lay_out(self._places)
        self.table.set_columns(self._columns())
        if "rule" in self._places:
            rule = glyph_set(self.app_state.ascii).rule
            self.query_one("#rule", Line).put((Span(rule * size.width, "rule"),))

    def layout_of(self, width: int, height: int, queues: int) -> Places:
        """Where the parts stand."""
        return dashboard_layout(width, height, queues, spanning=self.across)

    def _mount_plot(self, board: Board) -> None:
        if board.query("#latency"):
            return
        from sidekiq_tui.tui.widgets.plot import LinesPlot  # plotext is slow to load

        board.mount(LinesPlot(units.duration, id="latency"))

    def _restart(self) -> None:
        for chart in ("#processed", "#failed", "#days", "#days-failed"):
            self.query_one(chart, LineChart).restart()

    def _draw_queues(self, view: ScopeView, rows: list[QueueRow], context: Context) -> None:
        ordered = in_order(rows, self._columns(), self._order, context)
        rows_now: StaticRows[QueueRow] = StaticRows(ordered, queue_key)
        self.table.show(
            rows_now,
            context,
            sorted_by=self._order.heading,
            stale=view.away,
            notice=queues_notice(view, context),
        )
        self.query_one("#queues-title", TitleLine).show(queues_title(view, rows))
        self.draw_note()

    def draw_note(self) -> None:
        """What the row under the cursor has besides."""
        row = self.table.current
        context = context_of(self.app_state)
        self.note([] if row is None else left_out(self.table, QUEUES, row, context))

    def _draw_moving(self, view: ScopeView) -> None:
        """Everything but the queues and the days: it changes with time too."""
        ascii, places = self.app_state.ascii, self._places
        period, name, times = PERIODS[self._period]
        if "processed" in places:
            self._draw_rates(view, period, times)
        today = self._days.today if self._days is not None and self._days.names == self.app_state.names else None
        if "facts" in places:
            facts = panels.facts_lines(view, today, period, places["facts"].width - 1, ascii)
            self.query_one("#facts", TextBlock).put(facts)
            return
        self.query_one("#workers", TextBlock).put(panels.workers_lines(view, ascii))
        self.query_one("#redis", TextBlock).put(panels.redis_lines(view, ascii))
        if "trends" in places:
            self.query_one("#trends", TextBlock).put(panels.trends_lines(view, period, ascii, name))
            error = self._days.error if self._days is not None else ""
            self.query_one("#today", TextBlock).put(panels.today_lines(view, today, error))
            self._draw_panel(view)

    def _draw_rates(self, view: ScopeView, period: float, times: tuple[str, ...]) -> None:
        ascii, glyphs = self.app_state.ascii, glyph_set(self.app_state.ascii)
        place = self._places["processed"]
        columns = place.width - GUTTER
        processed = view.points("processed", period, columns)
        failed = view.points("failed", period, columns)
        self.query_one("#processed", LineChart).show(processed, stale=view.away, ascii=ascii)
        self.query_one("#failed", LineChart).show(failed, times, stale=view.away, ascii=ascii)
        choices = choice_spans([name for _, name, _ in PERIODS], self._period)
        title = processed_title(view, processed, place.width >= 70, glyphs)
        self.query_one("#processed-title", TitleLine).show(title, choices)
        self.query_one("#failed-title", TitleLine).show(failed_title(view, failed, period))

    def _draw_panel(self, view: ScopeView) -> None:
        choices = choice_spans(self.panels, self.panels.index(self.panel))
        title = self.query_one("#panel-title", TitleLine)
        if "days" in self._places:
            title.show(history_title(self._weekly), choices)
            self._draw_days()
        elif self.query("#latency"):
            self._draw_latency(view, title, choices)

    def _draw_days(self) -> None:
        known = self._days is not None and self._days.names == self.app_state.names
        weekly, ascii = self._weekly, self.app_state.ascii
        bars = WEEKS if weekly else DAYS
        shown = self._days.last(bars, 7 if weekly else 1) if self._days is not None and known else ()
        each = (self._places["days"].width - GUTTER) // bars
        times = [f"{shown[index].date:%b %-d}" for index in (0, len(shown) // 2)] if shown else ["", ""]
        times.append("now" if weekly else "today")
        processed: Samples = [day.processed for day in shown]
        failed: Samples = [day.failed for day in shown]
        split = "days-failed" in self._places
        self.query_one("#days", LineChart).show(_bars(processed, bars, each), () if split else times, ascii=ascii)
        if split:
            self.query_one("#days-failed-title", TitleLine).show(failures_title(weekly, processed, failed))
            self.query_one("#days-failed", LineChart).show(_bars(failed, bars, each), times, ascii=ascii)

    def _draw_latency(self, view: ScopeView, title: TitleLine, choices: list[Span]) -> None:
        from sidekiq_tui.tui.widgets.plot import MOST_LINES, LinesPlot, PlotLine, legend

        period, name, times = PERIODS[min(self._period, QUEUE_PERIOD)]
        columns = max(2, self._places["latency"].width - GUTTER)
        several = len(view.snapshots) > 1
        slowest = sorted(
            ((queue, one) for one in view.snapshots if one.overview is not None for queue in one.overview.queues),
            key=lambda pair: (-(pair[0].latency or 0.0), pair[0].name),
        )[:MOST_LINES]
        lines = [
            PlotLine(
                f"{one.server}/{queue.name}" if several else queue.name,
                one.series.queue_points(queue.name, "latency", period, columns, view.now),
            )
            for queue, one in slowest
        ]
        # Queues without any wait would only hide the others' legend.
        lines = [line for line in lines if any(line.samples)] or lines[:1]
        title.show((Span(f"Latency {name}  ", "title"), *legend(lines)), choices)
        self.query_one("#latency", LinesPlot).show(lines, times, ascii=self.app_state.ascii)


def _bars(samples: Samples, bars: int, each: int) -> Samples:
    """Bars of `each` cells, the last one at the right edge."""
    padded: Samples = [*(None for _ in range(bars - len(samples))), *samples]
    return [sample for sample in padded for _ in range(each)]
