"""How jobs are taken out of a queue: one by one or, where that would hold the server for long, by rebuilding it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Final, Literal

from sidekiq_tui.operations.targets import digest
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.shadow import Between, Chooser, Rebuild, Rebuilt, Window, rebuild

Way = Literal["one by one", "rebuild"]

PER_ENTRY: Final = 0.08e-6
"""Seconds that the server takes to pass over one entry in search of another (operations-safety 8.1)."""
LONGEST: Final = 0.005
"""Seconds that one removal may hold the server."""
LONGEST_IN_ALL: Final = 1.0
"""Seconds that all of them together may."""
SWEPT: Final = 100_000
"""Entries a second that a rebuild passes (operations-safety 18)."""


def removal_seconds(size: int, depth: int | None = None) -> float:
    """How long the server looks for one job of a queue with so many; `depth`: from the nearer end, when it is known."""
    return (size / 4 if depth is None else depth) * PER_ENTRY


def way(matches: int, size: int, depth: int | None = None) -> Way:
    """How to take so many jobs out of a queue of this size. `depth`: of those jobs, from the nearer end, on average."""
    each = removal_seconds(size, depth)
    return "one by one" if each <= LONGEST and matches * each <= LONGEST_IN_ALL else "rebuild"


def rebuild_seconds(size: int) -> float:
    """How long a rebuild takes. No call of it holds the server for more than some milliseconds."""
    return size / SWEPT


def chooser(wanted: Counter[bytes]) -> Chooser:
    """Chooses the jobs with these digests, each as often as it was confirmed, the newest first."""
    left = dict(wanted)

    def choose(window: Window) -> Collection[int]:
        chosen = []
        for offset, raw in enumerate(window):
            one = digest(raw)
            if left.get(one):
                left[one] -= 1
                chosen.append(offset)
        return chosen

    return choose


async def rebuild_queue(db: Database, what: Rebuild, wanted: Counter[bytes], between: Between) -> Rebuilt:
    """Takes the jobs with these digests out of a queue (see `sidekiq.shadow`). Raises SidekiqError."""
    return await rebuild(db, what, lambda: chooser(wanted), between)
