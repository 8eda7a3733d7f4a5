"""What was confirmed is a set of entries, whatever order they were found in."""

from __future__ import annotations

import os
from collections import Counter

from sidekiq_tui.operations.targets import Targets, digest, targets_of
from sidekiq_tui.sidekiq.job import JobRecord, Place

RETRY, DEAD, QUEUE = Place("retry"), Place("dead"), Place("queue", "a")


def targets(*jobs: tuple[Place, bytes]) -> Targets:
    return targets_of((JobRecord(raw, place) for place, raw in jobs), keep=False)


async def test_the_fingerprint_is_that_of_the_entries_and_their_places() -> None:
    one = targets((RETRY, b"a"), (RETRY, b"b"), (DEAD, b"a"))
    assert one.fingerprint() == targets((DEAD, b"a"), (RETRY, b"b"), (RETRY, b"a")).fingerprint()
    assert await one.fingerprint_slowly() == one.fingerprint()
    others = [
        targets((RETRY, b"a"), (RETRY, b"b")),
        targets((RETRY, b"a"), (DEAD, b"b"), (DEAD, b"a")),
        targets((RETRY, b"a"), (RETRY, b"b"), (DEAD, b"c")),
        targets((QUEUE, b"a")),
        targets((QUEUE, b"a"), (QUEUE, b"a")),
        targets((Place("queue", "b"), b"a")),
        targets(),
    ]
    assert len({one.fingerprint(), *(other.fingerprint() for other in others)}) == len(others) + 1
    assert [other.count for other in others] == [2, 3, 3, 1, 2, 1, 0]


def test_many_entries() -> None:
    found = [os.urandom(16) for _ in range(50_000)]
    assert Targets({RETRY: Counter(found)}).fingerprint() == Targets({RETRY: Counter(reversed(found))}).fingerprint()


def test_the_jobs_are_kept_when_asked() -> None:
    jobs = [JobRecord(b"a", RETRY), JobRecord(b"b", QUEUE)]
    assert targets_of(jobs, keep=True).jobs == tuple(jobs)
    assert targets_of(jobs, keep=True).digests == {RETRY: {digest(b"a"): 1}, QUEUE: {digest(b"b"): 1}}
