"""Every kind of operation, on places that are small enough to go through every command of it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from sidekiq_tui.operations.catalog import (
    CancelJobs,
    Clear,
    Copy,
    Delete,
    DeleteProfiles,
    Edit,
    Enlist,
    Enqueue,
    Kill,
    MoveToQueue,
    OfJobs,
    Operation,
    Pause,
    PruneProcesses,
    Reschedule,
    ResetStatistics,
    Retry,
    SignalProcesses,
    ToFront,
)
from sidekiq_tui.operations.selection import Matching, Whole
from sidekiq_tui.sidekiq.filter import parse_filter
from sidekiq_tui.sidekiq.job import Place
from tests.support.operating import DEAD, MAIL, RETRY, SCHEDULE, fill, job

COUNT: Final = 25
"""Jobs in each case: three batches of at most ten."""
FAR: Final = 4_000_000_000.5
REFUNDS: Final = Matching((MAIL,), parse_filter("class:Refund"))
INFO: Final = b'{"hostname":"host","pid":1,"concurrency":5,"queues":["mail"],"identity":"host:1:a"}'

Back = Literal["exact", "bytes", "none"]
"""What an undo brings back: everything, order and all; the same bytes in another order; nothing."""


@dataclass(frozen=True)
class Deed:
    """One kind of operation. `modes`: where it exists."""

    name: str
    fill: Callable[[Any], Awaitable[Any]]
    operation: Operation
    back: Back = "exact"
    modes: str = "AB"
    ordered: bool = False
    """What it changes is the order alone."""
    sums: bool = False
    """Payloads only move, whole."""
    rebuilt: bool = False


def _of_jobs(name: str, place: Place, kind: type[OfJobs], **options: Any) -> Deed:
    async def put(raw: Any) -> None:
        await fill(raw, place, COUNT)

    modes = "ABC" if place.kind != "queue" or kind is Copy else "AB"
    sums = kind in (Kill, Delete, Reschedule, ToFront)
    deed_of = kind(jobs=Whole(place), **options)
    back: Back = "none" if kind is ToFront else "exact"
    return Deed(name, put, deed_of, back, modes, kind is ToFront, sums)


def _rebuild(name: str, operation: Operation, back: Back = "bytes") -> Deed:
    async def put(raw: Any) -> None:
        await raw.sadd("queues", "mail")
        jobs = [job(number, **({"class": "Refund"} if number % 3 == 0 else {})) for number in range(3 * COUNT)]
        await raw.lpush("queue:mail", *jobs)

    return Deed(name, put, operation, back, "A", sums=isinstance(operation, Kill | Delete), rebuilt=True)


def _clear(name: str, place: Place) -> Deed:
    async def put(raw: Any) -> None:
        await fill(raw, place, COUNT)

    return Deed(name, put, Clear(place=Whole(place)), "exact", "ABC", sums=True)


async def _nothing(raw: Any) -> None:
    await raw.sadd("queues", "mail")


async def _processes(raw: Any) -> None:
    for number in range(COUNT):
        identity = f"host:{number}:a"
        await raw.sadd("processes", identity)
        await raw.hset(identity, mapping={"info": INFO, "busy": 0, "beat": time.time(), "quiet": "false"})
        await raw.expire(identity, 60)


async def _ghosts(raw: Any) -> None:
    await raw.sadd("processes", *(f"host:{number}:a" for number in range(COUNT)))


async def _paused(raw: Any) -> None:
    await raw.sadd("queues", "mail")
    await raw.sadd("paused", "other")  # somebody has Sidekiq Pro


async def _counters(raw: Any) -> None:
    await raw.mset({"stat:processed": 41, "stat:failed": 7})


async def _profiles(raw: Any) -> None:
    for number in range(COUNT):
        await raw.zadd("profiles", {f"tok-{number}": 4_000_000_000.5})
        await raw.hset(f"tok-{number}", mapping={"data": b"\x1f\x8b", "jid": "abc"})


NEW: Final = tuple((job(number), "mail", FAR + number if number % 2 else None) for number in range(COUNT))
NAMES: Final = tuple(f"host:{number}:a" for number in range(COUNT))

DEEDS: Final = {
    deed.name: deed
    for deed in (
        _of_jobs("retry", RETRY, Retry),
        _of_jobs("retry-reset", DEAD, Retry, reset=True),
        _of_jobs("enqueue", SCHEDULE, Enqueue),
        _of_jobs("kill", RETRY, Kill),
        _of_jobs("kill-queue", MAIL, Kill),
        _of_jobs("delete", DEAD, Delete),
        _of_jobs("delete-queue", MAIL, Delete),
        _of_jobs("reschedule-at", RETRY, Reschedule, at=FAR),
        _of_jobs("reschedule-by", SCHEDULE, Reschedule, by=3600.5),
        _of_jobs("edit", RETRY, Edit, fields={"args": [1, "x"]}),
        _of_jobs("edit-queue", MAIL, Edit, fields={"priority": 1}),
        _of_jobs("move", SCHEDULE, MoveToQueue, queue="low"),
        _of_jobs("move-queue", MAIL, MoveToQueue, queue="low"),
        _of_jobs("move-front", MAIL, MoveToQueue, queue="low", front=True),
        _of_jobs("front", MAIL, ToFront),
        _of_jobs("copy", DEAD, Copy),
        _of_jobs("copy-at", MAIL, Copy, at=FAR),
        Deed("push", _nothing, Enlist(payloads=NEW), modes="ABC"),
        _rebuild("rebuild-delete", Delete(jobs=REFUNDS)),
        _rebuild("rebuild-kill", Kill(jobs=REFUNDS)),
        _rebuild("rebuild-move", MoveToQueue(jobs=REFUNDS, queue="low")),
        _clear("clear-queue", MAIL),
        _clear("clear-set", DEAD),
        Deed("pause", _paused, Pause(queues=tuple(f"q{number}" for number in range(COUNT)))),
        Deed("quiet", _processes, SignalProcesses(signal="TSTP", identities=NAMES), "none"),
        Deed("prune", _ghosts, PruneProcesses(identities=NAMES), "none"),
        Deed("cancel", _nothing, CancelJobs(jids=tuple(f"{number:024x}" for number in range(COUNT))), "none"),
        Deed("reset", _counters, ResetStatistics()),
        Deed("profiles", _profiles, DeleteProfiles(profiles=tuple(f"tok-{n}" for n in range(COUNT))), "none"),
    )
}
