"""Follows one job from place to place, at a price that does not grow with the number of jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sidekiq_tui.sidekiq.database import Command, Database
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.job_watch import SETS
from sidekiq_tui.sidekiq.replies import natural, payloads, real, scored
from sidekiq_tui.sidekiq.work import Work, parse_work, work_commands

MOST_PLACES: Final = 1000
"""Entries at either end of a queue among which its bytes are looked for."""
NEWEST: Final = 50
"""Entries of queue, retries and dead that are read where a job may just have come."""
LATE: Final = 60.0
"""Seconds by which a retry may be scheduled later than counted: clocks, and the time until we look."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a job is: the entry as it is there. `work` where it runs. `sure` False: nothing speaks against it."""

    job: JobRecord
    work: Work | None = None
    sure: bool = True

    @property
    def place(self) -> Place:
        """Its place."""
        return self.job.place


async def find_again(db: Database, job: JobRecord, identities: Sequence[str], now: float) -> Spot | None:
    """Where a job is now that was seen as `job`; None: nowhere that a short look can tell.

    One round trip while it is where it was, or the same bytes are elsewhere; one more when it has left. Looks among the
    three sets and the work of some processes; of its queue, among `MOST_PLACES` at either end. What has left is looked
    for, by its JID, among the newest of its queue and of dead, and among retries of the time at which Sidekiq would
    try it next (count**4 + 15 seconds and up to 10 for each try, job_retry.rb). Raises SidekiqError.
    """
    queue = db.keys.queue(job.queue or "")
    commands: list[Command] = [("ZSCORE", db.keys.job_set(name), job.raw) for name in SETS]
    commands += [
        ("LLEN", queue),
        ("LPOS", queue, job.raw, "MAXLEN", MOST_PLACES),
        ("LPOS", queue, job.raw, "RANK", -1, "MAXLEN", MOST_PLACES),
    ]
    replies = await db.pipeline([*commands, *work_commands(db.keys, identities)])
    for reply in replies[: len(commands)]:
        if isinstance(reply, SidekiqError):
            raise reply
    work = _running(job, identities, replies[len(commands) :])
    if work is not None:
        return Spot(work.job, work)
    for name, reply in zip(SETS, replies, strict=False):
        score = real(reply)
        if score is not None:
            return Spot(JobRecord(job.raw, Place(name), score))
    size, first, last = (natural(reply) for reply in replies[len(SETS) : len(commands)])
    if first is not None or last is not None:
        return Spot(JobRecord(job.raw, Place("queue", job.queue)))
    found = await _just_come(db, job, queue, now)
    if found is not None:
        return Spot(found)
    deep = job.place.kind == "queue" and (size or 0) > 2 * MOST_PLACES
    return Spot(job, sure=False) if deep else None


async def _just_come(db: Database, job: JobRecord, queue: bytes, now: float) -> JobRecord | None:
    if not job.jid:
        return None
    tries = 0 if job.retry_count is None else job.retry_count + 1
    soonest = now - LATE + tries**4 + 15
    latest = now + LATE + tries**4 + 15 + 10 * (tries + 1)
    replies = await db.pipeline(
        [
            ("LRANGE", queue, 0, NEWEST - 1),
            ("ZRANGEBYSCORE", db.keys.retry, repr(soonest), repr(latest), "WITHSCORES", "LIMIT", 0, NEWEST),
            ("ZREVRANGE", db.keys.dead, 0, NEWEST - 1, "WITHSCORES"),
        ]
    )
    for reply in replies:
        if isinstance(reply, SidekiqError):
            raise reply
    place = Place("queue", job.queue)
    entries = [JobRecord(raw, place) for raw in payloads(replies[0])]
    for kind, reply in (("retry", replies[1]), ("dead", replies[2])):
        entries += [
            JobRecord(raw, Place("retry" if kind == "retry" else "dead"), score) for raw, score in scored(reply)
        ]
    needle = job.jid.encode("utf-8", "surrogateescape")
    return next((one for one in entries if needle in one.raw and one.jid == job.jid), None)


def _running(job: JobRecord, identities: Sequence[str], replies: Sequence[object]) -> Work | None:
    try:
        every = parse_work(identities, replies) if identities else ()
    except SidekiqError:
        return None
    return next((one for one in every if one.job.raw == job.raw or (job.jid and one.job.jid == job.jid)), None)
