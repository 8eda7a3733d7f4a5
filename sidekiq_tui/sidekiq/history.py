"""Jobs processed and failed on each UTC day (protocol 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from sidekiq_tui.sidekiq.database import Command, Database
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.stats import counter

MAX_DAYS: Final = 5 * 365
"""Sidekiq keeps days for five years."""

_KINDS: Final[tuple[Literal["processed", "failed"], ...]] = ("processed", "failed")
_SLICE: Final = 500


@dataclass(frozen=True, slots=True)
class Day:
    """One UTC day; None is "could not be read", 0 "nothing was written"."""

    date: date
    processed: int | None
    failed: int | None


@dataclass(frozen=True, slots=True)
class History:
    """Days, newest first."""

    days: tuple[Day, ...]


async def read_history(db: Database, days: int, start: date) -> History:
    """The days up to and including `start` (today in UTC); one trip per 250 days.

    A number of days outside 1..MAX_DAYS, where Ruby raises, is taken as the nearest in it. Raises SidekiqError when
    no day at all may be read.
    """
    wanted = [start - timedelta(days=age) for age in range(max(1, min(days, MAX_DAYS)))]
    commands: list[Command] = [("GET", db.keys.stat_day(kind, day)) for day in wanted for kind in _KINDS]
    replies = await _replies(db, commands)
    errors = [reply for reply in replies if isinstance(reply, SidekiqError)]
    if len(errors) == len(replies):
        raise errors[0]
    numbers = [counter(reply) for reply in replies]
    return History(tuple(map(Day, wanted, numbers[::2], numbers[1::2])))


async def _replies(db: Database, commands: Sequence[Command]) -> list[object]:
    replies: list[object] = []
    for begin in range(0, len(commands), _SLICE):
        replies += await db.pipeline(commands[begin : begin + _SLICE])
    return replies
