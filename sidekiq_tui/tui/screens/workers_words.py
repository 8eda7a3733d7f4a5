"""What the workers screen says round its tree: title, notes worst first, and more about the row under the cursor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Context, Span, fit_cell
from sidekiq_tui.presentation.columns.worker_tree import (
    GoneRow,
    ProcessRow,
    WorkerOrder,
    WorkerRow,
    WorkRow,
    process_name,
)
from sidekiq_tui.presentation.columns.workers import queue_words
from sidekiq_tui.presentation.spark import meter
from sidekiq_tui.presentation.text import cell_width, display_text
from sidekiq_tui.sidekiq.overview import Overview
from sidekiq_tui.sidekiq.process import STALE_AFTER, Process
from sidekiq_tui.sidekiq.work import Work

METER_CELLS: Final = 10
FEW: Final = 3
"""With so many processes a queue that only one serves is worth a note."""
GONE_SECONDS: Final = 3600.0
"""A process silent for so long is no longer a process."""

ORDER_WORDS: Final[Mapping[WorkerOrder, tuple[str, str]]] = {
    "name": ("name", "name, from the end"),
    "state": ("state, trouble last", "state, trouble first"),
    "memory": ("memory, least first", "memory, most first"),
    "running": ("their longest job, shortest first", "their longest job, longest first"),
    "threads": ("busy threads, fewest first", "busy threads, most first"),
    "beat": ("heartbeat, newest first", "heartbeat, oldest first"),
    "version": ("version, oldest first", "version, newest first"),
}
"""What each order is called: rising and falling."""

Note = Cell


def title_left(processes: Sequence[Process] | None, wide: bool, context: Context) -> list[Span]:
    """How many processes, and how busy; None: nothing is known of them."""
    if processes is None:
        return [Span(f"{units.UNKNOWN} processes", "title")]
    spans = [Span(_many(len(processes), "process"), "title")]
    threads = sum(process.concurrency or 0 for process in processes)
    busy = sum(process.busy or 0 for process in processes)
    if not threads:
        return spans
    spans.append(Span(f"  {units.count(busy)} of {units.count(threads)} threads busy", "muted"))
    if wide:
        full, empty = meter(busy / threads, METER_CELLS, context.ascii)
        spans += [Span("  "), Span(full, "accent"), Span(empty, "rule")]
    spans.append(Span(f" {units.share(busy / threads)}", "muted"))
    held = [process.rss for process in processes if process.rss is not None and not process.stale]
    if wide and held:
        spans.append(Span(f"  memory {units.size(sum(held))}", "muted"))
    return spans


def title_right(jobs: Sequence[WorkRow], now: float) -> list[Span]:
    """The job that runs longest."""
    oldest = min(
        (job for job in jobs if job.work.run_at is not None), key=lambda job: job.work.run_at or 0, default=None
    )
    if oldest is None or oldest.work.run_at is None:
        return []
    role = "warn strong" if oldest.runs_long(now) else "muted"
    return [Span(f"longest job {units.duration(now - oldest.work.run_at)}", role)]


def notes(overview: Overview, jobs: Sequence[WorkRow], context: Context) -> list[Note]:
    """What is wrong or odd, worst first. `jobs`: all that is known to run."""
    return [
        *_unserved(overview, context),
        *_silent(overview.processes, jobs, context),
        *_orphans(jobs, context),
        *_long(jobs, context),
        *_pending(overview.processes, context),
        *_ghosts(overview, context),
        *_versions(overview.processes, context),
        *_single(overview, context),
    ]


def fitted(found: Sequence[Note], lines: int, width: int, context: Context) -> list[Note]:
    """As many notes as there are lines of `width` cells; the last of them says how many more there are."""
    if len(found) <= lines or not lines:
        return list(found[:lines])
    tail = f"  and {_many(len(found) - lines, 'more note')}"
    last, room = found[lines - 1], max(0, width - len(tail))
    if sum(cell_width(text) for text, _ in last) > room:
        last = fit_cell(last, room, ellipsis=context.glyphs.cut)
    return [*found[: lines - 1], (*last, Span(tail, "muted"))]


def about(row: WorkerRow, context: Context, left_out: Sequence[Span] = ()) -> list[Span]:
    """The message line for a row; `left_out`: what it has in columns that there is no room for."""
    match row:
        case ProcessRow(process):
            return _about_process(process, context, left_out)
        case GoneRow(identity):
            return [Span(context.safe(identity)), Span("  died without a word: its entry has expired", "warn")]
    return _about_job(row, context, left_out)


def _unserved(overview: Overview, context: Context) -> Iterator[Note]:
    """Queues with jobs that no process takes: it is nobody's, or all of its processes are quiet or silent."""
    if "processes" in overview.denied:
        return
    naming: dict[str, list[Process]] = {}
    for process in overview.processes:
        for queue in process.queues:
            naming.setdefault(queue, []).append(process)
    for one in sorted(overview.queues, key=lambda queue: -(queue.latency or 0)):
        named = naming.get(one.name, [])
        if not one.size or any(process.status == "running" and not process.stale for process in named):
            continue
        waiting = f", waiting {units.duration(one.latency)}" if one.latency else ""
        spans = [
            Span(f"{context.glyphs.bad} ", "bad"),
            Span("nobody serves "),
            Span(context.safe(one.name), "strong"),
            Span(f" ({_many(one.size, 'job')}{waiting})"),
        ]
        if len(named) == 1:
            spans.append(Span(context.safe(f": {process_name(named[0])} is {_state_word(named[0])}")))
        elif named:
            words = sorted({_state_word(process) for process in named})
            spans.append(Span(f": its {len(named)} processes are {' or '.join(words)}"))
        yield tuple(spans)


