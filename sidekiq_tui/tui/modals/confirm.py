"""The question before an operation on more than a row: what it would do, what it costs, and what to type to go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, Literal

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from sidekiq_tui.operations.guard import names_typed
from sidekiq_tui.presentation.columns.base import Cell, Span
from sidekiq_tui.presentation.glyphs import glyph_set, to_ascii
from sidekiq_tui.presentation.text import cell_width, display_text, wrap_words
from sidekiq_tui.tui.actions import bindings
from sidekiq_tui.tui.modals.titled import put_title
from sidekiq_tui.tui.widgets.line import Line
from sidekiq_tui.tui.widgets.span_lines import SpanLine, SpanLines

Kind = Literal["yes", "count", "name", "names"]
"""`names`: of several servers, in any order."""
Fact = tuple[str, Cell]
"""What it is called, and its value; safe text."""

OTHER: Final = "\x00other"
"""The answer that asks for the other way."""
SERVERS_NAME: Final = Span("the server's name")
WIDEST: Final = 74
_NAME_CELLS: Final = 10
_EDGE_CELLS: Final = 4
"""Border and padding."""
_EDGE_ROWS: Final = 2


class AnswerField(Input):
    """Takes what is typed, never what is pasted: the answer is to be meant."""

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()

    def action_paste(self) -> None:
        """Nothing."""


class ConfirmModal(ModalScreen[str | None]):
    """Gives the answer, `OTHER`, or None for no. Holds what it shows: nothing moves under it."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("confirm")]

    def __init__(
        self,
        title: str,
        facts: Sequence[Fact],
        deed: str,
        *,
        kind: Kind = "yes",
        expected: str = "",
        bad: bool = False,
        other: str = "",
        named: Span = SERVERS_NAME,
        ascii: bool = False,
    ) -> None:
        """`deed`: what enter or y does, `delete 118`; `expected`: what must be typed; `other`: what ctrl+t does.

        `named`: whose name is to be typed, in that server's colour.
        """
        super().__init__()
        self._title = title
        self._facts = tuple(facts)
        self._deed = deed
        self._kind = kind
        self._expected = expected
        self._bad = bad
        self._other = other
        self._named = named
        self._ascii = ascii
        self._wrong = False

    def compose(self) -> ComposeResult:
        """Facts, the question, the field, what the keys do."""
        with Vertical(id="dialog", classes="-bad" if self._bad else "") as dialog:
            put_title(dialog, self._title, ascii=self._ascii)
            yield SpanLines(ascii=self._ascii, id="confirm-facts")
            yield Line(id="confirm-question", ground="panel")
            with Horizontal(id="confirm-answer"):
                yield Line(id="confirm-sign", ground="panel")
                field = AnswerField(compact=True, id="confirm-field")
                field.cursor_blink = False
                yield field
            yield Line(id="dialog-foot", ground="panel")

    def on_mount(self) -> None:
        """The focus is where an answer is typed; without a field nothing has it."""
        self.query_one(SpanLines).can_focus = False
        asks = self._kind != "yes"
        self.query_one("#confirm-question").display = asks
        self.query_one("#confirm-answer").display = asks
        field = self.query_one(AnswerField)
        field.disabled = not asks
        if asks:
            self.query_one("#confirm-sign", Line).put((Span(glyph_set(self._ascii).more_right, "key"), Span(" ")))
            field.focus()
        self._lay_out(self.app.size.width, self.app.size.height)

    def on_resize(self, event: events.Resize) -> None:
        """Wraps the facts anew."""
        self._lay_out(event.size.width, event.size.height)

    def _lay_out(self, width: int, height: int) -> None:
        outer = _outer(width)
        cells = outer - _EDGE_CELLS
        asks = self._kind != "yes"
        lines = [self._ascii_line(line) for fact in self._facts for line in _fact_lines(fact, cells)]
        around = _EDGE_ROWS + 2 + (3 if asks else 0)
        most = max(1, height - 2 - around)
        dialog = self.query_one("#dialog")
        dialog.styles.width = outer
        dialog.styles.height = min(len(lines), most) + around
        hidden = len(lines) - most
        more = "1 more line" if hidden == 1 else f"{hidden} more lines"
        dialog.border_subtitle = self._plain(f"{more} · down" if hidden > 0 else "")
        self.query_one(SpanLines).put(lines)
        self.query_one("#confirm-question", Line).put(self._question())
        self._draw_foot(cells)

    def _question(self) -> tuple[Span, ...]:
        name = self._kind in ("name", "names")
        what, role = (self._named.text, f"{self._named.role} strong") if name else ("the number", "strong")
        no = (Span("That is not it. ", "warn"),) if self._wrong else ()
        return tuple(self._ascii_line((*no, Span(f"Type {what} to go on: "), Span(display_text(self._expected), role))))

    def _draw_foot(self, cells: int) -> None:
        asks = self._kind != "yes"
        ready = not asks or self._fits
        left = [Span("esc", "key"), Span(" cancel", "muted")]
        if self._other:
            left += [Span("  ctrl+t", "key"), Span(f" {self._other}", "muted")]
        key = "enter" if asks else "y"
        after = f", after the {'number' if self._kind == 'count' else self._kind}" if not ready else ""
        role = ("bad" if self._bad else "strong") if ready else "muted"
        right = [Span(key, "key" if ready else "muted"), Span(f" {self._deed}{after}", role)]
        used = sum(cell_width(span.text) for span in (*left, *right))
        if used + 2 > cells and self._other:
            left = left[:2]  # the other way still works, and help tells of it
            used = sum(cell_width(span.text) for span in (*left, *right))
        padding = Span(" " * max(2, cells - used))
        self.query_one("#dialog-foot", Line).put(self._ascii_line((*left, padding, *right)))

    @property
    def _fits(self) -> bool:
        typed = self.query_one(AnswerField).value.strip()
        if self._kind == "names":
            return names_typed(typed, self._expected)
        if self._kind == "count":
            typed = typed.replace(",", "")
        return bool(self._expected) and typed == self._expected.replace(",", "" if self._kind == "count" else ",")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._say_wrong(False)
        self._draw_foot(_outer(self.app.size.width) - _EDGE_CELLS)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self._fits:
            self.dismiss(self._expected)
        else:
            self._say_wrong(True)

    def _say_wrong(self, wrong: bool) -> None:
        self._wrong = wrong
        self.query_one("#confirm-question", Line).put(self._question())

    def action_yes(self) -> None:
        """Yes, where that is all that is asked for."""
        if self._kind == "yes":
            self.dismiss("y")

    def action_other(self) -> None:
        """The other way."""
        if self._other:
            self.dismiss(OTHER)

    def action_cancel(self) -> None:
        """Nothing happens."""
        self.dismiss(None)

    def action_scroll(self, rows: int) -> None:
        """More of the facts, where they do not fit."""
        self.query_one(SpanLines).scroll_relative(y=rows, animate=False)

    def _ascii_line(self, line: Sequence[Span]) -> tuple[Span, ...]:
        return tuple(Span(self._plain(text), role) for text, role in line)

    def _plain(self, text: str) -> str:
        return to_ascii(text) if self._ascii else text


