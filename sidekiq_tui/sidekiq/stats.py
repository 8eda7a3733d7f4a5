"""The ten numbers of Sidekiq's own `Stats` (protocol 7, api.rb@8.1.7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sidekiq_tui.sidekiq.database import Command, Database
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.replies import members, natural

DEFAULT_QUEUE: Final = "default"

MAX_NAMES: Final = 10_000
"""Names of queues or processes read at once; larger sets are read in part."""

_SLICE: Final = 1000


@dataclass(frozen=True, slots=True)
class Stats:
    """Named as in Ruby; None is "could not be read"."""

    processed: int | None
    failed: int | None
    scheduled_size: int | None
    retry_size: int | None
    dead_size: int | None
    enqueued: int | None
    processes_size: int | None
    """Members of `processes`, dead ones too."""
    workers_size: int | None
    """Jobs running at the last heartbeats."""
    default_queue_latency: float | None
    """Seconds; 0.0 when the queue is empty, None when its next job has no readable time."""
    queues: tuple[tuple[str, int | None], ...]
    """Names and sizes, largest first, then by name."""


async def read_stats(db: Database, now: float) -> Stats:
    """Reads them in two trips (more past 1000 queues and processes); `now` in Unix seconds.

    Raises only when the server can't be reached: what may not be read, or is of a wrong type, is None.
    """
    keys = db.keys
    first = await db.pipeline(
        [
            ("GET", keys.stat_processed),
            ("GET", keys.stat_failed),
            *(("ZCARD", key) for key in (keys.schedule, keys.retry, keys.dead)),
            ("SCARD", keys.processes),
            ("LINDEX", keys.queue(DEFAULT_QUEUE), -1),
            names_command(keys.queues),
            names_command(keys.processes),
        ]
    )
    queues, identities = members(first[7]), members(first[8])
    sizes = await _numbers(db, [("LLEN", keys.queue(name)) for name in queues or ()])
    busy = await _numbers(db, [("HGET", keys.process(identity), "busy") for identity in identities or ()])
    tail = first[6]
    return Stats(
        processed=counter(first[0]),
        failed=counter(first[1]),
        scheduled_size=natural(first[2]),
        retry_size=natural(first[3]),
        dead_size=natural(first[4]),
        enqueued=known_sum(sizes) if queues is not None else None,
        processes_size=natural(first[5]),
        workers_size=known_sum([number for number in busy if number is not None]) if identities is not None else None,
        default_queue_latency=None if isinstance(tail, SidekiqError) else waited(tail, now),
        queues=tuple(sorted(zip(queues or (), sizes, strict=True), key=lambda item: (-(item[1] or 0), item[0]))),
    )


def names_command(key: bytes) -> Command:
    """Reads the names in `queues`, `processes` or `paused`: all at once, yet bounded."""
    return ("SSCAN", key, 0, "COUNT", MAX_NAMES)


def counter(reply: object) -> int | None:
    """A counter that is 0 while nobody has written it; None when unreadable."""
    return 0 if reply is None else natural(reply)


def oldest_at(tail: object) -> float | None:
    """Since when the next job of a queue waits (Unix seconds), given the tail of its list."""
    if not isinstance(tail, bytes):
        return None
    return JobRecord(tail, Place("queue", "")).waiting_since


def waited(tail: object, now: float) -> float | None:
    """Seconds a queue's next job has waited, given the tail of its list. 0.0 without one.

    Never negative: a job from the future means that clocks differ. None when the job has no readable time, where
    Ruby says 0 or raises.
    """
    if tail is None:
        return 0.0
    since = oldest_at(tail)
    return None if since is None else max(0.0, now - since)


def known_sum(values: Sequence[int | None]) -> int | None:
    """The sum of what is known; None when there are values and none is known."""
    known = [value for value in values if value is not None]
    return sum(known) if known or not values else None


async def _numbers(db: Database, commands: Sequence[Command]) -> list[int | None]:
    numbers: list[int | None] = []
    for start in range(0, len(commands), _SLICE):
        numbers += map(natural, await db.pipeline(commands[start : start + _SLICE]))
    return numbers
