"""One class: how often it ran, how long that took, over time and run by run."""

from __future__ import annotations

from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.geometry import Region

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Context, Span
from sidekiq_tui.presentation.columns.metrics import MetricsRow
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.servers.across import read_job_metrics, total_of
from sidekiq_tui.sidekiq.filter import parse_filter
from sidekiq_tui.sidekiq.histogram import add_up
from sidekiq_tui.sidekiq.metrics import JobMetrics, Metrics
from sidekiq_tui.tui.actions import Action, bindings
from sidekiq_tui.tui.actions.metrics import METRICS, METRICS_CLASS
from sidekiq_tui.tui.breadcrumbs import trail_to
from sidekiq_tui.tui.messages import GoTo
from sidekiq_tui.tui.screens.dashboard_panels import denied_line
from sidekiq_tui.tui.screens.metrics_layout import class_layout
from sidekiq_tui.tui.screens.metrics_periods import PERIODS, Period, ticks
from sidekiq_tui.tui.screens.metrics_samples import Samples, mean_times, rates, resample, unit_of
from sidekiq_tui.tui.screens.metrics_view import MetricsView
from sidekiq_tui.tui.screens.metrics_words import (
    age_spans,
    deploy_lines,
    empty_notice,
    facts_lines,
    histogram_lines,
    marks_spans,
    period_choices,
)
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.widgets.board import Board
from sidekiq_tui.tui.widgets.line import Line
from sidekiq_tui.tui.widgets.line_chart import GUTTER, LineChart
from sidekiq_tui.tui.widgets.text_block import TextBlock
from sidekiq_tui.tui.widgets.title_line import TitleLine

NARROW: Final = 100
_CHARTS: Final = ("runs", "failed", "mean")


