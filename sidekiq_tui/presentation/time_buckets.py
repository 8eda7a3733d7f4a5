"""When jobs run, grouped: what is due, what comes within minutes, today, tomorrow, later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_MINUTES: Final = 5 * 60
_HOUR: Final = 3600
_WEEK: Final = 7


def upcoming_buckets(now: float, utc: bool = False) -> tuple[tuple[str, float | None], ...]:
    """Words and the end (Unix seconds, inclusive; None: no end) of each group, the soonest first; ends never fall.

    Days end at midnight, local or UTC.
    """
    today = datetime.fromtimestamp(now, UTC if utc else None)
    midnights = [_midnight(today, days) for days in (1, 2, _WEEK)]
    ends = [("due", now), ("in 5 minutes", now + _MINUTES), ("in an hour", now + _HOUR)]
    ends += zip(("later today", "tomorrow", "in 7 days"), midnights, strict=True)
    latest = now
    buckets: list[tuple[str, float | None]] = []
    for words, end in ends:
        latest = max(latest, end)
        buckets.append((words, latest))
    return (*buckets, ("later", None))


def _midnight(moment: datetime, days: int) -> float:
    """The first moment of the day so many days on."""
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None) + timedelta(days=days)
    return (day.replace(tzinfo=UTC) if moment.tzinfo is not None else day).timestamp()
