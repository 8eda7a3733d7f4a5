"""The title of a dialog, letter by letter: Textual would read a name in it as markup."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from sidekiq_tui.presentation.glyphs import to_ascii


def put_title(dialog: Widget, title: str, *, ascii: bool = False) -> None:
    """Writes on the border above; `title` must be safe for a terminal."""
    dialog.border_title = Content(to_ascii(title) if ascii else title)
