"""JSON to read on a screen: highlighted, one value a line, big containers folded, numbers as they were written.

Nothing is drawn that is not asked for: a container shows its first items and how many more there are, a long text its
beginning, so the work follows what is open, not what there is.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Span
from sidekiq_tui.presentation.glyphs import UNICODE, GlyphSet
from sidekiq_tui.presentation.text import cell_width, display_text, wrap_cells
from sidekiq_tui.presentation.values import scalar_json

MOST_KEYS: Final = 8
"""Containers with more fold."""
PAGE: Final = 500
"""Items that a container shows at first, and how many more at each request."""
TEXT_LIMIT: Final = 400
"""Characters of a text or number that stand there at first."""
TEXT_PAGE: Final = 20_000
_AUTO_DEPTH: Final = 6
_AUTO_LINES: Final = 2000
"""Beyond so many levels or lines nothing unfolds by itself."""
_INLINE_CELLS: Final = 60
_INLINE_KEYS: Final = 3
_DEEPEST_INDENT: Final = 24
_LEAST_ROOM: Final = 16
_HEX_SURROGATES: Final = range(0xDC80, 0xDD00)

Path = tuple[Hashable, ...]
"""What folds: a section's name, then the way down by position."""


class Number(str):
    """A number as it is written, which no float could hold: `1e400`, `0.10`, twenty digits."""

    __slots__ = ()


class Repeated(dict[str, object]):
    """An object that has a key more than once. As a mapping the last one counts, as in Ruby; `pairs` has all."""

    def __init__(self, pairs: Sequence[tuple[str, object]]) -> None:
        super().__init__(pairs)
        self.pairs: Final = tuple(pairs)


@dataclass(slots=True)
class Folds:
    """What a person has unfolded or folded, and how much of long values."""

    opened: dict[Path, bool] = field(default_factory=dict)
    more: dict[Path, int] = field(default_factory=dict)

    def toggle(self, line: DocLine) -> None:
        """Enter on a line."""
        if line.fold is None:
            return
        if line.asks_more:
            self.more[line.fold] = self.more.get(line.fold, 0) + 1
        else:
            self.opened[line.fold] = not line.is_open


@dataclass(frozen=True, slots=True)
class DocLine:
    """One line of a document; `fold` is what enter on it unfolds or folds, or shows more of."""

    cell: Cell = ()
    fold: Path | None = None
    is_open: bool = False
    asks_more: bool = False


