"""What the workers screen says round its tree: title, notes worst first, and more about the row under the cursor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Context, Span
from sidekiq_tui.presentation.columns.workers import ProcessRow, WorkerRow, WorkRow, process_name, queue_words
from sidekiq_tui.presentation.spark import meter
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.sidekiq.overview import Overview
from sidekiq_tui.sidekiq.process import Process
from sidekiq_tui.sidekiq.work import Work

METER_CELLS = 10
FEW = 3
"""With so many processes a queue that only one serves is worth a note."""
GHOST_SECONDS = 3600.0
"""A process silent for so long is no longer a process."""

Note = Cell


def title_left(processes: Sequence[Process], wide: bool, context: Context) -> list[Span]:
    """How many processes, and how busy."""
    many = len(processes)
    spans = [Span(f"{units.count(many)} process{'' if many == 1 else 'es'}", "title")]
    threads = sum(process.concurrency or 0 for process in processes)
    busy = sum(process.busy or 0 for process in processes)
    if not threads:
        return spans
    spans.append(Span(f"  {units.count(busy)} of {units.count(threads)} threads busy", "muted"))
    if wide:
        full, empty = meter(busy / threads, METER_CELLS, context.ascii)
        spans += [Span("  "), Span(full, "accent"), Span(empty, "rule")]
    return [*spans, Span(f" {units.share(busy / threads)}", "muted")]


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
    """What is wrong or odd, worst first."""
    return [
        *_unserved(overview, context),
        *_silent(overview.processes, jobs, context),
        *_orphans(jobs, context),
        *_long(jobs, context),
        *_pending(overview.processes, context),
        *_versions(overview.processes, context),
        *_single(overview, context),
    ]


def fitted(found: Sequence[Note], lines: int) -> list[Note]:
    """As many notes as there are lines; the last of them says how many more there are."""
    if len(found) <= lines:
        return list(found)
    if not lines:
        return []
    more = len(found) - lines
    last = (*found[lines - 1], Span(f"  and {more} more note{'' if more == 1 else 's'}", "muted"))
    return [*found[: lines - 1], last]


def about(row: WorkerRow, context: Context) -> list[Span]:
    """The message line for a row."""
    return _about_process(row.process, context) if isinstance(row, ProcessRow) else _about_job(row, context)


def _unserved(overview: Overview, context: Context) -> Iterator[Note]:
    for queue in sorted(overview.queues, key=lambda queue: -(queue.latency or 0)):
        if queue.processes == 0 and queue.size:
            what = f" ({units.count(queue.size)} job{'' if queue.size == 1 else 's'}"
            waiting = f", waiting {units.duration(queue.latency)})" if queue.latency else ")"
            yield (
                Span(f"{context.glyphs.bad} ", "bad"),
                Span("nobody serves "),
                Span(context.safe(queue.name), "strong"),
                Span(what + waiting),
            )


def _silent(processes: Sequence[Process], jobs: Sequence[WorkRow], context: Context) -> Iterator[Note]:
    counts = Counter(job.work.identity for job in jobs)
    for process in processes:
        if not process.stale:
            continue
        silence = None if process.beat is None else context.now - process.beat
        held = counts[process.identity] or process.busy or 0
        words = f" sent no heartbeat for {units.age(silence)}"
        if silence is None or silence > GHOST_SECONDS:
            words += ": it is gone, and its entry stays for ever"
        elif held:
            jobs_words = "its job" if held == 1 else f"its {units.count(held)} jobs"
            words += f": {jobs_words} may be lost or still running"
        yield (Span(f"{context.glyphs.bad} ", "bad"), Span(context.safe(process_name(process)), "strong"), Span(words))


def _orphans(jobs: Sequence[WorkRow], context: Context) -> Iterator[Note]:
    orphans = sum(job.process is None for job in jobs)
    if orphans:
        words = f"{orphans} job{' is' if orphans == 1 else 's are'} listed under processes that are gone"
        yield (Span(f"{context.glyphs.bad} ", "bad"), Span(words))


def _long(jobs: Sequence[WorkRow], context: Context) -> Iterator[Note]:
    long = [job for job in jobs if job.runs_long(context.now)]
    if not long:
        return
    classes = Counter(job.work.job.display_class or "" for job in long)
    name, _ = classes.most_common(1)[0]
    rest = f" and {len(classes) - 1} more class{'' if len(classes) == 2 else 'es'}" if len(classes) > 1 else ""
    yield (
        Span(f"{context.glyphs.warn} ", "warn"),
        Span(f"{len(long)} job{' runs' if len(long) == 1 else 's run'} far longer than usual: "),
        Span(context.safe(name), "strong"),
        Span(rest),
    )


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
    yield (Span(f"{context.glyphs.warn} ", "warn"), Span(f"{shown} of Sidekiq"))


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


def _about_process(process: Process, context: Context) -> list[Span]:
    spans = [Span(context.safe(process.identity))]
    if process.labels:
        spans += [Span("  labels ", "muted"), Span(context.safe(" ".join(process.labels)))]
    if process.leader:
        spans.append(Span("  leader", "accent"))
    if process.embedded:
        spans.append(Span("  embedded: takes no signals", "warn"))
    if process.rtt is not None:
        spans += [Span("  rtt ", "muted"), Span(units.duration(process.rtt))]
    if process.started_at is not None:
        spans += [Span("  up since ", "muted"), Span(units.time_at(process.started_at, context.now, "local"))]
    return [*spans, *_capsules(process, context)]


def _capsules(process: Process, context: Context) -> list[Span]:
    if len(process.capsules) < 2:
        return [Span("  queues ", "muted"), Span(context.safe(queue_words(process)))]
    words = [
        f"{capsule.name} {units.count(capsule.concurrency)} {capsule.mode or ''} {' '.join(capsule.weights)}".strip()
        for capsule in process.capsules
    ]
    return [Span("  capsules ", "muted"), Span(context.safe(f" {context.glyphs.apart} ".join(words)))]


def _about_job(row: WorkRow, context: Context) -> list[Span]:
    job, work = row.work.job, row.work
    spans = [Span(context.safe(job.display_class or "undecodable"), "strong")]
    if work.run_at is not None:
        role = "warn strong" if row.runs_long(context.now) else "text"
        spans.append(Span(f" runs {units.duration(context.now - work.run_at)}", role))
    if row.usual is not None:
        spans.append(Span(f"; 95 of 100 take under {units.duration(row.usual)}", "muted"))
    spans.append(Span(f"  {display_text(job.jid)}" if job.jid else "  no jid", "muted"))
    if row.process is None:
        spans.append(Span(f"  {display_text(work.identity)} is gone", "warn"))
    return spans


def matches(row: Process | Work, words: str) -> bool:
    """Whether all words are somewhere in a process's or a job's names."""
    if isinstance(row, Process):
        said = [process_name(row), row.identity, row.tag or "", *row.labels, *row.queues, row.version or "", row.status]
    else:
        said = [row.job.display_class or "", row.job.klass or "", row.job.jid or "", row.queue or "", row.tid]
    text = "\n".join(said).casefold()
    return all(word in text for word in words.casefold().split())
