"""What the terminal shows, cell by cell, so that only what differs goes over the line.

Textual writes whole widgets or lines again when one cell of them changes, with full colours for each piece. Over a slow
SSH line that is most of the traffic.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from rich.cells import get_character_cell_size
from rich.color import ColorSystem
from rich.console import Console
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.strip import Strip

from sidekiq_tui.presentation.text import cell_width

BRIDGE: Final = 4
"""Unchanged cells of the same look up to here are written again: moving over them costs as much."""
MOST_STRIPS: Final = 500
"""So many strips' cells are kept; a screen has some hundred."""


class Look(NamedTuple):
    """How cells are drawn: the parameters of the terminal's SGR command."""

    attributes: tuple[str, ...] = ()
    foreground: str = "39"
    background: str = "49"


PLAIN: Final = Look()
_LOOKS: Final[dict[Look, Look]] = {PLAIN: PLAIN}

Cell = tuple[str, Look]
Piece = tuple[int, int, Strip]
"""Line, first cell, and what is drawn from there."""


class TerminalFrame:
    """Remembers what was written last and turns updates into the shortest writes that bring the same picture."""

    def __init__(self) -> None:
        self._lines: dict[int, list[Cell | None]] = {}
        self._uneven: set[int] = set()
        """Lines on which there is, or was, text that is not one cell a character."""
        self._known: dict[int, tuple[Strip, list[Cell | None], bool]] = {}
        """The cells of strips, by identity: a list that scrolls writes the same ones elsewhere."""

    def forget(self) -> None:
        """The terminal may show anything now: the next update is written whole."""
        self._lines.clear()
        self._uneven.clear()

    def changes(self, update: CompositorUpdate, console: Console) -> str:
        """The terminal sequences for what differs from the last picture; empty if nothing does."""
        pieces = _pieces(update)
        if pieces is None:
            self.forget()
            return update.render_segments(console)
        written = _Writer()
        system = console._color_system or ColorSystem.TRUECOLOR
        for y, x, strip in pieces:
            self._piece(y, x, strip, system, written)
        return written.text

    def _piece(self, y: int, x: int, strip: Strip, system: ColorSystem, written: _Writer) -> None:
        cells, even = self._cells_of(strip, system)
        line = self._lines.setdefault(y, [])
        missing = x + len(cells) - len(line)
        if missing > 0:
            line.extend([None] * missing)
        before = line[x : x + len(cells)]
        if before == cells:
            return
        line[x : x + len(cells)] = cells
        if not even:
            self._uneven.add(y)
        if y in self._uneven:
            # Terminals differ in how far such text reaches, so nothing is left standing beside it.
            written.cells(y, x, cells)
            return
        for first, last in _runs(before, cells):
            written.cells(y, x + first, cells[first:last])

    def _cells_of(self, strip: Strip, system: ColorSystem) -> tuple[list[Cell | None], bool]:
        known = self._known.get(id(strip))
        if known is None:
            if len(self._known) >= MOST_STRIPS:
                self._known.clear()
            known = self._known[id(strip)] = strip, *_cells(strip, system)
        return known[1:]


class Changes(CompositorUpdate):
    """An update that is written as these sequences."""

    def __init__(self, text: str) -> None:
        self._text = text

    def render_segments(self, console: Console) -> str:
        """The sequences."""
        return self._text


