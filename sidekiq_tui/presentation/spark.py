"""Sparks, areas and meters in block characters: from zero, one sample a column, newest at the right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from sidekiq_tui.presentation.glyphs import glyph_set

Samples = Sequence[float | None]

_STEPS: Final = ("1", "1.5", "2", "2.5", "3", "4", "5", "6", "8", "10")
_SPARK_HEIGHTS: Final = 7  # not eight, so that rows never touch
_EIGHTHS: Final = 8


def _sample(value: float | None) -> float | None:
    """`value` as something to draw: None where there is no sample, never below zero."""
    try:
        return max(0.0, float(value)) if value is not None and math.isfinite(value) else None
    except OverflowError:  # an integer beyond any float
        return None


def _recent(values: Samples, width: int) -> list[float | None]:
    recent = [_sample(value) for value in values[-width:]] if width > 0 else []
    return [None] * (max(0, width) - len(recent)) + recent


def spark(values: Samples, width: int, ascii: bool = False) -> str:
    """Bars in one row, exactly `width` cells; the highest sample is a full bar."""
    glyphs = glyph_set(ascii)
    recent = _recent(values, width)
    full = max((value for value in recent if value is not None), default=0.0)

    def bar(value: float | None) -> str:
        if value is None:
            return glyphs.blank
        if value == 0:
            return glyphs.zero
        return glyphs.bars[min(_SPARK_HEIGHTS - 1, int(min(1.0, value / full) * _SPARK_HEIGHTS))]

    return "".join(map(bar, recent))


def area(values: Samples, width: int, height: int, top: float, ascii: bool = False) -> list[str]:
    """A filled chart: `height` rows from the top down, each exactly `width` cells; a full column is `top`.

    A sample of zero is a dot on the ground, so that it differs from a hole, which is blank.
    """
    glyphs = glyph_set(ascii)
    columns: list[str] = []
    for value in _recent(values, width):
        if value is None or height <= 0:
            columns.append(glyphs.blank * height)
            continue
        eighths = 0 if value == 0 or top <= 0 else max(1, int(min(1.0, value / top) * height * _EIGHTHS))
        full, part = divmod(eighths, _EIGHTHS)
        column = glyphs.bars[-1] * full + (glyphs.bars[part - 1] if part else "")
        columns.append((column or glyphs.zero).ljust(height, glyphs.blank))
    return ["".join(column[row] for column in columns) for row in range(height - 1, -1, -1)]


def scale_top(highest: float) -> float:
    """The least of 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times a power of ten that reaches `highest`; 1 for nothing."""
    if not math.isfinite(highest) or highest <= 0:
        return 1.0
    power = math.floor(math.log10(highest))
    for exponent in (power - 1, power):  # log10 may be off by one at a power of ten
        for step in _STEPS:
            top = float(f"{step}e{exponent}")
            if top >= highest:
                return top
    return float(f"1e{power + 1}")


def keep_top(previous: float | None, values: Samples, width: int) -> float:
    """The scale for the samples of a chart `width` wide: grows at once, shrinks only after a full width below half."""
    known = [value for value in _recent(values, width) if value is not None]
    highest = max(known, default=0.0)
    needed = scale_top(highest)
    if previous is None or needed >= previous:
        return needed
    return needed if len(known) >= width and highest < previous / 2 else previous


def meter(value: float | None, width: int, ascii: bool = False) -> tuple[str, str]:
    """The full and the empty part of a meter of `width` cells for a part of one; not zero shows at least one cell."""
    glyphs = glyph_set(ascii)
    part = _sample(value) or 0.0
    full = 0
    if part >= 1:
        full = width
    elif part > 0:
        full = min(max(1, round(part * width)), max(1, width - 1))
    return glyphs.meter_full * min(full, width), glyphs.meter_empty * (width - min(full, width))
