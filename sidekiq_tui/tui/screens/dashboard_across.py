"""The dashboard of several servers: added up, and under that a line for each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from textual.widget import Widget

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.presentation.columns.servers import SERVERS, servers_total
from sidekiq_tui.presentation.glyphs import glyph_set
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.tui.messages import GoTo
from sidekiq_tui.tui.screens.dashboard import DashboardScreen
from sidekiq_tui.tui.screens.dashboard_layout import Places, across_layout
from sidekiq_tui.tui.screens.dashboard_titles import PANELS, choice_spans
from sidekiq_tui.tui.screens.listing import context_of, left_out
from sidekiq_tui.tui.screens.server_details import worst_reason
from sidekiq_tui.tui.screens.servers import RISING, SORTED, ServerRow, order_words, server_key
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.subject import Subject
from sidekiq_tui.tui.widgets.record_table import RecordTable
from sidekiq_tui.tui.widgets.rows import StaticRows
from sidekiq_tui.tui.widgets.sorting import Order, in_order, next_order
from sidekiq_tui.tui.widgets.title_line import TitleLine

ALL_PANELS: Final = ("servers", *PANELS)

_LEFT_OUT: Final = frozenset({"memory", "procs"})
_COLUMNS: Final = tuple(column for column in SERVERS if column.key not in _LEFT_OUT)


class DashboardOfScopeScreen(DashboardScreen):
    """One server, or several: then keys go to the lines of the servers, unless the lower half shows something else."""

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self._server_order = Order()

    def parts(self) -> Sequence[Widget]:
        """With the lines of the servers."""
        title = TitleLine(ascii=self.app_state.ascii, id="servers-title")
        return (*super().parts(), title, RecordTable[ServerRow](_COLUMNS, id="servers"))

    @property
    def servers_table(self) -> RecordTable[ServerRow]:
        """The list of servers."""
        return self.query_one("#servers", RecordTable)

    @property
    def front(self) -> RecordTable[Any]:
        """The servers, where they are shown."""
        return self.servers_table if "servers" in self._places else self.table

    @property
    def selected(self) -> ServerSnapshot | None:
        """The server under the cursor."""
        row = self.servers_table.current
        return row if isinstance(row, ServerSnapshot) else None

    @property
    def panels(self) -> tuple[str, ...]:
        """The servers first."""
        return ALL_PANELS if self.across else super().panels

    @property
    def has_panels(self) -> bool:
        """Whether there is room for them."""
        return super().has_panels or "servers-title" in self._places

    def layout_of(self, width: int, height: int, queues: int) -> Places:
        """With the servers, unless another panel was chosen, for which there must be room."""
        other = super().layout_of(width, height, queues)
        if not self.across or (self.panel != "servers" and "panel" in other):
            return other
        return across_layout(width, height, queues, len(self.app_state.names))

    def show(self, snapshots: Mapping[str, ServerSnapshot]) -> None:
        """Draws everything from the snapshots of the scope."""
        before = self.front
        super().show(snapshots)
        front = self.front
        self.table.resting = front is not self.table
        if front is not before or not before.has_focus:
            self._focus_front(front)
        self._draw_servers()

    def _focus_front(self, front: RecordTable[Any]) -> None:
        """Keys follow; they stay with a prompt that is open."""
        if self.focused is None or isinstance(self.focused, RecordTable):
            front.focus()

    def _draw_servers(self) -> None:
        if "servers" not in self._places:
            return
        state = self.app_state
        context = context_of(state)
        servers = in_order(list(state.in_scope.values()), _COLUMNS, self._server_order, context)
        total = servers_total(servers) if len(servers) > 1 else None
        rows: StaticRows[ServerRow] = StaticRows(servers, server_key)
        self.servers_table.show(rows, context, total=total, sorted_by=self._server_order.heading)
        if "servers-title" in self._places:
            group = state.group
            where = f" of group {display_text(group, 20)}" if group else ""
            words = f"  {order_words(self._server_order)}" if len(servers) > 1 else ""
            title = (Span(f"Servers {units.count(len(servers))}{where}", "title"), Span(words, "muted"))
            choices = choice_spans(self.panels, self.panels.index(self.panel))
            self.query_one("#servers-title", TitleLine).show(title, choices)
        self.draw_note()

    def draw_note(self) -> None:
        """Why the server under the cursor is as it is, and what its row leaves out."""
        server = self.selected
        if "servers" not in self._places or server is None:
            super().draw_note()
            return
        state = self.app_state
        why = worst_reason(server, glyph_set(state.ascii))
        rest = left_out(self.servers_table, _COLUMNS, server, context_of(state))
        self.note([*why, *((Span("  "),) if why and rest else ()), *rest])

    def subject(self) -> Subject:
        """The server under the cursor, or the queue."""
        server = self.selected
        if self.front is not self.table and server is not None:
            return Subject(server.server)
        return super().subject()

    def open_row(self) -> None:
        """Goes to the server under the cursor, or opens the queue."""
        server = self.selected
        if self.front is self.table:
            super().open_row()
        elif server is not None:
            self.post_message(GoTo("dashboard", server.server))

    def action_sort_next(self) -> None:
        """The servers as configured, worst first, then by column; or the queues."""
        if self.front is self.table:
            super().action_sort_next()
            return
        self._server_order = next_order(
            self._server_order, SORTED, self.servers_table.columns_shown, RISING, given=True
        )
        self.redraw()

    def action_sort_reverse(self) -> None:
        """The other way round."""
        if self.front is self.table:
            super().action_sort_reverse()
            return
        self._server_order = self._server_order.reversed()
        self.redraw()
