"""New jobs as payloads ready to push: from a class and arguments, or from a file of exported ones.

Nothing is pushed here, and nothing can be before all of them have been looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sidekiq_tui.operations.catalog import Enlist, Enqueue, MoveToQueue
from sidekiq_tui.operations.payloads import PayloadContext, destination, new_payload, refusal
from sidekiq_tui.operations.selection import Rows
from sidekiq_tui.sidekiq.client_payload import (
    WrittenTime,
    check_args,
    dumps,
    is_number,
    new_jid,
    normalize,
    written_time,
)
from sidekiq_tui.sidekiq.errors import InvalidJob
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.payload import decode, to_bytes
from sidekiq_tui.sidekiq.payload_edit import with_fields
from sidekiq_tui.sidekiq.replies import real

NewJob = tuple[bytes, str, float | None]
"""Payload, queue, and Unix seconds for the schedule."""

MOST: Final = 1_000_000
"""Jobs in one import or one push of many."""
LONGEST_LINE: Final = 64 << 20
MOST_BYTES: Final = 1 << 30
_TOLD: Final = 5
_FURTHEST: Final = 1e11  # seconds; as far as a time can be shown
_NOWHERE: Final = Rows(())
_FROM_A_SET: Final = Place("retry")
"""As if it lay there: what is enqueued from a set is completed, and keeps all it has."""


def new_jobs(
    klass: str,
    args: Sequence[Sequence[object]],
    *,
    now: float,
    form: WrittenTime,
    queue: str = "default",
    at: float | None = None,
    options: Mapping[str, object] | None = None,
) -> Enlist:
    """One job for each list of arguments: now, or at `at` (Unix seconds) if that is still to come.

    `options`: more fields of the payload (retry, tags, …). `form`: how the live processes read times. Raises
    InvalidJob.
    """
    if len(args) > MOST:
        raise InvalidJob(f"more than {MOST:,} jobs at once")
    if not klass:
        raise InvalidJob("a job's class must be the name of a class")
    later = at if at is not None and at > now else None
    made: list[NewJob] = []
    for one in args:
        item = normalize({**(options or {}), "class": klass, "args": one, "queue": queue}, now=now, form=form)
        item.pop("at", None)
        check_args(item, "raise")
        if len(made) and options and options.get("jid"):
            raise InvalidJob("several jobs cannot share a jid")
        if later is None:
            item["enqueued_at"] = written_time(now, form)
        made.append((dumps(item), queue, later))
    return Enlist(payloads=tuple(made))


def read_import(
    lines: Iterable[bytes], *, context: PayloadContext, queue: str | None = None, new_jids: bool = False
) -> Enlist:
    """The jobs of an NDJSON file, one a line: sqtui's own records (the payload's exact bytes in `raw`), or payloads.

    Unknown fields stay as they are. What was scheduled and is not due goes to the schedule, all else to its queue, or
    to `queue`; fields that every push fills in are filled in. Raises InvalidJob, which names the first lines that
    cannot be imported, if there is any.
    """
    made: list[NewJob] = []
    wrong: list[str] = []
    size = 0
    for number, line in enumerate(lines, 1):
        size += len(line)
        if size > MOST_BYTES or len(made) >= MOST:
            raise InvalidJob(f"too much at once: at most {MOST:,} jobs, and {MOST_BYTES >> 30} GiB")
        if not line.strip():
            continue
        try:
            made.append(_imported(line, context, queue, new_jids))
        except InvalidJob as error:
            wrong.append(f"line {number}: {error.message}")
            if len(wrong) > _TOLD:
                break
    if wrong:
        more = ", and more" if len(wrong) > _TOLD else ""
        raise InvalidJob("; ".join(wrong[:_TOLD]) + more, hint="nothing was pushed: correct the file, or take them out")
    if not made:
        raise InvalidJob("there is no job in it")
    return Enlist(payloads=tuple(made), imported=True)


def _imported(line: bytes, context: PayloadContext, queue: str | None, new_jids: bool) -> NewJob:
    if len(line) > LONGEST_LINE:
        raise InvalidJob(f"longer than {LONGEST_LINE >> 20} MiB")
    raw, at = _payload(line)
    job = JobRecord(raw, _FROM_A_SET)
    operation = Enqueue(jobs=_NOWHERE)
    if queue is not None and not job.malformed and job.item.get("queue") != queue:
        why = refusal(job, MoveToQueue(jobs=_NOWHERE, queue=queue))
        if why:
            raise InvalidJob(why)
        job = JobRecord(new_payload(job, MoveToQueue(jobs=_NOWHERE, queue=queue), context), _FROM_A_SET)
    why = refusal(job, operation)
    if why:
        raise InvalidJob(why)
    made = new_payload(job, operation, context)
    if new_jids:
        made = with_fields(made, {"jid": new_jid()})
    if at is not None and at > context.now:
        return with_fields(made, {}, ("enqueued_at",)), destination(job, operation), at
    return made, destination(job, operation), None


def _payload(line: bytes) -> tuple[bytes, float | None]:
    """The payload in a line, and when it is due (Unix seconds), if it was scheduled."""
    item = decode(line)
    if item is None:
        raise InvalidJob("no JSON object")
    if isinstance(item.get("raw"), str):
        at = item.get("at") if item.get("place", "schedule") == "schedule" else None
        return to_bytes(str(item["raw"])), _time(at)
    return line.strip(), _time(item.get("at"))


def _time(value: object) -> float | None:
    """When a job is due, in Unix seconds. Raises InvalidJob for a number that is no time: it would never be due."""
    if not is_number(value):
        return None
    at = real(value)
    if at is None or abs(at) > _FURTHEST:
        raise InvalidJob("its `at` is a number that is no time")
    return at
