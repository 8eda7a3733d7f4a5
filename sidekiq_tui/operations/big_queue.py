"""Takes confirmed jobs out of a queue by rebuilding it, where `price.rebuilds` says that a search for each is dear."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from sidekiq_tui.operations.targets import digest
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.shadow import Between, Chooser, Rebuild, Rebuilt, Window, rebuild


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
