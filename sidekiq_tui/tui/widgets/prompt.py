"""A line to type in, in the place of the message line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Final, Protocol

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.timer import Timer
from textual.widgets import Input

from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.tui.widgets.line import Line
from sidekiq_tui.tui.widgets.safe_input import SafeInput

Done = Callable[[str | None], None]
Changed = Callable[[str], None]

PAUSE_SECONDS: Final = 0.15
"""How long typing must pause before what was typed so far is told."""


_SIGN_CELLS: Final = 2


class Assistant(Protocol):
    """Helps with typing: what could stand here, and what was typed before."""

    def hint(self, text: str, cells: int) -> Sequence[Span]:
        """What to show at the right of the field, where there is room for so many cells."""

    def complete(self, text: str, step: int) -> str:
        """The text with the next (1) or previous (-1) candidate at its end; the text itself if there is none."""

    def recall(self, text: str, step: int) -> str:
        """What was typed before (-1) or after (1) that; the text itself at either end."""


class PromptInput(SafeInput):
    """Takes every key, also tab, which the screen would take for the next view."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("tab", "complete(1)", "complete"),
        ("shift+tab", "complete(-1)", "complete backwards"),
        ("up", "recall(-1)", "earlier"),
        ("down", "recall(1)", "later"),
        ("ctrl+b", "cursor_left", "left"),
        ("ctrl+f", "cursor_right", "right"),
    ]

    assistant: Assistant | None = None

    def action_complete(self, step: int) -> None:
        """Puts a candidate in the place of the last word."""
        if self.assistant is not None:
            self._put(self.assistant.complete(self.value, step))

    def action_recall(self, step: int) -> None:
        """Goes through what was typed before."""
        if self.assistant is not None:
            self._put(self.assistant.recall(self.value, step))

    def _put(self, text: str) -> None:
        self.value = text
        self.cursor_position = len(text)


class Prompt(Horizontal):
    """Asks one thing; `enter` answers, `esc` gives None."""

    DEFAULT_CSS = """
    Prompt { height: 1; display: none; }
    Prompt.-shown { display: block; }
    Prompt #prompt-sign { width: 2; }
    Prompt PromptInput { width: 2fr; height: 1; border: none; padding: 0; background: transparent; }
    Prompt PromptInput:focus { border: none; }
    Prompt.-assisted PromptInput { width: 1fr; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._done: Done | None = None
        self._changed: Changed | None = None
        self._told = ""
        self._pause: Timer | None = None

    def compose(self) -> ComposeResult:
        """A sign, the field, a hint."""
        yield Line(id="prompt-sign")
        field = PromptInput(id="prompt-field", compact=True)
        field.cursor_blink = False
        field.disabled = True  # so that it never has the focus by itself
        yield field
        yield Line(id="prompt-hint")

    def ask(
        self,
        sign: str,
        value: str,
        done: Done,
        hint: Sequence[Span] = (),
        changed: Changed | None = None,
        assistant: Assistant | None = None,
    ) -> None:
        """Opens with a value to edit and a hint at its right, and calls `done` once, with the answer or None.

        `changed` gets the text as typed so far whenever typing pauses, and never after `done`. An `assistant` gives
        hints in the place of `hint`.
        """
        self._done, self._changed, self._told = done, changed, value
        self.query_one("#prompt-sign", Line).put((Span(" "), Span(sign, "key")))
        field = self.query_one(PromptInput)
        field.assistant = assistant
        self.set_class(assistant is not None, "-assisted")
        self.query_one("#prompt-hint", Line).put(hint)
        field.value = value
        self._assist(value)
        field.disabled = False
        self.add_class("-shown")
        field.focus()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self._done is None:
            return
        self._assist(event.value)
        if self._changed is not None:
            self._hush()
            self._pause = self.set_timer(PAUSE_SECONDS, self._tell)

    def on_resize(self) -> None:
        """There is more or less room for the hint."""
        if self._done is not None:
            self._assist(self.query_one(PromptInput).value)

    def _assist(self, text: str) -> None:
        assistant = self.query_one(PromptInput).assistant
        if assistant is not None:
            cells = max(0, self.app.size.width - _SIGN_CELLS) // 2
            self.query_one("#prompt-hint", Line).put(assistant.hint(text, cells))

    def _tell(self) -> None:
        text = self.query_one(PromptInput).value
        if self._changed is not None and text != self._told:
            self._told = text
            self._changed(text)

    def _hush(self) -> None:
        if self._pause is not None:
            self._pause.stop()
            self._pause = None

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
        self._hush()
        done, self._done, self._changed = self._done, None, None
        self.remove_class("-shown")
        self.screen.set_focus(None)
        self.query_one(PromptInput).disabled = True
        if done is not None:
            done(answer)
