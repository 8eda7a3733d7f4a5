"""The set of entries that was confirmed: only these are acted on, and only while their bytes are the same."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from sidekiq_tui.sidekiq.job import JobRecord, Place

DIGEST_SIZE: Final = 16
_STEP: Final = 20_000


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
        for part in self._parts():
            made.update(part)
        return made.digest()

    async def fingerprint_slowly(self) -> bytes:
        """The same, without holding up the event loop: a million entries take a second."""
        made = hashlib.sha256()
        for part in self._parts():
            made.update(part)
            await asyncio.sleep(0)
        return made.digest()

    def _parts(self) -> Iterator[bytes]:
        """What is hashed, in steps of a few milliseconds: the digests of each place in order, then those repeated."""
        for place in sorted(self.digests, key=lambda one: (one.kind, one.queue or "")):
            counts = self.digests[place]
            yield repr((place.kind, place.queue, len(counts))).encode()
            by_first: list[list[bytes]] = [[] for _ in range(256)]
            repeated: list[bytes] = []
            for number, (one, count) in enumerate(counts.items()):
                by_first[one[0]].append(one)
                if count > 1:
                    repeated.append(one + count.to_bytes(8, "big"))
                if number % _STEP == 0:
                    yield b""
            for some in by_first:
                yield b"".join(sorted(some))
            yield b"".join(sorted(repeated))


def targets_of(jobs: Iterable[JobRecord], *, keep: bool) -> Targets:
    """The targets that some jobs are; `keep`: with the jobs themselves."""
    listed = tuple(jobs)
    digests: dict[Place, Counter[bytes]] = {}
    for job in listed:
        digests.setdefault(job.place, Counter())[digest(job.raw)] += 1
    return Targets(digests, listed if keep else None)
