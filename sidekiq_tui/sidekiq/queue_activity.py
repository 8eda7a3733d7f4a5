"""How a queue moves, read in one round trip whose price does not depend on its length.

Clients push at the head and workers take from the tail, so the job at index n came before exactly n others: the time
it was enqueued tells how fast jobs come in (retried and scheduled ones too, which get a new time when they are pushed).
What workers put back at the tail, and what was deleted from the middle, is not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sidekiq_tui.sidekiq.database import Command, Database
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.job import JobRecord
from sidekiq_tui.sidekiq.queue import Queue
from sidekiq_tui.sidekiq.replies import natural, reason
from sidekiq_tui.sidekiq.work import Work, parse_work, work_commands

POSITIONS: Final = (30, 300, 3000, 10_000)
"""Indexes looked at: Redis walks to the last one in 0.1 ms."""
MOST_PROCESSES: Final = 200
SHORTEST: Final = 3.0
"""Seconds: clocks of clients differ by more than would matter in a shorter time."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """How many jobs came in since some moment: `jobs` in the last `seconds`."""

    jobs: int
    seconds: float

    @property
    def rate(self) -> float:
        """Jobs per second."""
        return self.jobs / self.seconds


@dataclass(frozen=True, slots=True)
class QueueActivity:
    """A queue at one moment; `read_at` in Unix seconds, sizes in bytes."""

    read_at: float
    size: int
    memory: int | None
    """What Redis needs for it, estimated by Redis; None when that may not be read."""
    arrivals: tuple[Arrivals, ...]
    """Over several periods, the shortest first; empty when too little waits to tell."""
    work: tuple[Work, ...] | None
    """Jobs of this queue in progress, the oldest first; None when that may not be read."""
    work_problem: str = ""
    """Why not."""

    @property
    def mean_bytes(self) -> float | None:
        """Memory of one job."""
        return self.memory / self.size if self.memory and self.size else None


async def read_activity(db: Database, name: str, identities: Sequence[str], now: float) -> QueueActivity:
    """How queue `name` moves at `now` (Unix seconds), and what the first MOST_PROCESSES of `identities` run of it.

    Raises SidekiqError when the queue itself can't be read.
    """
    queue = Queue(db, name)
    asked = identities[:MOST_PROCESSES]
    commands: list[Command] = [("LLEN", queue.key), ("MEMORY", "USAGE", queue.key)]
    commands += [("LINDEX", queue.key, position) for position in (*POSITIONS, -1)]
    replies = await db.pipeline([*commands, *work_commands(db.keys, asked)])
    length, memory, *entries = replies[: len(commands)]
    if isinstance(length, SidekiqError):
        raise length
    size = natural(length) or 0
    work: tuple[Work, ...] | None = None
    problem = ""
    try:
        work = tuple(one for one in parse_work(asked, replies[len(commands) :]) if one.queue == name)
    except SidekiqError as error:
        problem = reason(error)
    return QueueActivity(
        read_at=now,
        size=size,
        memory=natural(memory),
        arrivals=_arrivals(entries, size, queue, now),
        work=work,
        work_problem=problem,
    )


def _arrivals(entries: Sequence[object], size: int, queue: Queue, now: float) -> tuple[Arrivals, ...]:
    found: list[Arrivals] = []
    for position, raw in zip((*POSITIONS, size - 1), entries, strict=True):
        if not isinstance(raw, bytes) or position <= 0:
            continue
        at = JobRecord(raw, queue.place).enqueued_at
        if at is None or now - at < SHORTEST:
            continue
        if not found or (now - at > found[-1].seconds and position > found[-1].jobs):
            found.append(Arrivals(position, now - at))
    return tuple(found)
