"""The JSON contract as one record a line (NDJSON, CSV), and its totals over several servers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from sidekiq_tui.operations.spreadsheet import quoted, text_cell
from sidekiq_tui.presentation.records import Record
from sidekiq_tui.presentation.values import int_text

_JOB: Final = (
    *("jid", "class", "args", "queue", "tags", "created_at", "enqueued_at", "at", "failed_at", "retried_at"),
    *("retry_count", "error_class", "error_message", "error_backtrace", "bid", "latency", "raw", "malformed"),
)
_DASHBOARD: Final = (
    *("ok", "error", "processed", "failed", "busy", "enqueued", "retries", "scheduled", "dead", "processes"),
    *("latency", "worst_latency", "worst_latency_queue", "queues", "concurrency", "utilization", "rss", "redis"),
    *("sidekiq_versions", "warnings"),
)
_PROCESS: Final = (
    *("identity", "hostname", "pid", "tag", "labels", "queues", "capsules", "concurrency", "busy", "rss", "rtt"),
    *("started_at", "beat", "status", "stale", "version", "embedded"),
)
_WORK: Final = ("identity", "tid", "queue", "run_at", "job")
_GROUP: Final = (
    *("class", "error_class", "message", "kind", "count", "retries", "dead", "share", "queues", "first_at", "last_at"),
    *("new_since_deploy", "sample_jid"),
)
_CLASS: Final = (*("class", "processed", "failed", "mean", "total", "p50", "p90", "p95", "p99", "histogram", "series"),)

FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "servers": ("server", *_DASHBOARD, "label", "state", "reasons"),
    "dashboard": ("server", *_DASHBOARD),
    "queues": ("server", "name", "size", "latency", "paused", "processes"),
    "queue": ("server", *_JOB),
    "retries": ("server", *_JOB),
    "scheduled": ("server", *_JOB),
    "dead": ("server", *_JOB),
    "job": ("server", *_JOB, "place"),
    "search": ("server", *_JOB, "place"),
    "errors": ("server", *_GROUP),
    "metrics": ("server", *_CLASS),
    "workers": ("server", "kind", *_PROCESS, *(name for name in _WORK if name not in _PROCESS)),
}
"""The columns of each view's CSV: its header, whatever the records hold."""

_SUMS: Final = (
    *("processed", "failed", "busy", "enqueued", "retries", "scheduled", "dead", "processes", "queues"),
    *("concurrency", "rss"),
)


def flat_records(view: str, servers: Iterable[Mapping[str, Any]]) -> Iterator[Record]:
    """One record a line of NDJSON, each with its `server`.

    `servers` and `dashboard` have one a server, also for those that did not answer (`ok` false); the other views have
    one a queue, job, or process and work (told apart by `kind`), and none for a server that did not answer.
    """
    for element in servers:
        server = element["name"]
        if view in ("servers", "dashboard"):
            yield {"server": server, **{key: value for key, value in element.items() if key != "name"}}
        elif view == "workers":
            yield from ({"server": server, "kind": "process", **one} for one in element.get("processes") or ())
            yield from ({"server": server, "kind": "work", **one} for one in element.get("work") or ())
        elif view == "errors":
            yield from ({"server": server, **one} for one in element.get("groups") or ())
        elif view == "metrics":
            yield from ({"server": server, **one} for one in element.get("classes") or ())
        else:
            items = element.get("queues" if view == "queues" else "jobs") or ()
            yield from ({"server": server, **item} for item in items)


def csv_header(view: str) -> str:
    """The first line of a view's CSV, without its line end."""
    return csv_line(FIELDS[view])


def csv_row(view: str, record: Mapping[str, object]) -> str:
    """One record as a line of CSV, without its line end."""
    return csv_line([record.get(field) for field in FIELDS[view]])


def csv_line(values: Sequence[object]) -> str:
    """Values as one line of CSV: quotes where needed, lists and objects as JSON, None as an empty cell."""
    return ",".join(_quoted(_cell(value)) for value in values)


def _quoted(cell: str) -> str:
    return quoted(cell) if any(char in cell for char in '",;\n\r ') else cell


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return text_cell(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return int_text(value)
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def total_record(view: str, servers: Iterable[Mapping[str, Any]]) -> Record:
    """What adds up over the servers that answered; None where none of them knows."""
    known = [element for element in servers if element["ok"]]
    total = _total(view, known)
    return total if known else dict.fromkeys(total)


def _total(view: str, known: Sequence[Mapping[str, Any]]) -> Record:
    if view in ("servers", "dashboard"):
        return _dashboard_total(known)
    if view == "queues":
        queues = [queue for element in known for queue in element["queues"] or ()]
        return {"queues": len(queues), "size": _sum(queue["size"] for queue in queues)}
    if view == "workers":
        processes = [process for element in known for process in element["processes"]]
        return {
            "processes": len(processes),
            "work": sum(len(element["work"]) for element in known),
            "concurrency": _sum(process["concurrency"] for process in processes),
            "busy": _sum(process["busy"] for process in processes),
            "rss": _sum(process["rss"] for process in processes),
        }
    if view == "metrics":
        classes = [one for element in known for one in element["classes"]]
        sums = {field: sum(one[field] for one in classes) for field in ("processed", "failed", "total")}
        return {"classes": len({one["class"] for one in classes}), **sums}
    if view in ("job", "search"):
        return {"jobs": sum(len(element["jobs"]) for element in known)}
    return {"size": _sum(element["size"] for element in known)}


def _dashboard_total(known: Sequence[Mapping[str, Any]]) -> Record:
    total: Record = {field: _sum(element[field] for element in known) for field in _SUMS}
    busy, threads = total["busy"], total["concurrency"]
    late = [element for element in known if element["worst_latency"] is not None]
    worst = max(late, key=lambda element: float(element["worst_latency"]), default=None)
    return {
        **total,
        "utilization": busy / threads if isinstance(busy, int) and isinstance(threads, int) and threads else None,
        "worst_latency": worst["worst_latency"] if worst else None,
        "worst_latency_queue": worst["worst_latency_queue"] if worst else None,
        "worst_latency_server": worst["name"] if worst and worst["worst_latency_queue"] is not None else None,
    }


def _sum(values: Iterable[int | None]) -> int | None:
    every = list(values)
    known = [value for value in every if value is not None]
    return sum(known) if known or not every else None
