"""Plans of what is not done to single jobs: clearing, pushing, pausing, signals, and what keeps a server tidy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Final

from sidekiq_tui.operations.catalog import (
    CancelJobs,
    Clear,
    DeleteProfiles,
    Enlist,
    Operation,
    Pause,
    PruneProcesses,
    ResetStatistics,
    SignalProcesses,
)
from sidekiq_tui.operations.census import NAMELESS, place_name
from sidekiq_tui.operations.fingerprint import fingerprint
from sidekiq_tui.operations.needs import missing_right
from sidekiq_tui.operations.payloads import MALFORMED
from sidekiq_tui.operations.plan import Plan, Price
from sidekiq_tui.operations.price import BATCH_ENTRIES, ENTRY
from sidekiq_tui.operations.selection import Whole
from sidekiq_tui.operations.survey import Survey
from sidekiq_tui.operations.warnings import (
    MEMORY_SHORT,
    clock_refusal,
    jobs,
    listed,
    queue_notes,
    quoted,
    server_notes,
    undo_words,
)
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.filter import Filter
from sidekiq_tui.sidekiq.job import JobRecord, Place

COUNTED: Final = 5_000
"""Up to so many entries are read to say of which classes they are; of a larger queue a sample is."""
RENAME: Final = 4e-4
"""Seconds of the call that renames a key, whatever its size."""
FREE: Final = 7.5e-9
"""Seconds for an entry of a key that is freed."""
OVERHEAD: Final = 1.3
"""Memory of an entry, of its payload's bytes."""


@dataclass(slots=True)
class Found:
    """What was found out about one operation."""

    count: int = 0
    places: dict[str, int] = field(default_factory=dict)
    classes: tuple[tuple[str, int], ...] = ()
    queues: tuple[tuple[str, int], ...] = ()
    read: int = 0
    total: int = 0
    estimated: bool = False
    stays: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    refused: str = ""
    nothing: bool = False
    price: Price = field(default_factory=Price)
    about: bytes = b""
    """What else makes the plan this one."""
    operation: Operation | None = None
    """What was asked for without what stays; None: all of it. Only what was counted is acted on."""


