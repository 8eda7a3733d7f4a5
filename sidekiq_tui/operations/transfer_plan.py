"""Plans of what goes from one server to another: both are looked at, nothing is changed (operations-safety 11)."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from sidekiq_tui.operations import guard
from sidekiq_tui.operations.catalog import Across, CopyAcross, Evacuate, PushAgain, Synchronise, Transfer
from sidekiq_tui.operations.census import NAMELESS, place_name
from sidekiq_tui.operations.desk import Desk
from sidekiq_tui.operations.errors import CannotBeDone
from sidekiq_tui.operations.fingerprint import fingerprint
from sidekiq_tui.operations.needs import Right, arrivals
from sidekiq_tui.operations.plan import Peer, Plan, Price
from sidekiq_tui.operations.planning import EVERYTHING, Listener, check_values, plan_jobs
from sidekiq_tui.operations.planning_others import OVERHEAD, Found, count_classes
from sidekiq_tui.operations.price import BATCH_ENTRIES, ENTRY, OURS
from sidekiq_tui.operations.redaction import check_rules, redacted
from sidekiq_tui.operations.selection import Matching, Whole
from sidekiq_tui.operations.survey import Survey, payload_context, survey
from sidekiq_tui.operations.targets import digest
from sidekiq_tui.operations.transform import Transform, transform_of
from sidekiq_tui.operations.warnings import MEMORY_SHORT, jobs, listed, queue_notes, server_notes, undo_words
from sidekiq_tui.servers.mark import ServerMark
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.errors import InvalidJob, SidekiqError
from sidekiq_tui.sidekiq.job import JobRecord, Place

CLASSES_SEEN: Final = 480
"""Minutes of metrics from which it is known which classes a server runs."""
SETS: Final = (Place("schedule"), Place("retry"), Place("dead"))


async def plan_across(
    desk: Desk,
    server: str,
    operation: Transfer | Evacuate | CopyAcross | PushAgain,
    progress: Listener | None = None,
) -> Plan:
    """The plan of any operation between two servers, on the one it is planned on. Raises SidekiqError, InvalidJob."""
    now, read_only = desk.clock(), desk.read_only
    found = desk.server(server)
    if isinstance(operation, PushAgain):
        plan = await plan_again(found, operation, now=now, read_only=read_only)
        before = [
            one for one in await desk.journal.all_noted(server) if one.plan == plan.fingerprint and one.tally.done
        ]
        known = [f"the same jobs were pushed again before: {one.id}" for one in before if one.undone is None]
        return replace(plan, notes=(*known[:1], *plan.notes))
    if isinstance(operation, CopyAcross):
        source = desk.server(operation.source)
        return await plan_copy(found, source, operation, now=now, read_only=read_only, progress=progress)
    target = desk.server(operation.target)
    return await plan_transfer(found, target, operation, now=now, read_only=read_only, progress=progress)


async def plan_transfer(
    source: Server,
    target: Server,
    operation: Transfer | Evacuate,
    *,
    now: float,
    read_only: bool = False,
    progress: Listener | None = None,
) -> Plan:
    """What moving jobs from `source` to `target` would do. Raises SidekiqError, InvalidJob."""
    check_rules(operation.redact)
    seen, there = await survey(source, now, read_only=read_only), await survey(target, now, read_only=read_only)
    transform = await transform_for(operation, target, now)
    if isinstance(operation, Evacuate):
        plan = await _plan_all(source, operation, seen)
    elif isinstance(operation.jobs, Whole):
        check_values(operation)
        plan = await _plan_whole(source, operation, seen, [operation.jobs.place])
    else:
        plan = await plan_jobs(source, operation, seen, progress)
    places = await places_of(source, plan)
    refused = plan.refused or _refused(seen, there, [transform.place(place) for place in places])
    live = [process for process in seen.live if not process.quiet]
    notes = [*_notes(plan, transform, there), *await _unknown_classes(target, plan)]
    if live and any(place.kind == "queue" for place in places):
        notes.append(
            f"{len(live):,} live processes here go on taking jobs until they have gone: quiet them to keep all"
        )
    return _with_peer(plan, there, refused, notes, writes=True)


async def plan_copy(
    target: Server,
    source: Server,
    operation: CopyAcross,
    *,
    now: float,
    read_only: bool = False,
    progress: Listener | None = None,
) -> Plan:
    """What copying jobs from `source` to `target` would do. Raises SidekiqError, InvalidJob."""
    check_rules(operation.redact)
    seen, there = await survey(source, now, read_only=True), await survey(target, now, read_only=read_only)
    transform = await transform_for(operation, target, now)
    # What the source's user may write there matters to nobody.
    read = replace(seen, abilities=there.abilities, profile=there.profile, read_only=read_only)
    looked_for = operation
    if isinstance(operation, Synchronise):
        looked_for = await _absent(target, operation, transform)
    plan = await plan_jobs(source, looked_for, read, progress)
    targets = plan.targets
    assert targets is not None
    if isinstance(operation, Synchronise):
        there_already = plan.total - plan.count - sum(count for _, count in plan.stays)
        plan = replace(plan, notes=(f"{there_already:,} of {plan.total:,} are there already", *plan.notes))
        if plan.nothing:
            plan = replace(plan, refused="everything is there already")
    plan = replace(
        plan,
        operation=operation,
        server=target.name,
        label=target.profile.label,
        mark=there.mark,
        count=targets.count,
        targets=targets,
        undo=undo_words(operation, there, plan.places),
    )
    about = targets.fingerprint()
    plan = replace(plan, fingerprint=fingerprint(operation, target.name, there.mark, plan.count, about))
    places = await places_of(source, plan)
    refused = plan.refused or there.refusal(operation) or _same(seen.mark, there.mark)
    refused = refused or _missing([transform.place(place) for place in places], there)
    notes = [*_notes(plan, transform, there), *await _unknown_classes(target, plan)]
    return _with_peer(plan, seen, refused, notes, writes=False)


async def transform_for(operation: Across | Evacuate, target: Server, now: float) -> Transform:
    """What becomes of the jobs' bytes, times as the target's processes read them. Raises SidekiqError."""
    context = await payload_context(target, now)
    return transform_of(operation, context.form)


async def places_of(source: Server, plan: Plan) -> tuple[Place, ...]:
    """Where the jobs of a plan lie."""
    if plan.targets is not None:
        return tuple(plan.targets.digests)
    if isinstance(plan.operation, Evacuate):
        return await waiting_places(source)
    jobs = getattr(plan.operation, "jobs", None)
    return (jobs.place,) if isinstance(jobs, Whole) else ()


async def waiting_places(server: Server) -> tuple[Place, ...]:
    """The sets and queues of a server that hold anything: sets first, whose jobs its poller would put into queues."""
    seen = await server.overview()
    sizes = {"schedule": seen.scheduled, "retry": seen.retries, "dead": seen.dead}
    queues = [Place("queue", queue.name) for queue in seen.queues if queue.size]
    return (*(place for place in SETS if sizes[place.kind]), *queues)


class Absent:
    """A matcher for jobs that another place does not hold, by their jids; by their bytes where they have none."""

    text = ""

    def __init__(self, known: Collection[str | bytes]) -> None:
        self._known = known

    def may_match(self, raw: bytes) -> bool:
        """Bytes alone don't tell."""
        return True

    def matches(self, job: JobRecord, now: float) -> bool:
        """Whether it is not there."""
        return identity(job) not in self._known


