"""Helps typing a command: candidates beside the line, completion, and what was typed before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sidekiq_tui.errors import UsageError
from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.presentation.glyphs import glyph_set
from sidekiq_tui.presentation.text import cell_width, display_text
from sidekiq_tui.tui.command_parse import Completion, Words, complete, find_command

_FREE: Final = {
    "jid": "the ID of a job",
    "name": "a name for the filter in force",
    "when": "+2h, 14:05, 2026-11-22 14:05 or now",
    "file": "a file",
    "to-queue": "a queue, also a new one",
    "to-anywhere": "a queue, a server, or server:queue",
    "to-server": "another server",
}
_WHAT: Final = {
    "queue": "queue",
    "server": "server",
    "servers": "server",
    "group": "group",
    "saved": "saved filter",
    "theme": "theme",
}


class CommandAssistant:
    """Stands beside one prompt, from its opening to its end."""

    def __init__(self, words: Words, history: Sequence[str], *, ascii: bool = False) -> None:
        self._words = words
        self._history = tuple(history)
        self._glyphs = glyph_set(ascii)
        self._offered = Completion()
        self._chosen: int | None = None
        self._draft = ""
        self._recalled: str | None = None
        self._place = len(self._history)

    def hint(self, text: str, cells: int) -> Sequence[Span]:
        """The candidates, the chosen one marked; else what may follow, or that there is no such word."""
        if self._chosen is None or text != self._offered.line(self._chosen):
            self._offered, self._chosen = complete(text, self._words), None
        typed = text[len(self._offered.head) :]
        if self._offered.candidates and self._offered.candidates != (typed.strip(),):
            return self._candidates(cells)
        return self._advice(text)

    def complete(self, text: str, step: int) -> str:
        """The line with the next candidate; the first `tab` takes the first one, `shift+tab` the last."""
        if self._chosen is None or text != self._offered.line(self._chosen):
            self._offered, self._chosen = complete(text, self._words), None
        count = len(self._offered.candidates)
        if not count:
            return text
        first = 0 if step > 0 else count - 1
        self._chosen = first if self._chosen is None else (self._chosen + step) % count
        line = self._offered.line(self._chosen)
        if count == 1:
            self._chosen = None  # nothing to choose from: the next one completes what follows
        return line

    def recall(self, text: str, step: int) -> str:
        """Among the lines typed before, the next one that begins as this one did."""
        if text != self._recalled:
            self._draft, self._place = text, len(self._history)
        places = range(self._place + step, len(self._history) if step > 0 else -1, step)
        found = next((place for place in places if self._history[place].startswith(self._draft)), None)
        if found is not None:
            self._place = found
        elif step > 0:
            self._place = len(self._history)
        self._recalled = self._draft if self._place == len(self._history) else self._history[self._place]
        return self._recalled

    def _candidates(self, cells: int) -> list[Span]:
        names = [display_text(name) for name in self._offered.candidates]
        first, last = _page([cell_width(name) + 2 for name in names], self._chosen or 0, cells - 4)
        spans = [Span(f"{self._glyphs.more_left} ", "muted")] if first else []
        for index in range(first, last):
            spans += [Span(names[index], "active" if index == self._chosen else "muted"), Span("  ")]
        if last < len(names):
            spans.append(Span(self._glyphs.more_right, "muted"))
        return spans

    def _advice(self, text: str) -> list[Span]:
        word = text.split(" ")[0]
        try:
            command = find_command(word)
        except UsageError as error:
            return [Span(display_text(error.hint or "no such command"), "warn")]
        if " " in text and command.argument in _WHAT:
            return [] if self._offered.candidates else [Span(f"no {_WHAT[command.argument]} is called that", "warn")]
        if " " in text and command.argument:
            return [Span(_FREE.get(command.argument, ""), "muted")]
        return [Span(command.help, "muted")]


def _page(widths: Sequence[int], chosen: int, room: int) -> tuple[int, int]:
    """Which candidates to show, from and to: whole pages, so that they stand still while one goes through them."""
    first = 0
    while True:
        last, used = first, 0
        while last < len(widths) and (used + widths[last] <= room or last == first):
            used += widths[last]
            last += 1
        if chosen < last or last >= len(widths):
            return first, last
        first = last
