"""Two keys in a row: after `g` the message line shows the choices, and the next key takes one or cancels."""

from __future__ import annotations

from typing import Final

from textual import events
from textual.widget import Widget

from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.presentation.glyphs import glyph_set
from sidekiq_tui.presentation.text import cell_width, clip
from sidekiq_tui.tui.actions import Action
from sidekiq_tui.tui.keymap import LEADER, character_of, chord_key
from sidekiq_tui.tui.messages import ActionChosen
from sidekiq_tui.tui.screens.base import ViewScreen
from sidekiq_tui.tui.views import VIEWS

_MOST_LINES: Final = 2
_TRIES: Final = ((1, 40, 2), (1, 8, 2), (1, 8, 1), (2, 40, 2), *((2, longest, 1) for longest in range(8, 2, -1)))
"""So many lines, words so long, blanks between: from what one would wish to what a narrow terminal forces."""


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
        cut = glyph_set(screen.app_state.ascii).cut
        screen.show_chord(choice_lines(choices(screen), screen.size.width - 2, cut))
        return True


def choices(screen: ViewScreen) -> list[Action]:
    """The chords that work on a screen now."""
    return [action for action in screen.available if _second(action) and screen.why_not(action) is None]


def choice_lines(actions: list[Action], cells: int, cut: str) -> list[list[Span]]:
    """The choices in one line if they fit, else in two, with shorter words if they must be."""
    lines: list[list[Span]] = []
    for most, longest, apart in _TRIES:
        words = [(_second(action) or "", _shortened(action, longest, cut)) for action in actions]
        lines = _lines(words, cells, apart)
        if len(lines) <= most:
            break
    return lines[:_MOST_LINES]


def _lines(words: list[tuple[str, str]], cells: int, apart: int) -> list[list[Span]]:
    lines: list[list[Span]] = [[Span(LEADER, "key")]]
    used = len(LEADER)
    for key, word in words:
        needed = apart + cell_width(key) + 1 + cell_width(word)
        if used + needed > cells:
            lines.append([Span(" " * len(LEADER))])
            used = len(LEADER)
        lines[-1] += [Span(" " * apart), Span(key, "key"), Span(f" {word}", "muted")]
        used += needed
    return lines


def _shortened(action: Action, longest: int, cut: str) -> str:
    if cell_width(action.label) <= longest:
        return action.label
    short = next((view.short.lower() for view in VIEWS if action.id == f"go-{view.name}"), action.label)
    return clip(short, longest, ellipsis=cut)


def _second(action: Action) -> str | None:
    return next((second for key in action.keys if (second := chord_key(key)) is not None), None)
