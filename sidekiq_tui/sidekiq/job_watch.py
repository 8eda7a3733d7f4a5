"""Looks at one job again, at a price that does not grow with the number of jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sidekiq_tui.sidekiq.database import Command, Database
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.iteration import IterationState, parse_state
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.keys import SetName
from sidekiq_tui.sidekiq.replies import real
from sidekiq_tui.sidekiq.work import Work, parse_work, work_commands

SETS: Final[tuple[SetName, ...]] = ("retry", "schedule", "dead")


@dataclass(frozen=True, slots=True)
class Look:
    """Where exactly these bytes lie, who runs the job, and how far it has come if it is iterable."""

    sets: tuple[tuple[Place, float], ...]
    """The sets that hold exactly these bytes, with the score."""
    work: Work | None
    """The thread that runs a job of this JID, of the processes that were asked."""
    asked_work: bool
    """Whether processes were asked, and answered."""
    iteration: IterationState | None


async def look_for(db: Database, job: JobRecord, identities: Sequence[str] = ()) -> Look:
    """One round trip: ZSCORE in the three sets, the iteration state of its JID, the work of some processes.

    Queues are not read: finding an entry there costs O(n). A job that failed again lies in `retry` as other bytes, so
    it is not found there. Raises SidekiqError when a set cannot be read.
    """
    jid = job.jid
    commands: list[Command] = [("ZSCORE", db.keys.job_set(name), job.raw) for name in SETS]
    if jid:
        commands.append(("HGETALL", db.keys.iteration(jid)))
    replies = await db.pipeline([*commands, *work_commands(db.keys, identities)])
    sets: list[tuple[Place, float]] = []
    for name, reply in zip(SETS, replies, strict=False):
        if isinstance(reply, SidekiqError):
            raise reply
        score = real(reply)
        if score is not None:
            sets.append((Place(name), score))
    work, asked = _running(job, identities, replies[len(commands) :])
    return Look(tuple(sets), work, asked, parse_state(replies[len(SETS)]) if jid else None)


def _running(job: JobRecord, identities: Sequence[str], replies: Sequence[object]) -> tuple[Work | None, bool]:
    if not identities:
        return None, False
    try:
        every = parse_work(identities, replies)
    except SidekiqError:
        return None, False
    same = (work for work in every if work.job.raw == job.raw or (job.jid and work.job.jid == job.jid))
    return next(same, None), True
