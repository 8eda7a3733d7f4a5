"""Makes any bytes safe to show, and measures, cuts and pads text by terminal cells.

Terminals obey control characters in data (an OSC 52 in a job argument overwrites the clipboard), and neither Textual
nor Rich strips them. So everything that came from Redis, a profile file or an exception goes through `display_text`.
"""

from __future__ import annotations

import unicodedata
from typing import Final, Literal

from rich.cells import cell_len, get_character_cell_size

Align = Literal["left", "right"]
Cut = Literal["left", "right"]

REPLACEMENT: Final = "\ufffd"
ELLIPSIS: Final = "…"

# Zero-width marks on one character: more than any living script needs is a storm that climbs over other rows.
_MAX_MARKS: Final = 4
_UNPRINTABLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Printable by category, but invisible, or counted differently by Rich and by terminals: variation selectors,
# joiners, fillers, skin tones.
_TREACHEROUS: Final = (
    (0x034F, 0x034F),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFFA0, 0xFFA0),
    (0x1F3FB, 0x1F3FF),
    (0xE0000, 0xE0FFF),
)
_CACHED_CODES: Final = 8192


def _stand_in(code: int) -> str:
    """What to show for one character."""
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was no UTF-8, decoded with surrogateescape
        return f"\\x{code - 0xDC00:02x}"
    char = chr(code)
    category = unicodedata.category(char)
    if category in _UNPRINTABLE or any(low <= code <= high for low, high in _TREACHEROUS):
        return REPLACEMENT
    if category == "Zs":
        return " " * max(1, get_character_cell_size(char))
    return char


class _StandIns(dict[int, str]):
    """A table for `str.translate` that fills itself, bounded so that hostile text cannot fill the memory."""

    def __missing__(self, code: int) -> str:
        shown = _stand_in(code)
        if len(self) < _CACHED_CODES:
            self[code] = shown
        return shown


_STAND_INS: Final = _StandIns()


def _calm(text: str) -> str:
    """`text` without zero-width marks that have nothing to sit on, and without storms of them."""
    if all(map(get_character_cell_size, set(text))):
        return text
    out: list[str] = []
    marks = _MAX_MARKS  # at the start there is nothing to sit on
    for char in text:
        if get_character_cell_size(char):
            marks = 0
        elif marks < _MAX_MARKS and out:
            marks += 1
        elif marks <= _MAX_MARKS:
            marks = _MAX_MARKS + 1
            char = REPLACEMENT
        else:
            continue
        out.append(char)
    return "".join(out)


def display_text(value: str | bytes, limit: int | None = 500) -> str:
    """One line of `value` that is safe to send to a terminal, at most `limit` characters (None: all of it).

    Control characters become control pictures, bytes that are no UTF-8 become `\\xXX`, every other character that
    is not printable becomes U+FFFD. The work is bounded by `limit`, not by the size of `value`.
    """
    if isinstance(value, bytes):
        value = (value if limit is None else value[: 4 * limit + 4]).decode("utf-8", "surrogateescape")
    text = value if limit is None else value[: limit + 1]
    if not (text.isascii() and text.isprintable()):
        text = _calm(text.translate(_STAND_INS))
    return text if limit is None or len(text) <= limit else text[: max(0, limit - 1)] + ELLIPSIS


def typed_text(value: str) -> str:
    """`value` as a field shows it: each character as itself, or as one other that is safe for a terminal."""
    if value.isascii() and value.isprintable():
        return value
    shown = (char.translate(_STAND_INS) for char in value)
    return "".join(char if len(char) == 1 else " " if char.isspace() else REPLACEMENT for char in shown)


def cell_width(text: str) -> int:
    """Cells that a line of safe text takes in a terminal."""
    return len(text) if text.isascii() and text.isprintable() else cell_len(text)


def _head(text: str, width: int) -> str:
    """The longest beginning of `text` that takes at most `width` cells."""
    used = 0
    for index, char in enumerate(text):
        used += get_character_cell_size(char)
        if used > width:
            return text[:index]
    return text


def _tail(text: str, width: int) -> str:
    """The longest end of `text` that takes at most `width` cells and does not start with a lone mark."""
    used = 0
    start = len(text)
    for index in range(len(text) - 1, -1, -1):
        size = get_character_cell_size(text[index])
        used += size
        if used > width:
            break
        if size:
            start = index
    return text[start:]


def clip(text: str, width: int, cut: Cut = "right", ellipsis: str = ELLIPSIS) -> str:
    """`text`, made safe, cut to at most `width` cells; what is cut away leaves `ellipsis` (one cell) in its place."""
    if not (text.isascii() and text.isprintable()):
        text = display_text(text, None)
    if width <= 0:
        return ""
    if cell_width(text) <= width:
        return text
    return _head(text, width - 1) + ellipsis if cut == "right" else ellipsis + _tail(text, width - 1)


def wrap_cells(text: str, first: int, rest: int | None = None) -> list[str]:
    """Safe text in pieces of at most `first` cells, and `rest` cells from the second on; nothing is left out."""
    pieces: list[str] = []
    room = max(1, first)
    ascii = text.isascii() and text.isprintable()
    start = 0
    while start < len(text) or not pieces:
        # A piece of `room` cells has about as many characters; a wide one alone may need more than there is.
        piece = text[start : start + room] if ascii else _head(text[start : start + 5 * room + 5], room)
        piece = piece or text[start : start + 1]
        pieces.append(piece)
        start += len(piece)
        room = max(1, first if rest is None else rest)
    return pieces


def wrap_words(text: str, width: int) -> list[str]:
    """Safe text in lines of at most `width` cells, broken at blanks where there are some."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if cell_width(longer) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        *whole, line = wrap_cells(word, width)
        lines += whole
    return [*lines, line]


def fit(text: str, width: int, align: Align = "left", cut: Cut = "right", ellipsis: str = ELLIPSIS) -> str:
    """`text`, made safe, cut or padded to exactly `width` cells."""
    shown = clip(text, width, cut, ellipsis)
    padding = " " * (width - cell_width(shown))
    return shown + padding if align == "left" else padding + shown
