"""What a payload's fields say, in words: options, what an action would leave behind, and which fields are left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Context, Span
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.presentation.values import json_text
from sidekiq_tui.sidekiq.job import JobRecord
from sidekiq_tui.sidekiq.payload import truthy
from sidekiq_tui.sidekiq.timestamps import parse_time

Row = tuple[str, Cell]

_VALUE_LIMIT: Final = 300

# Fields that facts, arguments, error and backtrace show (protocol 4.1 and 4.2).
_TOLD: Final = frozenset(
    (
        "class",
        "wrapped",
        "display_class",
        "args",
        "jid",
        "queue",
        "created_at",
        "enqueued_at",
        "failed_at",
        "retried_at",
        "retry_count",
        "error_class",
        "error_message",
        "error_backtrace",
        "retry",
        "retry_for",
        "retry_queue",
        "dead",
        "backtrace",
        "tags",
        "bid",
        "expiry",
        "expires_in",
        "encrypt",
        "unique_for",
        "unique_until",
        "profile",
        "log_level",
    )
)
_CONTEXT: Final = (
    "cattr",
    "locale",
    "trace",
    "traceparent",
    "tracestate",
    "dd_",
    "apm",
    "request_id",
    "correlation_id",
)
_LOCKS: Final = ("lock", "unique_")
_LOCK_DIGESTS: Final = ("lock_digest", "unique_digest")


def is_context(name: str) -> bool:
    """Whether a field carries the context of the request that pushed the job (protocol 4.1, 4.3)."""
    return name.startswith(_CONTEXT)


def context_fields(item: Mapping[str, object]) -> list[tuple[str, object]]:
    """CurrentAttributes, locale, tracing."""
    return [(name, value) for name, value in item.items() if is_context(name)]


def other_fields(item: Mapping[str, object]) -> list[tuple[str, object]]:
    """What nothing else on the screen shows."""
    return [
        (name, value)
        for name, value in item.items()
        if name not in _TOLD and not is_context(name) and not name.startswith(_LOCKS)
    ]


def option_rows(job: JobRecord, context: Context) -> Iterator[Row]:
    """What the application chose for the job."""
    item = job.item
    yield "retry", text(_retry_words(job))
    if "retry_for" in item:
        yield "retry for", text(_seconds(item["retry_for"], "{} from the first failure"))
    if "retry_queue" in item:
        yield "retry in", text(_value(item["retry_queue"]))
    if "dead" in item and item["dead"] is not False:
        yield "dead", text(_value(item["dead"]))
    if "backtrace" in item:
        yield "backtrace", text(_backtrace_words(item["backtrace"]))
    if item.get("tags"):
        shown = "  ".join(context.safe(tag) for tag in job.tags) if job.tags else _value(item["tags"])
        yield "tags", text(shown)
    if "bid" in item:
        yield "batch", text(_value(item["bid"]))
    if "expiry" in item:
        yield "expires", _expiry(item["expiry"], context)
    if "expires_in" in item:
        yield "expires", text(_seconds(item["expires_in"], "{} after it is pushed"))
    if "encrypt" in item:
        yield "encrypted", text("the last argument" if job.encrypted else _value(item["encrypt"]))
    yield from _lock_rows(item)
    if "profile" in item:
        yield "profile", text(_value(item["profile"]))
    if "log_level" in item:
        yield "log level", text(_value(item["log_level"]))


def _lock_rows(item: Mapping[str, object]) -> Iterator[Row]:
    if "unique_for" in item:
        until = f", until {_value(item['unique_until'])}" if "unique_until" in item else ""
        yield "unique", text(_seconds(item["unique_for"], "{}") + until)
    elif "unique_until" in item:
        yield "unique", text(f"until {_value(item['unique_until'])}")
    for name, value in item.items():
        if name.startswith(_LOCKS) and name not in ("unique_for", "unique_until"):
            yield name.replace("_", " ").removeprefix("lock ") if name != "lock" else "lock", text(_value(value))


def notes(job: JobRecord, context: Context) -> list[str]:
    """What an action on the job would leave behind, or cannot do; one sentence each."""
    item = job.item
    found: list[str] = []
    if job.bid is not None:
        found.append("Deleting leaves its batch pending; a kill here is not counted as a death in it.")
    if truthy(item.get("unique_for")):
        lasts = units.duration(_number(item["unique_for"]))
        found.append(f"The unique lock outlives a delete or a kill by up to {lasts}.")
    if any(truthy(item.get(name)) for name in _LOCK_DIGESTS):
        found.append("sidekiq-unique-jobs holds a lock that a delete here leaves to its reaper.")
    if job.encrypted:
        found.append("The last argument is encrypted: it can't be edited.")
    expiry = parse_time(item.get("expiry"))
    if expiry is not None and expiry <= context.now:
        found.append("It has expired: Sidekiq Pro skips it.")
    return found


def short_notes(job: JobRecord) -> str:
    """The same in part of a line; empty without any."""
    item = job.item
    behind: list[str] = []
    if job.bid is not None:
        behind.append(f"in batch {display_text(job.bid, 24)}")
    if truthy(item.get("unique_for")):
        behind.append(f"unique lock {units.duration(_number(item['unique_for']))}")
    elif any(truthy(item.get(name)) for name in _LOCK_DIGESTS):
        behind.append("unique lock")
    if not behind:
        return "the last argument is encrypted" if job.encrypted else ""
    left = "both" if len(behind) > 1 else "it"
    return f"{', '.join(behind)}: deleting leaves {left} behind{'; encrypted' if job.encrypted else ''}"


def text(words: str, role: str = "text") -> Cell:
    """A cell of words."""
    return (Span(words, role),)


def _retry_words(job: JobRecord) -> str:
    value = job.item.get("retry")
    if value is None:
        return "as its class says"
    after = "gone after" if job.item.get("dead") is False else "dead after"
    if value is False:
        return "no, gone when it fails"
    if job.retry_limit == 0 and value == 0:
        return f"no, {'gone' if job.item.get('dead') is False else 'dead'} when it fails"
    if value is True or (isinstance(value, int) and job.retry_limit is not None):
        return f"{units.count(job.retry_limit)}, {after}"
    return _value(value)


def _backtrace_words(value: object) -> str:
    if value is True:
        return "all lines"
    if isinstance(value, int) and value is not False:
        return f"{units.count(value)} line{'' if value == 1 else 's'}"
    return "not kept" if value is False or value is None else _value(value)


def _seconds(value: object, words: str) -> str:
    number = _number(value)
    return _value(value) if number is None else words.format(units.duration(number))


def _expiry(value: object, context: Context) -> Cell:
    moment = parse_time(value)
    if moment is None:
        return text(_value(value))
    words = units.time_at(moment, context.now, context.time_mode)
    return text(words, "warn" if moment <= context.now else "text")


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _value(value: object) -> str:
    """A field of any type in one safe line; a text without quotes."""
    shown = json_text([value], _VALUE_LIMIT)
    return shown[1:-1] if isinstance(value, str) and shown.startswith('"') and shown.endswith('"') else shown
