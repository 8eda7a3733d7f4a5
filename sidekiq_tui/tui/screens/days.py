"""The counters of the last days, of one server or summed over several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.servers.fleet import Fleet
from sidekiq_tui.sidekiq.history import Day
from sidekiq_tui.tui.screens.dashboard_panels import Today

ALONE: Final = 60.0
"""Seconds that one server has, for whom nobody else waits; a call has its own limit."""


@dataclass(frozen=True, slots=True)
class Days:
    """Oldest first; `read_at` is Unix seconds, `error` says why nothing could be read."""

    names: tuple[str, ...]
    read_at: float
    days: tuple[Day, ...] = ()
    error: str = ""

    @property
    def today(self) -> Today:
        """The last day, and how many jobs ran on the one before."""
        if not self.days:
            return Today()
        before = self.days[-2].processed if len(self.days) > 1 else None
        return Today(self.days[-1].processed, self.days[-1].failed, before)

    def last(self, bars: int, days: int) -> tuple[Day, ...]:
        """The last bars of so many days each, under the first of them; fewer where less is known."""
        known = self.days[-bars * days :]
        groups = [known[max(0, end - days) : end] for end in range(len(known), 0, -days)]
        return tuple(_sum(group[0].date, group) for group in reversed(groups))


async def read_days(fleet: Fleet, count: int, now: float) -> Days:
    """Reads the scope's servers together; those that fail or are late are left out unless all do. One trip a server."""
    names = fleet.names
    answers = await fleet.ask(lambda server: server.history(count), patience=None if len(names) > 1 else ALONE)
    known = list(answers.values.values())
    if not known:
        error = next(iter(answers.missing.values()), None)
        return Days(names, now, error=display_text(error.message) if error is not None else "")
    found: dict[date, list[Day]] = {}
    for history in known:
        for day in history.days:
            found.setdefault(day.date, []).append(day)
    return Days(names, now, tuple(_sum(day, found[day]) for day in sorted(found)))


def _sum(day: date, parts: Sequence[Day]) -> Day:
    processed = [part.processed for part in parts if part.processed is not None]
    failed = [part.failed for part in parts if part.failed is not None]
    return Day(day, sum(processed) if processed else None, sum(failed) if failed else None)
