"""The JSON contract, schema 1: the same facts as the screens, with exact values and nothing made up.

Times are Unix seconds, durations seconds, sizes bytes, all as numbers; what is missing or cannot be known is None, and
so is a number that is not finite. Every record is safe for `json.dumps(..., ensure_ascii=True)`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from sidekiq_tui.presentation.values import int_text, json_text

if TYPE_CHECKING:
    from sidekiq_tui.servers.health import Health
    from sidekiq_tui.sidekiq.job import JobRecord
    from sidekiq_tui.sidekiq.overview import Overview, QueueSummary
    from sidekiq_tui.sidekiq.process import Process
    from sidekiq_tui.sidekiq.work import Work

SCHEMA: Final = 1
Record = dict[str, object]

_MAX_DEPTH: Final = 100
"""Ruby's own limit for JSON: what is deeper no Sidekiq could have read, and many readers of our output could not."""
_DEEP_TEXT: Final = 10_000


def document(view: str, time: float, servers: Sequence[Record], total: Record | None = None) -> Record:
    """A whole answer; `view` is the word without its argument, `time` Unix seconds."""
    answer: Record = {"schema": SCHEMA, "view": view, "time": number(time), "servers": list(servers)}
    return answer if total is None else {**answer, "total": total}


def server_element(name: str, fields: Mapping[str, object], error: str | None = None) -> Record:
    """One server's part of an answer; `error` is one line, or None where the server answered."""
    return {"name": name, "ok": error is None, "error": error, **fields}


def number(value: float | None) -> float | int | None:
    """`value`, or None where it is not finite."""
    return value if value is None or isinstance(value, int) or math.isfinite(value) else None


def plain(value: object, depth: int = _MAX_DEPTH) -> object:
    """A decoded value as JSON can say it.

    Numbers that are not finite become None; containers nested deeper than `depth` levels become the beginning of their
    JSON text, integers of more digits than Python writes their hexadecimal text.
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        text = int_text(value)
        return text if text.startswith(("0x", "-0x")) else value
    if isinstance(value, Mapping):
        if depth <= 0:
            return json_text(value, _DEEP_TEXT)
        return {str(key): plain(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, depth - 1) for item in value] if depth > 0 else f"[{json_text(value, _DEEP_TEXT)}]"
    return str(value)


def dashboard_record(overview: Overview | None, health: Health | None = None) -> Record:
    """The fields of `dashboard`; all None for a server that was never read."""
    worst = overview.worst_queue if overview else None
    known = (overview is not None and overview.queues) or (overview is not None and "queues" not in overview.denied)
    late = overview is not None and any(queue.size != 0 and queue.latency is None for queue in overview.queues)
    return {
        "processed": overview.processed if overview else None,
        "failed": overview.failed if overview else None,
        "busy": overview.busy if overview else None,
        "enqueued": overview.enqueued if overview else None,
        "retries": overview.retries if overview else None,
        "scheduled": overview.scheduled if overview else None,
        "dead": overview.dead if overview else None,
        "processes": overview.live_processes if overview else None,
        "latency": number(overview.latency) if overview else None,
        "worst_latency": number(worst.latency) if worst else 0.0 if known and not late else None,
        "worst_latency_queue": worst.name if worst else None,
        "queues": len(overview.queues) if overview and known else None,
        "concurrency": overview.concurrency if overview else None,
        "utilization": number(overview.utilization) if overview else None,
        "rss": overview.rss if overview else None,
        "redis": _redis_record(overview),
        "sidekiq_versions": list(overview.sidekiq_versions) if overview else [],
        "warnings": list(health.warnings) if health else [],
    }


def _redis_record(overview: Overview | None) -> Record:
    redis = overview.redis if overview else None
    return {
        "version": redis.version if redis else None,
        "used_memory": redis.used_memory if redis else None,
        "maxmemory": redis.maxmemory if redis else None,
        "maxmemory_policy": redis.maxmemory_policy if redis else None,
        "clients": redis.clients if redis else None,
        "rtt": number(overview.rtt) if overview else None,
    }


def servers_record(overview: Overview | None, health: Health, label: str | None) -> Record:
    """The fields of `servers`: the dashboard's, and how the server feels."""
    return {
        **dashboard_record(overview, health),
        "label": label,
        "state": health.state,
        "reasons": list(health.warnings),
    }


def queues_record(queues: Iterable[QueueSummary] | None) -> Record:
    """The fields of `queues`; None where they could not be read."""
    return {"queues": None if queues is None else [queue_record(queue) for queue in queues]}


def queue_record(queue: QueueSummary) -> Record:
    """One queue."""
    return {
        "name": queue.name,
        "size": queue.size,
        "latency": number(queue.latency),
        "paused": queue.paused,
        "processes": queue.processes,
    }


def job_record(job: JobRecord, now: float, *, place: bool = False) -> Record:
    """One job; `place` adds the kind of the list it lies in. Latency counts to `now` (Unix seconds)."""
    record: Record = {
        "jid": job.jid,
        "class": job.display_class,
        "args": plain(job.display_args),
        "queue": job.queue,
        "tags": list(job.tags),
        "created_at": number(job.created_at),
        "enqueued_at": number(job.enqueued_at),
        "at": number(job.score),
        "failed_at": number(job.failed_at),
        "retried_at": number(job.retried_at),
        "retry_count": plain(job.retry_count),
        "error_class": job.error_class,
        "error_message": job.error_message,
        "error_backtrace": job.error_backtrace,
        "bid": job.bid,
        "latency": number(job.latency(now)),
        "raw": job.text,
        "malformed": job.malformed,
    }
    return {**record, "place": job.place.kind} if place else record


def workers_record(processes: Iterable[Process], work: Iterable[Work], now: float) -> Record:
    """The fields of `workers`."""
    return {
        "processes": [process_record(process) for process in processes],
        "work": [work_record(one, now) for one in work],
    }


def process_record(process: Process) -> Record:
    """One process."""
    return {
        "identity": process.identity,
        "hostname": process.hostname,
        "pid": process.pid,
        "tag": process.tag,
        "labels": list(process.labels),
        "queues": list(process.queues),
        "capsules": [
            {
                "name": capsule.name,
                "concurrency": capsule.concurrency,
                "mode": capsule.mode,
                "weights": dict(capsule.weights),
            }
            for capsule in process.capsules
        ],
        "concurrency": process.concurrency,
        "busy": process.busy,
        "rss": process.rss,
        "rtt": number(process.rtt),
        "started_at": number(process.started_at),
        "beat": number(process.beat),
        "status": process.status,
        "stale": process.stale,
        "version": process.version,
        "embedded": process.embedded,
    }


def work_record(work: Work, now: float) -> Record:
    """One job in progress."""
    return {
        "identity": work.identity,
        "tid": work.tid,
        "queue": work.queue,
        "run_at": number(work.run_at),
        "job": job_record(work.job, now),
    }
