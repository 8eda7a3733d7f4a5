"""What makes two plans the same: a hash over what is done, to what, and on which server (operations-safety 7.4)."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Final

from sidekiq_tui.operations.catalog import Enlist, Operation
from sidekiq_tui.operations.selection import Matching, Rows, Whole
from sidekiq_tui.operations.targets import digest
from sidekiq_tui.servers.mark import ServerMark
from sidekiq_tui.sidekiq.payload_edit import with_fields

_MADE_ANEW: Final = ("jid", "created_at", "enqueued_at")
"""What a new job gets each time that it is planned."""


def fingerprint(operation: Operation, server: str, mark: ServerMark, count: int, targets: bytes = b"") -> str:
    """Hexadecimal SHA-256 over operation, server, parameters, count, and the digest of the entries."""
    said = {
        "kind": operation.kind,
        "parameters": parameters(operation),
        "server": [server, mark.run_id, list(mark.replication_ids), mark.database, mark.namespace, mark.role],
        "count": count,
        "targets": targets.hex(),
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=repr).encode()).hexdigest()


def parameters(operation: Operation) -> dict[str, object]:
    """The values of an operation, jobs as what tells them apart."""
    return {field.name: _plain(operation, getattr(operation, field.name)) for field in fields(operation)}


def _plain(operation: Operation, value: object) -> object:
    match value:
        case Rows(jobs):
            return ["rows", len(jobs)]
        case Matching(places, matcher):
            return ["matching", [[place.kind, place.queue] for place in places], matcher.text]
        case Whole(place):
            return ["whole", place.kind, place.queue]
        case Mapping():
            return dict(value)
        case tuple() if isinstance(operation, Enlist):
            return [[_same_job(operation, raw), queue, at] for raw, queue, at in operation.payloads]
        case bytes():
            return value.hex()
    return value


def _same_job(operation: Enlist, raw: bytes) -> str:
    if not operation.imported:
        with contextlib.suppress(ValueError):  # what is no job says so in its plan
            raw = with_fields(raw, {}, _MADE_ANEW)
    return digest(raw).hex()
