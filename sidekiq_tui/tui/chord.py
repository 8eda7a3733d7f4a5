"""Two keys in a row: after `g` the message line shows the choices, and the next key takes one or cancels."""

from __future__ import annotations

from typing import Final

from textual import events
from textual.widget import Widget

from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.tui.actions import Action
from sidekiq_tui.tui.keymap import LEADER, character_of, chord_key
from sidekiq_tui.tui.messages import ActionChosen
from sidekiq_tui.tui.screens.base import ViewScreen

_ESCAPE: Final = "escape"


class Chord:
    """Whether `g` was pressed on a screen and its second key is awaited, however long that takes."""

    def __init__(self) -> None:
        self._on: ViewScreen | None = None

    def take(self, event: events.Key, screen: ViewScreen, target: Widget) -> bool:
        """Whether the chord takes this key, which then goes nowhere else."""
        key = character_of(event.key, event.character)
        if self._on is screen:
            self._on = None
            screen.show_chord()
            chosen = next((action for action in choices(screen) if _second(action) == key), None)
            if chosen is not None:
                target.post_message(ActionChosen(chosen.id))
            return True
        self._on = None
        if key != LEADER or target.check_consume_key(event.key, event.character):
            return False
        self._on = screen
        screen.show_chord(choice_spans(choices(screen)))
        return True


def choices(screen: ViewScreen) -> list[Action]:
    """The chords that work on a screen now."""
    return [action for action in screen.available if _second(action) and screen.reason_against(action) is None]


def choice_spans(actions: list[Action]) -> list[Span]:
    """The choices as the message line shows them."""
    spans = [Span(LEADER, "key"), Span(" ")]
    for action in actions:
        spans += [Span(f" {_second(action)}", "key"), Span(f" {action.label}", "muted")]
    return spans


def _second(action: Action) -> str | None:
    return next((second for key in action.keys if (second := chord_key(key)) is not None), None)
