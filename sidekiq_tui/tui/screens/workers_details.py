"""All that a process says about itself and all that is known of a job in progress, a fact a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Context, Span
from sidekiq_tui.presentation.columns.worker_tree import GoneRow, ProcessRow, WorkerRow, WorkRow, process_name
from sidekiq_tui.presentation.columns.workers import queue_words
from sidekiq_tui.presentation.text import display_text, wrap_words
from sidekiq_tui.presentation.values import json_text, screen_args
from sidekiq_tui.sidekiq.process import Capsule, Process

NAME_CELLS: Final = 9
MOST_CAPSULES: Final = 20
MOST_LETTERS: Final = 4000
"""Of the names of a process's queues."""


def details(row: WorkerRow, context: Context, width: int, lines: int) -> list[Cell]:
    """The facts about a row in `width` cells; what does not fit in `lines` is counted in the last one."""
    match row:
        case ProcessRow(process):
            facts = _process(process, context, width - NAME_CELLS - 2)
        case GoneRow(identity):
            facts = _gone(identity, context)
        case WorkRow():
            facts = _work(row, context)
    shown = [
        (Span(f" {'' if number else name:<{NAME_CELLS}} ", "muted"), *value)
        for name, values in facts
        for number, value in enumerate(values)
    ]
    if len(shown) <= lines:
        return shown
    return [*shown[: lines - 1], (Span(f" and {len(shown) - lines + 1} more lines", "muted"),)]


_Fact = tuple[str, Sequence[Cell]]
"""A name and its lines."""


def _process(process: Process, context: Context, width: int) -> Iterator[_Fact]:
    identity: Cell = (Span(context.safe(process.identity), "strong"),)
    if process.leader:
        identity = (*identity, Span("  leader", "accent"))
    if process.embedded:
        identity = (*identity, Span("  embedded in another program: takes no signals", "warn"))
    yield "process", [identity]
    pid = None if process.pid is None else str(process.pid)
    host = (("pid", pid), ("tag", process.tag), ("labels", " ".join(process.labels)))
    yield "host", [(Span(context.safe(process.hostname or units.UNKNOWN)), *_pairs(host, context))]
    yield "started", [_moment(process.started_at, context)]
    rtt = None if process.rtt is None else units.duration(process.rtt)
    yield "heartbeat", [(*_moment(process.beat, context), *_pairs([("round trip to Redis", rtt)], context))]
    if process.signals:
        yield (
            "waiting",
            [(Span(context.safe(" ".join(process.signals)), "warn strong"), Span(" next heartbeat", "muted"))],
        )
    version = process.version or "before 7.0.2, which did not say"
    measures = (("memory", units.size(process.rss) if process.rss else None), ("sidekiq", version))
    busy = Span(f"{units.count(process.busy)} of {units.count(process.concurrency)} busy")
    yield "threads", [(busy, *_pairs(measures, context))]
    if not process.capsules:
        yield "queues", _wrapped(queue_words(process), width)
    for capsule in process.capsules[:MOST_CAPSULES]:
        yield "capsule", _capsule(capsule, width)


def _pairs(pairs: Iterable[tuple[str, str | None]], context: Context) -> Cell:
    """More facts on the same line, those that are known."""
    return tuple(
        span for name, value in pairs if value for span in (Span(f"  {name} ", "muted"), Span(context.safe(value)))
    )


def _threads(count: int) -> str:
    return f"{units.count(count)} thread{'' if count == 1 else 's'}"


def _capsule(capsule: Capsule, width: int) -> list[Cell]:
    words = [f"{queue}×{weight}" if weight > 1 else queue for queue, weight in capsule.weights.items()]
    about = [capsule.name, "" if capsule.concurrency is None else _threads(capsule.concurrency)]
    head = "  ".join(part for part in (*about, capsule.mode or "") if part)
    return _wrapped("  ".join(part for part in (head, " ".join(words)) if part), width)


def _wrapped(text: str, width: int) -> list[Cell]:
    return [(Span(line),) for line in wrap_words(display_text(text, MOST_LETTERS), width)]


def _moment(time: float | None, context: Context) -> Cell:
    if time is None:
        return (Span(units.UNKNOWN, "muted"),)
    return (
        Span(units.clock(time, context.now, utc=context.time_mode == "utc")),
        Span("  "),
        Span(units.time_at(time, context.now), "muted"),
    )


def _gone(identity: str, context: Context) -> Iterator[_Fact]:
    yield "process", [(Span(context.safe(identity), "strong"),)]
    yield "", [(Span("sent no heartbeat for over a minute, and its entry has expired: it died without a word"),)]
    yield "", [(Span("its name stays in the list of processes until another process starts", "muted"),)]


def _work(row: WorkRow, context: Context) -> Iterator[_Fact]:
    work, job = row.work, row.work.job
    klass = context.safe(job.display_class or ("undecodable" if job.malformed else units.UNKNOWN))
    wrapper: Cell = ()
    if job.klass is not None and job.klass != job.display_class:
        wrapper = (Span(f"  in {context.safe(job.klass)}", "muted"),)
    yield "job", [(Span(klass, "strong"), *wrapper)]
    yield "jid", [(Span(context.safe(job.jid or units.UNKNOWN)),)]
    yield "arguments", [(Span(json_text(screen_args(job), context.limit)),)]
    yield "queue", [(Span(context.safe(work.queue or units.UNKNOWN)),)]
    name = work.identity if row.process is None else process_name(row.process)
    yield "thread", [(Span(context.safe(work.tid)), Span(context.safe(f"  of {name}"), "muted"))]
    if row.process is not None and process_name(row.process) != work.identity:
        yield "process", [(Span(context.safe(work.identity)),)]
    runs = None if work.run_at is None else context.now - work.run_at
    role = "warn strong" if row.runs_long(context.now) else "text"
    yield "started", [(*_moment(work.run_at, context), Span("  runs ", "muted"), Span(units.duration(runs), role))]
    usual = (
        "nothing known of this class: over an hour counts as long"
        if row.usual is None
        else f"95 of 100 take under {units.duration(row.usual)}; over twice that counts as long"
    )
    yield "usually", [(Span(usual, "muted"),)]
