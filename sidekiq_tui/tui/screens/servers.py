"""The board: every server in a row, and under it why the selected one is as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.geometry import Region

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Span, label_role
from sidekiq_tui.presentation.columns.servers import SERVERS, ServersTotal, servers_total
from sidekiq_tui.presentation.glyphs import GlyphSet, glyph_set
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.tui.actions import bindings
from sidekiq_tui.tui.actions.lists import LIST, SORT
from sidekiq_tui.tui.messages import GoTo
from sidekiq_tui.tui.screens.base import ViewScreen
from sidekiq_tui.tui.screens.dashboard_titles import PERIODS, fitting_period
from sidekiq_tui.tui.screens.listing import context_of, left_out, range_spans
from sidekiq_tui.tui.screens.scope_view import ScopeView
from sidekiq_tui.tui.screens.server_details import detail_lines, worst_reason
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.widgets.board import Board
from sidekiq_tui.tui.widgets.line import Line
from sidekiq_tui.tui.widgets.line_chart import GUTTER, LineChart
from sidekiq_tui.tui.widgets.record_table import RecordTable
from sidekiq_tui.tui.widgets.rows import StaticRows
from sidekiq_tui.tui.widgets.sorting import Order, in_order, next_order
from sidekiq_tui.tui.widgets.text_block import TextBlock
from sidekiq_tui.tui.widgets.title_line import TitleLine

GROWTH_PERIOD: Final = 300.0
DETAILS_LEAST: Final = 3
CHARTS_WIDTH: Final = 100
CHARTS_HEIGHT: Final = 11
RULE_HEIGHT: Final = 28
RISING: Final = frozenset({"server", "label", "state"})

ServerRow = ServerSnapshot | ServersTotal


def servers_layout(width: int, height: int, rows: int) -> dict[str, Region]:
    """Where title, table (which would like `rows` lines), details and charts stand."""
    table = min(rows, height - 1)
    left = height - 2 - table
    places = {"title": Region(0, 0, width, 1), "table": Region(0, 1, width, table)}
    if left < DETAILS_LEAST:
        return places | {"table": Region(0, 1, width, max(0, height - 1))}
    top = table + 2
    if height >= RULE_HEIGHT:
        places["rule"] = Region(0, top - 1, width, 1)
    if width < CHARTS_WIDTH or left < CHARTS_HEIGHT:
        return places | {"details": Region(1, top, width - 2, left)}
    x = max(width // 2 + 3, width - 96)
    chart = (left - 4) // 2
    chart -= chart % 2
    places["details"] = Region(1, top, x - 2, left)
    places["rate-title"] = Region(x - 1, top, width - x + 1, 1)
    places["rate"] = Region(x - 1, top + 1, width - x, chart)
    places["incident"] = Region(x - 1, top + 1 + chart, width - x, 1)
    places["backlog-title"] = Region(x - 1, top + 2 + chart, width - x + 1, 1)
    places["backlog"] = Region(x - 1, top + 3 + chart, width - x, chart + 1)
    return places


class ServersScreen(ViewScreen):
    """All servers at once, or those of the group, whatever the scope."""

    view: ClassVar[str] = "servers"
    scopes: ClassVar[tuple[str, ...]] = (LIST, SORT)
    BINDINGS = bindings(SORT)

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self._order = Order()
        self._places: dict[str, Region] = {}
        self._charted: str | None = None

    def body(self) -> ComposeResult:
        """Title, table, details, charts."""
        ascii = self.app_state.ascii
        yield Board(
            TitleLine(ascii=ascii, id="title"),
            RecordTable[ServerRow](SERVERS, id="table"),
            Line(id="rule"),
            TextBlock(ascii=ascii, id="details"),
            TitleLine(ascii=ascii, id="rate-title"),
            LineChart(units.rate, id="rate"),
            Line(id="incident"),
            TitleLine(ascii=ascii, id="backlog-title"),
            LineChart(units.count, id="backlog"),
            id="board",
        )

    @property
    def table(self) -> RecordTable[ServerRow]:
        """The list."""
        return self.query_one("#table", RecordTable)

    @property
    def selected(self) -> ServerSnapshot | None:
        """The server under the cursor."""
        row = self.table.current
        return row if isinstance(row, ServerSnapshot) else None

    def on_mount(self) -> None:
        """Keys go to the list."""
        self.table.focus()

    def show(self, snapshots: Mapping[str, ServerSnapshot]) -> None:
        """Draws the board and what depends on its cursor."""
        state = self.app_state
        context = context_of(state)
        servers = in_order([snapshots[name] for name in state.together], SERVERS, self._order, context)
        total = servers_total(servers) if len(servers) > 1 else None
        self._arrange(len(servers) + 1 + (total is not None))
        rows: StaticRows[ServerRow] = StaticRows(servers, server_key)
        self.table.show(rows, context, total=total, sorted_by=self._order.heading)
        self._draw_title()
        self._draw_selected()

    def tick(self, now: float) -> None:
        """Ages; charts move with the polls, or by themselves when there are none."""
        self._draw_selected(charts=self.selected is not None and self.selected.error is not None)

    def refresh_now(self) -> None:
        """Nothing here is read but what the pollers read."""

    @on(Board.Resized)
    def _resized(self) -> None:
        self.redraw()

    @on(RecordTable.Moved)
    def _moved(self) -> None:
        if self.is_front:
            self._draw_title()
            self._draw_selected()

    @on(RecordTable.Opened)
    def _opened_row(self) -> None:
        if self.selected is not None:
            self.post_message(GoTo("dashboard", self.selected.server))

    def action_sort_next(self) -> None:
        """The next order: as configured, worst first, then by the other columns."""
        self._order = next_order(self._order, SORTED, self.table.columns_shown, RISING, given=True)
        self.redraw()

    def action_sort_reverse(self) -> None:
        """The other way round."""
        self._order = self._order.reversed()
        self.redraw()

    def _arrange(self, rows: int) -> None:
        board = self.query_one(Board)
        self._places = servers_layout(board.size.width, board.size.height, rows)
        board.lay_out(self._places)
        if "rule" in self._places:
            rule = glyph_set(self.app_state.ascii).rule
            self.query_one("#rule", Line).put((Span(rule * board.size.width, "rule"),))

    def _draw_title(self) -> None:
        count, group = len(self.app_state.together), self.app_state.group
        words = f"  {order_words(self._order)}" if count > 1 else ""
        title = (Span(f"Servers {count:,}", "title"), Span(words, "muted"))
        right = range_spans(self.table, count)
        if group:
            right = [*right, Span("  group: " if right else "group: ", "muted"), Span(display_text(group), "strong")]
        self.query_one("#title", TitleLine).show((*title, *self._worst_words()), right)

    def _worst_words(self) -> Cell:
        """The server that is worst, and why: wherever the cursor is, and however many rows are out of sight."""
        state = self.app_state
        context = context_of(state)
        servers = in_order([state.snapshots[name] for name in state.together], SERVERS, Order("state"), context)
        why = worst_reason(servers[0], context.glyphs) if len(servers) > 1 else ()
        if not why:
            return ()
        mark, *rest = why
        role = f"{label_role(servers[0].profile.label)} strong"
        return (Span("   "), mark, Span(f"{display_text(servers[0].server, 20)} ", role), *rest)

    def _draw_selected(self, charts: bool = True) -> None:
        selected, glyphs = self.selected, glyph_set(self.app_state.ascii)
        if selected is None:
            return
        context = context_of(self.app_state)
        if "details" not in self._places:
            self.note(worst_reason(selected, glyphs))
            return
        place = self._places["details"]
        lines = detail_lines(selected, context.now, place.width, place.height, glyphs)
        self.query_one("#details", TextBlock).put(lines)
        self.note(left_out(self.table, SERVERS, selected, context))
        if charts and "rate" in self._places:
            self._draw_charts(selected, context.now)

    def _draw_charts(self, selected: ServerSnapshot, now: float) -> None:
        ascii, series = self.app_state.ascii, selected.series
        rate, backlog = self.query_one("#rate", LineChart), self.query_one("#backlog", LineChart)
        if self._charted != selected.server:
            self._charted = selected.server
            rate.restart()
            backlog.restart()
        columns = self._places["rate"].width - GUTTER
        period, name, times = PERIODS[fitting_period(ScopeView((selected,), now))]
        away = selected.error is not None
        incident = incident_line(selected, now, period, columns, glyph_set(ascii))
        self.query_one("#incident", Line).put(incident)
        rate.show(series.points("processed", period, columns, now), stale=away, ascii=ascii)
        backlog.show(series.points("enqueued", period, columns, now), (times[0], times[-1]), stale=away, ascii=ascii)
        known = selected.rates is not None and not away
        self.query_one("#rate-title", TitleLine).show(
            (
                Span("processed/s ", "title"),
                Span(units.rate(selected.rates.processed if known and selected.rates else None), "strong"),
                Span(f"  last {name}", "muted"),
            )
        )
        grown = series.change("enqueued", GROWTH_PERIOD)
        since = f"  {units.delta(grown)} in 5m" if grown else ""
        backlogged = units.count(selected.overview.enqueued if selected.overview is not None else None)
        self.query_one("#backlog-title", TitleLine).show(
            (Span("enqueued ", "title"), Span(backlogged, "strong"), Span(since, "muted"))
        )


def incident_line(snapshot: ServerSnapshot, now: float, period: float, columns: int, glyphs: GlyphSet) -> Cell:
    """Where on charts, `columns` wide for `period` seconds, a server came into the state it is in; none if well."""
    age = now - snapshot.state_since
    health = snapshot.health
    if health.state in ("ok", "connecting") or age < 0:
        return ()
    role = "bad strong" if health.state in ("bad", "offline") else "warn strong"
    words = f"{health.state} for {units.age(age)}"
    if age >= period:
        return (Span(" " * GUTTER), Span(f"{glyphs.more_left} ", role), Span(words, role))
    column = min(columns - 1, int((period - age) / period * columns))
    if column > len(words):
        return (Span(" " * (GUTTER + column - len(words) - 1)), Span(f"{words} ", role), Span(glyphs.warn, role))
    return (Span(" " * (GUTTER + column)), Span(f"{glyphs.warn} ", role), Span(words, role))


SORTED: Final = tuple(
    sorted((column for column in SERVERS if column.sort is not None), key=lambda column: column.key != "state")
)
"""What servers can be sorted by: state first, which is worst first."""


def server_key(row: ServerRow) -> str:
    """The same server from one poll to the next."""
    return row.server if isinstance(row, ServerSnapshot) else ""


def order_words(order: Order) -> str:
    """How servers are sorted, in words."""
    if order.key is None:
        return "as configured, backwards" if order.falling else "as configured"
    if order.key == "state":
        return "best first" if order.falling else "worst first"
    heading = next(column.heading for column in SERVERS if column.key == order.key)
    return f"by {heading}"
