"""From a job and an operation to the item of a batch, and to what the journal keeps of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final, cast

from sidekiq_tui.operations.catalog import (
    Copy,
    Delete,
    Edit,
    Enqueue,
    Kill,
    MoveToQueue,
    OfJobs,
    Reschedule,
    Retry,
    ToFront,
)
from sidekiq_tui.operations.entries import Entry
from sidekiq_tui.operations.payloads import PayloadContext, destination, new_payload, new_score
from sidekiq_tui.sidekiq import batch_items as batch
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.keys import Keys, SetName
from sidekiq_tui.sidekiq.trash import PART_SIZE

_SCHEDULE: Final = Place("schedule")
_DEAD: Final = Place("dead")


class TrashParts:
    """Which trash key each entry goes to: at most PART_SIZE to one, and only those of one place."""

    def __init__(self, keys: Keys, id: str, counts: Mapping[Place, int], rebuilt: Collection[Place] = ()) -> None:
        """`counts`: entries of each place; those that are `rebuilt` go to one key each, whatever their number."""
        self._keys = keys
        self._id = id
        self._first: dict[Place, int] = {}
        self._used: dict[Place, int] = {}
        self._counts = dict(counts)
        first = 0
        for place, count in counts.items():
            self._first[place], self._used[place] = first, 0
            first += 1 if place in rebuilt else -(-count // PART_SIZE)

    @property
    def places(self) -> list[list[str | int | None]]:
        """For the record, so that any machine knows where the parts belong: place, first part, entries."""
        return [[place.kind, place.queue, self._first[place], self._counts[place]] for place in self._first]

    def whole(self, place: Place) -> bytes:
        """The key for all entries of a place that is rebuilt."""
        return self._keys.trash(self._id, self._first[place])

    def key(self, place: Place) -> bytes:
        """The key for the next entry of a place."""
        used = self._used[place]
        self._used[place] = used + 1
        return self._keys.trash(self._id, self._first[place] + used // PART_SIZE)


class Maker:
    """Makes items for one operation. `trash`: None where deleted bytes do not go to the server's trash."""

    def __init__(
        self,
        operation: OfJobs,
        context: PayloadContext,
        *,
        total: int,
        trash: TrashParts | None = None,
        now: float | None = None,
    ) -> None:
        self._operation = operation
        self._context = context
        self._total = total
        self._trash = trash
        self._now = context.now if now is None else now
        self._rank = 0
        self._queues: dict[str, Place] = {}
        self._make = _MAKERS[type(operation)]

    def make(self, job: JobRecord, *, tail: bool = False) -> tuple[batch.Item, Entry]:
        """The item of a job that is not refused. Raises InvalidJob for a value that cannot be written."""
        made = self._make(self, job, tail)
        self._rank += 1
        return made

    def _queue(self, name: str) -> Place:
        place = self._queues.get(name)
        if place is None:
            place = self._queues[name] = Place("queue", name)
        return place

    def _push(self, job: JobRecord, tail: bool) -> tuple[batch.Item, Entry]:
        new = new_payload(job, self._operation, self._context)
        queue = destination(job, self._operation)
        entry = Entry(job.place, job.raw, job.score, self._queue(queue), new)
        return batch.Move(_set(job), job.raw, queue, new), entry

    def _kill(self, job: JobRecord, tail: bool) -> tuple[batch.Item, Entry]:
        entry = Entry(job.place, job.raw, job.score, _DEAD, job.raw, self._now)
        if job.place.queue is not None:
            return batch.MoveFromQueue(
                job.place.queue, job.raw, job.raw, target_set="dead", score=self._now, tail=tail
            ), entry
        return batch.MoveInSets(_set(job), job.raw, "dead", job.raw, self._now), entry

    def _delete(self, job: JobRecord, tail: bool) -> tuple[batch.Item, Entry]:
        trash = None if self._trash is None else self._trash.key(job.place)
        entry = Entry(job.place, job.raw, job.score)
        if job.place.queue is not None:
            return batch.DeleteFromQueue(job.place.queue, job.raw, trash, tail), entry
        return batch.DeleteFromSet(_set(job), job.raw, trash), entry

    def _reschedule(self, job: JobRecord, tail: bool) -> tuple[batch.Item, Entry]:
        operation = cast(Reschedule, self._operation)
        known = job.score or 0.0
        score = new_score(job, operation, now=self._now, rank=self._rank, total=self._total)
        entry = Entry(job.place, job.raw, known, job.place, job.raw, score)
        return batch.Reschedule(_set(job), job.raw, known, score), entry

    def _rewrite(self, job: JobRecord, tail: bool) -> tuple[batch.Item, Entry]:
        """Edits and moves: in a set by other bytes in the same one, in a queue in place or to another."""
        new = new_payload(job, self._operation, self._context)
        if job.place.queue is None:
            score = job.score or 0.0
            entry = Entry(job.place, job.raw, score, job.place, new, score)
            # It keeps the score that it has by then: somebody may have given it another time.
            return batch.MoveInSets(_set(job), job.raw, _set(job), new), entry
        if isinstance(self._operation, MoveToQueue):
            target = self._operation.queue
            entry = Entry(job.place, job.raw, None, self._queue(target), new)
            front = self._operation.front
            return batch.MoveFromQueue(
                job.place.queue, job.raw, new, target_queue=target, front=front, tail=tail
            ), entry
        return batch.EditInQueue(job.place.queue, job.raw, new, tail), Entry(job.place, job.raw, None, job.place, new)

    def _front(self, job: JobRecord, tail: bool) -> tuple[batch.Item, Entry]:
        return batch.MoveToFront(job.place.queue or "", job.raw), Entry(job.place, job.raw)

    def _copy(self, job: JobRecord, tail: bool) -> tuple[batch.Item, Entry]:
        operation = cast(Copy, self._operation)
        new = new_payload(job, operation, self._context)
        if operation.at is not None:
            return batch.Push(new, score=operation.at), Entry(None, job.raw, None, _SCHEDULE, new, operation.at)
        queue = destination(job, operation)
        return batch.Push(new, queue), Entry(None, job.raw, None, self._queue(queue), new)


_Make = Callable[[Maker, JobRecord, bool], tuple[batch.Item, Entry]]
_MAKERS: Final[dict[type[OfJobs], _Make]] = {
    Retry: Maker._push,
    Enqueue: Maker._push,
    Kill: Maker._kill,
    Delete: Maker._delete,
    Reschedule: Maker._reschedule,
    Edit: Maker._rewrite,
    MoveToQueue: Maker._rewrite,
    ToFront: Maker._front,
    Copy: Maker._copy,
}


def _set(job: JobRecord) -> SetName:
    return cast(SetName, job.place.kind)
