"""The signs of the screens: one cell each, with an ASCII set for terminals that draw some of them two cells wide."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final


@dataclass(frozen=True, slots=True)
class GlyphSet:
    """One sign for each meaning; every string is one cell, except `bars`, which are eight from low to high."""

    ok: str
    warn: str
    bad: str
    offline: str
    connecting: str
    quiet: str
    stopping: str
    paused: str
    forbidden: str
    cursor: str
    marked: str
    open: str
    folded: str
    up: str
    down: str
    cut: str
    unknown: str
    apart: str
    times: str
    rule: str
    split: str
    meter_full: str
    meter_empty: str
    more_left: str
    more_right: str
    zero: str
    bars: str
    blank: str = " "


UNICODE: Final = GlyphSet(
    ok="●",
    warn="▲",
    bad="✗",
    offline="○",
    connecting="◌",
    quiet="◐",
    stopping="▼",
    paused="‖",
    forbidden="⊘",
    cursor="▌",
    marked="✓",
    open="▾",
    folded="▸",
    up="↑",
    down="↓",
    cut="…",
    unknown="–",
    apart="·",
    times="×",
    rule="─",
    split="│",
    meter_full="━",
    meter_empty="─",
    more_left="‹",
    more_right="›",
    zero="·",
    bars="▁▂▃▄▅▆▇█",
)

ASCII: Final = GlyphSet(
    ok="o",
    warn="!",
    bad="x",
    offline="-",
    connecting="~",
    quiet="q",
    stopping="t",
    paused="=",
    forbidden="#",
    cursor=">",
    marked="*",
    open="v",
    folded="+",
    up="^",
    down="v",
    cut="~",
    unknown="-",
    apart=",",
    times="x",
    rule="-",
    split="|",
    meter_full="=",
    meter_empty="-",
    more_left="<",
    more_right=">",
    zero="_",
    bars=".:-=+*#@",
)

# `·` stands for "apart" in words and for "zero" in charts; charts draw from their own set, so words decide here.
# U+FFFD stands in for unsafe characters and is of ambiguous width too.
_TO_ASCII: Final = str.maketrans(
    {
        sign: plain
        for field in fields(GlyphSet)
        if field.name not in ("bars", "zero")
        for sign, plain in [(getattr(UNICODE, field.name), getattr(ASCII, field.name))]
    }
    | dict(zip(UNICODE.bars, ASCII.bars, strict=True))
    | {"\ufffd": "?"}
)


def glyph_set(ascii: bool = False) -> GlyphSet:
    """The set to draw with."""
    return ASCII if ascii else UNICODE


def to_ascii(text: str) -> str:
    """`text` with our own signs replaced by their ASCII forms; letters of data stay as they are."""
    return text.translate(_TO_ASCII)
