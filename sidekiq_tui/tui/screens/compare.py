"""Two servers side by side: only what differs, and how they went lately on one chart."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.geometry import Region
from textual.message import Message

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Span
from sidekiq_tui.presentation.columns.compare import compare_columns
from sidekiq_tui.presentation.text import cell_width, display_text
from sidekiq_tui.servers.compare import Comparison, Difference, Side, compare, read_side
from sidekiq_tui.servers.fleet import Fleet
from sidekiq_tui.servers.series import Metric
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.tui.actions import Action, bindings
from sidekiq_tui.tui.actions.changes import CHANGES, COMPARE
from sidekiq_tui.tui.actions.lists import LIST
from sidekiq_tui.tui.messages import GoTo
from sidekiq_tui.tui.screens.across_list import absent_spans
from sidekiq_tui.tui.screens.base import ViewScreen
from sidekiq_tui.tui.screens.dashboard_titles import PERIODS, USUAL_PERIOD, choice_spans, fitting_period
from sidekiq_tui.tui.screens.listing import context_of, range_spans, reason_against_empty
from sidekiq_tui.tui.screens.scope_view import ScopeView
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.widgets.board import Board
from sidekiq_tui.tui.widgets.line_chart import GUTTER
from sidekiq_tui.tui.widgets.record_table import RecordTable
from sidekiq_tui.tui.widgets.rows import StaticRows
from sidekiq_tui.tui.widgets.title_line import TitleLine, fitting

LONGEST: Final = 60.0
"""Seconds that both servers have together; each answer has its own limit."""
CHART_HEIGHT: Final = 11
LOWEST: Final = 26
AROUND: Final = 4
"""Cells of a title that are blank beside and between its two sides."""
_CHARTS: Final[Mapping[str, tuple[str, Metric]]] = {
    "versions": ("Processed/s", "processed"),
    "processes": ("Processed/s", "processed"),
    "queues": ("Worst latency", "latency"),
    "load": ("Worst latency", "latency"),
    "errors": ("Failed/s", "failed"),
    "redis": ("Processed/s", "processed"),
}
_VIEWS: Final[Mapping[str, str]] = {
    "versions": "workers", "processes": "workers", "queues": "queues", "load": "dashboard", "errors": "errors",
    "redis": "dashboard",
}  # fmt: skip


class CompareScreen(ViewScreen):
    """Reads both servers when it is opened, and again when it is asked to."""

    view: ClassVar[str] = "compare"
    scopes: ClassVar[tuple[str, ...]] = (LIST, CHANGES, COMPARE)
    BINDINGS = bindings(CHANGES, COMPARE)

    @dataclass
    class Compared(Message):
        """Both were read, or could not be."""

        pair: tuple[str, str]
        found: Comparison | None
        missing: Mapping[str, SidekiqError]

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self._of: tuple[str, str] | None = None
        self._found: Comparison | None = None
        self._missing: Mapping[str, SidekiqError] = {}
        self._read_at: float | None = None
        self._period = USUAL_PERIOD
        self._chosen = False
        self._places: dict[str, Region] = {}

    def body(self) -> ComposeResult:
        """Title, list, chart."""
        ascii = self.app_state.ascii
        columns = compare_columns("left", "right", context_of(self.app_state))
        yield Board(
            TitleLine(ascii=ascii, id="title"),
            RecordTable[Difference](columns, id="table"),
            TitleLine(ascii=ascii, id="chart-title"),
            id="board",
        )

    @property
    def table(self) -> RecordTable[Difference]:
        """The differences."""
        return self.query_one("#table", RecordTable)

    @property
    def pair(self) -> tuple[str, str] | None:
        """The two servers: as asked, else the one in view and the next of its group; None where there is one."""
        state = self.app_state
        if state.compared is not None and set(state.compared) <= set(state.servers):
            return state.compared
        left = state.preferred
        others = [name for name in state.servers if name != left]
        group = state.snapshots[left].profile.group
        near = [name for name in others if group and state.snapshots[name].profile.group == group]
        return (left, (near or others)[0]) if others else None

    def on_mount(self) -> None:
        """Keys go to the list."""
        self.table.focus()

    # Reading

    def show(self, snapshots: Mapping[str, ServerSnapshot]) -> None:
        """Draws; reads when it is about other servers than before."""
        if self._of != self.pair:
            self._of, self._found, self._missing, self._read_at = self.pair, None, {}, None
            self.table.restart()
            self._start()
        self._draw()

    def tick(self, now: float) -> None:
        """The age, and the chart."""
        self._draw_title()

    def refresh_now(self) -> None:
        """Reads both again."""
        self._start()

    def _start(self) -> None:
        if self._of is not None:
            self._read(self._of)

    @work(group="compare", exclusive=True, exit_on_error=False)
    async def _read(self, pair: tuple[str, str]) -> None:
        state = self.app_state
        fleet = Fleet([state.registry.server(name) for name in pair])
        answers = await fleet.ask(read_side, patience=LONGEST)
        sides = [self._with_rates(answers.values[name]) for name in pair if name in answers.values]
        found = compare(*sides) if len(sides) == 2 else None
        self.post_message(self.Compared(pair, found, answers.missing))

    def _with_rates(self, side: Side) -> Side:
        return replace(side, rates=self.app_state.snapshots[side.name].rates)

    def on_compare_screen_compared(self, message: Compared) -> None:
        """Shows it; what was there before stays when one of them does not answer now."""
        if message.pair != self._of:
            return
        self._missing = message.missing
        if message.found is not None:
            self._found, self._read_at = message.found, self.app_state.now()
        if self.is_front:
            self._draw()
            self.refresh_footer()

    # Keys

    def reason_against(self, action: Action) -> str | None:
        """What needs two servers, rows or room."""
        if action.id.startswith("compare-"):
            return None if self.pair is not None else "there is one server only"
        if action.id.startswith("changes-") and "chart" not in self._places:
            return "the terminal is too small for it"
        return reason_against_empty(self.table, action)

    def action_swap(self) -> None:
        """Left and right change places."""
        if self._of is not None:
            self.app_state.compared = self._of[::-1]
            self.redraw()

    def action_other(self, step: int) -> None:
        """Another server at the right."""
        if self._of is None:
            return
        left, right = self._of
        others = [name for name in self.app_state.servers if name != left]
        self.app_state.compared = (left, others[(others.index(right) + step) % len(others)])
        self.redraw()

    def action_period(self, step: int) -> None:
        """A shorter or a longer chart."""
        if "chart" in self._places:
            self._period, self._chosen = min(max(0, self._period + step), len(PERIODS) - 1), True
            self._draw()

    @on(RecordTable.Opened)
    def _open(self) -> None:
        row = self.table.current
        if row is not None and self._of is not None:
            named = row.subject if row.section in ("queues", "errors") else ""
            self.post_message(GoTo(_VIEWS[row.section], self._of[0], filter=named.split(" ")[-1]))

    @on(RecordTable.Moved)
    def _moved(self) -> None:
        if self.is_front:
            self._draw_chart()
            self._draw_note()

    @on(Board.Resized)
    def _resized(self) -> None:
        self.redraw()

    # Drawing

    def _draw(self) -> None:
        context, pair = context_of(self.app_state), self._of
        self._arrange()
        rows = self._found.differences if self._found is not None else ()
        if pair is not None:
            self.table.set_columns(compare_columns(*pair, context))
        given: StaticRows[Difference] = StaticRows(rows, _key)
        self.table.show(given, context, stale=bool(self._missing), notice=() if rows else self._notice())
        self._draw_title()
        self._draw_chart()
        self._draw_note()

    def _arrange(self) -> None:
        board = self.query_one(Board)
        width, height = board.size.width, board.size.height
        chart = CHART_HEIGHT if height >= LOWEST and self._of is not None else 0
        self._places = {"title": Region(0, 0, width, 1), "table": Region(0, 1, width, max(0, height - 1))}
        if chart:
            top = height - chart
            self._places["table"] = Region(0, 1, width, top - 3)
            self._places["chart-title"] = Region(0, top - 1, width, 1)
            self._places["chart"] = Region(0, top, width, chart)
            if not board.query("#chart"):
                from sidekiq_tui.tui.widgets.plot import LinesPlot  # plotext is slow to load

                board.mount(LinesPlot(units.rate, id="chart"))
        board.lay_out(self._places)

    def _notice(self) -> Sequence[Cell]:
        if self._of is None:
            return [(Span("There is one server only: nothing to compare it with.", "strong"),)]
        if self._missing:
            return [
                (Span(f"{display_text(name)} does not answer  ", "strong"), Span(display_text(error.message), "muted"))
                for name, error in self._missing.items()
            ]
        if self._found is None:
            return [(Span("reading both …", "muted"),)]
        return [(Span("Nothing differs", "strong"), Span(f" in {sum(self._found.same.values()):,} facts.", "muted"))]

    def _draw_title(self) -> None:
        if self._of is None:
            self.query_one("#title", TitleLine).show((Span("Compare", "title"),))
            return
        found, width = self._found, self.size.width
        parts = [self._named(self._of)]
        if found is not None:
            parts.append([Span(f"  {len(found.differences):,} differ", "strong")])
            if width >= LOWEST * 4:
                parts.append([Span(f", {sum(found.same.values()):,} are the same", "muted")])
            parts.append(absent_spans(self._missing, narrow=True))
        age = [] if self._read_at is None else [Span(f"{units.age(self.app_state.now() - self._read_at)} ago", "muted")]
        shown = range_spans(self.table, 0 if found is None else len(found.differences))
        whole = [*shown, *([Span("  ")] if shown and age else []), *age]
        taken = sum(cell_width(text) for text, _ in (*(span for part in parts for span in part), *whole))
        # The rows in view go first: how many differ is told at the left.
        right = whole if taken + AROUND <= width else age
        self.query_one("#title", TitleLine).show(fitting(parts, right, width), right)

    def _named(self, pair: tuple[str, str]) -> list[Span]:
        spans = [Span("Compare ", "title")]
        for index, name in enumerate(pair):
            label = self.app_state.snapshots[name].profile.label
            spans.append(Span(" and " if index else "", "muted"))
            spans.append(Span(display_text(name, 20), f"label:{label or ''} strong"))
        return spans

    def _draw_note(self) -> None:
        row, found = self.table.current, self._found
        if row is not None and row.cause is not None:
            self.note([Span(display_text(row.subject), "text"), Span(f"  {display_text(row.name)}", "muted")])
        elif found is not None and found.unknown:
            self.note([Span("not compared: ", "warn"), Span(display_text("; ".join(found.unknown), 200), "muted")])
        else:
            self.note()

    def _draw_chart(self) -> None:
        if "chart" not in self._places or self._of is None or not self.query("#chart"):
            return
        from sidekiq_tui.tui.widgets.plot import LinesPlot, PlotLine, legend

        state, now, row = self.app_state, self.app_state.now(), self.table.current
        words, metric = _CHARTS[row.section if row is not None else "load"]
        if not self._chosen:
            self._period = fitting_period(ScopeView(tuple(state.snapshots[name] for name in self._of), now))
        period, _, times = PERIODS[self._period]
        columns = self._places["chart"].width - GUTTER
        lines = [PlotLine(name, state.snapshots[name].series.points(metric, period, columns, now)) for name in self._of]
        choices = choice_spans([name for _, name, _ in PERIODS], self._period)
        self.query_one("#chart-title", TitleLine).show((Span(f"{words}  ", "title"), *legend(lines)), choices)
        plot = self.query_one("#chart", LinesPlot)
        plot.label = units.duration if metric == "latency" else units.rate
        plot.show(lines, times, ascii=state.ascii)


def _key(row: Difference) -> Hashable:
    return (row.section, row.subject, row.name, row.cause)
