"""What the views that look for jobs share: all servers at once, how far they are, what could not be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Final

from sidekiq_tui.cli import diagnostics
from sidekiq_tui.cli.view import Outcome, T
from sidekiq_tui.presentation.units import count
from sidekiq_tui.servers.fleet import Fleet
from sidekiq_tui.servers.fleet_search import FleetSearch, ServerProgress
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.job import JobRecord

PLACES: Final = {"queue": "queue", "retry": "retries", "schedule": "scheduled", "dead": "dead", "work": "running"}
"""Words for where a job lies."""

Found = Callable[[str, Sequence[JobRecord]], None]


async def look_everywhere(
    servers: Sequence[Server],
    search: Callable[[Fleet], FleetSearch],
    value: Callable[[Sequence[JobRecord], ServerProgress], T],
    *,
    found: Found | None = None,
    more: str = "there may be more",
) -> list[Outcome[T]]:
    """Searches all servers; `value` makes of each what the view prints, also of one that ended with an error.

    `found` is called with what a server has found at once. `more` is what a place that could not be read means.
    """
    fleet = Fleet(servers)
    looking = search(fleet)
    jobs: dict[str, list[JobRecord]] = {server.name: [] for server in servers}
    async with aclosing(looking.slices()) as slices:
        async for part in slices:
            if part.slice is not None and part.slice.jobs:
                jobs[part.server] += part.slice.jobs
                if found is not None:
                    found(part.server, part.slice.jobs)
            diagnostics.PROGRESS.show(_progress(looking.progress))
    diagnostics.PROGRESS.clear()
    outcomes = []
    for server in servers:
        progress = looking.progress[server.name]
        _tell_missed(server.name, progress, more)
        said = value(jobs[server.name], progress) if progress.read or progress.error is None else None
        outcomes.append(Outcome(server.profile, said, progress.error))
    return outcomes


def _progress(progress: Mapping[str, ServerProgress]) -> str:
    every = list(progress.values())
    total = f"{count(sum(one.found for one in every))} found in {count(sum(one.read for one in every))} read"
    reading = [(name, one) for name, one in progress.items() if one.state == "reading"]
    if not reading:
        return total
    name, first = reading[0]
    where = f" {PLACES[first.place.kind]}" if first.place is not None else ""
    if len(every) == 1:
        return f"{name}: {total},{where}"
    more = f" and {len(reading) - 1} more" if len(reading) > 1 else ""
    return f"{total}, {len(every) - len(reading)} of {len(every)} servers done; {name}{where}{more}"


def _tell_missed(name: str, progress: ServerProgress, more: str) -> None:
    """Says which places could not be read, where that is not because of an error or a limit."""
    if progress.missed and not progress.full and progress.error is None:
        places = ", ".join(f"{PLACES[place.kind]} {place.queue or ''}".strip() for place in progress.missed)
        diagnostics.warn(f"{name}: not everything could be searched: {places}", more)
