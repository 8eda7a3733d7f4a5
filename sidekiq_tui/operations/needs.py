"""Which rights an operation takes, so that a plan can say which one is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from sidekiq_tui.operations.catalog import (
    Clear,
    Copy,
    CopyAcross,
    Delete,
    Edit,
    Enlist,
    Enqueue,
    Kill,
    MoveToQueue,
    OfJobs,
    Operation,
    Reschedule,
    Retry,
    ToFront,
    Transfer,
)
from sidekiq_tui.operations.probe import Abilities
from sidekiq_tui.sidekiq.job import Place

Right = tuple[str, str]
"""A command, and the kind of key it is for (see `sidekiq.rights`)."""
_PUSH: Final[tuple[Right, ...]] = (("LPUSH", "queue"), ("SADD", "queues"))


def missing_right(operation: Operation, places: Iterable[Place], abilities: Abilities) -> str:
    """Why this user can't do it: a command that was refused when asked for; empty when none was."""
    if isinstance(operation, Clear) and abilities.mode == "B":
        return ""  # it is taken out bit by bit
    for command, area in needs(operation, places):
        if (command, area) in abilities.refused:
            keys = "queues" if area in ("queue", "queues") else area
            return f"the user {abilities.user or 'default'} may not {command} ({keys})"
    return ""


def needs(operation: Operation, places: Iterable[Place]) -> Iterator[Right]:
    """The rights that it takes on entries in these places."""
    if isinstance(operation, Clear):
        for place in places:
            yield from ((("RENAME", place.kind),) if operation.keep else ())
            yield from ((("SREM", "queues"),) if place.kind == "queue" else ())
    elif isinstance(operation, Enlist):
        times = {at is None for _, _, at in operation.payloads}
        yield from _PUSH if True in times else ()
        yield from (("ZADD", "schedule"),) if False in times else ()
    elif isinstance(operation, OfJobs):
        for place in places:
            yield from _of_job(operation, place)


def arrivals(places: Iterable[Place]) -> Iterator[Right]:
    """The rights to put jobs into these places."""
    for place in places:
        yield from _PUSH if place.kind == "queue" else (("ZADD", place.kind),)


def _of_job(operation: OfJobs, place: Place) -> Iterator[Right]:
    area = place.kind
    takes = ("LREM", area) if area == "queue" else ("ZREM", area)
    match operation:
        case Retry() | Enqueue():
            yield from (*_PUSH, takes)
        case Kill():
            yield from (("ZADD", "dead"), takes)
        case Delete():
            yield takes
        case Reschedule():
            yield "ZADD", area
        case Edit():
            yield from ((("LSET", area),) if area == "queue" else (("ZADD", area), takes))
        case MoveToQueue():
            yield from ((*_PUSH, takes) if area == "queue" else (("ZADD", area), takes))
        case ToFront():
            yield from (("RPUSH", area), takes)
        case Transfer():
            yield takes
        case CopyAcross():
            yield from arrivals([place])
        case Copy():
            yield from (_PUSH if operation.at is None else (("ZADD", "schedule"),))
