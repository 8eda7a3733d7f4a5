"""The bytes that an operation writes in place of those it found, and the jobs that it leaves alone (protocol 12, 14).

Only what an operation is for is changed; all else stays as it was written, byte for byte.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from sidekiq_tui.operations.catalog import (
    Across,
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
from sidekiq_tui.sidekiq.client_payload import (
    DEFAULT_OPTIONS,
    LONGEST_RETRY_FOR,
    WrittenTime,
    dumps_value,
    new_jid,
    written_time,
)
from sidekiq_tui.sidekiq.errors import InvalidJob
from sidekiq_tui.sidekiq.job import JobRecord
from sidekiq_tui.sidekiq.keys import SET_NAMES
from sidekiq_tui.sidekiq.payload import WRAPPERS, is_wrapper, truthy
from sidekiq_tui.sidekiq.payload_edit import replaced, spliced, with_fields, with_first_argument
from sidekiq_tui.sidekiq.timestamps import time_form

FAILURE_FIELDS: Final = ("retry_count", "failed_at", "retried_at", "error_message", "error_class", "error_backtrace")
"""What a failed run leaves behind (protocol 4.2)."""
_NEVER_STORED: Final = ("at", "pool", "client_class", "client")
"""What a client takes out of every payload that it pushes."""
_RESET: Final = (*FAILURE_FIELDS, *_NEVER_STORED)
_USUAL: Final = frozenset(("retry", "queue", "jid", "created_at"))
_COUNTS: Final = (int, float, type(None))
_TO_QUEUE: Final = (MoveToQueue, Copy)
_PUSHES: Final = (Retry, Enqueue)
_DEFAULT_QUEUE: Final = str(DEFAULT_OPTIONS["queue"])

_ENQUEUED_AT: Final = b'"enqueued_at"'
_RETRY_COUNT: Final = b'"retry_count"'
_QUEUE: Final = b'"queue"'

MALFORMED: Final = "malformed: no JSON object"


@dataclass(frozen=True, slots=True)
class PayloadContext:
    """What new bytes depend on besides the job: `now` in Unix seconds, and how times are written.

    `form` is that of the live processes, which will read it; without any, each payload's own, or else `fallback`.
    """

    now: float
    form: WrittenTime | None = "seconds"
    fallback: WrittenTime = "seconds"

    def time(self, item: Mapping[str, object]) -> int | float:
        """The present time, as this payload has to hold it (protocol 4.4)."""
        return self.time_beside(item.get("created_at"))

    def time_beside(self, created_at: object) -> int | float:
        """The present time in a payload with this time of creation."""
        form = self.form
        if form is None:
            known = time_form(created_at)
            own: WrittenTime | None = "milliseconds" if known == "integer milliseconds" else None
            own = "seconds" if known == "float seconds" else own
            form = own or self.fallback
        return written_time(self.now, form)


def destination(job: JobRecord, operation: OfJobs) -> str:
    """The queue that a job goes to or stays with: the operation's, the payload's, or Sidekiq's default."""
    if isinstance(operation, _TO_QUEUE) and operation.queue is not None:
        return operation.queue
    if job.place.queue is not None:
        return job.place.queue
    if job.glance is not None:
        return job.glance.queue
    queue = job.item.get("queue", _DEFAULT_QUEUE)
    return queue if isinstance(queue, str) else ""


def refusal(job: JobRecord, operation: OfJobs) -> str:
    """Why this job is left as it is, in words that many jobs share; empty when it is not."""
    kind = job.place.kind
    if type(operation) in _PUSHES and kind in SET_NAMES and (job.glance is not None or _usual(job.item)):
        return ""
    if kind == "work" and not isinstance(operation, Copy):
        return "running: only its worker can end it"
    if isinstance(operation, Delete):
        return ""
    if job.glance is None and job.malformed:
        return MALFORMED
    match operation:
        case Retry() | Enqueue():
            if kind == "queue":
                return "already in a queue"
            return _not_pushable(job, operation)
        case Kill():
            return "already dead" if kind == "dead" else ""
        case Reschedule():
            return _invalid(job) if kind in ("retry", "schedule") else "has no time to run at"
        case ToFront():
            return _invalid(job) if kind == "queue" else "in no queue"
        case MoveToQueue():
            return _not_movable(job, operation)
        case Edit():
            return _not_editable(job, operation)
        case Across():
            return _not_to_cross(job, operation)
        case Copy():
            encrypted = "encrypted: its arguments can't be changed"
            return encrypted if job.encrypted and "args" in operation.fields else _not_pushable(job, operation)
    return ""


