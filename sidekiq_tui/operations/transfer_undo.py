"""Takes a move between servers back: by another one, of those jobs that are still as they arrived (10)."""

from __future__ import annotations

from dataclasses import replace

from sidekiq_tui.operations.catalog import Evacuate, Transfer, Undo
from sidekiq_tui.operations.desk import Desk
from sidekiq_tui.operations.entries import Entry, is_digests, unpack
from sidekiq_tui.operations.errors import CannotBeDone
from sidekiq_tui.operations.journal import Noted
from sidekiq_tui.operations.parameters import operation_of
from sidekiq_tui.operations.plan import Plan
from sidekiq_tui.operations.selection import Rows
from sidekiq_tui.operations.transfer_plan import plan_transfer
from sidekiq_tui.operations.transfer_record import KINDS
from sidekiq_tui.sidekiq.job import JobRecord


async def noted_move(desk: Desk, server: str, operation: Undo) -> Noted | None:
    """The move that is to be taken back; None when it is something else."""
    noted = await desk.journal.noted(operation.operation)
    return noted if noted is not None and noted.server == server and noted.kind in KINDS else None


async def plan_back(desk: Desk, noted: Noted) -> Plan:
    """A move of the same jobs back. Raises `CannotBeDone`, SidekiqError."""
    operation = operation_of(noted.kind, noted.parameters)
    if not isinstance(operation, Transfer | Evacuate):
        raise CannotBeDone("it is not known how it was done")
    if noted.state in ("open", "unknown"):
        raise CannotBeDone("it has not ended: go on with it, or put back what is parked, first")
    if noted.undone is not None:
        raise CannotBeDone("it was undone already")
    if noted.undo == "no":
        raise CannotBeDone("it cannot be undone: this machine kept no copy")
    entries = await _arrived(desk, noted)
    queue = _queue(operation, entries)
    jobs = tuple(
        JobRecord(entry.new, entry.target, entry.new_score)
        for entry in entries
        if entry.new is not None and entry.target is not None
    )
    try:
        here, there = desk.server(noted.server), desk.server(operation.target)
    except KeyError:
        raise CannotBeDone(f"no profile here is called {operation.target}") from None
    back = Transfer(jobs=Rows(jobs), target=noted.server, queue=queue)
    plan = await plan_transfer(there, here, back, now=desk.clock(), read_only=desk.read_only)
    return replace(plan, notes=("what a worker has taken there ran or is running, and stays", *plan.notes))


async def _arrived(desk: Desk, noted: Noted) -> list[Entry]:
    """The entries that went, newest first those of a queue, as lists show them."""
    found: list[Entry] = []
    before: int | None = None
    while batches := await desk.journal.batches(noted.id, before=before, limit=50):
        before = batches[-1].number
        for one in batches:
            if one.blob is None or is_digests(one.blob):
                raise CannotBeDone("this machine kept no copy of its jobs")
            entries = unpack(one.blob)
            gone = [entry for entry, said in zip(entries, one.results or "", strict=False) if said == "1"]
            found += gone[::-1]
    return found


def _queue(operation: Transfer | Evacuate, entries: list[Entry]) -> str | None:
    """The queue that all of them go back to; None when it is each one's own."""
    if all(entry.new == entry.old and entry.place == entry.target for entry in entries):
        return None
    if operation.redact or (isinstance(operation, Transfer) and (operation.fields or operation.drop)):
        raise CannotBeDone("its jobs were changed on the way: move them back, and edit them")
    named = {str(JobRecord(entry.old, entry.place).item.get("queue")) for entry in entries if entry.place is not None}
    named |= {entry.place.queue for entry in entries if entry.place is not None and entry.place.queue is not None}
    if len(named) != 1:
        raise CannotBeDone("they came from several queues: move them back to each")
    return named.pop()
