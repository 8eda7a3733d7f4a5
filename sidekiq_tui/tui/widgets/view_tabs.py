"""The third line: the views, in words, without counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual import events

from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.presentation.glyphs import glyph_set
from sidekiq_tui.presentation.text import cell_width
from sidekiq_tui.tui.messages import GoTo
from sidekiq_tui.tui.views import VIEWS
from sidekiq_tui.tui.widgets.line import Line

_WIDE: Final = 110


def tabs_spans(views: Sequence[tuple[str, str, str]], active: str, width: int, ascii: bool = False) -> list[Span]:
    """Tabs of (name, title, short title); what does not fit leaves a window round the active one, with ``‹ ›``."""
    wide = width >= _WIDE
    apart = 1 if wide else 0
    words = [f" {title if wide else short} " for _, title, short in views]
    names = [name for name, _, _ in views]
    here = names.index(active) if active in names else 0
    first, last = _window([cell_width(word) + apart for word in words], here, width - apart)
    glyphs = glyph_set(ascii)
    spans = [Span(" " * apart)] if apart else []
    if first > 0:
        spans.append(Span(glyphs.more_left + " ", "muted"))
    for index in range(first, last):
        spans.append(Span(words[index], "active" if names[index] == active else "muted"))
        if apart:
            spans.append(Span(" "))
    if last < len(words):
        spans.append(Span(glyphs.more_right, "muted"))
    return spans


def _window(widths: Sequence[int], here: int, room: int) -> tuple[int, int]:
    """The widest run of tabs round `here` that fits, starting as far left as possible; leaves cells for the signs."""
    if not widths or sum(widths) <= room:
        return 0, len(widths)
    for first in range(here + 1):
        used = 2 if first else 0
        last = first
        while last < len(widths) and used + widths[last] + (1 if last + 1 < len(widths) else 0) <= room:
            used += widths[last]
            last += 1
        if last > here:
            return first, last
    return here, here + 1


class ViewTabs(Line):
    """The views that exist, the active one bold on the cursor's ground."""

    def __init__(self, active: str, *, ascii: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._active = active
        self._ascii = ascii

    def on_resize(self, event: events.Resize) -> None:
        """Draws for the new width."""
        views = [(view.name, view.title, view.short) for view in VIEWS if view.tab or view.name == self._active]
        self.put(tabs_spans(views, self._active, event.size.width, self._ascii))

    def on_click(self, event: events.Click) -> None:
        """To the view that was clicked."""
        index = self.span_at(event.x)
        word = self._spans[index].text.strip() if index is not None else ""
        view = next((view for view in VIEWS if word and word in (view.title, view.short)), None)
        if view is not None:
            self.post_message(GoTo(view.name))
