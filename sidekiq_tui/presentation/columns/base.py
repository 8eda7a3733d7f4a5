"""What a column is, how columns share the width of a terminal, and how a cell becomes exactly that wide."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, NamedTuple, TypeVar

from sidekiq_tui.presentation.glyphs import GlyphSet, glyph_set, to_ascii
from sidekiq_tui.presentation.text import Align, Cut, cell_width, clip, display_text
from sidekiq_tui.presentation.units import UNKNOWN, TimeMode

Row = TypeVar("Row", contravariant=True)
# Ascending order; what is unknown comes last.
SortKey = tuple[int, float | str]

CELL_LIMIT: Final = 500
_WORDS: Final = re.compile(r" *[^ ]+| +$")


class Span(NamedTuple):
    """A piece of a cell: safe text and its role.

    Roles are meanings, not colours: text, strong, muted, accent, ok, warn, bad, chart, chart-bad, rule, and
    `label:NAME` (production, staging, development, other) for what wears the colour of a server's label.
    A second word ` strong` asks for bold.
    """

    text: str
    role: str = "text"


Cell = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Context:
    """What a cell depends on besides its row."""

    now: float
    """Unix seconds."""
    time_mode: TimeMode = "relative"
    ascii: bool = False
    server_names: Sequence[str] = ()
    """All servers in their order, so that the first nine show their digit."""
    folded: Collection[str] = field(default_factory=frozenset)
    """Identities of processes whose work is not shown."""
    complete: bool = False
    """Show values in full, however long (output to a pipe)."""

    @property
    def glyphs(self) -> GlyphSet:
        """The signs to draw with."""
        return glyph_set(self.ascii)

    @property
    def limit(self) -> int | None:
        """Characters of one value worth preparing."""
        return None if self.complete else CELL_LIMIT

    def safe(self, value: str | bytes) -> str:
        """One safe line of `value`."""
        return display_text(value, self.limit)


# Draws a cell for a row; the width in cells is a hint for charts and meters, None where there is no limit.
Draw = Callable[[Row, Context, int | None], Cell]


@dataclass(frozen=True)
class Column(Generic[Row]):
    """One column of a list: its place in the layout, and how it draws a row."""

    key: str
    heading: str
    min: int
    max: int | None
    """None: as wide as there is room."""
    draw: Draw[Row]
    weight: int = 0
    align: Align = "left"
    goes: int | None = None
    """The order of dropping as the terminal narrows, 1 first; None stays."""
    cut: Cut = "right"
    sort: Callable[[Row, Context], SortKey] | None = None
    live: bool = False
    """Needs a history, so it has nothing to say in a table that is printed once."""
    still: bool = False
    """Its cell does not change with time alone, so it need not be drawn again as the clock goes on."""

    def cell(self, row: Row, context: Context, width: int | None = None) -> Cell:
        """The cell as spans, neither cut nor padded."""
        cell = self.draw(row, context, width)
        return tuple(Span(to_ascii(text), role) for text, role in cell) if context.ascii else cell

    def fitted(self, row: Row, context: Context, width: int) -> Cell:
        """The cell as spans that take exactly `width` cells."""
        return fit_cell(self.cell(row, context, width), width, self.align, self.cut, context.glyphs.cut)

    def title(self, width: int, ascii: bool = False) -> str:
        """The heading, aligned as its cells, exactly `width` cells."""
        return plain(fit_cell((Span(self.heading),), width, self.align, "right", glyph_set(ascii).cut))


def plain(cell: Cell) -> str:
    """The text of a cell without roles."""
    return "".join(text for text, _ in cell)


def fit_cell(cell: Cell, width: int, align: Align = "left", cut: Cut = "right", ellipsis: str = "…") -> Cell:
    """`cell` cut or padded to exactly `width` cells, roles kept."""
    used = sum(cell_width(text) for text, _ in cell)
    if used > width:
        cell = _cut_cell(cell, width, cut, ellipsis)
        used = sum(cell_width(text) for text, _ in cell)
    if used == width:
        return cell
    padding = Span(" " * (width - used))
    return (*cell, padding) if align == "left" else (padding, *cell)


def wrap_cell(cell: Cell, width: int) -> list[Cell]:
    """`cell` in lines of at most `width` cells, broken at blanks, roles kept; a longer word is left whole."""
    lines: list[Cell] = []
    line: list[Span] = []
    used = 0
    for text, role in cell:
        for word in _WORDS.findall(text):
            wide = cell_width(word)
            if line and used + wide > width:
                lines.append(tuple(line))
                line, word = [], word.lstrip(" ")
                used, wide = 0, cell_width(word)
            if word:
                line.append(Span(word, role))
            used += wide
    return [*lines, tuple(line)]


def _cut_cell(cell: Cell, width: int, cut: Cut, ellipsis: str) -> Cell:
    """The spans of `cell` that fit in `width` cells, read from the side that is kept."""
    kept: list[Span] = []
    left = width
    for text, role in cell if cut == "right" else reversed(cell):
        if left <= 0:
            break
        # One more than fits: a span that fits exactly is cut all the same where others follow.
        wide = cell_width(text)
        follows = sum(cell_width(other) for other, _ in cell) - (width - left) - wide > 0
        if wide < left or (wide == left and not follows):
            kept.append(Span(text, role))
            left -= wide
            continue
        mark = text + ellipsis if cut == "right" else ellipsis + text
        kept.append(Span(clip(mark, left, cut, ellipsis), role))
        break
    return tuple(kept if cut == "right" else reversed(kept))


def layout(columns: Sequence[Column[Any]], width: int, sep: int = 2) -> list[tuple[Column[Any], int]]:
    """The columns that fit in `width` cells, with their widths; depends on the width of the terminal alone.

    Columns go by `goes` until the least widths and `sep` cells between columns fit. What is left is shared by weight
    up to each column's greatest width; what then is left, evenly by the columns without weight, up to theirs.
    """
    shown = list(columns)
    while shown and sum(column.min for column in shown) + sep * (len(shown) - 1) > width:
        leaving = min((column for column in shown if column.goes is not None), key=_goes, default=None)
        if leaving is None:
            break
        shown.remove(leaving)
    widths = [column.min for column in shown]
    spare = max(0, width - sum(widths) - sep * (len(shown) - 1))
    spare = _share(shown, widths, spare, [column.weight for column in shown])
    _share(shown, widths, spare, [0 if column.weight else 1 for column in shown])
    return list(zip(shown, widths, strict=True))


def _share(columns: Sequence[Column[Any]], widths: list[int], spare: int, weights: Sequence[int]) -> int:
    """Adds `spare` cells to `widths` by weight, up to each column's greatest width; returns what is left."""
    while spare > 0:
        room = {
            index: spare if column.max is None else column.max - widths[index]
            for index, column in enumerate(columns)
            if weights[index] and (column.max is None or widths[index] < column.max)
        }
        if not room:
            break
        share = max(1, spare // sum(weights[index] for index in room))
        for index, most in room.items():
            extra = min(share * weights[index], most, spare)
            widths[index] += extra
            spare -= extra
    return spare


def _goes(column: Column[Any]) -> int:
    return column.goes or 0


def value_cell(shown: str, role: str = "text") -> Cell:
    """A cell of one value, muted where it is unknown or zero and nothing else is to be said about it."""
    return (Span(shown, "muted" if role == "text" and shown in (UNKNOWN, "0", "0%", "0s") else role),)


def label_role(label: str | None) -> str:
    """The role of what wears the colour of a server's label."""
    word = (label or "").casefold()
    return f"label:{word}" if word in ("production", "staging", "development") else "label:other"


def number_key(value: float | None) -> SortKey:
    """A sort key for a number that may be unknown."""
    try:
        return (1, 0.0) if value is None else (0, float(value))
    except OverflowError:  # an integer beyond any float
        return (0, math.inf)


def text_key(value: str | None) -> SortKey:
    """A sort key for a text that may be unknown."""
    return (1, "") if value is None else (0, value.casefold())