def identity(job: JobRecord) -> str | bytes:
    """What a job is known by on another server."""
    return job.jid or digest(job.raw)


async def _absent(target: Server, operation: Synchronise, transform: Transform) -> Synchronise:
    """The same for those jobs that the target's place lacks. Reads all of it."""
    if not isinstance(operation.jobs, Whole) or operation.jobs.place.kind == "work":
        raise CannotBeDone("whole queues and sets are synchronised")
    place = operation.jobs.place
    known: set[str | bytes] = set()
    async with aclosing(target.scan(transform.place(place), EVERYTHING)) as slices:
        async for found in slices:
            known.update(identity(job) for job in found.jobs)
    return replace(operation, jobs=Matching((place,), Absent(known)))


async def plan_again(target: Server, operation: PushAgain, *, now: float, read_only: bool = False) -> Plan:
    """What pushing jobs again would do that the target has forgotten. Raises SidekiqError."""
    there = await survey(target, now, read_only=read_only)
    lost = operation.lost
    places = Counter(place_name(job.place) for job in lost)
    classes = Counter(job.display_class or NAMELESS for job in lost)
    about = hashlib.sha256(b"".join(digest(job.raw) for job in lost)).digest()
    sent = sum(len(job.raw) for job in lost)
    calls = 2 + -(-len(lost) // BATCH_ENTRIES)
    return Plan(
        operation=operation,
        server=target.name,
        label=target.profile.label,
        mark=there.mark,
        mode=there.abilities.mode,
        user=there.abilities.user,
        count=len(lost),
        made_at=now,
        fingerprint=fingerprint(replace(operation, lost=()), target.name, there.mark, len(lost), about),
        places=dict(places),
        classes=tuple(classes.most_common()),
        notes=("those that had run before run again", *server_notes(operation, there, len(operation.lost))),
        refused=there.refusal(operation)
        or _missing({job.place for job in lost}, there)
        or ("" if lost else "nothing is lost that this machine knows"),
        nothing=not lost,
        undo=undo_words(operation, there, places),
        price=Price(calls, calls * there.overview.rtt + 2 * len(lost) * ENTRY, sent, 0, int(sent * OVERHEAD)),
    )


def same_server(one: ServerMark, other: ServerMark) -> bool:
    """Whether both are one server and database, whatever they are called."""
    return (
        one.run_id is not None
        and (one.run_id, one.database, one.namespace) == (other.run_id, other.database, other.namespace)
    )  # fmt: skip


async def _plan_all(source: Server, operation: Evacuate, seen: Survey) -> Plan:
    return await _plan_whole(source, operation, seen, await waiting_places(source))


async def _plan_whole(source: Server, operation: Transfer | Evacuate, seen: Survey, places: Collection[Place]) -> Plan:
    """The plan for whole queues and sets: counted by their sizes, classes from samples of large ones."""
    if any(place.kind == "work" for place in places):
        raise CannotBeDone("running jobs cannot be moved: only their worker can end them")
    found, classes = Found(refused=seen.refusal(operation)), Counter[str]()
    sent = 0.0
    for place in () if found.refused else places:
        size = (await source.page(place, 0, 1)).size
        if not size:
            continue
        one = Found()
        mean = await count_classes(source, place, size, one)
        classes.update(dict(one.classes))
        found.places[place_name(place)] = size
        found.count += size
        found.read, found.total = found.read + one.read, found.total + size
        found.estimated |= one.estimated
        found.notes += [note for note in one.notes if note not in found.notes]
        sent += size * mean
    if not found.count and not found.refused:
        found.nothing, found.refused = True, "there is nothing to move"
    calls = 2 + 4 * -(-found.count // BATCH_ENTRIES)
    seconds = calls * seen.overview.rtt + found.count * (3 * ENTRY + OURS)
    queues = {place.queue: found.places.get(place_name(place), 0) for place in places if place.queue is not None}
    return Plan(
        operation=operation,
        server=source.name,
        label=source.profile.label,
        mark=seen.mark,
        mode=seen.abilities.mode,
        user=seen.abilities.user,
        count=found.count,
        made_at=seen.now,
        fingerprint=fingerprint(operation, source.name, seen.mark, found.count),
        places=found.places,
        classes=tuple(classes.most_common()),
        queues=tuple(queues.items()),
        read=found.read,
        total=found.total,
        estimated=found.estimated,
        notes=(*found.notes, *server_notes(operation, seen, found.count)),
        refused=found.refused,
        nothing=found.nothing,
        undo=undo_words(operation, seen, found.places),
        price=Price(calls, seconds, int(sent), int(sent), int(sent * OVERHEAD), BATCH_ENTRIES * ENTRY),
    )


def _with_peer(plan: Plan, there: Survey, refused: str, notes: Collection[str], *, writes: bool) -> Plan:
    profile = there.profile
    peer = Peer(
        profile.name, profile.label, there.mark, there.abilities.user, profile.guard or profile.production, writes
    )
    mark = there.mark
    both = hashlib.sha256(repr((plan.fingerprint, peer.name, mark.run_id, mark.database, mark.namespace)).encode())
    theirs = [f"{profile.name}: {note}" for note in server_notes(plan.operation, there, plan.count)] if writes else []
    return replace(
        plan,
        peer=peer,
        fingerprint=both.hexdigest(),
        refused=refused,
        nothing=plan.nothing and refused == plan.refused,
        notes=(*notes, *plan.notes, *theirs),
    )


def _refused(seen: Survey, there: Survey, arriving: Collection[Place]) -> str:
    """Why nothing can be moved between the two; empty when it can."""
    for side in (seen, there):
        if side.abilities.mode != "A":
            reason = side.abilities.reason or "nothing can be written there"
            return f"{side.profile.name}: {reason}; moving jobs to another server takes scripts and keys of our own"
    refused = guard.peer_refusal(there.profile, read_only=there.read_only)
    return refused or _same(seen.mark, there.mark) or _missing(arriving, there)


def _same(one: ServerMark, other: ServerMark) -> str:
    return "both are the same server and database: move to a queue instead" if same_server(one, other) else ""


def _missing(arriving: Collection[Place], there: Survey) -> str:
    """A right that the target's user lacks."""
    right: Right
    for right in arrivals(arriving):
        if right in there.abilities.refused:
            user = there.abilities.user or "default"
            return f"{there.profile.name}: the user {user} may not {right[0]} ({right[1]})"
    return ""


def _notes(plan: Plan, transform: Transform, there: Survey) -> Iterator[str]:
    """What is different on the other side, and what becomes of the jobs on the way."""
    name = there.profile.name
    destinations: Mapping[str, int] = dict(plan.queues) if transform.queue is None else {transform.queue: plan.count}
    yield from (f"{name}: {note}" for note in queue_notes(destinations, there))
    kept = () if plan.targets is None or plan.targets.jobs is None else plan.targets.jobs
    due = sum(job.score is not None and job.place.kind != "dead" and job.score <= there.now for job in kept)
    if due:
        yield f"{jobs(due)} due in the past: they run at once on {name}"
    if transform.redact:
        yield _redaction_note(transform, kept)
    if transform.form == "seconds" and any(transform.rewrites_times(job.item) for job in kept):
        yield f"times are written in seconds, as {name} reads them"
    redis = there.overview.redis
    needed = (redis.used_memory or 0) + plan.price.memory
    if redis.maxmemory and needed > MEMORY_SHORT * redis.maxmemory:
        yield f"{name} is short of memory: it takes what fits, the rest stays"


def _redaction_note(transform: Transform, kept: Collection[JobRecord]) -> str:
    rules = ", ".join(transform.redact)
    changed = 0
    for job in kept:
        try:
            changed += redacted(job.raw, transform.redact).changed > 0
        except InvalidJob:
            continue
    return f"redacted ({rules})" + (f": something is replaced in {changed:,} of {len(kept):,}" if kept else "")


async def _unknown_classes(target: Server, plan: Plan) -> list[str]:
    """Classes that the other side has not run of late, where it is known what it runs."""
    try:
        known = (await target.top_metrics(minutes=CLASSES_SEEN)).jobs
    except (SidekiqError, ValueError):
        return []
    if not known:
        return []
    unknown = [name for name, _ in plan.classes if name not in known]
    return [f"not seen running on {target.name} of late: {listed(unknown)}"] if unknown else []
