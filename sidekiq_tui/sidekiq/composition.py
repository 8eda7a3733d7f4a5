"""What a queue is made of: the share of each job class, from an even sample or from all of it.

The sample takes pieces of the list, one from each of as many equal parts, at a place in its part that chance picks: a
pattern in the queue cannot fall into step with it. Jobs come in bursts, so neighbours are alike and a piece of ten says
less than ten single jobs would. The margin of a share therefore comes from how much the pieces differ:

    p     = jobs of the class / jobs read
    var   = k / n² · Σ (a_j - p·n_j)² / (k - 1)     k pieces, a_j of n_j jobs in piece j are of the class, n in all
    deff  = max(1 - n / size, var / (p·(1 - p) / n))  how much less a job says than one drawn alone
    n'    = n / deff
    margin: the wider side of Wilson's interval for p with n' jobs and the t value (95%) of k - 1; and never more than
    the share could change if all that was not read were of this class, or none of it
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.queue import Queue
from sidekiq_tui.sidekiq.replies import natural
from sidekiq_tui.sidekiq.walk import walk_list

SAMPLE_JOBS: Final = 1000
SAMPLE_BYTES: Final = 2 << 20
"""A sample of large jobs is smaller: about so much crosses the line, but for `FEWEST_JOBS`."""
FEWEST_JOBS: Final = 80
PIECES: Final = 40
FEWEST_PIECES: Final = 10
WALK_LIMIT: Final = 20_000_000
"""Entries passed on the way to all pieces, so that a sample of millions holds the server no longer than 40 ms or so:
Redis walks to a piece from the nearer end of the list, 4 ms for half a million entries (protocol 17.1)."""
MOST_CLASSES: Final = 500
"""Classes told apart; the rest of a queue that has more counts as one."""

_Name = tuple[bool, str | None]


@dataclass(frozen=True, slots=True)
class ClassShare:
    """One class among the jobs that were read."""

    name: str | None
    """As shown; None where the payload names none."""
    malformed: bool
    """Payloads that are no JSON objects."""
    jobs: int
    """Of those that were read."""
    share: float
    margin: float | None
    """How far the share may be off, up or down, with 95% confidence: 0.0 when all was read, None when nobody knows."""


@dataclass(frozen=True, slots=True)
class Composition:
    """A queue by class, most jobs first. `size` is that of the whole queue, `read` how many of its jobs were read."""

    size: int
    read: int
    complete: bool
    """All was read: the numbers are counts."""
    even: bool
    """What was read is spread over the whole queue; else it is its newest part."""
    classes: tuple[ClassShare, ...]
    others: int
    """Jobs read that are of still other classes."""
    mean_bytes: float | None
    """Bytes of a payload, on average."""

    @property
    def margin(self) -> float | None:
        """The widest margin of all classes; None when it is not known for some."""
        margins = [one.margin for one in self.classes]
        return None if None in margins else max((one for one in margins if one is not None), default=0.0)


async def sample_queue(db: Database, name: str, size: int, mean_bytes: float | None = None) -> Composition:
    """A sample of a queue of about `size` jobs of about `mean_bytes`, in one round trip; all of it if it is small.

    The same size reads the same places. Raises SidekiqError.
    """
    queue = Queue(db, name)
    parts = sample_ranges(size, mean_bytes)
    ranges = [("LRANGE", queue.key, first, last) for part in parts for first, last in part]
    length, *replies = await db.read([("LLEN", queue.key), *ranges])
    found = iter(replies)
    pieces = [[raw for _ in part for raw in _payloads(next(found))] for part in parts]
    return compose(pieces, natural(length) or 0)


def sample_ranges(size: int, mean_bytes: float | None = None) -> list[list[tuple[int, int]]]:
    """The first and last indexes of each piece, newest first; one piece for all of a small queue.

    A piece that begins near the end of its part goes on at the part's beginning: every job is as likely to be read.
    """
    jobs = SAMPLE_JOBS
    if mean_bytes:
        jobs = max(FEWEST_JOBS, min(jobs, int(SAMPLE_BYTES / mean_bytes)))
    if size <= jobs:
        return [[(0, jobs - 1)]]
    pieces = max(FEWEST_PIECES, min(PIECES, WALK_LIMIT // size))
    length = max(2, jobs // pieces)
    random = Random(size)
    parts = []
    for number in range(pieces):
        start, end = number * size // pieces, (number + 1) * size // pieces
        first = random.randrange(start, end)
        over = first + length - end
        if over <= 0:
            parts.append([(first, first + length - 1)])
        else:
            parts.append([(start, start + over - 1), (first, end - 1)])
    return parts


def _payloads(reply: object) -> list[bytes]:
    return [raw for raw in reply if isinstance(raw, bytes)] if isinstance(reply, list) else []


async def count_queue(db: Database, name: str, slice_size: int = 500) -> AsyncIterator[Composition]:
    """Reads all of a queue in bounded slices and yields what has been counted so far; one round trip a slice.

    Only the last one can be `complete`; none is when the queue turned over too fast to be read. Raises SidekiqError.
    """
    counts: Counter[_Name] = Counter()
    place, volume, read = Place("queue", name), 0, 0
    async for stretch in walk_list(db, Queue(db, name).key, slice_size):
        for raw, _ in stretch.entries:
            volume += len(raw)
            _count(counts, JobRecord(raw, place))
        read += len(stretch.entries)
        size = read if stretch.complete else max(stretch.total, read)
        yield _composition(counts, read, size, stretch.complete, False, volume, None)


def compose(pieces: Sequence[Sequence[bytes]], size: int) -> Composition:
    """What pieces of a queue of `size` jobs, spread evenly over it, say about it."""
    counted = [_counted(piece) for piece in pieces if piece]
    total = sum((counts for counts in counted), Counter[_Name]())
    read = total.total()
    complete = read >= size
    volume = sum(len(raw) for piece in pieces for raw in piece)
    return _composition(total, read, max(size, read), complete, len(counted) > 1, volume, counted)


def margin(parts: Iterable[tuple[int, int]], size: int) -> float | None:
    """How far a share may be off with 95% confidence, from (of the class, in all) of each piece; see the module.

    None for fewer than two pieces: nothing then tells how much they differ.
    """
    pieces = [(of_class, jobs) for of_class, jobs in parts if jobs]
    read, k = sum(jobs for _, jobs in pieces), len(pieces)
    if read >= size:
        return 0.0
    if k < 2:
        return None
    p = sum(of_class for of_class, _ in pieces) / read
    between = sum((of_class - p * jobs) ** 2 for of_class, jobs in pieces) / (k - 1)
    alone = p * (1 - p)
    unread = 1 - read / size
    spread = max(unread, k / read * between / alone) if alone else 1.0
    return min(_wilson(p, read / spread, _t95(k - 1)), unread * max(p, 1 - p))


def _wilson(p: float, n: float, t: float) -> float:
    """The wider side of Wilson's interval."""
    middle = (p + t * t / (2 * n)) / (1 + t * t / n)
    half = t / (1 + t * t / n) * math.sqrt(p * (1 - p) / n + t * t / (4 * n * n))
    return min(1.0, max(middle + half - p, p - middle + half))


