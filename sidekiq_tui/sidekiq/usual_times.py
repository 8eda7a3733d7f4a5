"""How long jobs of a class usually run, to say which of those in progress run long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from sidekiq_tui.sidekiq.database import Command, Database
from sidekiq_tui.sidekiq.errors import ReplyError
from sidekiq_tui.sidekiq.histogram import FORMS, SLOW, Counts, Form, add_up, percentile, read_histograms
from sidekiq_tui.sidekiq.replies import natural

USUAL_SHARE: Final = 0.95
MAX_CLASSES: Final = 50
LEAST_RUNS: Final = 5
"""Fewer say nothing about what is usual."""

_TEN: Final = 600
_WINDOWS: Final = 48  # ten minutes each: histograms are kept for eight hours
_WINDOWS_A_CLASS: Final = 6
_RECENT_MINUTES: Final = 60


@dataclass(slots=True)
class _Ran:
    """What a class did in its newest windows."""

    windows: list[float] = field(default_factory=list)
    succeeded: int = 0
    ms: int = 0


async def usual_times(db: Database, classes: Sequence[str], now: float) -> dict[str, float]:
    """Seconds that 95 of 100 successful runs of each class stayed under lately, an estimate from its histograms.

    Looks at the newest hour in which a class ran among the last eight (Sidekiq 8), or at the last hour (7.x). Two
    trips for all classes, 50 of them at most. A class is missing where too little is known: without metrics, with fewer
    than five runs, or when its runs are over 335 s and nothing says by how much. What may not be
    read is as if it were not there. Raises ServerUnreachable when the server does not answer.
    """
    asked = list(dict.fromkeys(classes))[:MAX_CLASSES]
    if not asked:
        return {}
    ran, seven = await _windows(db, asked, now)
    minute = now // 60 * 60
    recent = {minute - 60 * age for age in range(_RECENT_MINUTES)} if seven else set[float]()
    wanted = {name: recent | {at + 60 * n for at in ran[name].windows for n in range(10)} for name in asked}
    forms: tuple[Form, ...] = FORMS if seven else (8,)
    try:
        found = await read_histograms(db, wanted, forms)
    except ReplyError:
        return {}
    times = {name: _usual(ran[name], add_up(minutes.values())) for name, minutes in found.items()}
    return {name: seconds for name, seconds in times.items() if seconds is not None}


async def _windows(db: Database, classes: Sequence[str], now: float) -> tuple[dict[str, _Ran], bool]:
    """The newest ten minutes in which each class ran, after Sidekiq 8; and whether 7.x wrote metrics lately."""
    last = now // _TEN * _TEN
    windows = [last - _TEN * age for age in range(_WINDOWS)]
    names = [f"{name}|{metric}" for name in classes for metric in ("p", "f", "ms")]
    moments = [datetime.fromtimestamp(now - 60 * age, UTC) for age in range(_RECENT_MINUTES)]
    commands: list[Command] = [
        ("HMGET", db.keys.metrics_ten_minutes(datetime.fromtimestamp(at, UTC)), *names) for at in windows
    ]
    commands += [("HLEN", db.keys.metrics_minute_v7(moment)) for moment in moments]
    replies = await db.pipeline(commands)
    ran = {name: _Ran() for name in classes}
    for at, reply in zip(windows, replies[:_WINDOWS], strict=True):
        values = [natural(value) or 0 for value in reply] if isinstance(reply, list) else []
        for index, name in enumerate(classes[: len(values) // 3]):
            processed, failed, ms = values[3 * index : 3 * index + 3]
            one = ran[name]
            if processed > failed and len(one.windows) < _WINDOWS_A_CLASS:
                one.windows.append(at)
                one.succeeded += processed - failed
                one.ms += ms
    return ran, any(isinstance(size, int) and size > 0 for size in replies[_WINDOWS:])


def _usual(ran: _Ran, counts: Counts) -> float | None:
    if sum(counts) < LEAST_RUNS:
        return None
    mean = ran.ms / 1000 / ran.succeeded if ran.succeeded else None
    usual = percentile(counts, USUAL_SHARE, mean)
    return None if mean is None and usual is not None and usual >= SLOW else usual
