"""What a server that failed over, or was restored, has forgotten of operations that had ended (operations-safety 12).

And those of which only the end was lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sidekiq_tui.operations.catalog import Across, Enlist, OfJobs
from sidekiq_tui.operations.journal import Journal, Noted
from sidekiq_tui.operations.parameters import operation_of
from sidekiq_tui.operations.sender import BASE
from sidekiq_tui.operations.settings import DAY
from sidekiq_tui.operations.transfer_record import is_source, is_target
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.operation_record import ORPHANED, OperationRecord, RecordKeys, finish, read_operations
from sidekiq_tui.sidekiq.replies import natural

LOOKED_AT: Final = DAY
"""Seconds after its end for which an operation is compared with what the server knows of it."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Batches from `first` on are forgotten, and with them what had become of so many `entries`."""

    first: int
    entries: int


def batches_of(record: OperationRecord) -> tuple[int, int]:
    """The numbers of the batches that a generation carried out: from the first up to, not including, the second."""
    # A cut has used up the first number of its generation.
    first = (natural(record.fields.get(BASE)) or 0) - ("cut" in record.fields)
    return first, first + record.next


async def forgotten(
    journal: Journal, noted: Noted, said: Sequence[OperationRecord], run_id: str | None, now: float
) -> Loss | None:
    """What the server has forgotten of an operation that had ended; None when it knows all, or nobody can tell.

    `said`: all that it knows of it; `run_id`: of the server that answers now. Only one that was started anew, or took
    over, can have forgotten. Raises `JournalError`.
    """
    if not _could_be(noted, now) or not run_id or not noted.mark or run_id == noted.mark:
        return None
    reached = max((batches_of(record)[1] for record in said), default=0)
    fields = [record.fields for record in said]
    known = sum(natural(one.get("cut")) or 0 for one in fields) if noted.kind == "delete" else 0
    known += sum(natural(one.get("count")) or 0 for one in fields if one.get("cleared") == b"ok")
    number = -1
    while batches := await journal.batches_after(noted.id, number):
        number = batches[-1].number
        known += sum((one.results or "").count("1") for one in batches if one.number < reached)
    lost = noted.tally.done - known
    return Loss(reached, lost) if lost > 0 else None


def _could_be(noted: Noted, now: float) -> bool:
    if noted.state in ("open", "unknown") or noted.undone is not None or not noted.tally.done:
        return False
    if noted.ended is None or now - noted.ended > LOOKED_AT:
        return False
    operation = operation_of(noted.kind, noted.parameters)
    return noted.kind == "clear" or (isinstance(operation, OfJobs | Enlist) and not isinstance(operation, Across))


def complete(said: Sequence[OperationRecord]) -> bool:
    """Whether records alone tell that an operation has done all it was for, and only its end was lost.

    They know the results of the last batches; of a longer operation that cannot be told.
    """
    if any(record.fields.get("cleared") == b"ok" for record in said):
        return True
    count = said[0].count if said else None
    if count is None or any(len(record.results) < record.next for record in said):
        return False
    results = [one.results for record in said for one in record.results.values()]
    return count > 0 and sum(map(len, results)) >= count and not any("-" in one for one in results)


async def end_complete(journal: Journal, db: Database, server: str, now: float) -> None:
    """Ends records that stand open though all is done: of our own operations, and of others' after a day.

    So they are forgotten some day. Nothing of theirs is under way. Raises SidekiqError.
    """
    noted = {one.id: one for one in await journal.all_noted(server)}
    said: dict[str, list[OperationRecord]] = {}
    for record in await read_operations(db):
        if not is_source(record) and not is_target(record):
            said.setdefault(record.id, []).append(record)
    for id, generations in said.items():
        one = noted.get(id)
        old = max(record.begun for record in generations) < now - ORPHANED
        if (one is not None and one.state == "done") or (one is None and old and complete(generations)):
            for record in generations:
                if record.state == "open":
                    await finish(db, RecordKeys(db.keys, id, record.generation))
