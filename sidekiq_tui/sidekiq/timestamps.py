"""Times in payloads: seconds or milliseconds, numbers or text, whatever some client once wrote (protocol 4.4)."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Final, Literal

TimeForm = Literal["float seconds", "integer seconds", "float milliseconds", "integer milliseconds", "text"]

# 1e11 seconds would be the year 5138, 1e11 milliseconds are 1973: what is above must be milliseconds.
_MILLISECONDS_FROM: Final = 1e11
# What datetime can hold; beyond it a "time" is a broken number, and unknown.
_LATEST: Final = 253_402_300_799.0
_EARLIEST: Final = -62_135_596_800.0

_NUMBER: Final = re.compile(r"[+-]?\d{1,30}(\.\d{0,30})?([eE][+-]?\d{1,3})?", re.ASCII)
# Ruby's Time#to_s: "2026-11-22 02:22:30 UTC", "2026-11-22 02:22:30 +0100"
_RUBY_ZONE: Final = re.compile(r"\s+(UTC|GMT|Z|[+-]\d\d:?\d\d)$")
_LONGEST_TEXT: Final = 64


def parse_time(value: object) -> float | None:
    """Unix seconds of a payload's time; None when it is missing or unreadable. A bool is no number."""
    number = _number(value)
    if number is not None:
        seconds = number / 1000 if abs(number) >= _MILLISECONDS_FROM else number
    elif isinstance(value, str):
        parsed = _iso_time(value)
        if parsed is None:
            return None
        seconds = parsed
    else:
        return None
    return seconds if _EARLIEST <= seconds <= _LATEST else None


def time_form(value: object) -> TimeForm | None:
    """How a readable time is written, so that a writer can copy the form; None when it is unreadable."""
    if type(value) is float and 0.0 <= value < _MILLISECONDS_FROM:  # what nearly all are, told at once
        return "float seconds"
    if parse_time(value) is None:
        return None
    if isinstance(value, str):
        return "text"
    number = _number(value)
    milliseconds = number is not None and abs(number) >= _MILLISECONDS_FROM
    if isinstance(value, float):
        return "float milliseconds" if milliseconds else "float seconds"
    return "integer milliseconds" if milliseconds else "integer seconds"


def _number(value: object) -> float | None:
    """The value as a finite float, from a number or a numeric text."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        text = value.strip()
        if len(text) > _LONGEST_TEXT or not _NUMBER.fullmatch(text):
            return None
        value = text
    elif not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _iso_time(text: str) -> float | None:
    """Unix seconds of ISO-8601 text; without a zone it is UTC."""
    text = text.strip()
    if len(text) > _LONGEST_TEXT:
        return None
    zone = _RUBY_ZONE.search(text)
    if zone:
        text = text[: zone.start()] + ("Z" if zone[1].isalpha() else zone[1])
    try:
        parsed = datetime.fromisoformat(text)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
