"""What becomes of a job's bytes on its way to another server: nothing, unless something is asked for or must be."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sidekiq_tui.operations.catalog import Across, CopyAcross, Evacuate, Operation, Transfer
from sidekiq_tui.operations.payloads import active_job, edited
from sidekiq_tui.operations.redaction import redacted
from sidekiq_tui.operations.selection import Rows
from sidekiq_tui.sidekiq.client_payload import WrittenTime, new_jid, written_time
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.payload_edit import spliced, with_fields, with_first_argument
from sidekiq_tui.sidekiq.timestamps import parse_time, time_form

TIMES: Final = ("created_at", "enqueued_at", "failed_at", "retried_at")
"""The fields that Sidekiq 8 writes in milliseconds, which older ones take for seconds (protocol 4.4)."""
_PRIVATE: Final[Mapping[str, object]] = {"args": [], "error_message": "", "tags": [], "cattr": {}}
"""Fields whose values a record on a server must not hold, each with a value by which the same jobs can be written."""


@dataclass(frozen=True, slots=True)
class Transform:
    """For all jobs of one operation. `form`: how the target's processes read times; None when nobody can say."""

    queue: str | None = None
    fields: Mapping[str, object] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    redact: tuple[str, ...] = ()
    form: WrittenTime | None = None
    new_jids: bool = False

    def place(self, place: Place) -> Place:
        """Where the jobs of a place go."""
        return Place("queue", self.queue) if place.kind == "queue" and self.queue is not None else place

    def payload(self, job: JobRecord) -> bytes:
        """The bytes for the target. Raises InvalidJob for a value that cannot be written, ValueError for no object."""
        raw, item = job.raw, job.item
        if self.redact:
            raw = redacted(raw, self.redact).raw
            item = JobRecord(raw, job.place).item
        if self.fields or self.drop:
            raw = edited(raw, item, self.fields, self.drop)
            item = JobRecord(raw, job.place).item
        changes = self._times(item) if self.form == "seconds" else {}
        drop: tuple[str, ...] = ()
        if self.new_jids:
            changes["jid"], drop = new_jid(), ("bid",)
        if self.queue is not None and item.get("queue") != self.queue:
            changes["queue"] = self.queue
            if item.get("retry_queue"):
                changes["retry_queue"] = self.queue
        if not changes:
            return raw
        raw = with_fields(raw, changes, drop) if drop else spliced(raw, item, changes)
        inner: dict[str, object] = {"queue_name": self.queue} if "queue" in changes else {}
        if self.new_jids:
            inner["job_id"] = str(uuid.uuid4())
        return with_first_argument(raw, inner) if inner and active_job(item) else raw

    def rewrites_times(self, item: Mapping[str, object]) -> bool:
        """Whether times of a job would be written anew."""
        return self.form == "seconds" and bool(self._times(item))

    def _times(self, item: Mapping[str, object]) -> dict[str, object]:
        """Times in milliseconds as seconds."""
        changes: dict[str, object] = {}
        for name in TIMES:
            value = item.get(name)
            if value is not None and time_form(value) in ("integer milliseconds", "float milliseconds"):
                changes[name] = written_time(parse_time(value) or 0.0, "seconds")
        return changes

    def transfer(self, target: str) -> Transfer:
        """A move to the server `target` that asks for this, and so leaves the same jobs."""
        return Transfer(
            jobs=Rows(()), target=target, queue=self.queue, fields=self.fields, drop=self.drop, redact=self.redact
        )

    def text(self) -> str:
        """For the record on the source, so that any machine can go on; what may be personal is only named."""
        fields = {name: value for name, value in self.fields.items() if name not in _PRIVATE}
        said: dict[str, object] = {
            "queue": self.queue,
            "fields": fields,
            "drop": self.drop,
            "redact": self.redact,
            "form": self.form,
        }
        if len(fields) < len(self.fields):
            said["withheld"] = sorted(set(self.fields) - set(fields))
        return json.dumps({name: value for name, value in said.items() if value})


def transform_of(operation: Operation, form: WrittenTime | None) -> Transform:
    """What an operation asks for. Raises TypeError for one that stays on its server."""
    if isinstance(operation, Evacuate):
        return Transform(redact=operation.redact, form=form)
    if not isinstance(operation, Across):
        raise TypeError(f"{operation.kind} stays on its server")
    new = isinstance(operation, CopyAcross) and operation.new_jids
    return Transform(operation.queue, operation.fields, operation.drop, operation.redact, form, new)


def transform_from(text: bytes | None) -> Transform | None:
    """What a record says; None where it does not say all: then only the machine that began knows."""
    said = _said(text)
    return None if said is None or "withheld" in said else _transform(said)


def transform_like(text: bytes | None) -> Transform:
    """By which the same jobs stay as by that of a record which withholds something; it writes other bytes."""
    said = _said(text) or {}
    withheld = {name: value for name, value in _PRIVATE.items() if name in said.get("withheld", ())}
    return _transform(said | {"fields": (said.get("fields") or {}) | withheld})


def _said(text: bytes | None) -> dict[str, Any] | None:
    try:
        said = json.loads(text or b"{}")
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


def _transform(said: Mapping[str, Any]) -> Transform:
    return Transform(
        said.get("queue"),
        said.get("fields") or {},
        tuple(said.get("drop") or ()),
        tuple(said.get("redact") or ()),
        said.get("form"),
    )
