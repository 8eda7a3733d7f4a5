"""Something to pick from a list by a few letters of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Generic, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.presentation.glyphs import GlyphSet, glyph_set
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.tui.actions import bindings
from sidekiq_tui.tui.modals.titled import put_title
from sidekiq_tui.tui.widgets.line import Line
from sidekiq_tui.tui.widgets.safe_input import SafeInput
from sidekiq_tui.tui.widgets.span_lines import SpanLine, SpanLines

E = TypeVar("E")


class Picker(ModalScreen[str | None], Generic[E]):
    """Type to narrow, enter to take. Subclasses say what there is, how it reads and what it answers."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("picker")]
    TITLE_TEXT: ClassVar[str] = ""
    PLACEHOLDER: ClassVar[str] = ""
    VERB: ClassVar[str] = ""
    """What enter does."""
    NONE: ClassVar[str] = ""
    """What is said where nothing fits."""

    def __init__(self, entries: Iterable[E], *, ascii: bool = False) -> None:
        super().__init__()
        self._entries = list(entries)
        self._found = self._entries
        self._cursor = 0
        self._narrowed = False
        self._ascii = ascii

    # What a subclass gives.

    def matching(self, query: str) -> Sequence[E]:
        """The entries that fit a query, the best first; all of them, in their order, when it is empty."""
        raise NotImplementedError

    def answer(self, entry: E) -> str:
        """What the dialog gives back for an entry."""
        raise NotImplementedError

    def spans(self, entry: E, glyphs: GlyphSet) -> SpanLine:
        """How an entry reads."""
        raise NotImplementedError

    def heading(self, entry: E) -> str:
        """What an entry stands under while nothing is typed; empty: nothing."""
        return ""

    def refusal(self, entry: E) -> str:
        """Why an entry cannot be taken, in words; empty: it can."""
        return ""

    # The dialog.

    def compose(self) -> ComposeResult:
        """A field, the entries, how to leave."""
        headings = len({self.heading(entry) for entry in self._entries} - {""})
        with Vertical(id="dialog") as dialog:
            dialog.styles.height = min(len(self._entries) + headings + 6, max(8, self.app.size.height - 4))
            put_title(dialog, self.TITLE_TEXT, ascii=self._ascii)
            field = SafeInput(placeholder=self.PLACEHOLDER, compact=True, id="picker-field")
            field.cursor_blink = False
            yield field
            yield SpanLines(ascii=self._ascii, id="picker-lines")
            yield Line(id="dialog-foot", ground="panel")

    def on_mount(self) -> None:
        """Draws all entries."""
        self.query_one(SpanLines).can_focus = False
        self.query_one(Input).focus()
        self._draw()

    @on(Input.Changed)
    def _narrow(self, event: Input.Changed) -> None:
        self._found = list(self.matching(event.value))
        self._narrowed = bool(event.value.strip())
        self._cursor = 0
        self._draw()

    @on(Input.Submitted)
    def _pick(self) -> None:
        if not self._found:
            return
        entry = self._found[self._cursor]
        reason = self.refusal(entry)
        if reason:
            glyphs = glyph_set(self._ascii)
            self.query_one("#dialog-foot", Line).put((Span(f"{glyphs.forbidden} {display_text(reason)}", "warn"),))
        else:
            self.dismiss(self.answer(entry))

    def on_resize(self, event: events.Resize) -> None:
        """The words share another width."""
        self._draw()

    def action_move(self, rows: int) -> None:
        """To another entry."""
        self._cursor = max(0, min(len(self._found) - 1, self._cursor + rows))
        self._draw()

    def action_cancel(self) -> None:
        """Leaves things as they are."""
        self.dismiss(None)

    def _draw(self) -> None:
        glyphs = glyph_set(self._ascii)
        keys = (("enter", self.VERB), ("up down" if self._ascii else "↑ ↓", "choose"), ("esc", "cancels"))
        self.query_one("#dialog-foot", Line).put(
            [part for key, verb in keys for part in (Span(key, "key"), Span(f" {verb}  ", "muted"))]
        )
        lines: list[SpanLine] = []
        picked: int | None = None
        heading = ""
        for index, entry in enumerate(self._found):
            if not self._narrowed and self.heading(entry) != heading:
                heading = self.heading(entry)
                lines.append((Span(f" {display_text(heading)}", "heading"),))
            if index == self._cursor:
                picked = len(lines)
            mark = Span(glyphs.cursor if index == self._cursor else " ", "accent")
            lines.append((mark, *self.spans(entry, glyphs)))
        if not lines:
            lines.append((Span(f" {self.NONE}", "muted"),))
        self.query_one(SpanLines).put(lines, picked)