def new_payload(job: JobRecord, operation: OfJobs, context: PayloadContext) -> bytes:
    """The bytes to write for a job that is not refused. Raises InvalidJob for a value that cannot be written."""
    match operation:
        case Retry() | Enqueue():
            return _pushed_quickly(job, operation, context) or _pushed(job, operation, context)
        case MoveToQueue():
            return _moved_quickly(job, operation, context) or _moved(job, operation, context)
        case Edit():
            return edited(job.raw, job.item, operation.fields, operation.drop)
        case Copy():
            return _copied(job, operation, context)
    return job.raw


def new_score(job: JobRecord, operation: Reschedule, *, now: float, rank: int = 0, total: int = 1) -> float:
    """The time (Unix seconds) that a job is set to; `rank` of `total` is its place among those that are spread."""
    start = now if operation.at is None else operation.at
    if operation.over is not None:
        return start + (operation.by or 0.0) + operation.over * rank / max(total, 1)
    if operation.by is not None:
        return (job.score or 0.0) + operation.by
    return start


def _invalid(job: JobRecord) -> str:
    """What Ruby's client would refuse (protocol 14.2), and the poller would lose (operations-safety 6.7)."""
    if job.glance is not None:
        return ""
    item = job.item
    if not isinstance(item.get("class"), str):
        return "invalid: no class"
    if not isinstance(item.get("args"), list):
        return "invalid: args are no list"
    if item.get("tags") and not isinstance(item["tags"], list):
        return "invalid: tags are no list"
    retry_for = item.get("retry_for")
    if retry_for and not _is_duration(retry_for):
        return "invalid: retry_for is no duration"
    return ""


def _usual(item: Mapping[str, object]) -> bool:
    """Whether a job is so plain that nothing can be wrong with it: told at once, since nearly all are."""
    return (
        type(item.get("class")) is str
        and type(item.get("args")) is list
        and type(item.get("queue")) is str
        and item["queue"] != ""
        and type(item.get("retry_count")) in _COUNTS
        and "tags" not in item
        and "retry_for" not in item
    )


