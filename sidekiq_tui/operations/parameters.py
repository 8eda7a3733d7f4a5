"""An operation as text and back, without its jobs: so that another process can go on with it."""

from __future__ import annotations

import base64
import json
from dataclasses import fields, replace
from typing import Any, Final

from sidekiq_tui.operations import catalog
from sidekiq_tui.operations.catalog import Enlist, OfJobs, Operation
from sidekiq_tui.operations.entries import Entry, pack, pack_targets, unpack, unpack_targets
from sidekiq_tui.operations.plan import Plan
from sidekiq_tui.operations.selection import Rows
from sidekiq_tui.sidekiq.job import Place

_LEFT_OUT: Final = ("jobs", "payloads", "place", "lost")
_CLASSES: Final[dict[str, type[Operation]]] = {
    found.kind: found
    for found in vars(catalog).values()
    if isinstance(found, type) and issubclass(found, Operation) and hasattr(found, "kind")
}


def parameters_text(operation: Operation) -> str:
    """The values of an operation as JSON; bytes in base 64."""
    values = {one.name: getattr(operation, one.name) for one in fields(operation) if one.name not in _LEFT_OUT}
    return json.dumps(values, default=_plain)


def operation_of(kind: str, text: str) -> Operation | None:
    """The operation again, for no jobs yet; None when this sqtui does not know it so."""
    found = _CLASSES.get(kind)
    if found is None or kind == "clear":
        return None
    try:
        values: dict[str, Any] = json.loads(text)
        for name, value in values.items():
            values[name] = tuple(value) if isinstance(value, list) else value
        if issubclass(found, OfJobs):
            values["jobs"] = Rows(())
        if issubclass(found, Enlist):
            values["payloads"] = ()
        return found(**values)
    except (ValueError, TypeError):
        return None


def rest_of(plan: Plan) -> bytes | None:
    """What an operation has to do, for one that goes on with it; None where its parameters say it all."""
    if isinstance(plan.operation, Enlist):
        return pack(
            [Entry(None, b"", None, Place("queue", queue), raw, at) for raw, queue, at in plan.operation.payloads]
        )
    return None if plan.targets is None else pack_targets(plan.targets)


def with_rest(plan: Plan, rest: bytes | None) -> Plan:
    """The plan with what was kept of its entries. Raises ValueError if that is damaged."""
    if rest is None:
        return plan
    if isinstance(plan.operation, Enlist):
        payloads = tuple(
            (entry.new or b"", "" if entry.target is None else entry.target.queue or "", entry.new_score)
            for entry in unpack(rest)
        )
        return replace(plan, operation=replace(plan.operation, payloads=payloads), count=len(payloads))
    targets = unpack_targets(rest)
    return replace(plan, targets=targets, count=targets.count)


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if hasattr(value, "items"):
        return dict(value.items())
    raise TypeError(f"{type(value).__name__} is no parameter")
