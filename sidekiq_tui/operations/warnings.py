"""What a person should know before saying yes, in words; and how it could be undone (operations-safety 10)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from sidekiq_tui.operations.catalog import (
    Across,
    Clear,
    Copy,
    CopyAcross,
    Delete,
    Edit,
    Enlist,
    Enqueue,
    Evacuate,
    Kill,
    MoveToQueue,
    OfJobs,
    Operation,
    Pause,
    Reschedule,
    Retry,
    SignalProcesses,
    Transfer,
)
from sidekiq_tui.operations.census import LARGE, Census
from sidekiq_tui.operations.guard import MANY
from sidekiq_tui.operations.probe import CLOCK_RIGHT
from sidekiq_tui.operations.survey import CLOCK_REFUSE, Survey
from sidekiq_tui.servers.health import DEAD_DEFAULT

TRASH_DAYS: Final = 7
MEMORY_SHORT: Final = 0.8
"""Of `maxmemory`; above it, keeping what is deleted needs a decision."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9_:.-]{1,60}")
_NAMES: Final = 3


def quoted(name: str) -> str:
    """A foreign name in a sentence: cut, and in quotes unless it is a plain word (operations-safety 14.3)."""
    return name if _PLAIN.fullmatch(name) else f'"{name[:60]}{"…" if len(name) > 60 else ""}"'


def listed(names: Collection[str]) -> str:
    """Some of the names, and how many more."""
    shown = ", ".join(quoted(name) for name in list(names)[:_NAMES])
    return f"{shown} and {len(names) - _NAMES:,} more" if len(names) > _NAMES else shown


def jobs(count: int) -> str:
    """`1 job`, `12 jobs`."""
    return f"{count:,} {'job' if count == 1 else 'jobs'}"


def uses_times(operation: Operation) -> bool:
    """Whether this machine's clock decides when a job runs, or how old it looks to the dead set's limit."""
    if isinstance(operation, Copy):
        return operation.at is not None
    if isinstance(operation, Enlist):
        return any(at is not None for _, _, at in operation.payloads)
    return isinstance(operation, Kill | Reschedule)


def clock_refusal(operation: Operation, seen: Survey) -> str:
    """Why no times can be written now; empty when they can."""
    if uses_times(operation) and abs(seen.ahead) > CLOCK_REFUSE:
        return f"{_clock(seen)}: no times are written until that is put right"
    return ""


def server_notes(operation: Operation, seen: Survey, count: int) -> Iterator[str]:
    """What the server itself makes uncertain of an operation on so many entries."""
    redis = seen.overview.redis
    if abs(seen.ahead) > CLOCK_RIGHT:
        yield _clock(seen)
    if redis.aof_enabled is False and _worth_telling(operation, count):
        yield "no append-only file: a crash of this server undoes the last minutes of everything"
    if redis.maxmemory and redis.used_memory is not None and redis.used_memory > redis.maxmemory:
        drains = isinstance(operation, Retry | Enqueue) and not operation.drain
        anyway = "; drain moves them anyway" if drains else ""
        yield f"the server is out of memory: only what frees memory works{anyway}"
    trash = seen.profile.keys.trash_index
    if trash in seen.misused and operation.undoable == "trash" and getattr(operation, "keep", True):
        yield f"{seen.misuse_words(trash)}; as it is, only what is done without undo works"
    if seen.profile.durability != "ack":
        who = "a replica" if seen.profile.durability == "replica" else "the server's disk"
        yield f"stops where {who} does not confirm a batch in time (durability)"
    policy = redis.maxmemory_policy
    if policy is not None and policy != "noeviction" and operation.undoable == "trash":
        yield f"undo is possible until Redis needs the room ({policy})"


def _worth_telling(operation: Operation, count: int) -> bool:
    """Whether so much depends on it that a crash of the server, which few plans meet, is worth a word."""
    lasting = isinstance(operation, Clear | Transfer | Evacuate) or not getattr(operation, "keep", True)
    return lasting or count > MANY


