"""Where one is: the way from a view to what was opened from it, for the titles of opened screens."""

from __future__ import annotations

from collections.abc import Sequence

from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.presentation.glyphs import glyph_set
from sidekiq_tui.presentation.text import clip, display_text
from sidekiq_tui.tui.screens.base import ViewScreen

_PARENT_CELLS = 24
"""The longest name of a screen that one came from."""


def trail(parents: Sequence[str], name: str, *, ascii: bool = False) -> list[Span]:
    """`Queues › mailers`: the parents muted, the last one as a title."""
    glyphs = glyph_set(ascii)
    spans: list[Span] = []
    for parent in parents:
        spans.append(Span(clip(display_text(parent), _PARENT_CELLS, ellipsis=glyphs.cut), "muted"))
        spans.append(Span(f" {glyphs.more_right} ", "muted"))
    return [*spans, Span(display_text(name), "title")]


def trail_to(screen: ViewScreen, *, narrow: bool = False, named: bool = True) -> list[Span]:
    """The way to a screen: the screens under it, and in front the server if the strip names none.

    `narrow`: only the last of them. `named`: whether what is opened is of one server.
    """
    state = screen.app_state
    stack = screen.app.screen_stack
    below = stack[: stack.index(screen)] if screen in stack else stack
    parents = [one.crumb for one in below if isinstance(one, ViewScreen)]
    if named and state.scope is None and parents:
        server = getattr(screen, "server", None)
        parents = [server, *parents] if isinstance(server, str) else parents
    return trail(parents[-1:] if narrow else parents, screen.crumb, ascii=state.ascii)
