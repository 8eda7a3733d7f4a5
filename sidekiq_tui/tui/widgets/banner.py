"""The line under the tabs that says why a server is away, or that operations have no end; not there otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual import events

from sidekiq_tui.presentation.columns.base import Span, fit_cell
from sidekiq_tui.presentation.glyphs import glyph_set
from sidekiq_tui.presentation.text import cell_width, clip, display_text
from sidekiq_tui.presentation.units import age
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.tui.widgets.header_strip import state_mark
from sidekiq_tui.tui.widgets.line import Line

_REASON_CELLS: Final = 24
"""With less room for the reason, the next try is not told."""


def banner_spans(snapshot: ServerSnapshot, now: float, width: int, ascii: bool = False) -> list[Span]:
    """Why a server is away, in words, and at the right when it is tried again; empty when it is not away."""
    error = snapshot.error
    if error is None:
        return []
    glyphs = glyph_set(ascii)
    never = snapshot.overview is None
    mark = state_mark(snapshot.health.state, glyphs).text
    lead = (
        f" {mark} {display_text(snapshot.server)} {'has not answered yet:' if never else f'is {snapshot.health.state}'}"
    )
    tries = _tries(snapshot, now)
    apart = " " if never else "  "
    room = width - cell_width(lead + apart) - (cell_width(tries) + 2 if tries else 0) - 1
    if room < _REASON_CELLS:
        tries, room = "", width - cell_width(lead + apart) - 1
    reason = clip(_reason(error.message, snapshot.profile.endpoint), max(0, room), ellipsis=glyphs.cut)
    padding = " " * max(2, width - cell_width(lead + apart + reason + tries) - 1)
    return [Span(lead, "warn strong"), Span(apart + reason), Span(padding), Span(tries, "muted"), Span(" ")]


def _reason(message: str, endpoint: str) -> str:
    """The message as it goes on in the line, with the address if it does not have it."""
    if message[:1].isupper() and message[1:2].islower():
        message = message[0].lower() + message[1:]
    return display_text(message if endpoint in message else f"{message} ({endpoint})")


def _tries(snapshot: ServerSnapshot, now: float) -> str:
    if snapshot.next_try_at is None or not snapshot.attempt:
        return ""
    wait = snapshot.next_try_at - now
    return f"try {snapshot.attempt}, {f'next in {age(wait)}' if wait >= 1 else 'next now'}"


class Banner(Line):
    """Shown only while the server in view is away, or has something that waits for a person."""

    GROUND: ClassVar[str] = "mark"

    DEFAULT_CSS = """
    Banner { display: none; }
    Banner.-shown { display: block; }
    """

    def __init__(self, *, ascii: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._ascii = ascii
        self._snapshot: ServerSnapshot | None = None
        self._now = 0.0
        self._notice: tuple[Span, ...] = ()

    def show(self, snapshot: ServerSnapshot | None, now: float, notice: Sequence[Span] = ()) -> None:
        """Shows a server's trouble, else the notice; the line is hidden without either."""
        self._snapshot, self._now, self._notice = snapshot, now, tuple(notice)
        away = snapshot is not None and snapshot.error is not None
        self.set_class(away or bool(notice), "-shown")
        self._draw(self.size.width or self.app.size.width)  # a hidden one has no width yet

    def on_resize(self, event: events.Resize) -> None:
        """Lays the same words out anew."""
        self._draw(event.size.width)

    def _draw(self, width: int) -> None:
        spans = [] if self._snapshot is None else banner_spans(self._snapshot, self._now, width, self._ascii)
        notice = fit_cell(self._notice, max(0, width - 1), ellipsis=glyph_set(self._ascii).cut) if self._notice else ()
        if spans or notice:
            self.put(spans or [Span(" "), *notice])
