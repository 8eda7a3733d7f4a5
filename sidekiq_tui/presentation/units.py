"""Numbers, sizes, durations and times for people; screens and tables take them from here and nowhere else.

Every function gives at most 5 cells unless it says otherwise, and `–` for None and for numbers that are none.
Values are cut, not rounded, so that nothing reads as more than it is.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Final, Literal

TimeMode = Literal["relative", "local", "utc"]

UNKNOWN: Final = "–"

_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86400
_LONGEST_DAYS: Final = 9999


def _known(value: float | None) -> bool:
    return value is not None and (isinstance(value, int) or math.isfinite(value))


def _tenths(value: float) -> float:
    """`value` cut to one decimal; the small addend undoes the binary noise of numbers like 4.1."""
    return math.floor(value * 10 + 1e-9) / 10


def count(value: float | None) -> str:
    """A number of things: `0`, `9,999`, `12.1k`, `932k`, `1.24M`."""
    if value is None or not _known(value):
        return UNKNOWN
    number = int(value)
    if number < 0:
        return "-" + count(-number)
    if number < 10_000:
        return f"{number:,}"
    unit = 1
    for suffix in "kMGT":
        unit *= 1000
        if number < unit * 1000:
            whole = number // unit
            if whole >= 100:
                return f"{whole}{suffix}"
            if whole >= 10:
                return f"{whole}.{number % unit * 10 // unit}{suffix}"
            return f"{whole}.{number % unit * 100 // unit:02d}{suffix}"
    return ">999T"


def delta(value: float | None) -> str:
    """A change of a number of things, with its sign: `+20.1k`, `-310`, `0`; at most 6 cells."""
    if value is None or not _known(value):
        return UNKNOWN
    shown = count(value)
    return "+" + shown if int(value) > 0 else shown


def rate(value: float | None) -> str:
    """Things a second, without the unit: `0`, `<0.1`, `3.1`, `812`, `3,240`."""
    if value is None or not _known(value):
        return UNKNOWN
    if value <= 0:
        return "0"
    if value < 0.1:
        return "<0.1"
    return f"{_tenths(value):.1f}" if value < 10 else count(value)


def share(value: float | None) -> str:
    """A part of one: `0%`, `<0.1%`, `9.1%`, `79%`; only a whole is `100%`."""
    if value is None or not _known(value):
        return UNKNOWN
    percent = min(value, 100) * 100
    if percent <= 0:
        return "0%"
    if percent < 0.1:
        return "<0.1%"
    if percent < 9.95:
        return f"{percent:.1f}%"
    if percent < 100:
        return f"{min(99, round(percent))}%"
    return f"{min(9999, int(percent + 1e-9))}%"


def _long(seconds: int) -> str:
    """One unit, two where the first is one digit; for 10 seconds and more."""
    if seconds < _MINUTE:
        return f"{seconds}s"
    if seconds < 10 * _MINUTE:
        return f"{seconds // _MINUTE}m{seconds % _MINUTE:02d}s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE}m"
    if seconds < 10 * _HOUR:
        return f"{seconds // _HOUR}h{seconds % _HOUR // _MINUTE:02d}m"
    if seconds < _DAY:
        return f"{seconds // _HOUR}h"
    days = seconds // _DAY
    if days < 10:
        return f"{days}d{seconds % _DAY // _HOUR:02d}h"
    return f"{days}d" if days <= _LONGEST_DAYS else f"{min(9999, days // 365)}y"


def duration(seconds: float | None) -> str:
    """How long something takes: `0`, `38ms`, `9.0s`, `42s`, `2m05s`, `14m`, `3h12m`, `6d05h`, `31d`; never negative."""
    if seconds is None or not _known(seconds):
        return UNKNOWN
    if seconds <= 0:
        return "0"
    if seconds < 0.001:
        return "<1ms"
    if seconds < 1:
        return f"{min(999, math.floor(seconds * 1000 + 1e-6))}ms"
    return f"{_tenths(seconds):.1f}s" if seconds < 10 else _long(int(seconds))


def age(seconds: float | None) -> str:
    """How long ago something was: as `duration`, in whole seconds (`0s`, `2s`); the future counts as now."""
    if seconds is None or not _known(seconds):
        return UNKNOWN
    return f"{max(0, int(seconds))}s" if seconds < 10 else _long(int(seconds))


def size(value: float | None) -> str:
    """Bytes, in powers of 1024: `0`, `214B`, `9.8K`, `480M`, `1.2G`."""
    if value is None or not _known(value):
        return UNKNOWN
    number = int(value)
    if number <= 0:
        return "0"
    if number < 1024:
        return f"{number}B"
    for power, suffix in enumerate("KMGTP", start=1):
        unit = 1024**power
        if number < 10 * unit:
            return f"{number // unit}.{number % unit * 10 // unit}{suffix}"
        if number < 1024 * unit:
            return f"{number // unit}{suffix}"
    return ">999P"


def clock(time: float | None, now: float, utc: bool = False) -> str:
    """A point in time: `03:15:02` today, `11-21 03:15` this year, else `2025-11-21`; `Z` after UTC."""
    if time is None or not _known(time):
        return UNKNOWN
    zone = UTC if utc else None
    try:
        at, today = datetime.fromtimestamp(time, zone), datetime.fromtimestamp(now, zone)
    except (OverflowError, ValueError, OSError):
        return UNKNOWN
    if at.date() == today.date():
        shown = f"{at:%H:%M:%S}"
    elif at.year == today.year:
        shown = f"{at:%m-%d %H:%M}"
    else:
        shown = f"{at.year:04d}-{at:%m-%d}"
    return shown + "Z" if utc else shown


def time_cell(time: float | None, now: float, mode: TimeMode = "relative", *, upcoming: bool = False) -> str:
    """A time for a column whose heading says what it is: `2m05s`, `due` (upcoming and past), or a `clock`."""
    if mode != "relative":
        return clock(time, now, utc=mode == "utc")
    if time is None or not _known(time):
        return UNKNOWN
    if upcoming:
        return age(time - now) if time > now else "due"
    return age(now - time)


def time_at(time: float | None, now: float, mode: TimeMode = "relative", *, upcoming: bool = False) -> str:
    """A time for a sentence: `in 48s`, `5m12s ago`, `due` (upcoming and past), or a `clock`; at most 12 cells."""
    shown = time_cell(time, now, mode, upcoming=upcoming or (time or 0) > now)
    if mode != "relative" or shown in (UNKNOWN, "due"):
        return shown
    return f"in {shown}" if (time or 0) > now else f"{shown} ago"
