"""The set of entries that was confirmed: only these are acted on, and only while their bytes are the same."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from sidekiq_tui.sidekiq.job import JobRecord, Place

DIGEST_SIZE = 16


def digest(raw: bytes) -> bytes:
    """Sixteen bytes that stand for a payload."""
    return hashlib.blake2b(raw, digest_size=DIGEST_SIZE).digest()


@dataclass(frozen=True, slots=True)
class Targets:
    """Entries by place: how often each digest was selected there (the same bytes can be in one queue twice).

    `jobs` holds the entries themselves when they are few, so that they need not be looked for again.
    """

    digests: dict[Place, Counter[bytes]]
    jobs: tuple[JobRecord, ...] | None = None

    @property
    def count(self) -> int:
        """How many entries."""
        return sum(counts.total() for counts in self.digests.values())

    def fingerprint(self) -> bytes:
        """The same for the same entries, in whatever order they were found."""
        made = hashlib.sha256()
        for place in sorted(self.digests, key=lambda one: (one.kind, one.queue or "")):
            made.update(repr((place.kind, place.queue)).encode())
            for one, count in sorted(self.digests[place].items()):
                made.update(one + count.to_bytes(8, "big"))
        return made.digest()


def targets_of(jobs: Iterable[JobRecord], *, keep: bool) -> Targets:
    """The targets that some jobs are; `keep`: with the jobs themselves."""
    listed = tuple(jobs)
    digests: dict[Place, Counter[bytes]] = {}
    for job in listed:
        digests.setdefault(job.place, Counter())[digest(job.raw)] += 1
    return Targets(digests, listed if keep else None)