async def plan_clear(server: Server, operation: Clear, seen: Survey) -> Plan:
    """The plan of clearing one whole place. Raises SidekiqError; ValueError for another selection."""
    if not isinstance(operation.place, Whole) or operation.place.place.kind == "work":
        raise ValueError("only a whole queue or set can be cleared")
    place = operation.place.place
    refused = seen.refusal(operation)
    if refused:
        return _plan(server, operation, seen, Found(refused=refused))
    size = (await server.page(place, 0, 1)).size
    found = Found(count=size, places={place_name(place): size} if size else {}, total=size)
    mean = await count_classes(server, place, size, found)
    held = int(size * mean * OVERHEAD)
    longest = RENAME if operation.keep else size * FREE
    found.price = Price(calls=3, seconds=3 * seen.overview.rtt, longest_call=longest)
    redis = seen.overview.redis
    copied = operation.keep and (operation.here or seen.abilities.mode == "B")
    short = redis.maxmemory and (redis.used_memory or 0) > MEMORY_SHORT * redis.maxmemory
    if operation.keep and short and not copied:
        note = f"memory is short: to keep them holds about {held / 2**20:,.1f} MB for 7 days"
        found.notes.append(f"{note}; a copy on this machine, or none, holds nothing")
    if copied:
        why = "" if operation.here else ", since nothing can be kept on the server"
        found.notes.append(f"copied to this machine first, bit by bit{why}")
        calls = 2 + -(-size // BATCH_ENTRIES)
        seconds = 2 * calls * seen.overview.rtt + 2 * size * ENTRY
        found.price = Price(calls, seconds, received=int(size * mean), longest_call=BATCH_ENTRIES * ENTRY)
    if not size:
        found.nothing = True
        found.refused = f"there is nothing in {quoted(place.queue) if place.queue is not None else place.kind}"
    else:
        found.refused = missing_right(operation, [place], seen.abilities)
    if operation.here and seen.abilities.mode == "C":
        found.refused = found.refused or f"{seen.abilities.reason}, which a copy on this machine takes"
    return _plan(server, operation, seen, found)


async def count_classes(server: Server, place: Place, size: int, found: Found) -> float:
    """Counts classes: exactly in small places, by an even sample in large queues. Returns bytes of a payload."""
    if 0 < size <= COUNTED:
        counts: Counter[str] = Counter()
        lengths = signs = locks = 0
        async with aclosing(server.scan(place, Filter(()))) as slices:
            async for part in slices:
                found.read = part.read
                for job in part.jobs:
                    counts[job.display_class or NAMELESS] += 1
                    lengths += len(job.raw)
                    signs += bool(job.bid)
                    locks += job.item.get("unique_for") is not None or job.item.get("lock_digest") is not None
        found.classes = tuple(counts.most_common())
        if signs:
            found.notes.append(f"{jobs(signs)} of a batch: it will stay pending")
        if locks:
            found.notes.append(f"{jobs(locks)} with a unique lock, which stays until it expires")
        return lengths / max(counts.total(), 1)
    if place.queue is not None and size:
        sample = await server.sample_queue(place.queue, size)
        found.read, found.estimated = sample.read, not sample.complete
        share = size / max(sample.read, 1)
        found.classes = tuple((one.name or NAMELESS, round(one.jobs * share)) for one in sample.classes)
        return sample.mean_bytes or 0.0
    page = await server.page(place, 0, 25)
    return sum(len(job.raw) for job in page.jobs) / max(len(page.jobs), 1)


async def plan_other(server: Server, operation: Operation, seen: Survey) -> Plan:
    """The plan of what is neither done to jobs nor a clear. Raises SidekiqError; TypeError for an unknown operation."""
    refused = seen.refusal(operation)
    if refused:
        return _plan(server, operation, seen, Found(refused=refused))
    match operation:
        case Enlist():
            found = _pushed(operation, seen)
        case Pause():
            found = _paused(operation, seen)
        case SignalProcesses():
            found = _signalled(operation, seen)
        case PruneProcesses():
            found = _pruned(operation, seen)
        case CancelJobs():
            found = _cancelled(operation, seen)
        case ResetStatistics():
            found = _reset(operation, seen)
        case DeleteProfiles():
            known = {profile.key for profile in await server.profiles()}
            kept = tuple(key for key in dict.fromkeys(operation.profiles) if key in known)
            found = Found(count=len(kept), operation=replace(operation, profiles=kept))
            found.stays["expired or deleted"] = len(set(operation.profiles)) - found.count
        case _:
            raise TypeError(f"{operation.kind} is not planned here")
    if seen.abilities.mode == "C" and not isinstance(operation, Enlist):
        found.refused = f"{seen.abilities.reason}, which this takes"
    if not found.refused and not found.count:
        found.refused, found.nothing = "there is nothing to do", True
    if not found.price.calls:
        calls = 2 + -(-found.count // BATCH_ENTRIES)
        found.price = Price(calls=calls, seconds=calls * seen.overview.rtt + 2 * found.count * ENTRY)
    return _plan(server, operation, seen, found)


def _plan(server: Server, operation: Operation, seen: Survey, found: Found) -> Plan:
    operation = found.operation or operation
    undo = undo_words(operation, seen, found.places)
    return Plan(
        operation=operation,
        server=server.name,
        label=server.profile.label,
        mark=seen.mark,
        mode=seen.abilities.mode,
        user=seen.abilities.user,
        count=found.count,
        made_at=seen.now,
        fingerprint=fingerprint(operation, server.name, seen.mark, found.count, found.about),
        places=found.places,
        classes=found.classes,
        queues=found.queues,
        read=found.read,
        total=found.total,
        estimated=found.estimated,
        stays=tuple((reason, count) for reason, count in found.stays.most_common() if count),
        notes=(*found.notes, *server_notes(operation, seen, found.count)),
        refused=found.refused,
        nothing=found.nothing,
        undo=undo,
        price=found.price,
    )


def _pushed(operation: Enlist, seen: Survey) -> Found:
    places: Counter[str] = Counter()
    classes: Counter[str] = Counter()
    queues: Counter[str] = Counter()
    due = sent = 0
    for raw, queue, at in operation.payloads:
        job = JobRecord(raw, Place("queue", queue))
        if job.malformed:
            return Found(refused=f"one of them is {MALFORMED}")
        places["schedule" if at is not None else f"queue {queue}"] += 1
        classes[job.display_class or NAMELESS] += 1
        queues[queue] += 1
        due += at is not None and at <= seen.now
        sent += len(raw)
    found = Found(len(operation.payloads), dict(places), tuple(classes.most_common()), tuple(queues.most_common()))
    found.notes += queue_notes(queues, seen)
    if due:
        found.notes.append(f"{jobs(due)} due in the past: they run at once")
    found.notes.append("no Ruby code runs: client middleware adds nothing to these jobs, and no unique lock is taken")
    found.refused = clock_refusal(operation, seen) or missing_right(operation, (), seen.abilities)
    calls = 2 + -(-found.count // BATCH_ENTRIES)
    seconds = calls * seen.overview.rtt + 2 * found.count * ENTRY
    found.price = Price(calls, seconds, sent=sent, memory=int(sent * OVERHEAD), longest_call=BATCH_ENTRIES * ENTRY)
    return found


def _paused(operation: Pause, seen: Survey) -> Found:
    """Open source workers ignore `paused`: to write it there would be a lie (protocol 11.1, 12.23)."""
    state = {queue.name: queue for queue in seen.overview.queues}
    paused = {name for name, queue in state.items() if queue.paused}
    change = [name for name in dict.fromkeys(operation.queues) if (name in paused) != operation.paused]
    sizes = {name: queue.size or 0 for name, queue in state.items()}
    found = Found(len(change), queues=tuple((name, sizes.get(name, 0)) for name in change))
    found.places = {f"queue {name}": 1 for name in change}
    found.operation = replace(operation, queues=tuple(change))
    found.stays["already so"] = len(set(operation.queues)) - len(change)
    if not operation.paused:
        found.notes.append("processes that run now may learn of it only when they are started again")
        return found
    if not any("Pro" in sign for sign in seen.overview.edition_signs):
        found.refused = "nobody here obeys, only Sidekiq Pro's workers do: quiet its processes instead"
        return found
    found.notes.append("obeyed by processes that start from now on; those that run may not notice")
    unobeying = [process for process in seen.live if not set(process.queues).isdisjoint(change)]
    if unobeying:
        found.notes.append(f"{len(unobeying):,} running now serve {listed(change)}")
    return found


def _signalled(operation: SignalProcesses, seen: Survey) -> Found:
    known = {process.identity: process for process in seen.overview.processes}
    found = Found()
    reached: list[str] = []
    for identity in dict.fromkeys(operation.identities):
        process = known.get(identity)
        if process is None or process.stale:
            found.stays["gone, or without a heartbeat"] += 1
        elif process.embedded:
            found.stays["embedded in another program: signals do nothing"] += 1
        elif operation.signal in process.signals:
            found.stays["has it waiting already"] += 1
        elif operation.signal == "TSTP" and process.quiet:
            found.stays["quiet already"] += 1
        else:
            reached.append(identity)
    found.count = len(reached)
    found.operation = replace(operation, identities=tuple(reached))
    found.about = "\n".join(sorted(reached)).encode("utf-8", "surrogateescape")
    if operation.signal == "TTIN":
        found.notes.append("the threads are written to the processes' own logs")
        return found
    if reached and not any(not one.quiet and one.identity not in reached for one in seen.live):
        found.notes.append("after that no process takes any job")
    else:
        found.notes += _left_alone(reached, seen)
    found.notes.append("taken at the next heartbeat, within 10 s")
    if operation.signal == "TERM":
        busy = sum(known[identity].busy or 0 for identity in reached)
        if busy:
            found.notes.append(f"{jobs(busy)} running: what does not end in time goes back to its queue and runs again")
    return found


def _left_alone(reached: Sequence[str], seen: Survey) -> list[str]:
    others = {queue for one in seen.live if one.identity not in reached and not one.quiet for queue in one.queues}
    theirs = {queue for one in seen.live if one.identity in reached and not one.quiet for queue in one.queues}
    return [f"nobody else serves {listed(sorted(theirs - others))}"] if theirs - others else []


def _pruned(operation: PruneProcesses, seen: Survey) -> Found:
    gone = tuple(one for one in dict.fromkeys(operation.identities) if one in set(seen.overview.ghosts))
    found = Found(len(gone), about="\n".join(sorted(gone)).encode("utf-8", "surrogateescape"))
    found.operation = replace(operation, identities=gone)
    found.stays["live, or forgotten already"] = len(set(operation.identities)) - len(gone)
    return found


def _cancelled(operation: CancelJobs, seen: Survey) -> Found:
    found = Found(len(set(operation.jids)))
    found.notes.append("only iterable jobs obey, from Sidekiq 7.3.3 on, at their next step; others run on")
    return found


def _reset(operation: ResetStatistics, seen: Survey) -> Found:
    values = {"processed": seen.overview.processed, "failed": seen.overview.failed}
    change = [name for name in operation.counters if values[name] != 0]
    found = Found(len(change))
    found.stays["already 0"] = len(operation.counters) - len(change)
    found.notes += [f"{name}: {values[name]:,} becomes 0" for name in change if values[name] is not None]
    return found
