"""Signs of Sidekiq Pro, Enterprise and common gems: what was looked for, what was found, and more about each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.presentation.columns.extras import SIGNS, Sign, headline, sign_rows
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.sidekiq.extras import Extras
from sidekiq_tui.sidekiq.replies import reason
from sidekiq_tui.tui.actions import Action
from sidekiq_tui.tui.actions.lists import LIST
from sidekiq_tui.tui.screens.dashboard_panels import denied_line
from sidekiq_tui.tui.screens.extras_details import detail_lines
from sidekiq_tui.tui.screens.listing import NO_ROWS, context_of, range_spans
from sidekiq_tui.tui.screens.read_view import ReadView
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.widgets.line import Line
from sidekiq_tui.tui.widgets.record_table import RecordTable
from sidekiq_tui.tui.widgets.rows import StaticRows
from sidekiq_tui.tui.widgets.scrolled_text import ScrolledText
from sidekiq_tui.tui.widgets.title_line import TitleLine

LEAST_DETAILS: Final = 9
"""Lines that the details get, however many signs there are."""
LEAST_ROWS: Final = 3
"""Lines of the list while the details have the rest."""
NARROW: Final = 100
ROOMY: Final = 75
"""Columns that the whole warning takes."""


class ExtrasScreen(ReadView[Extras]):
    """A row for each thing that was looked for; below the list, what there is of the one under the cursor."""

    view: ClassVar[str] = "extras"
    scopes: ClassVar[tuple[str, ...]] = (LIST,)

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self._unfolded = False
        self._drawn_height = 0
        self._told = ""

    def body(self) -> ComposeResult:
        """Title, list, rule, details."""
        ascii = self.app_state.ascii
        yield TitleLine(ascii=ascii, id="title")
        yield RecordTable[Sign](SIGNS, id="table")
        yield Line(id="extras-rule")
        yield ScrolledText(ascii=ascii, id="extras-details")

    @property
    def details(self) -> ScrolledText:
        """What there is of the sign under the cursor."""
        return self.query_one("#extras-details", ScrolledText)

    @property
    def table(self) -> RecordTable[Sign]:
        """The list."""
        return self.query_one("#table", RecordTable)

    def on_mount(self) -> None:
        """Keys go to the list."""
        self.table.focus()

    async def read(self, server: str) -> Extras:
        """All of it, in two round trips."""
        overview = self.app_state.snapshots[server].overview
        processes = overview.processes if overview is not None else ()
        return await self.app_state.registry.server(server).extras(
            {process.identity: process.queues for process in processes}
        )

    def restart(self) -> None:
        """Another server's signs."""
        self.table.restart()

    def reason_against(self, action: Action) -> str | None:
        """Rows open when there is anything to them, and once."""
        if action.id == "open" and self._unfolded:
            return "it is open; esc closes it"
        return NO_ROWS if action.id == "open" and self.table.empty else None

    @property
    def closable(self) -> bool:
        """Details that have the room give it back."""
        return self._unfolded

    def clear(self) -> bool:
        """`esc` gives the list its room back."""
        unfolded = self._unfolded
        if unfolded:
            self._unfold(False)
        return unfolded

    @on(RecordTable.Opened)
    @on(ScrolledText.Opened)
    def _opened_row(self) -> None:
        """Enter gives the details all the room and the keys, and takes them again."""
        self._unfold(not self._unfolded)

    def _unfold(self, unfolded: bool) -> None:
        self._unfolded = unfolded
        (self.details if unfolded else self.table).focus()
        self.details.action_cursor_top()
        self.redraw()

    def draw(self) -> None:
        """Title, rows, details."""
        context = context_of(self.app_state)
        rows = sign_rows(self.found) if self.found is not None else ()
        listed: StaticRows[Sign] = StaticRows(rows, _key)
        notice = self.not_read_yet()
        if self.error is not None:
            notice = [denied_line("Pro & Enterprise", reason(self.error), context.glyphs)]
        self._drawn_height = self.query_one("#body").size.height
        most = LEAST_ROWS if self._unfolded else self._drawn_height - 1 - LEAST_DETAILS
        self.table.styles.height = max(LEAST_ROWS, min(len(rows) + 1, most))
        self.table.show(listed, context, stale=self.away, notice=notice if not rows else ())
        self._draw_around()
        self.call_after_refresh(self._settle)

    def _settle(self) -> None:
        """Only now the list has its lines; and a banner may have taken or given some."""
        if not self.is_front:
            return
        if self.query_one("#body").size.height != self._drawn_height:
            self.draw()
        else:
            self._draw_around()

    def _draw_around(self) -> None:
        state, context = self.app_state, context_of(self.app_state)
        row, details = self.table.current, self.details
        title = [Span("Pro & Enterprise", "title")]
        if self.found is not None:
            title += [Span("  "), *headline(self.found, display_text(self.server), narrow=self.size.width < NARROW)]
        elif self.slow:
            title.append(Span("  reading …", "muted"))
        if self.away and self.read_at is not None:
            title.append(Span(f"  as of {units.age(state.now() - self.read_at)} ago", "warn"))
        width, told = self.size.width, self.found is not None and row is not None
        self.query_one("#extras-rule", Line).put((Span(context.glyphs.rule * width if told else "", "rule"),))
        details.styles.height = "1fr"
        if self.found is None or row is None:
            details.lay([])
            self._draw_title(title)
            self.note()
            return
        lines = detail_lines(row, self.found, self.snapshot, context, width)
        room = details.size.height
        if len(lines) > room > 0 and not self._unfolded:
            lines = [*lines[: room - 1], (Span("  enter shows more", "muted"),)]
        if row.key != self._told:
            self._told = row.key
            details.action_cursor_top()
        details.lay(lines)
        self._draw_title(title)
        known = ", known from public words alone" if width >= ROOMY else ""
        self.note((Span(f"Keys of closed source{known}: signs, never proof.", "muted"),))

    def _draw_title(self, title: Sequence[Span]) -> None:
        """At its right: which rows are visible, or which lines where those are what moves."""
        rows = len(sign_rows(self.found)) if self.found is not None else 0
        right = range_spans(self.table, rows)
        (first, last), count = self.details.window, self.details.count
        if self._unfolded:
            right = [Span(f"lines {first + 1:,}–{last:,} of {count:,}", "muted")] if last - first < count else []
        self.query_one("#title", TitleLine).show(title, right)

    @on(ScrolledText.Moved)
    def _scrolled(self) -> None:
        if self.is_front:
            self._draw_around()

    def on_resize(self, event: object) -> None:
        """Other heights, other parts."""
        self.call_after_refresh(self.redraw)

    @on(RecordTable.Moved)
    def _moved(self) -> None:
        if self.is_front:
            self._draw_around()


def _key(row: Sign) -> str:
    return row.key
