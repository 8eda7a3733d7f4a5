"""Moments as people type them: `+2h`, `-30m`, `now`, `14:05`, `2026-11-22`, `2026-11-22 14:05`."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sidekiq_tui.errors import UsageError

EXAMPLES: Final = "+2h, 14:05, 2026-11-22 14:05 or now"
_SECONDS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PIECE: Final = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)([smhdw])", re.ASCII)
_DURATION: Final = re.compile(r"(?:\d{1,9}(?:\.\d{1,3})?[smhdw])+", re.ASCII)
_TIME: Final = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d))?", re.ASCII)
_DATE: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ]+(\d{1,2}):(\d\d)(?::(\d\d))?)?(Z)?", re.ASCII)
_STAMP: Final = re.compile(r"@(\d{1,11}(?:\.\d{1,6})?)", re.ASCII)
_FURTHEST: Final = 100 * 366 * 86400.0


@dataclass(frozen=True, slots=True)
class When:
    """A moment (`at`, Unix seconds) or an offset (`by`, seconds); one of them is None."""

    at: float | None = None
    by: float | None = None

    def moment(self, now: float) -> float:
        """The moment it means, counted from `now`."""
        return self.at if self.at is not None else now + (self.by or 0.0)


def parse_duration(text: str) -> float:
    """Seconds of `90s`, `15m`, `2h30m`, `1d`. Raises `UsageError`."""
    typed = text.strip().lower()
    if not _DURATION.fullmatch(typed):
        raise UsageError(f"{text.strip() or 'nothing'} is no duration", hint="90s, 15m, 2h30m or 1d")
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in _PIECE.findall(typed))
    if seconds > _FURTHEST:
        raise UsageError(f"{text.strip()} is more than a hundred years")
    return seconds


def parse_when(text: str, now: float, *, utc: bool = False) -> When:
    """What was typed; times without a zone are of this machine, or UTC. A time of day is the next one after `now`.

    Raises `UsageError`.
    """
    typed = text.strip()
    if typed.lower() == "now":
        return When(at=now)
    if typed[:1] in "+-" and typed:
        offset = parse_duration(typed[1:])
        return When(by=-offset if typed[0] == "-" else offset)
    if found := _STAMP.fullmatch(typed):
        return When(at=float(found[1]))
    try:
        if found := _TIME.fullmatch(typed):
            return When(at=_next(int(found[1]), int(found[2]), int(found[3] or 0), now, utc))
        if found := _DATE.fullmatch(typed):
            parts = [int(part or 0) for part in found.groups()[:6]]
            moment = datetime(parts[0], parts[1], parts[2], parts[3], parts[4], parts[5])
            return When(at=_stamp(moment, utc or found[7] is not None))
    except (ValueError, OverflowError, OSError):
        pass
    raise UsageError(f"{typed or 'nothing'} is no time", hint=EXAMPLES)


def _next(hour: int, minute: int, second: int, now: float, utc: bool) -> float:
    today = datetime.fromtimestamp(now, UTC if utc else None).replace(tzinfo=None)
    wanted = today.replace(hour=hour, minute=minute, second=second, microsecond=0)
    at = _stamp(wanted, utc)
    return at if at > now else _stamp(wanted + timedelta(days=1), utc)


def _stamp(moment: datetime, utc: bool) -> float:
    return moment.replace(tzinfo=UTC).timestamp() if utc else time.mktime(moment.timetuple())
