"""Events of the timeline in words and records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Context, Span
from sidekiq_tui.presentation.records import Record, number
from sidekiq_tui.servers.timeline_events import Event, Kind

if TYPE_CHECKING:
    from sidekiq_tui.operations.audit_line import AuditedOperation

FIELDS: Final = ("server", "at", "since", "kind", "names", "count", "before", "after", "who", "id")
"""The columns of its CSV."""

_THINGS: Final[dict[Kind, tuple[str, str, str]]] = {
    "started": ("process", "processes", "started"),
    "ended": ("process", "processes", "ended"),
    "lost": ("process", "processes", "lost"),
    "queues new": ("queue", "queues", "new"),
    "queues gone": ("queue", "queues", "gone"),
    "paused": ("queue", "queues", "paused"),
    "resumed": ("queue", "queues", "resumed"),
}
_ROLES: Final[dict[Kind, str]] = {
    "deploy": "accent", "lost": "bad", "offline": "bad", "errors new": "bad", "ended": "muted", "queues gone": "warn",
    "paused": "warn", "redis started": "warn", "redis role": "warn", "operation": "strong", "back": "ok",
}  # fmt: skip


def event_role(event: Event) -> str:
    """The role of what happened: red for trouble only."""
    return _ROLES.get(event.kind, "text")


def event_cell(event: Event, context: Context) -> Cell:
    """What happened, in one line: the fact, then the names."""
    fact, rest = _words(event, context)
    return (Span(fact, event_role(event)), *((Span(f"  {rest}", "muted"),) if rest else ()))


def _words(event: Event, context: Context) -> tuple[str, str]:
    names = ", ".join(map(context.safe, event.names))
    more = event.count - len(event.names)
    if more > 0 and event.kind in _THINGS:
        names += f" and {units.count(more)} more"
    before, after = context.safe(event.before), context.safe(event.after)
    match event.kind:
        case "deploy":
            return "deployed", after
        case "versions":
            return "Sidekiq", f"{before} to {after}"
        case "tags":
            return "tags", f"{before} to {after}"
        case "errors new":
            jobs = f"{units.count(event.count)} job{'' if event.count == 1 else 's'}"
            return "new error", f"{names or _nameless(event)}, {jobs}"
        case "errors gone":
            return f"{units.count(event.count)} error{'' if event.count == 1 else 's'} gone", ""
        case "redis started":
            return "Redis started", after
        case "redis version":
            return "Redis", f"{before} to {after}"
        case "redis role":
            return "Redis role", f"{before} to {after}"
        case "offline":
            return "offline", after
        case "back":
            return "answers again", "" if event.since is None else f"after {units.age(event.at - event.since)}"
        case "operation":
            return names, ", ".join(part for part in (context.safe(event.who), after) if part)
    one, many, done = _THINGS[event.kind]
    return f"{units.count(event.count)} {one if event.count == 1 else many} {done}", names


def _nameless(event: Event) -> str:
    """What the Errors screen calls a group whose jobs name neither a class nor an error."""
    kind = event.cause.kind if event.cause is not None else "error"
    return {"undecodable": "undecodable", "rest": "other errors"}.get(kind, "no error class")


def event_record(event: Event) -> Record:
    """One event in the JSON contract: `at` and `since` in Unix seconds; `since` null: the server itself says when."""
    return {
        "at": number(event.at),
        "since": number(event.since),
        "kind": event.kind,
        "names": list(event.names),
        "count": event.count,
        "before": event.before or None,
        "after": event.after or None,
        "who": event.who or None,
        "id": event.id or None,
    }


def operation_event(audited: AuditedOperation) -> Event:
    """An operation of the audit as an event of its server."""
    intent, outcome = audited.intent, audited.outcome
    return Event(
        intent.time,
        intent.server,
        "operation",
        (intent.what or intent.kind,),
        intent.count,
        after="" if outcome is None else outcome.ending,
        id=intent.id,
        who=intent.who,
    )
