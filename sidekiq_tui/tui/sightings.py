"""What this session saw of single jobs: where they were, and when that was no longer so."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Final

from sidekiq_tui.sidekiq.job import JobRecord

MOST_JOBS: Final = 500
MOST_SIGHTINGS: Final = 50


@dataclass(frozen=True, slots=True)
class Sighting:
    """A job in the same place from the first to the last look at it. Times are Unix seconds."""

    place: str
    """In words: `in retries`, `running on app-1:5916`, `no longer in retries`."""
    first: float
    last: float
    looks: int = 1


class Sightings:
    """One for each running app; holds the newest few hundred jobs that were opened."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[tuple[str, str | bytes], tuple[Sighting, ...]] = OrderedDict()

    def of(self, server: str, job: JobRecord) -> tuple[Sighting, ...]:
        """What was seen of a job, the oldest first; by its JID, so also before it failed again."""
        return self._jobs.get(_key(server, job), ())

    def saw(self, server: str, job: JobRecord, place: str, now: float) -> None:
        """A job was looked at."""
        key = _key(server, job)
        known = self._jobs.pop(key, ())
        if known and known[-1].place == place:
            last = known[-1]
            known = (*known[:-1], replace(last, last=max(now, last.last), looks=last.looks + 1))
        else:
            known = (*known, Sighting(place, now, now))[-MOST_SIGHTINGS:]
        self._jobs[key] = known
        if len(self._jobs) > MOST_JOBS:
            self._jobs.popitem(last=False)


def _key(server: str, job: JobRecord) -> tuple[str, str | bytes]:
    return (server, job.jid or job.raw)