class _Writer:
    """Puts sequences together: moves and colours only where the ones before do not do."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._at: tuple[int, int] | None = None
        self._look = PLAIN

    @property
    def text(self) -> str:
        """All of it; ends in plain style, as everything else that writes expects."""
        return "".join([*self._parts, *([] if self._look == PLAIN else ["\x1b[m"])])

    def cells(self, y: int, x: int, cells: Sequence[Cell | None]) -> None:
        """Writes cells from a place on."""
        self._move(y, x)
        for cell in cells:
            if cell is not None:
                character, look = cell
                if look is not self._look:
                    self._wear(look)
                self._parts.append(character)
        self._at = (y, x + len(cells))

    def _move(self, y: int, x: int) -> None:
        at, self._at = self._at, (y, x)
        if at == (y, x):
            return
        if at is not None and at[0] == y and at[1] < x:
            distance = x - at[1]
            self._parts.append(f"\x1b[{'' if distance == 1 else distance}C")
        else:
            self._parts.append(f"\x1b[{y + 1};{x + 1}H")

    def _wear(self, look: Look) -> None:
        before, self._look = self._look, look
        if before == look:
            return
        if look == PLAIN:
            self._parts.append("\x1b[m")
            return
        codes: list[str] = []
        if before.attributes != look.attributes:
            codes += ["0", *look.attributes] if before != PLAIN else look.attributes
            before = PLAIN
        if before.foreground != look.foreground:
            codes.append(look.foreground)
        if before.background != look.background:
            codes.append(look.background)
        self._parts.append(f"\x1b[{';'.join(codes)}m")


def _pieces(update: CompositorUpdate) -> Iterator[Piece] | None:
    """What an update draws and where; None for one of an unknown kind."""
    if isinstance(update, LayoutUpdate):
        return _layout_pieces(update)
    if isinstance(update, ChopsUpdate):
        return _chop_pieces(update)
    return None


def _layout_pieces(update: LayoutUpdate) -> Iterator[Piece]:
    for y, strips in enumerate(update.strips, update.region.y):
        yield y, update.region.x, Strip.join(list(strips))


def _chop_pieces(update: ChopsUpdate) -> Iterator[Piece]:
    """As `ChopsUpdate.render_segments` walks them."""
    for y, x1, x2 in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is not None and x <= x2 and end > x1:
                yield y, x, strip if end <= x2 else strip.crop(0, x2 - x)


def _cells(strip: Strip, system: ColorSystem) -> tuple[list[Cell | None], bool]:
    """One entry a cell, and whether each character is one cell.

    A wide character fills its second cell with None; what has no width joins the character before it.
    """
    cells: list[Cell | None] = []
    even = True
    for text, style, control in strip:
        if control or not text:
            continue
        look = PLAIN if style is None else _look(style, system)
        if text.isascii() or all(get_character_cell_size(character) == 1 for character in text):
            cells += [(character, look) for character in text]
        elif width := cell_width(text):
            # Kept whole: how it divides into cells is the terminal's affair.
            even = False
            cells += [(text, look), *[None] * (width - 1)]
        else:
            even = False
            _join(cells, text)
    return cells, even


def _join(cells: list[Cell | None], marks: str) -> None:
    """Adds text without width to the last character."""
    for index in range(len(cells) - 1, -1, -1):
        cell = cells[index]
        if cell is not None:
            cells[index] = (cell[0] + marks, cell[1])
            return


def _runs(before: list[Cell | None], after: list[Cell | None]) -> Iterator[tuple[int, int]]:
    """Where they differ, as (first, last + 1); runs close to each other and of one look are one."""
    changed = [index for index, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
    first = last = changed[0]
    for index in changed[1:]:
        if index - last > 1 and (index - last > BRIDGE + 1 or not _alike(after[last : index + 1])):
            yield first, last + 1
            first = index
        last = index
    yield first, last + 1


def _alike(cells: list[Cell | None]) -> bool:
    looks = [cell[1] for cell in cells if cell is not None]
    return all(look is looks[0] for look in looks)


@lru_cache(maxsize=4096)
def _look(style: Style, system: ColorSystem) -> Look:
    """How rich would draw a style."""
    drawn = style.render("x", color_system=system)
    if not drawn.startswith("\x1b["):
        return PLAIN
    codes = drawn[2 : drawn.index("m")].split(";")
    attributes: list[str] = []
    foreground, background = PLAIN.foreground, PLAIN.background
    while codes:
        code = codes.pop(0)
        length = {"2": 4, "5": 2}.get(codes[0], 0) if code in ("38", "48") and codes else 0
        whole = ";".join([code, *codes[:length]])
        del codes[:length]
        number = int(code)
        if 30 <= number <= 39 or 90 <= number <= 97:
            foreground = whole
        elif 40 <= number <= 49 or 100 <= number <= 107:
            background = whole
        else:
            attributes.append(whole)
    # One object for each look, so that they can be told apart by identity.
    found = Look(tuple(attributes), foreground, background)
    return _LOOKS.setdefault(found, found)
