"""A queue that a client fills and a worker drains all the while, in another process; and whether it stayed exact.

Jobs are numbered in the order in which they were pushed, so that every list tells whether its order is right.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Final

import redis

from tests.support.operating import job

QUEUE: Final = "mail"
KEY: Final = f"queue:{QUEUE}"
CHOSEN: Final = "Refund"
_SLICE: Final = 2000


@dataclass
class Traffic:
    """What the other process did: the jobs that its worker took; the numbers `first` to before `end` it pushed."""

    first: int
    ran: list[int] = field(default_factory=list)
    end: int = 0


def chosen(number: int, every: int) -> bool:
    """Whether a job is one of those that will be taken out."""
    return number % every == 0


def made(number: int, every: int) -> bytes:
    """The job of a number; one in `every` is a refund."""
    return job(number, **({"class": CHOSEN} if chosen(number, every) else {}))


def fill(client: redis.Redis, count: int, every: int) -> None:
    """Pushes jobs from 0 on."""
    client.sadd("queues", QUEUE)
    for start in range(0, count, _SLICE):
        client.lpush(KEY, *[made(number, every) for number in range(start, min(start + _SLICE, count))])


@contextlib.contextmanager
def traffic(url: str, first: int, *, pause: float) -> Iterator[Traffic]:
    """Pushes a job, takes a job, sleeps; until the end of the block. None that is pushed is one of the chosen."""
    seen = Traffic(first)
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(url, first, pause, theirs), daemon=True)
    process.start()
    ours.recv()
    try:
        yield seen
    finally:
        ours.send(None)
        seen.ran, seen.end = ours.recv()
        process.join()


def _run(url: str, first: int, pause: float, ends: Connection) -> None:
    ran: list[int] = []
    with redis.Redis.from_url(url) as client:
        client.ping()
        ends.send(None)
        while not ends.poll():
            client.lpush(KEY, job(first))
            first += 1
            taken = client.rpop(KEY)
            if isinstance(taken, bytes):
                ran.append(number_of(taken))
            time.sleep(pause)
    ends.send((ran, first))


def number_of(raw: bytes) -> int:
    """The number of a job."""
    start = raw.index(b'"args":[') + 8
    return int(raw[start : raw.index(b"]", start)])


def oldest_first(entries: Sequence[bytes]) -> list[int]:
    """The numbers of a queue as they would run."""
    return [number_of(raw) for raw in reversed(entries)]


def check(seen: Traffic, queue: Sequence[bytes], out: Sequence[int], *, every: int, ordered: bool) -> None:
    """Nothing lost, nothing doubled, only chosen ones taken out, and all in order. `out`: what was taken out."""
    left = oldest_first(queue)
    ran_then_left = [*seen.ran, *left]
    assert all(one < other for one, other in pairwise(ran_then_left)), "the order of what stayed"
    if ordered:
        assert all(one < other for one, other in pairwise(out)), "the order of what was taken out"
    assert all(chosen(number, every) for number in out)
    assert not any(chosen(number, every) for number in left if number < seen.first)
    assert len(ran_then_left) + len(out) == seen.end, "as many as there were"
    assert len({*ran_then_left, *out}) == seen.end
