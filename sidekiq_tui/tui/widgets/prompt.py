"""A line to type in, in the place of the message line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import Input

from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.tui.widgets.line import Line

Done = Callable[[str | None], None]


class PromptInput(Input):
    """Takes every key but tab, which the screen would take for the next view."""

    BINDINGS: ClassVar[list[BindingType]] = [("tab,shift+tab", "nothing", "nothing")]

    def action_nothing(self) -> None:
        """Stays in the prompt."""


class Prompt(Horizontal):
    """Asks one thing; `enter` answers, `esc` gives None."""

    DEFAULT_CSS = """
    Prompt { height: 1; display: none; }
    Prompt.-shown { display: block; }
    Prompt #prompt-sign { width: 2; }
    Prompt PromptInput { width: 2fr; height: 1; border: none; padding: 0; background: transparent; }
    Prompt PromptInput:focus { border: none; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._done: Done | None = None

    def compose(self) -> ComposeResult:
        """A sign, the field, a hint."""
        yield Line(id="prompt-sign")
        field = PromptInput(id="prompt-field", compact=True)
        field.cursor_blink = False
        field.disabled = True  # so that it never has the focus by itself
        yield field
        yield Line(id="prompt-hint")

    def ask(self, sign: str, value: str, done: Done, hint: Sequence[Span] = ()) -> None:
        """Opens with a value to edit and a hint at its right, and calls `done` once, with the answer or None."""
        self._done = done
        self.query_one("#prompt-sign", Line).put((Span(" "), Span(sign, "key")))
        self.query_one("#prompt-hint", Line).put(hint)
        field = self.query_one(PromptInput)
        field.value = value
        field.disabled = False
        self.add_class("-shown")
        field.focus()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._close(event.value)

    def on_key(self, event: events.Key) -> None:
        """`esc` closes without an answer."""
        if event.key == "escape":
            event.stop()
            event.prevent_default()
            self._close(None)

    def _close(self, answer: str | None) -> None:
        done, self._done = self._done, None
        self.remove_class("-shown")
        self.screen.set_focus(None)
        self.query_one(PromptInput).disabled = True
        if done is not None:
            done(answer)
