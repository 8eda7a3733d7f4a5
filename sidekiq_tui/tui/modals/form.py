"""Fields to fill in before an operation is planned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Generic, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input

from sidekiq_tui.errors import SqtuiError
from sidekiq_tui.presentation.columns.base import Cell, Span, fit_cell
from sidekiq_tui.presentation.glyphs import glyph_set, to_ascii
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.tui.actions import bindings
from sidekiq_tui.tui.modals.titled import put_title
from sidekiq_tui.tui.widgets.line import Line
from sidekiq_tui.tui.widgets.safe_input import SafeInput

T = TypeVar("T")

NAME_CELLS: Final = 13
WIDEST: Final = 96
_EDGE: Final = 4


@dataclass(frozen=True, slots=True)
class Field:
    """One line to fill in: its key, its name, what stands there at first, and what it takes.

    With `choices` it is one of these, and nothing is typed.
    """

    key: str
    name: str
    value: str = ""
    hint: str = ""
    choices: tuple[str, ...] = ()


class Choice(Line, can_focus=True):
    """Stands where a field does, and holds one of a few words."""

    class Changed(Message):
        """Another one was chosen."""

    def __init__(self, field: Field, *, ascii: bool, id: str) -> None:
        super().__init__(ground="panel", id=id)
        self._choices = field.choices
        self._ascii = ascii
        self.value = field.value

    def flip(self, step: int) -> None:
        """The next one, going round."""
        self.value = self._choices[(self._choices.index(self.value) + step) % len(self._choices)]
        self.show()
        self.post_message(self.Changed())

    def show(self) -> None:
        """Draws it; with signs while the keys are for it."""
        glyphs = glyph_set(self._ascii)
        value = Span(to_ascii(self.value) if self._ascii else self.value, "strong" if self.has_focus else "text")
        signs = (Span(f"  {glyphs.more_left} {glyphs.more_right}", "key"),) if self.has_focus else ()
        self.put((value, *signs))

    def on_mount(self) -> None:
        """Draws it."""
        self.show()

    def on_focus(self) -> None:
        """With its signs."""
        self.show()

    def on_blur(self) -> None:
        """Without them."""
        self.show()


class FormModal(ModalScreen[T | None], Generic[T]):
    """Subclasses say what the values mean; enter goes on when they mean something, esc twice drops what was typed."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("form")]

    def __init__(
        self,
        title: str,
        fields: Sequence[Field],
        verb: str = "goes on",
        *,
        about: Sequence[tuple[str, Cell]] = (),
        ascii: bool = False,
    ) -> None:
        """`about`: names and values that stand above the fields; safe text."""
        super().__init__()
        self._title = title
        self._about = tuple(about)
        self._fields = tuple(fields)
        self._verb = verb
        self._ascii = ascii
        self._warned = False

    def read(self, values: Mapping[str, str]) -> T:
        """What the values mean. Raises `SqtuiError`."""
        raise NotImplementedError

    def preview(self, values: Mapping[str, str]) -> str:
        """What the values would come to, in words; empty while they mean nothing."""
        return ""

    def compose(self) -> ComposeResult:
        """The fields, each with its hint below, a line that tells what they come to, and what the keys do."""
        with Vertical(id="dialog") as dialog:
            put_title(dialog, self._title, ascii=self._ascii)
            for index in range(len(self._about)):
                yield Line(id=f"about-{index}", ground="panel")
            for one in self._fields:
                with Horizontal(classes="form-row"):
                    yield Line(id=f"name-{one.key}", ground="panel")
                    if one.choices:
                        yield Choice(one, ascii=self._ascii, id=f"field-{one.key}")
                        continue
                    field = SafeInput(one.value, compact=True, id=f"field-{one.key}", placeholder=one.hint)
                    field.cursor_blink = False
                    yield field
            yield Line(id="form-words", ground="panel")
            yield Line(id="dialog-foot", ground="panel")

    def on_mount(self) -> None:
        """The first field has the focus."""
        for one in self._fields:
            self.query_one(f"#name-{one.key}", Line).put((Span(one.name.ljust(NAME_CELLS), "muted"),))
        keys = [("enter", self._verb), ("esc", "cancels")]
        if len(self._fields) > 1:
            keys.insert(1, ("tab", "next field"))
        if any(one.choices for one in self._fields):
            keys.insert(2, ("space", "chooses"))
        self.query_one("#dialog-foot", Line).put(
            [part for key, verb in keys for part in (Span(key, "key"), Span(f" {verb}  ", "muted"))]
        )
        for index, (name, value) in enumerate(self._about):
            spans = (Span(name.ljust(NAME_CELLS), "muted"), *value)
            shown = [Span(to_ascii(text) if self._ascii else text, role) for text, role in spans]
            self.query_one(f"#about-{index}", Line).put(shown)
        self._lay_out(self.app.size.width)
        self._field(self._fields[0]).focus()
        self._tell(self.preview(self.values))

    def on_resize(self, event: events.Resize) -> None:
        """As wide as there is room."""
        self._lay_out(event.size.width)

    def _lay_out(self, width: int) -> None:
        dialog = self.query_one("#dialog")
        dialog.styles.width = min(WIDEST, width - 6)
        dialog.styles.height = len(self._about) + len(self._fields) + 2 + _EDGE

    def _field(self, one: Field) -> Input | Choice:
        found = self.query_one(f"#field-{one.key}")
        assert isinstance(found, Input | Choice)
        return found

    @property
    def values(self) -> dict[str, str]:
        """What stands in the fields, by key."""
        return {one.key: self._field(one).value for one in self._fields}

    @property
    def _changed(self) -> bool:
        return any(self.values[one.key] != one.value for one in self._fields)

    @on(Input.Changed)
    @on(Choice.Changed)
    def _typed(self, event: Message) -> None:
        event.stop()
        self._warned = False
        self._tell(self.preview(self.values))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_submit()

    def action_submit(self) -> None:
        """Goes on, when the values mean something; else says what is wrong."""
        try:
            answer = self.read(self.values)
        except SqtuiError as error:
            words = "; ".join(part for part in (error.message, error.hint) if part)
            self._tell(display_text(words), "bad")
        else:
            self.dismiss(answer)

    def _tell(self, words: str, role: str = "muted") -> None:
        room = max(0, min(WIDEST, self.app.size.width - 6) - _EDGE)
        shown = to_ascii(words) if self._ascii else words
        cell: Cell = (Span(" " * NAME_CELLS), Span(shown, role))
        if words and NAME_CELLS + len(words) > room:
            cell = (Span(shown, role),)
        self.query_one("#form-words", Line).put(fit_cell(cell, room, ellipsis=glyph_set(self._ascii).cut))

    def action_next(self, step: int) -> None:
        """To another field."""
        keys = [f"field-{one.key}" for one in self._fields]
        here = keys.index(self.focused.id) if self.focused is not None and self.focused.id in keys else 0
        self.query_one(f"#{keys[(here + step) % len(keys)]}").focus()

    def action_flip(self, step: int) -> None:
        """Another one, where one of a few words is chosen."""
        if isinstance(self.focused, Choice):
            self.focused.flip(step)

    def action_cancel(self) -> None:
        """Closes; what was typed is dropped only when it was said so before."""
        if self._changed and not self._warned:
            self._warned = True
            self._tell("esc again drops what was typed", "warn")
        else:
            self.dismiss(None)
