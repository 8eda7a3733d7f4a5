"""Goes on with what was begun: plans what is left of it, as confirmed then, on the server as it is now."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from sidekiq_tui.operations.catalog import Copy, Enlist, Enqueue, MoveToQueue, OfJobs, Operation, Retry, Undo
from sidekiq_tui.operations.census import place_name
from sidekiq_tui.operations.desk import Desk
from sidekiq_tui.operations.entries import handled
from sidekiq_tui.operations.errors import CannotBeDone
from sidekiq_tui.operations.execute import Transit
from sidekiq_tui.operations.fingerprint import fingerprint
from sidekiq_tui.operations.journal import Noted
from sidekiq_tui.operations.parameters import operation_of, with_rest
from sidekiq_tui.operations.plan import Plan, Price
from sidekiq_tui.operations.planning import make_plan
from sidekiq_tui.operations.price import BATCH_ENTRIES, ENTRY
from sidekiq_tui.operations.survey import survey
from sidekiq_tui.operations.targets import Targets
from sidekiq_tui.operations.undo import plan_undo
from sidekiq_tui.operations.unfinished import Settled
from sidekiq_tui.operations.warnings import server_notes, undo_words
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.job import Place


@dataclass(frozen=True, slots=True)
class Continuation:
    """How the rest of an operation is begun. An undo goes on under its own id, in its next generation."""

    of: str
    generation: int = 1
    after: int = 0
    """Entries of an undo that were handled before."""
    first: int = 0
    """The number of its next batch."""
    transit: Transit | None = None
    """Of a move between servers, which goes on under its id, too."""


async def plan_rest(desk: Desk, server: Server, settled: Settled) -> tuple[Plan, Continuation]:
    """What is left of a settled operation. Raises `CannotBeDone` when nobody here knows, SidekiqError."""
    noted = settled.noted
    operation = None if noted is None else operation_of(noted.kind, noted.parameters)
    if noted is None or operation is None:
        raise CannotBeDone(f"{settled.words or 'it has ended'}: what was left of it is not known on this machine")
    now = desk.clock()
    if isinstance(operation, Undo):
        plan = await plan_undo(desk.journal, server, operation, now=now, read_only=desk.read_only, again=True)
        handled_before = settled.tally.settled if plan.count == noted.count else 0
        plan = replace(plan, count=max(0, plan.count - handled_before))
        last = await desk.journal.batches(noted.id, limit=1)
        first = last[0].number + 1 if last else 0
        return plan, Continuation(operation.operation, settled.generation + 1, handled_before, first)
    rest = await desk.journal.rest(noted.id)
    if rest is None and isinstance(operation, OfJobs | Enlist):
        raise CannotBeDone("what was left of it is no longer known")
    if rest is None:
        plan = await make_plan(server, operation, now=now, read_only=desk.read_only)
    else:
        plan = await _restored(desk, server, noted, operation, rest)
    if settled.loss is not None:
        again = "; a worker may have run what was pushed: that runs twice" if _pushes_jobs(operation) else ""
        note = f"{server.name} went back in time and has forgotten {settled.loss.entries:,} of these{again}"
        plan = replace(plan, notes=(note, *plan.notes))
    return plan, Continuation(noted.id)


def _pushes_jobs(operation: Operation) -> bool:
    """Whether it puts jobs where workers take them: done twice, they may run twice."""
    return isinstance(operation, Retry | Enqueue | Copy | Enlist | MoveToQueue)


async def _restored(desk: Desk, server: Server, noted: Noted, operation: Operation, rest: bytes) -> Plan:
    """The plan for what the journal says was not handled."""
    seen = await survey(server, desk.clock(), read_only=desk.read_only)
    plan = Plan(
        operation=operation,
        server=server.name,
        label=server.profile.label,
        mark=seen.mark,
        mode=seen.abilities.mode,
        user=seen.abilities.user,
        count=0,
        made_at=seen.now,
        fingerprint="",
    )
    try:
        plan = with_rest(plan, rest)
    except ValueError as error:
        raise CannotBeDone(str(error)) from error
    if plan.targets is None:
        plan = await _pushes(desk, noted, plan)
        about = b""
    else:
        targets = await left(desk, noted, plan.targets)
        places = {place_name(place): digests.total() for place, digests in targets.digests.items()}
        plan = replace(plan, targets=targets, count=targets.count, places=places)
        about = targets.fingerprint()
    count = plan.count
    return replace(
        plan,
        notes=(f"the rest of: {noted.words}", *server_notes(operation, seen, count)),
        refused=seen.refusal(operation) or ("" if count else "nothing is left to do"),
        nothing=not count,
        undo=undo_words(operation, seen, plan.places),
        fingerprint=fingerprint(plan.operation, server.name, seen.mark, count, about),
        price=Price(2 + -(-count // BATCH_ENTRIES), 2 * count * ENTRY, longest_call=BATCH_ENTRIES * ENTRY),
    )


async def _pushes(desk: Desk, noted: Noted, plan: Plan) -> Plan:
    """New jobs go in their order, so that those of the batches that were carried out are the first."""
    operation = plan.operation
    assert isinstance(operation, Enlist)
    count = 0
    before: int | None = None
    while batches := await desk.journal.batches(noted.id, before=before):
        before = batches[-1].number
        count += sum(one.n - (one.results or "").count("-") for one in batches)
    payloads = operation.payloads[count:]
    return replace(plan, operation=replace(operation, payloads=payloads), count=len(payloads))


async def left(desk: Desk, noted: Noted, targets: Targets) -> Targets:
    """The entries without those of which it is known, or unknown for good, what became of them."""
    digests = {place: Counter(counts) for place, counts in targets.digests.items()}
    before: int | None = None
    while batches := await desk.journal.batches(noted.id, before=before):
        before = batches[-1].number
        for one in batches:
            if one.blob is not None and one.results is not None:
                for place, mark in handled(one.blob, one.results):
                    _take(digests, place, mark)
    return Targets({place: counts for place, counts in digests.items() if counts})


def _take(digests: dict[Place, Counter[bytes]], place: Place | None, mark: bytes) -> None:
    for counts in [digests[place]] if place in digests else digests.values():
        if counts.get(mark):
            counts[mark] -= 1
            if not counts[mark]:
                del counts[mark]
            return
