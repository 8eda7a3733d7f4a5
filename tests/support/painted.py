"""What a terminal would show: the updates that Textual writes, applied to a grid of cells."""

from __future__ import annotations

import re
from typing import Any, Final

from rich.cells import cell_len
from textual._compositor import CompositorUpdate
from textual.app import App

_PART: Final = re.compile(r"\x1b\[(\d*;?\d*)H|\x1b\[[0-9;?<>=]*[A-Za-z]|([^\x1b])")


class Painted:
    """The cells of a headless app's terminal; unlike `screen_text` it also shows what was not painted over."""

    def __init__(self, app: App[Any]) -> None:
        self.frames = 0
        """Updates written so far."""
        self._cells: dict[tuple[int, int], str] = {}
        self._app = app
        display = app._display

        def painting(screen: Any, renderable: Any) -> None:
            if isinstance(renderable, CompositorUpdate) and not app._batch_count:
                self.frames += 1
                self._write(renderable.render_segments(app.console))
            display(screen, renderable)

        app._display = painting  # type: ignore[method-assign]

    @property
    def text(self) -> str:
        """The screen without the blanks at the ends of lines."""
        width, height = self._app.size
        rows = ("".join(self._cells.get((x, y), " ") for x in range(width)) for y in range(height))
        return "\n".join(row.rstrip() for row in rows)

    def _write(self, sequence: str) -> None:
        x = y = 0
        for place, character in _PART.findall(sequence):
            if character == "\n":
                x, y = 0, y + 1
            elif character:
                self._cells[x, y] = character
                width = cell_len(character)
                if width == 2:
                    self._cells[x + 1, y] = ""
                x += width
            elif place:
                y, x = (int(number or 1) - 1 for number in place.split(";"))