def exact(raw: bytes) -> object:
    """JSON with numbers as `Number`, objects with repeated keys as `Repeated`. Raises ValueError for what is none.

    For what `json_codec` has decoded before: it alone judges what is nested too deeply.
    """
    collecting = gc.isenabled()
    gc.disable()  # half of the time for a megabyte would go into looking for cycles, which JSON cannot have
    try:
        return json.loads(
            raw.decode("utf-8", "surrogateescape"),
            object_pairs_hook=_object,
            parse_int=Number,
            parse_float=Number,
            parse_constant=Number,
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    finally:
        if collecting:
            gc.enable()


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    known = dict(pairs)
    return known if len(known) == len(pairs) else Repeated(pairs)


def json_safe(text: str, keep: str = "") -> str:
    r"""`text` with everything that is not printable, but for `keep`, as JSON writes it: `\u001b`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in keep else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    code = ord(char)
    if code <= 0xFFFF:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


def _shown_text(value: object, limit: int) -> tuple[str, int]:
    """A scalar as safe JSON of at most `limit` characters, and how many characters it has in all."""
    if isinstance(value, Number):
        return display_text(value, limit), len(value)
    if not isinstance(value, str):
        return display_text(scalar_json(value, limit), limit), 0
    text = json.dumps(value[:limit], ensure_ascii=False)
    # A byte that was no UTF-8 is left to display_text, which shows it as the byte it is.
    text = "".join(
        _escaped(char) if not char.isprintable() and ord(char) not in _HEX_SURROGATES else char for char in text
    )
    text = display_text(text, None)
    return (text if len(value) <= limit else text[:-1]), len(value)


def _role(value: object) -> str:
    if isinstance(value, Number) or (isinstance(value, int | float) and not isinstance(value, bool)):
        return "warn"
    return "ok" if isinstance(value, str) else "text"


def _items(value: object) -> Sequence[tuple[str | None, object]] | None:
    """The items of a container, with their keys if it is an object; None for anything else."""
    if isinstance(value, Repeated):
        return value.pairs
    if isinstance(value, Mapping):
        return list(value.items())
    if isinstance(value, list | tuple):
        return [(None, item) for item in value]
    return None


def count_words(value: object) -> str:
    """How much a container holds: `14 keys`, `240 items`."""
    items = _items(value) or ()
    noun = "key" if isinstance(value, Mapping) else "item"
    return f"{units.count(len(items))} {noun}{'' if len(items) == 1 else 's'}"


class JsonLines:
    """Draws values for lines of `width` cells."""

    def __init__(self, width: int, folds: Folds, glyphs: GlyphSet = UNICODE) -> None:
        self._width = max(width, _LEAST_ROOM)
        self._folds = folds
        self._glyphs = glyphs
        self._made = 0

    def listed(self, values: Sequence[object], path: Path) -> Iterator[DocLine]:
        """Values with their numbers from 1, in the order of a list."""
        digits = len(str(min(len(values), PAGE)))
        shown = PAGE * (1 + self._folds.more.get(path, 0))
        for index, value in enumerate(islice(values, shown)):
            head = (Span(f" {index + 1:>{digits}}  ", "muted"),)
            yield from self._value(value, (*path, index), 0, head, digits + 3, "")
        if len(values) > shown:
            yield self._more(path, digits + 3, len(values) - shown)

    def named(self, pairs: Sequence[tuple[str, object]], path: Path) -> Iterator[DocLine]:
        """Values with their names."""
        for name, value in pairs:
            key = display_text(json_safe(name), 60)
            yield from self._value(value, (*path, name), 0, (Span(f" {key}", "accent"), Span("  ")), 3, "")

    def single(self, value: object, path: Path) -> Iterator[DocLine]:
        """One value by itself."""
        yield from self._value(value, path, 0, (Span(" "),), 1, "")

    def _value(self, value: object, path: Path, depth: int, head: Cell, indent: int, tail: str) -> Iterator[DocLine]:
        items = _items(value)
        if items is None:
            yield from self._scalar(value, path, head, indent, tail)
            return
        opening, closing = ("{", "}") if isinstance(value, Mapping) else ("[", "]")
        inline = self._inline(items, opening, closing, depth)
        if inline is not None:
            yield self._line((*head, *inline, Span(tail, "muted")))
            return
        is_open = self._folds.opened.get(path)
        if is_open is None:
            is_open = len(items) <= MOST_KEYS and depth < _AUTO_DEPTH and self._made < _AUTO_LINES
        if not is_open:
            words = Span(f"{opening} {count_words(value)} {closing}{tail}  ", "muted")
            yield self._line((*head, words, Span(self._glyphs.folded, "accent")), path)
            return
        sign = (Span("  " + self._glyphs.open, "accent"),) if len(items) > MOST_KEYS else ()
        yield self._line((*head, Span(opening, "muted"), *sign), path, is_open=True)
        yield from self._children(items, path, depth, indent)
        yield self._line((Span(" " * indent + closing + tail, "muted"),))

    def _children(
        self, items: Sequence[tuple[str | None, object]], path: Path, depth: int, indent: int
    ) -> Iterator[DocLine]:
        shown = PAGE * (1 + self._folds.more.get(path, 0))
        inner = min(indent + 2, max(_DEEPEST_INDENT, self._width // 3))
        for index, (key, item) in enumerate(islice(items, shown)):
            head: Cell = (Span(" " * inner),)
            if key is not None:
                name, length = _shown_text(key, 80)
                cut = self._glyphs.cut + '"' if length > 80 else ""
                head = (*head, Span(name + cut, "accent"), Span(": ", "muted"))
            tail = "," if index + 1 < len(items) else ""
            yield from self._value(item, (*path, index), depth + 1, head, inner, tail)
        if len(items) > shown:
            yield self._more(path, inner, len(items) - shown)

    def _more(self, path: Path, indent: int, left: int) -> DocLine:
        words = f"{' ' * indent}{self._glyphs.cut} {units.count(left)} more  "
        return self._line((Span(words, "muted"), Span(self._glyphs.folded, "accent")), path, asks_more=True)

    def _scalar(self, value: object, path: Path, head: Cell, indent: int, tail: str) -> Iterator[DocLine]:
        """A value that wraps under itself; of a long one the beginning, and enter for more."""
        pages = self._folds.more.get(path, 0)
        limit = TEXT_LIMIT if not pages else TEXT_PAGE * pages
        text, length = _shown_text(value, limit)
        left = max(0, length - limit)
        taken = sum(cell_width(span.text) for span in head)
        # Under a long key there is no room: what follows goes below it, by the indent.
        under = taken if taken <= self._width - 2 * _LEAST_ROOM else indent + 2
        pieces = wrap_cells(text, max(1, self._width - taken - len(tail)), max(1, self._width - under - len(tail)))
        role = _role(value)
        for number, piece in enumerate(pieces):
            start: Cell = head if number == 0 else (Span(" " * under),)
            end: Cell = (Span(tail, "muted"),) if number == len(pieces) - 1 and not left else ()
            yield self._line((*start, Span(piece, role), *end))
        if left:
            words = f"{' ' * under}{self._glyphs.cut} {left:,} characters more  "
            yield self._line((Span(words, "muted"), Span(self._glyphs.folded, "accent")), path, asks_more=True)

    def _inline(
        self, items: Sequence[tuple[str | None, object]], opening: str, closing: str, depth: int
    ) -> Cell | None:
        """An empty container, a short list of short values, or a small object inside another value, as one cell."""
        if not items:
            return (Span(opening + closing, "muted"),)
        named = items[0][0] is not None
        if len(items) > (_INLINE_KEYS if named and depth else 0 if named else MOST_KEYS):
            return None
        cells: list[Span] = [Span(opening, "muted")]
        used = 2
        for index, (key, item) in enumerate(items):
            if _items(item) is not None or (isinstance(item, str) and len(item) > _INLINE_CELLS):
                return None
            name = "" if key is None else _shown_text(key[:_INLINE_CELLS], _INLINE_CELLS)[0]
            shown, _ = _shown_text(item, _INLINE_CELLS + 1)
            used += cell_width(name) + cell_width(shown) + (4 if name else 2)
            if used > _INLINE_CELLS:
                return None
            cells += [Span(", ", "muted")] * (index > 0)
            cells += [Span(name, "accent"), Span(": ", "muted")] * bool(name) + [Span(shown, _role(item))]
        return (*cells, Span(closing, "muted"))

    def _line(self, cell: Cell, fold: Path | None = None, *, is_open: bool = False, asks_more: bool = False) -> DocLine:
        self._made += 1
        return DocLine(tuple(span for span in cell if span.text), fold, is_open, asks_more)
