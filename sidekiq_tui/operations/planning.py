"""Makes plans: reads what an operation is for, counts and prices it, and changes nothing (operations-safety 7)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from sidekiq_tui.operations import planning_others as others
from sidekiq_tui.operations.ahead import read_ahead
from sidekiq_tui.operations.catalog import (
    Across,
    Clear,
    Copy,
    CopyAcross,
    Enqueue,
    Kill,
    MoveToQueue,
    OfJobs,
    Operation,
    Reschedule,
    Retry,
)
from sidekiq_tui.operations.census import Census
from sidekiq_tui.operations.fingerprint import fingerprint
from sidekiq_tui.operations.needs import missing_right
from sidekiq_tui.operations.payloads import checked_fields, new_score
from sidekiq_tui.operations.plan import Plan
from sidekiq_tui.operations.price import price_of_jobs
from sidekiq_tui.operations.selection import Matching, Rows, Whole
from sidekiq_tui.operations.survey import Survey, survey
from sidekiq_tui.operations.warnings import (
    clock_refusal,
    job_notes,
    polling_notes,
    queue_notes,
    quoted,
    server_notes,
    undo_words,
)
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.errors import InvalidJob
from sidekiq_tui.sidekiq.filter import Filter
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.search import Matcher

Listener = Callable[[int, int], None]
"""Hears how many entries of how many have been read."""

EVERYTHING: Final[Matcher] = Filter(())
DRAINS_FROM: Final = 7
"""The first major version whose scripts may say that they run on a full server."""
_NAME: Final = re.compile(r"[A-Za-z0-9_:.-]+")


async def make_plan(
    server: Server,
    operation: Operation,
    *,
    now: float,
    read_only: bool = False,
    progress: Listener | None = None,
) -> Plan:
    """What an operation would do on a server at `now` (Unix seconds). Reads in bounded slices, changes nothing.

    What can't be done at all says so in `refused`. An Undo is planned elsewhere. Raises SidekiqError when the server
    can't be read, InvalidJob for values that no payload can hold.
    """
    seen = await survey(server, now, read_only=read_only)
    if isinstance(operation, OfJobs):
        return await plan_jobs(server, operation, seen, progress)
    if isinstance(operation, Clear):
        return await others.plan_clear(server, operation, seen)
    return await others.plan_other(server, operation, seen)


@dataclass(slots=True)
class _Reading:
    """How much has been read of each place."""

    read: dict[Place, int]
    total: dict[Place, int]


async def plan_jobs(server: Server, operation: OfJobs, seen: Survey, progress: Listener | None) -> Plan:
    """The plan for the jobs of a selection, each of which is read. Raises SidekiqError, InvalidJob."""
    check_values(operation)
    census = Census(operation)
    reading = _Reading({}, {})
    refused = seen.refusal(operation)
    if not refused:
        async for found in _selected(server, operation.jobs, reading):
            census.add(found)
            if progress is not None:
                progress(sum(reading.read.values()), sum(reading.total.values()))
    sizes = await _sizes(server, operation, reading, census)
    targets = census.targets()
    places = census.named_places
    notes = [*job_notes(operation, census, seen), *_time_notes(operation, targets.jobs, seen)]
    if isinstance(operation, Retry | Enqueue | Copy | MoveToQueue) and not _scheduled(operation):
        notes += queue_notes(census.destinations, seen)
    elif isinstance(operation, Reschedule | Copy):
        notes += polling_notes(seen)
    return Plan(
        operation=operation,
        server=server.name,
        label=server.profile.label,
        mark=seen.mark,
        mode=seen.abilities.mode,
        user=seen.abilities.user,
        count=census.count,
        made_at=seen.now,
        fingerprint=fingerprint(operation, server.name, seen.mark, census.count, await targets.fingerprint_slowly()),
        places=places,
        classes=census.classes,
        queues=census.queues,
        read=sum(reading.read.values()),
        total=sum(reading.total.values()),
        stays=tuple(census.stays.most_common()),
        notes=(*notes, *server_notes(operation, seen, census.count)),
        refused=refused or _refused(operation, census, seen),
        nothing=not refused and not census.count,
        undo=undo_words(operation, seen, places),
        price=price_of_jobs(
            operation,
            census.places,
            sizes,
            census.mean_bytes,
            read_again=targets.jobs is None,
            rtt=seen.overview.rtt,
        ),
        targets=targets,
    )


async def _selected(
    server: Server, selection: Rows | Matching | Whole, reading: _Reading
) -> AsyncIterator[Sequence[JobRecord]]:
    """The selected jobs, slice by slice."""
    match selection:
        case Rows(jobs):
            for job in jobs:
                reading.read[job.place] = reading.read.get(job.place, 0) + 1
            reading.total |= reading.read
            yield jobs
            return
        case Matching(places, matcher):
            pass
        case Whole(place):
            places, matcher = (place,), EVERYTHING
    for place in places:
        async with aclosing(read_ahead(server.scan(place, matcher))) as slices:
            async for found in slices:
                reading.read[place], reading.total[place] = found.read, found.total
                yield found.jobs


async def _sizes(server: Server, operation: OfJobs, reading: _Reading, census: Census) -> Mapping[Place, int]:
    """The sizes of the places: as read, or, where only rows were given, as the server has them now."""
    if not isinstance(operation.jobs, Rows):
        return reading.total
    sizes = {"retry": 0, "schedule": 0, "dead": 0}
    found: dict[Place, int] = {}
    for place in census.places:
        found[place] = sizes.get(place.kind, 0)
        if place.kind == "queue":
            found[place] = (await server.page(place, 0, 1)).size
    return found


def check_values(operation: Operation) -> None:
    """Raises InvalidJob for values that no payload can hold, or no queue can be called."""
    match operation:
        case MoveToQueue():
            _check_name(operation.queue)
        case Copy() | Across():
            checked_fields(operation.fields)
            if operation.queue is not None:
                _check_name(operation.queue)


def _check_name(queue: str) -> None:
    if not queue:
        raise InvalidJob("a queue must have a name")


def _scheduled(operation: OfJobs) -> bool:
    return isinstance(operation, Copy) and operation.at is not None


def _refused(operation: OfJobs, census: Census, seen: Survey) -> str:
    if not census.count:
        if census.stays:
            return "there is nothing to do"
        return "there is nothing in it" if isinstance(operation.jobs, Whole) else "there is no such job"
    queue = operation.queue if isinstance(operation, MoveToQueue | Copy | Across) else None
    known = {one.name for one in seen.overview.queues}
    if queue is not None and not _NAME.fullmatch(queue) and queue not in known:
        return f"Sidekiq could not show a queue called {quoted(queue)}: use letters, digits and _ : . -"
    pushes = isinstance(operation, Copy | CopyAcross)
    if seen.abilities.mode == "C" and not pushes and any(place.kind == "queue" for place in census.places):
        return f"{seen.abilities.reason}: without scripts, single jobs of a queue can't be changed safely"
    if isinstance(operation, Retry | Enqueue) and operation.drain and not _drains(seen):
        return "only Redis 7.0 and later can move jobs while it is out of memory"
    return clock_refusal(operation, seen) or missing_right(operation, census.places, seen.abilities)


def _never_dies(job: JobRecord) -> bool:
    return (job.item.get("dead") if job.glance is None else job.glance.dead) is False


def _drains(seen: Survey) -> bool:
    redis = seen.overview.redis
    major = (redis.version or "").partition(".")[0]
    return redis.server in (None, "redis", "valkey") and major.isdecimal() and int(major) >= DRAINS_FROM


def _time_notes(operation: OfJobs, kept: Sequence[JobRecord] | None, seen: Survey) -> Sequence[str]:
    """How many would run at once because their new time is past; unknown when they are not kept."""
    if isinstance(operation, Reschedule) and kept is not None:
        times = [new_score(job, operation, now=seen.now, rank=rank, total=len(kept)) for rank, job in enumerate(kept)]
        due = sum(at <= seen.now for at in times)
        return [f"{due:,} are due in the past: they run at once"] if due else []
    if isinstance(operation, Kill) and any(_never_dies(job) for job in kept or ()):
        return ["some have dead: false; they go to dead all the same"]
    return []