class MetricsClassScreen(MetricsView):
    """Charts over time, deploys on their axis, and the histogram of run times."""

    scopes: ClassVar[tuple[str, ...]] = (METRICS, METRICS_CLASS)
    BINDINGS = bindings(METRICS, METRICS_CLASS)

    def __init__(self, app_state: AppState, server: str, class_name: str, period: int = 0) -> None:
        super().__init__(app_state, period)
        self._opened_on = server
        self._class = class_name
        self._places: dict[str, Region] = {}

    def body(self) -> ComposeResult:
        """Everything has its place on a board."""
        ascii = self.app_state.ascii
        yield Board(
            TitleLine(ascii=ascii, id="title"),
            TextBlock(ascii=ascii, id="facts"),
            TitleLine(ascii=ascii, id="runs-title"),
            LineChart(units.rate, id="runs"),
            TitleLine(ascii=ascii, id="failed-title"),
            LineChart(units.rate, role="chart-bad", id="failed"),
            TitleLine(ascii=ascii, id="mean-title"),
            LineChart(units.duration, id="mean"),
            Line(id="marks"),
            TextBlock(ascii=ascii, id="deploys"),
            TitleLine(ascii=ascii, id="times-title"),
            TextBlock(ascii=ascii, id="times"),
            id="board",
        )

    @property
    def server(self) -> str:
        """The server in view; the one it was opened on while all are."""
        return self.app_state.scope or self._opened_on

    @property
    def crumb(self) -> str:
        """The class."""
        return self._class or "(no name)"

    async def read(self, period: Period) -> Metrics:
        """This class alone, all its histograms included; of all servers of the scope where all are in view."""
        if self.app_state.scope is None:
            fleet = self.app_state.fleet
            return total_of(await read_job_metrics(fleet, self._class, minutes=period.minutes, hours=period.hours))
        server = self.app_state.registry.server(self.server)
        return await server.job_metrics(self._class, minutes=period.minutes, hours=period.hours)

    def restart(self) -> None:
        """Another server or period has another scale."""
        for name in _CHARTS:
            self.query_one(f"#{name}", LineChart).restart()

    def reason_against(self, action: Action) -> str | None:
        """Nothing can be found on a server that does not answer."""
        if action.id == "metrics-jobs" and self.away:
            return f"{display_text(self.server)} does not answer"
        return super().reason_against(action)

    def action_find_jobs(self) -> None:
        """Looks for the jobs of this class in all queues and sets."""
        from sidekiq_tui.tui.screens.found import FoundScreen

        quoted = self._class.replace("\\", "\\\\").replace('"', '\\"')
        if self.app_state.scope is None:
            self.post_message(GoTo("search", filter=f'class:="{quoted}"'))
            return
        wanted = parse_filter(f'class:="{quoted}"')
        title = display_text(self._class)
        self.app.push_screen(FoundScreen(self.app_state, self.server, wanted, title=title, view=self.view))

    @on(Board.Resized)
    def _resized(self) -> None:
        self.redraw()

    # Drawing

    @property
    def _job(self) -> JobMetrics:
        return self.metrics.jobs[self._class] if self.metrics is not None else JobMetrics()

    def draw(self) -> None:
        """Draws all parts there is room for."""
        board = self.query_one(Board)
        size, context, job = board.size, self.drawing, self._job
        self._places = class_layout(size.width, size.height)
        board.lay_out(self._places)
        counts = None if self.metrics is None else add_up(job.histogram.values())
        row = MetricsRow(self._class, job.processed, job.failed, job.ms, counts)
        self._draw_title()
        notice = empty_notice(self.snapshot, self.period, self.metrics, self._error, "", context, self.app_state.frozen)
        empty = self.metrics is None or not job.processed
        lines = notice if empty and notice else facts_lines(row, context, size.width)
        self.query_one("#facts", TextBlock).put(lines)
        self._draw_times(row, context)
        self._draw_charts(job)
        if "deploys" in self._places and self.metrics is not None:
            rows = self._places["deploys"].height
            lines = deploy_lines(self.metrics.marks, rows, self.period, context)
            self.query_one("#deploys", TextBlock).put(lines)

    def _draw_title(self) -> None:
        state = self.app_state
        age = None if self.metrics is None else state.now() - self.metrics.ends_at
        way = trail_to(self, narrow=self.size.width < NARROW, named=False)
        left = [*way, *age_spans(self._slow, self.away, PERIODS[self._period], age)]
        self.query_one("#title", TitleLine).show(left, period_choices(self._period, self.snapshot))

    def _draw_times(self, row: MetricsRow, context: Context) -> None:
        runs = sum(row.counts or ())
        words = f"  {units.count(runs)} runs" + (" of the last 8h" if self.period.hours is not None else "")
        title = (Span("Run times", "title"), Span(words if row.counts is not None else "", "muted"))
        self.query_one("#times-title", TitleLine).show(title)
        place = self._places["times"]
        denied = self.metrics.histograms_denied if self.metrics is not None else ""
        lines = [denied_line("Run times", denied, context.glyphs)] if denied else []
        lines = lines or histogram_lines(row, place.width, place.height, context)
        self.query_one("#times", TextBlock).put(lines)

    def _draw_charts(self, job: JobMetrics) -> None:
        shown = [name for name in _CHARTS if name in self._places]
        if not shown:
            return
        metrics, ascii = self.metrics, self.app_state.ascii
        columns = self._places[shown[0]].width - GUTTER
        unit = unit_of(metrics)[1]
        titles = {"runs": f"Runs {unit}", "failed": f"Failures {unit}", "mean": "Mean time of a run"}
        times = ticks(self.period, metrics, self.app_state.time_mode)
        for name in shown:
            samples: Samples = []
            if metrics is not None:
                samples = (
                    mean_times(metrics, job, columns)
                    if name == "mean"
                    else resample(rates(metrics, job, "p" if name == "runs" else "f"), columns)
                )
            label = units.duration if name == "mean" else units.rate
            chart = self.query_one(f"#{name}", LineChart)
            chart.show(samples, times if name == shown[-1] else (), stale=self.away, ascii=ascii)
            if metrics is None:
                chart.restart()  # the scale of nothing is none to keep
            highest = max((sample for sample in samples if sample is not None), default=None)
            peak = Span(f"   peak {label(highest)}" if highest else "", "muted")
            self.query_one(f"#{name}-title", TitleLine).show((Span(titles[name], "title"), peak))
        if metrics is not None:
            self.query_one("#marks", Line).put(marks_spans(metrics, columns, GUTTER))