def _is_duration(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value <= LONGEST_RETRY_FOR


def _not_pushable(job: JobRecord, operation: OfJobs) -> str:
    if not job.item.get("queue", _DEFAULT_QUEUE) or not destination(job, operation):
        return "invalid: no queue"
    count = job.item.get("retry_count")
    if type(count) not in _COUNTS and isinstance(operation, Retry) and not operation.reset:
        return "invalid: retry_count is no number"
    return _invalid(job)


def _not_movable(job: JobRecord, operation: MoveToQueue) -> str:
    if job.place.kind == "queue" and job.place.queue == operation.queue:
        return f"already in {operation.queue}"
    named = job.item.get("queue") if job.glance is None else job.glance.queue
    if job.place.kind != "queue" and named == operation.queue:
        return f"already for {operation.queue}"
    return _invalid(job)


def _not_to_cross(job: JobRecord, operation: Across) -> str:
    if operation.fields or operation.drop:
        if job.encrypted and ("args" in operation.fields or "args" in operation.drop):
            return "encrypted: its arguments can't be changed"
        try:
            made = JobRecord(edited(job.raw, job.item, operation.fields, operation.drop), job.place, job.score)
        except ValueError as error:
            return f"cannot be written: {error}"
        return _invalid(made)
    return "" if job.glance is not None or _usual(job.item) else _invalid(job)


def _not_editable(job: JobRecord, operation: Edit) -> str:
    changed = {*operation.fields, *operation.drop}
    if job.encrypted and not changed.isdisjoint(("args", "encrypt")):
        return "encrypted: its arguments can't be changed"
    if job.place.kind == "queue" and "queue" in changed:
        return "in a queue: move it instead"
    try:
        made = JobRecord(edited(job.raw, job.item, operation.fields, operation.drop), job.place, job.score)
    except ValueError as error:
        return f"cannot be written: {error}"
    if made.raw == job.raw:
        return "already so"
    return _invalid(made) or ("invalid: no queue" if made.item.get("queue", _DEFAULT_QUEUE) in (None, "") else "")


def _pushed_quickly(job: JobRecord, operation: Retry | Enqueue, context: PayloadContext) -> bytes | None:
    """What `_pushed` makes of a usual job; None for another."""
    seen = job.glance
    if seen is None or seen.enqueued_at is None:
        return None
    stamp = (_ENQUEUED_AT, _number(context.time_beside(seen.created_at)))
    if not isinstance(operation, Retry):
        return replaced(job.raw, (stamp,))
    if operation.reset:
        return None
    if seen.retry_count is None or job.place.kind == "schedule":
        return replaced(job.raw, (stamp,))
    return replaced(job.raw, ((_RETRY_COUNT, _number(seen.retry_count - 1)), stamp))


def _moved_quickly(job: JobRecord, operation: MoveToQueue, context: PayloadContext) -> bytes | None:
    """What `_moved` makes of a usual job that ActiveJob has not wrapped; None for another."""
    seen = job.glance
    if seen is None or seen.retry_queue or seen.wrapped is not None or seen.klass in WRAPPERS:
        return None
    queue = (_QUEUE, _named(operation.queue))
    if job.place.kind != "queue":
        return replaced(job.raw, (queue,))
    if seen.enqueued_at is None:
        return None
    return replaced(job.raw, (queue, (_ENQUEUED_AT, _number(context.time_beside(seen.created_at)))))


@lru_cache(maxsize=1024, typed=True)
def _number(value: int | float) -> bytes:
    return b":" + repr(value).encode()  # as JSON has it


@lru_cache
def _named(queue: str) -> bytes:
    return b":" + dumps_value(queue).encode()


def _pushed(job: JobRecord, operation: Retry | Enqueue, context: PayloadContext) -> bytes:
    item = job.item
    changes: dict[str, object] = {}
    drop: tuple[str, ...] = _NEVER_STORED
    if isinstance(operation, Retry):
        count = item.get("retry_count")
        if operation.reset:
            drop = _RESET
        elif count is not None and job.place.kind != "schedule":
            changes["retry_count"] = count - 1  # type: ignore[operator]  # a number, or the job was refused
    if not item.keys() >= _USUAL or not item["jid"] or not item["created_at"] or "retry_for" in item:
        changes |= _completed(item, context)
    changes["enqueued_at"] = context.time(item)
    return spliced(job.raw, item, changes, drop)


def _completed(item: Mapping[str, object], context: PayloadContext) -> dict[str, object]:
    """What every push fills in where it is missing (job_util.rb)."""
    changes: dict[str, object] = {name: value for name, value in DEFAULT_OPTIONS.items() if name not in item}
    if not item.get("jid"):
        changes["jid"] = new_jid()
    retry_for = item.get("retry_for")
    if isinstance(retry_for, float):
        changes["retry_for"] = int(retry_for)
    if not item.get("created_at"):
        changes["created_at"] = context.time(item)
    return changes


def _moved(job: JobRecord, operation: MoveToQueue, context: PayloadContext) -> bytes:
    item = job.item
    changes: dict[str, object] = {"queue": operation.queue}
    if item.get("retry_queue"):  # it would take the job back at its next failure
        changes["retry_queue"] = operation.queue
    drop: tuple[str, ...] = ()
    if job.place.kind == "queue":
        changes["enqueued_at"] = context.time(item)
        drop = ("at",)
    made = spliced(job.raw, item, changes, drop)
    return with_first_argument(made, {"queue_name": operation.queue}) if active_job(item) else made


def edited(raw: bytes, item: Mapping[str, object], fields: Mapping[str, object], drop: tuple[str, ...]) -> bytes:
    """Sets and drops fields. `args` of an ActiveJob are those inside its own payload, unless they are that payload."""
    outer = dict(fields)
    if "args" in outer and active_job(item) and not _is_wrapped(outer["args"]):
        raw = with_first_argument(raw, {"arguments": outer.pop("args")})
    return with_fields(raw, outer, drop)


def _copied(job: JobRecord, operation: Copy, context: PayloadContext) -> bytes:
    item = job.item
    raw = edited(job.raw, item, operation.fields, ())
    if active_job(item):
        inner: dict[str, object] = {"job_id": str(uuid.uuid4())}
        if operation.queue is not None:
            inner["queue_name"] = operation.queue
        raw = with_first_argument(raw, inner)
    now = context.time(item)
    changes: dict[str, object] = {"jid": new_jid(), "queue": destination(job, operation), "created_at": now}
    if operation.queue is not None and item.get("retry_queue"):
        changes["retry_queue"] = operation.queue
    if "retry" not in item:
        changes["retry"] = DEFAULT_OPTIONS["retry"]
    drop = [*_RESET, "bid"]
    if operation.at is None:
        changes["enqueued_at"] = now
    else:
        drop.append("enqueued_at")
    return with_fields(raw, changes, [name for name in drop if name not in operation.fields])


def active_job(item: Mapping[str, object]) -> bool:
    """Whether the first argument is ActiveJob's own payload."""
    return (is_wrapper(item) or truthy(item.get("wrapped"))) and _is_wrapped(item.get("args"))


def _is_wrapped(args: object) -> bool:
    first = args[0] if isinstance(args, list) and args else None
    return isinstance(first, dict) and "job_class" in first and "arguments" in first


def checked_fields(fields: Mapping[str, object]) -> None:
    """Raises InvalidJob unless every value can stand in a payload that Ruby reads."""
    with_fields(b"{}", fields)
    if "args" in fields and not isinstance(fields["args"], list):
        raise InvalidJob("a job's args must be a list")