def _state_word(process: Process) -> str:
    return "lost" if process.stale else process.status


def _many(count: int, what: str) -> str:
    """A number of things; the plural of `process` is `processes`."""
    plural = "es" if what.endswith("s") else "s"
    return f"{units.count(count)} {what}{'' if count == 1 else plural}"


def _silent(processes: Sequence[Process], jobs: Sequence[WorkRow], context: Context) -> Iterator[Note]:
    counts = Counter(job.work.identity for job in jobs)
    for process in processes:
        if not process.stale:
            continue
        silence = None if process.beat is None else context.now - process.beat
        held = counts[process.identity] or process.busy or 0
        if silence is not None and silence <= STALE_AFTER:
            words = " has an entry without an end: it will stay when the process dies"
        else:
            words = " never sent a heartbeat" if silence is None else f" sent no heartbeat for {units.age(silence)}"
            if silence is None or silence > GONE_SECONDS:
                words += ": it is gone, and its entry stays until somebody removes it"
            elif held:
                words += f": its {'job' if held == 1 else f'{units.count(held)} jobs'} may be lost or still running"
        yield (Span(f"{context.glyphs.bad} ", "bad"), Span(context.safe(process_name(process)), "strong"), Span(words))


def _ghosts(overview: Overview, context: Context) -> Iterator[Note]:
    ghosts = overview.ghosts
    if not ghosts:
        return
    name = (Span(context.safe(ghosts[0]), "strong"),) if len(ghosts) == 1 else (Span(_many(len(ghosts), "process")),)
    left = "only its name is left" if len(ghosts) == 1 else "only their names are left"
    yield (Span(f"{context.glyphs.warn} ", "warn"), *name, Span(f" died without a word: {left}"))


def _orphans(jobs: Sequence[WorkRow], context: Context) -> Iterator[Note]:
    orphans = sum(job.process is None for job in jobs)
    if orphans:
        words = f"{orphans} job{' is' if orphans == 1 else 's are'} listed under processes that are gone"
        yield (Span(f"{context.glyphs.bad} ", "bad"), Span(words))


def _long(jobs: Sequence[WorkRow], context: Context) -> Iterator[Note]:
    long = [job for job in jobs if job.runs_long(context.now)]
    if not long:
        return
    classes = Counter(job.work.job.display_class or "undecodable" for job in long)
    name, count = classes.most_common(1)[0]
    spans = [Span(f"{context.glyphs.warn} ", "warn"), Span(context.safe(name), "strong")]
    if len(long) == 1:
        spans += [Span(" runs "), *_run_time(long[0], context)]
    elif len(classes) == 1:
        spans.append(Span(f": {count} jobs run far longer than usual"))
    else:
        spans.append(Span(f" and others: {len(long)} jobs run far longer than usual"))
    yield tuple(spans)


