"""Which jobs of a list are marked: some, by their bytes, or the list as a whole, by a rule that loads nothing."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable
from typing import Final

from sidekiq_tui.sidekiq.job import JobRecord

MOST_MARKED: Final = 50_000
BYTES_MARKED: Final = 64 << 20
"""Of payloads: marked jobs stay in memory wherever the list goes."""


class Marks:
    """Marks belong to place and bytes: identical entries of a queue share one. Not safe to share."""

    def __init__(self, most: int = MOST_MARKED, most_bytes: int = BYTES_MARKED) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._jobs: dict[Hashable, JobRecord] = {}
        self._bytes = 0
        self.whole = False
        """The rule: all of the list, whatever it holds by the time somebody counts it."""
        self.all_matching = False
        """Whether those marked stand for all that a filter matches, also what was never read."""
        self.anchor: Hashable | None = None
        """The identity where the next range begins: what was marked last."""

    def __len__(self) -> int:
        return len(self._jobs)

    def __bool__(self) -> bool:
        return self.whole or bool(self._jobs)

    def __contains__(self, job: JobRecord) -> bool:
        return self.whole or job.identity in self._jobs

    @property
    def jobs(self) -> tuple[JobRecord, ...]:
        """The marked jobs in the order of marking; none while the list is marked as a whole."""
        return tuple(self._jobs.values())

    def toggle(self, job: JobRecord) -> bool:
        """Marks a job or takes its mark away; False if no more can be marked. Ends the rule."""
        self.whole = self.all_matching = False
        self.anchor = job.identity
        if job.identity in self._jobs:
            self.remove((job,))
            return True
        return self.add((job,))

    def add(self, jobs: Iterable[JobRecord]) -> bool:
        """Marks jobs in their order until the limit; False if it was reached. Ends the rule."""
        self.whole = self.all_matching = False
        for job in jobs:
            if job.identity in self._jobs:
                continue
            if len(self._jobs) >= self._most or self._bytes + len(job.raw) > self._most_bytes:
                return False
            self._jobs[job.identity] = job
            self._bytes += len(job.raw)
        return True

    def remove(self, jobs: Iterable[JobRecord]) -> None:
        """Takes marks away."""
        for job in jobs:
            gone = self._jobs.pop(job.identity, None)
            self._bytes -= 0 if gone is None else len(gone.raw)
            self.all_matching = self.all_matching and gone is None

    def keep(self, identities: Collection[Hashable]) -> None:
        """Drops the marks of jobs that are not among these, which are known to be all there are."""
        self.remove([job for key, job in self._jobs.items() if key not in identities])

    def mark_whole(self) -> None:
        """All of the list, instead of single jobs."""
        self.clear()
        self.whole = True

    def clear(self) -> None:
        """No marks."""
        self._jobs.clear()
        self._bytes = 0
        self.whole = self.all_matching = False
        self.anchor = None
