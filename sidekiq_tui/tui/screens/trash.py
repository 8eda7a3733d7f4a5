"""Trash: what can be put back on one server, and operations that were begun and not ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.app import ComposeResult

from sidekiq_tui.operations.history import Unfinished
from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Span
from sidekiq_tui.presentation.columns.trash import TRASH as COLUMNS
from sidekiq_tui.presentation.columns.trash import trash_words
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.sidekiq.replies import reason
from sidekiq_tui.tui.actions import Action, bindings
from sidekiq_tui.tui.actions.lists import FILTER, LIST, SORT
from sidekiq_tui.tui.actions.operations import TRASH
from sidekiq_tui.tui.screens.dashboard_panels import denied_line
from sidekiq_tui.tui.screens.listing import NO_ROWS, context_of, left_out, range_spans, reason_against_empty
from sidekiq_tui.tui.screens.read_view import ReadView
from sidekiq_tui.tui.screens.word_filter import WordFilter
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.subject import Subject
from sidekiq_tui.tui.widgets.record_table import RecordTable
from sidekiq_tui.tui.widgets.rows import StaticRows
from sidekiq_tui.tui.widgets.sorting import Order, in_order, next_order
from sidekiq_tui.tui.widgets.title_line import TitleLine

if TYPE_CHECKING:
    from sidekiq_tui.presentation.columns.trash import TrashRow

RISING: Final = frozenset({"did", "who"})


class TrashScreen(WordFilter, ReadView["tuple[TrashRow, ...]"]):
    """Enter shows the jobs of what was deleted; `R` puts them back."""

    view: ClassVar[str] = "trash"
    filter_hint: ClassVar[str] = "what was done, or by whom"
    scopes: ClassVar[tuple[str, ...]] = (LIST, SORT, FILTER, TRASH)
    BINDINGS = bindings(SORT, FILTER, TRASH)

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self._order: Order | None = None
        self._shown = 0

    def body(self) -> ComposeResult:
        """Title and list."""
        yield TitleLine(ascii=self.app_state.ascii, id="title")
        yield RecordTable["TrashRow"](COLUMNS, id="table")

    @property
    def table(self) -> RecordTable[TrashRow]:
        """The list."""
        return self.query_one("#table", RecordTable)

    def on_mount(self) -> None:
        """Keys go to the list."""
        self.table.focus()

    async def read(self, server: str) -> tuple[TrashRow, ...]:
        """What has no end, then what can be undone."""
        operations = self.app_state.operations
        if operations is None:
            return ()
        unfinished = await operations.unfinished(server)
        self.app_state.unfinished[server] = unfinished
        return (*unfinished, *await operations.undoable(server))

    def restart(self) -> None:
        """Another server's."""
        self.table.restart()

    def change_ended(self, server: str) -> None:
        """Reads again."""
        if server == self.server and self.is_front:
            self.refresh_now()

    # Keys

    def subject(self) -> Subject:
        """The operation under the cursor."""
        row = self.table.current
        if row is None:
            return Subject(self.server)
        return Subject(self.server, entry=row.id, entry_words=trash_words(row, context_of(self.app_state)))

    def why_not(self, action: Action) -> str | None:
        """What has an end can be put back; what has none can be continued or ended."""
        row = self.table.current
        if row is not None and action.where == TRASH:
            open_ended = isinstance(row, Unfinished)
            moves = isinstance(row, Unfinished) and row.peer is not None
            if action.id == "restore-entries" and open_ended and not moves:
                return "it has no end yet: E goes on with it, D ends it where it is"
            if action.id == "end-operation" and moves:
                return "its jobs may be parked: E goes on with it, R puts them back"
            if action.id != "restore-entries" and not isinstance(row, Unfinished):
                return "it has ended: R puts back what it did"
            if isinstance(row, Unfinished) and row.running:
                return f"{display_text(row.who)} is at it"
            if action.id == "continue-operation" and isinstance(row, Unfinished) and not row.can_continue:
                return "only the machine that began it knows what is left; D ends it here"
        return super().why_not(action)

    def reason_against(self, action: Action) -> str | None:
        """What needs rows, and what can be opened."""
        if action.id in ("filter", "save-filter", "pick-filter"):
            return None if self.found else NO_ROWS
        if action.id == "open" and not self.table.empty:
            row = self.table.current
            trashed = row is not None and not isinstance(row, Unfinished) and row.whence == "trash"
            return None if trashed else "only what lies in the trash can be looked into"
        return reason_against_empty(self.table, action)

    def action_sort_next(self) -> None:
        """By the next column."""
        self._order = next_order(self._order or Order(), COLUMNS, self.table.columns_shown, RISING)
        self.redraw()

    def action_sort_reverse(self) -> None:
        """The other way round."""
        self._order = (self._order or Order("ago", True)).reversed()
        self.redraw()

    @on(RecordTable.Opened)
    def _open(self) -> None:
        row = self.table.current
        if row is None or isinstance(row, Unfinished):
            return
        if row.whence != "trash":
            self.say("only what lies in the trash can be looked into: R puts all of it back", "muted")
            return
        from sidekiq_tui.tui.screens.trash_jobs import TrashJobsScreen

        title = trash_words(row, context_of(self.app_state))
        self.app.push_screen(TrashJobsScreen(self.app_state, self.server, row.id, title))

    # Drawing

    def draw(self) -> None:
        """Title and rows."""
        context = context_of(self.app_state)
        every = self.found or ()
        rows: list[TrashRow] = [row for row in every if self.wanted(f"{trash_words(row, context)} {row.who} {row.id}")]
        if self._order is not None:
            rows = in_order(rows, COLUMNS, self._order, context)
        self._shown = len(rows)
        listed: StaticRows[TrashRow] = StaticRows(rows, _key)
        self.table.show(
            listed,
            context,
            sorted_by=self._order.heading if self._order is not None else None,
            stale=self.away,
            notice=() if rows else self._notice(),
        )
        self._draw_around()

    def _draw_around(self) -> None:
        state, every = self.app_state, self.found or ()
        spans = [Span(f"Trash {units.count(len(every)) if self.found is not None else ''}".rstrip(), "title")]
        if state.scope is None:
            spans.append(Span(f"  on {display_text(self.server)}", "muted"))
        if self._filter:
            spans += [Span("  filter ", "muted"), Span(display_text(self._filter), "accent")]
            spans.append(Span(f"  {units.count(self._shown)} match", "strong"))
        elif self.slow and self.found is None:
            spans.append(Span("  reading …", "muted"))
        elif self.away and self.read_at is not None:
            spans.append(Span(f"  as of {units.age(state.now() - self.read_at)} ago", "warn"))
        elif open_ones := sum(isinstance(row, Unfinished) and not row.running for row in every):
            spans.append(Span(f"  {open_ones:,} without an end", "warn strong"))
        else:
            spans.append(Span("  what can be put back; kept for a week", "muted"))
        self.query_one("#title", TitleLine).show(spans, range_spans(self.table, self._shown))
        row = self.table.current
        self.note([] if row is None else left_out(self.table, COLUMNS, row, context_of(state)))

    def _notice(self) -> list[Cell]:
        context, name = context_of(self.app_state), display_text(self.server)
        if self.error is not None:
            return [denied_line("Trash", reason(self.error), context.glyphs)]
        if self.app_state.operations is None:
            return [(Span("Nothing can be changed in this session, so there is nothing to put back.", "muted"),)]
        if self.found is None:
            return self.not_read_yet()
        if self.found:
            return [(Span("Nothing matches ", "strong"), Span(display_text(self._filter), "accent"))]
        words = "What is deleted, cleared or changed with sqtui can be put back from here for a week."
        return [(Span(f"Nothing to put back on {name}.", "strong"),), (Span(words, "muted"),)]

    @on(RecordTable.Moved)
    def _moved(self) -> None:
        if self.is_front:
            self._draw_around()
            self.refresh_footer()


def _key(row: TrashRow) -> str:
    return row.id
