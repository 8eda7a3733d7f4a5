"""A body whose parts are put where a computation says: sizes follow from the terminal, not from what is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from textual.geometry import Region
from textual.message import Message
from textual.widget import Widget


class Board(Widget):
    """Holds widgets and places them by id; those without a place are not shown."""

    DEFAULT_CSS = """
    Board { width: 1fr; height: 1fr; overflow: hidden; }
    Board > * { position: absolute; display: none; }
    """

    def __init__(self, *children: Widget, id: str | None = None) -> None:
        super().__init__(*children, id=id)
        self._places: dict[str, Region] = {}

    @dataclass
    class Resized(Message):
        """There is more or less room."""

    def on_resize(self) -> None:
        """Says so, for the places are computed elsewhere."""
        self.post_message(self.Resized())

    def lay_out(self, places: Mapping[str, Region]) -> None:
        """Puts each child at the region of its id, in cells of the board."""
        for child in self.children:
            name = child.id or ""
            region = places.get(name)
            if region == self._places.get(name):
                continue
            child.display = region is not None
            if region is None:
                self._places.pop(name, None)
                continue
            self._places[name] = region
            child.styles.offset = (region.x, region.y)
            child.styles.width = region.width
            child.styles.height = region.height