def job_notes(operation: OfJobs, census: Census, seen: Survey) -> Iterator[str]:
    """What the jobs themselves bring along."""
    signs = census.signs
    batch, lock, once = signs["batch"], signs["lock"], signs["once"]
    match operation:
        case Delete():
            if batch:
                yield f"{_of(batch)} to a batch, which will stay pending"
            if lock:
                yield f"{lock:,} may hold a unique lock, which stays until it expires"
            if signs["malformed"]:
                yield f"{signs['malformed']:,} malformed, deleted too"
        case Kill():
            if bound := max(batch, lock):
                yield f"no Ruby code runs: batch callbacks and unique locks of {jobs(bound)} are not updated"
            yield from _dead_limit(census.count, seen)
        case Edit():
            if lock and "args" in operation.fields:
                yield f"{lock:,} with a unique lock: it is that of the old arguments, the new ones have none"
        case Copy():
            if batch:
                yield f"{_of(batch)} to a batch, their copies will not"
            if lock:
                yield f"{lock:,} with a unique lock: their copies take none"
        case Across():
            stay = "its copy to none" if isinstance(operation, CopyAcross) else "which stays behind and pending"
            if batch:
                yield f"{_of(batch)} to a batch, {stay}"
            if lock:
                yield f"{lock:,} may hold a unique lock, which is not there"
            if encrypted := signs["encrypted"]:
                yield f"{encrypted:,} encrypted: the other side must have the same key"
        case Retry() | Enqueue():
            if once:
                yield f"{once:,} with retry: false: they are gone if they fail"
    if signs["large"]:
        yield f"{signs['large']:,} over {LARGE >> 20} MiB: each holds up the server while it is moved"


def _dead_limit(count: int, seen: Survey) -> Iterator[str]:
    """Sidekiq trims the dead set at its next death; sqtui never does (protocol 12.30)."""
    limit = seen.profile.dead_max_jobs or DEAD_DEFAULT
    excess = (seen.overview.dead or 0) + count - limit
    if excess > 0:
        unless = "" if seen.profile.dead_max_jobs else ", unless it is told otherwise"
        yield f"dead holds {limit:,}{unless}: Sidekiq drops the oldest {excess:,} at its next death"


def queue_notes(destinations: Mapping[str, int], seen: Survey) -> Iterator[str]:
    """Queues that jobs go to and that nobody takes them from now."""
    if "processes" in seen.overview.denied:
        return
    served = {queue for process in seen.live for queue in process.queues}
    fetched = {queue for process in seen.live if not process.quiet for queue in process.queues}
    if nobody := [name for name in destinations if name not in served]:
        yield f"no live process takes jobs from {listed(nobody)}"
    if quiet := [name for name in destinations if name in served and name not in fetched]:
        yield f"all processes that serve {listed(quiet)} are quiet"
    paused = {queue.name for queue in seen.overview.queues if queue.paused}
    if held := [name for name in destinations if name in paused]:
        yield f"paused: {listed(held)} (only workers of Sidekiq Pro obey)"


def polling_notes(seen: Survey) -> Iterator[str]:
    """Whether somebody looks for jobs whose time has come."""
    if "processes" not in seen.overview.denied and not seen.live:
        yield "no live process: nobody looks for jobs whose time has come"


def undo_words(operation: Operation, seen: Survey, places: Collection[str] = ()) -> str:
    """How it can be taken back, or that it can't be."""
    if isinstance(operation, Delete | Clear):
        return _undo_of_destruction(operation, seen, places)
    match operation:
        case Retry() | Enqueue():
            return "yes, those that no worker has taken yet"
        case Kill():
            return "yes, those still in dead then"
        case Edit():
            return "yes, those not taken or changed since"
        case MoveToQueue():
            return "yes, those that no worker has taken yet, at the front of their old queue"
        case Reschedule():
            return "yes, those not rescheduled since by someone else"
        case Transfer() | Evacuate():
            return "yes, by moving back what no worker has taken there yet"
        case Copy() | Enlist() | CopyAcross():
            return "yes, those that no worker has taken yet"
        case Pause():
            return "yes, by the opposite"
        case SignalProcesses():
            return "cannot be undone"
    return "cannot be undone" if operation.undoable == "no" else "yes"


def _undo_of_destruction(operation: Delete | Clear, seen: Survey, places: Collection[str]) -> str:
    if not operation.keep:
        return "cannot be undone: they are freed at once"
    if isinstance(operation, Clear):
        here = ", from this machine" if operation.here or seen.abilities.mode == "B" else ""
        return f"yes, for {TRASH_DAYS} days{here}, in their exact order"
    where = "" if seen.abilities.mode != "B" else ", from this machine"
    if any(place.startswith("queue ") for place in places):
        where += ": put back at the front, in their old order; their exact place is not kept"
    return f"yes, for {TRASH_DAYS} days{where}"


def _of(count: int) -> str:
    return f"{count:,} {'belongs' if count == 1 else 'belong'}"


def _clock(seen: Survey) -> str:
    seconds = abs(seen.ahead)
    span = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
    return f"this machine's clock is {span} {'behind' if seen.ahead > 0 else 'ahead of'} {seen.profile.name}"