def _run_time(row: WorkRow, context: Context) -> list[Span]:
    """How long a job runs, and what is usual."""
    if row.work.run_at is None:
        return []
    role = "warn strong" if row.runs_long(context.now) else "text"
    spans = [Span(units.duration(context.now - row.work.run_at), role)]
    if row.usual is not None:
        spans.append(Span(f"; 95 of 100 take under {units.duration(row.usual)}", "muted"))
    return spans


def _pending(processes: Sequence[Process], context: Context) -> Iterator[Note]:
    for process in processes:
        if process.signals and not process.stale:
            words = " ignores it: it is embedded" if process.embedded else " takes it with its next heartbeat"
            yield (
                Span(f"{context.glyphs.warn} ", "warn"),
                Span(context.safe(", ".join(process.signals)), "strong"),
                Span(" waits: "),
                Span(context.safe(process_name(process)), "strong"),
                Span(words),
            )


def _versions(processes: Sequence[Process], context: Context) -> Iterator[Note]:
    versions = Counter(process.version for process in processes)
    if len(versions) < 2:
        return
    most = versions.most_common(1)[0][0]
    odd = ", ".join(
        f"{units.count(count)} run{'s' if count == 1 else ''} {version or 'an unknown version'}"
        for version, count in versions.most_common()[1:]
    )
    shown = f"{context.safe(odd)}, the others {context.safe(most or 'an unknown version')}"
    yield (Span(f"{context.glyphs.warn} ", "warn"), Span(f"versions of Sidekiq differ: {shown}"))


def _single(overview: Overview, context: Context) -> Iterator[Note]:
    if len(overview.processes) < FEW:
        return
    for queue in overview.queues:
        if queue.processes == 1 and queue.size:
            yield (
                Span(f"{context.glyphs.warn} ", "warn"),
                Span(context.safe(queue.name), "strong"),
                Span(" is served by one process only"),
            )


def _about_process(process: Process, context: Context, left_out: Sequence[Span]) -> list[Span]:
    spans = [Span(context.safe(process.identity))]
    if process.leader:
        spans.append(Span("  leader", "accent"))
    if process.embedded:
        spans.append(Span("  embedded: takes no signals", "warn"))
    if left_out:
        spans += [Span("  "), *left_out]
    if process.labels:
        spans += [Span("  labels ", "muted"), Span(context.safe(" ".join(process.labels)))]
    spans += _capsules(process, context)
    if process.started_at is not None:
        spans += [
            Span("  started ", "muted"),
            Span(units.clock(process.started_at, context.now, utc=context.time_mode == "utc")),
        ]
    if process.rtt is not None:
        spans += [Span("  rtt ", "muted"), Span(units.duration(process.rtt))]
    return spans


def _capsules(process: Process, context: Context) -> list[Span]:
    if len(process.capsules) < 2:
        return [Span("  queues ", "muted"), Span(context.safe(queue_words(process)))]
    words = [
        f"{capsule.name} {units.count(capsule.concurrency)} {capsule.mode or ''} {' '.join(capsule.weights)}".strip()
        for capsule in process.capsules
    ]
    return [Span("  capsules ", "muted"), Span(context.safe(f" {context.glyphs.apart} ".join(words)))]


def _about_job(row: WorkRow, context: Context, left_out: Sequence[Span]) -> list[Span]:
    job, work = row.work.job, row.work
    spans = [Span(context.safe(job.display_class or "undecodable"), "strong")]
    if work.run_at is not None:
        spans += [Span(" runs "), *_run_time(row, context)]
    spans.append(Span(f"  {display_text(job.jid)}" if job.jid else "  no jid", "muted"))
    if row.process is None:
        spans.append(Span(f"  {display_text(work.identity)} is gone", "warn"))
    return [*spans, Span("  "), *left_out] if left_out else spans


def matches(row: Process | Work | str, words: str) -> bool:
    """Whether all words are somewhere in the names of a process (a text: its identity) or of a job."""
    if isinstance(row, str):
        said = [row]
    elif isinstance(row, Process):
        said = [process_name(row), row.identity, row.tag or "", *row.labels, *row.queues, row.version or ""]
        said.append(_state_word(row))
    else:
        said = [row.job.display_class or "", row.job.klass or "", row.job.jid or "", row.queue or "", row.tid]
    text = "\n".join(said).casefold()
    return all(word in text for word in words.casefold().split())
