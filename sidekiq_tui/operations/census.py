"""Counts the jobs that a plan is for as they are read: by place, class and queue, what stays, and what to warn of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from sidekiq_tui.operations.catalog import MoveToQueue, OfJobs
from sidekiq_tui.operations.payloads import destination, refusal
from sidekiq_tui.operations.targets import Targets, digest
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.payload import truthy

KEPT_JOBS: Final = 40_000
KEPT_BYTES: Final = 32 << 20
"""More than this are looked for again when they are acted on; their digests are kept."""
LARGE: Final = 8 << 20
LARGEST: Final = 64 << 20
"""Bytes of a payload that is warned of, and of one that is left alone (operations-safety 5.1)."""
CLASSES: Final = 1000
NAMELESS: Final = "no class"
_LOCKS: Final = ("unique_for", "lock_digest", "unique_digest", "lock")
_TELLING: Final = ("bid", "encrypt", *_LOCKS)


class Census:
    """What was found so far."""

    def __init__(self, operation: OfJobs) -> None:
        self.stays: Counter[str] = Counter()
        self.signs: Counter[str] = Counter()
        """Jobs by what to warn of: batch, lock, once (`retry: false`), encrypted, large, malformed."""
        self.bytes = 0
        self._operation = operation
        self._classes: Counter[str] = Counter()
        self._queues: Counter[str] = Counter()
        self._digests: dict[Place, Counter[bytes]] = {}
        self._kept: list[JobRecord] | None = []

    def add(self, jobs: Iterable[JobRecord]) -> None:
        """Counts jobs. In a set the same bytes are one entry, however often they were met; in a queue they are not."""
        place: Place | None = None
        counts: Counter[bytes] = Counter()
        for job in jobs:
            reason = refusal(job, self._operation)
            if not reason and len(job.raw) > LARGEST:
                reason = "over 64 MiB"
            if reason:
                self.stays[reason] += 1
                continue
            if job.place is not place:
                place = job.place
                counts = self._digests.setdefault(place, Counter())
            mark = digest(job.raw)
            if mark in counts:
                if place.kind != "queue":
                    continue
                counts[mark] += 1
            else:
                counts[mark] = 1
            self._count(job)

    def _count(self, job: JobRecord) -> None:
        size, seen = len(job.raw), job.glance
        self.bytes += size
        self._classes[job.display_class or NAMELESS] += 1
        self._queues[destination(job, self._operation)] += 1
        if seen is not None:
            tells = seen.retry is False or bool(seen.bid)
        else:
            item = job.item
            tells = not item or item.get("retry") is False or not item.keys().isdisjoint(_TELLING)
        if tells or size > LARGE:
            self._look_for_signs(job)
        if self._kept is not None:
            self._kept.append(job)
            if len(self._kept) > KEPT_JOBS or self.bytes > KEPT_BYTES:
                self._kept = None

    def _look_for_signs(self, job: JobRecord) -> None:
        item = job.item
        found = {
            "malformed": job.malformed,
            "batch": truthy(item.get("bid")),
            "lock": any(truthy(item.get(lock)) for lock in _LOCKS),
            "once": item.get("retry") is False,
            "encrypted": truthy(item.get("encrypt")),
            "large": len(job.raw) > LARGE,
        }
        self.signs.update(sign for sign, seen in found.items() if seen)

    @property
    def places(self) -> dict[Place, int]:
        """Entries that are acted on, by place."""
        return {place: counts.total() for place, counts in self._digests.items() if counts}

    @property
    def count(self) -> int:
        """Entries that are acted on."""
        return sum(self.places.values())

    @property
    def mean_bytes(self) -> float:
        """Bytes of a payload, on average."""
        return self.bytes / self.count if self.count else 0.0

    @property
    def classes(self) -> tuple[tuple[str, int], ...]:
        """By class as shown, the most frequent first; at most CLASSES."""
        return tuple(self._classes.most_common(CLASSES))

    @property
    def queues(self) -> tuple[tuple[str, int], ...]:
        """By the queue that they go to or lie in, the most frequent first."""
        if isinstance(self._operation, MoveToQueue):  # where to is known; where from tells more
            places = Counter({place.queue: count for place, count in self.places.items() if place.queue is not None})
            return tuple(places.most_common(CLASSES)) or tuple(self._queues.most_common(CLASSES))
        return tuple(self._queues.most_common(CLASSES))

    @property
    def destinations(self) -> Counter[str]:
        """Jobs by the queue that they go to."""
        return self._queues

    @property
    def named_places(self) -> dict[str, int]:
        """Entries by the name of their place."""
        return {place_name(place): count for place, count in self.places.items()}

    def targets(self) -> Targets:
        """The entries: their digests, and when they are few themselves: sets by score, queues as they were found."""
        kept = None if self._kept is None else tuple(self._kept)
        if kept is not None:
            names = {place: place_name(place) for place in self._digests}
            kept = tuple(sorted(kept, key=lambda job: (names[job.place], job.score or 0.0)))
        return Targets(self._digests, kept)


def place_name(place: Place) -> str:
    """A place as plans and the audit name it."""
    return f"queue {place.queue}" if place.kind == "queue" else place.kind