def _outer(width: int) -> int:
    """How wide the dialog is on a terminal of that width."""
    return max(20, min(WIDEST, width - 6))


def _fact_lines(fact: Fact, cells: int) -> list[SpanLine]:
    """A fact in as many lines as it takes, the value beside its name; a value of one role breaks at blanks."""
    name, value = fact
    lead = Span(name.ljust(_NAME_CELLS), "muted")
    room = max(10, cells - _NAME_CELLS)
    if sum(cell_width(text) for text, _ in value) <= room:
        return [(lead, *value)]
    words = wrap_words("".join(text for text, _ in value), room)
    if len(value) == 1:
        return [
            (lead if not row else Span(" " * _NAME_CELLS), Span(line, value[0].role)) for row, line in enumerate(words)
        ]
    return [(lead if not row else Span(" " * _NAME_CELLS), *line) for row, line in enumerate(_wrapped(value, room))]


def _wrapped(value: Cell, room: int) -> list[list[Span]]:
    """Spans in lines: one that does not fit any more begins the next line."""
    lines: list[list[Span]] = [[]]
    used = 0
    for text, role in value:
        for row, piece in enumerate(_pieces(text, room, room - used)):
            if row or (used and used + cell_width(piece) > room):
                lines.append([])
                used, piece = 0, piece.lstrip()
            lines[-1].append(Span(piece, role))
            used += cell_width(piece)
    return lines


def _pieces(text: str, room: int, left: int) -> list[str]:
    return [text] if cell_width(text) <= left else wrap_words(text, room)