def _t95(freedom: int) -> float:
    """The two-sided 95% value of Student's t, to about 1% from 4 degrees of freedom on."""
    return 1.96 + 2.37 / freedom + 2.82 / freedom**2


def _counted(piece: Sequence[bytes]) -> Counter[_Name]:
    counts: Counter[_Name] = Counter()
    for raw in piece:
        _count(counts, JobRecord(raw, Place("queue")))
    return counts


_REST: Final[_Name] = (True, "")


def _count(counts: Counter[_Name], job: JobRecord) -> None:
    name: _Name = (True, None) if job.malformed else (False, job.display_class)
    if name not in counts and len(counts) >= 10 * MOST_CLASSES:
        name = _REST
    counts[name] += 1


def _composition(
    counts: Counter[_Name],
    read: int,
    size: int,
    complete: bool,
    even: bool,
    volume: int,
    pieces: Sequence[Counter[_Name]] | None,
) -> Composition:
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0][0], item[0][1] or ""))
    shown = [(name, jobs) for name, jobs in ranked if name != _REST][:MOST_CLASSES]
    sizes = [piece.total() for piece in pieces or ()]
    classes = []
    for name, jobs in shown:
        off: float | None = 0.0
        if not complete:
            found = zip((piece[name] for piece in pieces or ()), sizes, strict=True)
            off = margin(found, size) if even else None
        classes.append(ClassShare(name[1], name[0], jobs, jobs / read, off))
    return Composition(
        size=size,
        read=read,
        complete=complete,
        even=even or complete,
        classes=tuple(classes),
        others=read - sum(jobs for _, jobs in shown),
        mean_bytes=volume / read if read else None,
    )
