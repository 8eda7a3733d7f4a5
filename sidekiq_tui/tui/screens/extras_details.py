"""More about one sign of Pro, Enterprise or a gem: what there is of it, and what it means."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from typing import Final

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Context, Span
from sidekiq_tui.presentation.columns.extras import Key, Sign
from sidekiq_tui.presentation.spark import meter
from sidekiq_tui.presentation.text import cell_width, clip, fit
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.extras import Batch, Extras, Schedule, SuperProcess

METER_CELLS: Final = 10
NARROW: Final = 70
"""Below, the numbers of a batch have the room of its words."""
NARROW_METER_CELLS: Final = 6
NARROW_NAME_CELLS: Final = 34
MEANING: Final[dict[Key, str]] = {
    "leader": "Enterprise elects one process that runs what must run once. Open source only reads this key.",
    "periodic": "Their keys are not public: the app's own Web UI lists them. What they push shows in the queues.",
    "unique": "A lock outlives a job that is deleted by hand: the next one like it is refused until the lock expires.",
    "limiters": "Jobs over a limit are scheduled for later. Limiters may be kept on another Redis.",
    "encryption": "The last argument of such a job can be read by the app alone.",
    "batches": "Jobs that call back together. Deleting one by hand leaves its batch pending until that expires.",
    "super_fetch": (
        "Running jobs stay in private lists, so none is lost with its process: the next one to start puts them back."
    ),
    "paused": "Pro's workers honour a pause, and hear of it by a message. Dashboards write this set, too.",
    "expiry": "Such a job is dropped if it is not run in time.",
    "cron": "Pushed by any process when they are due.",
    "scheduler": "Pushed by any process when they are due.",
    "unique-jobs": "Locks outlive jobs that are deleted by hand; the gem's reaper finds them after a while.",
    "throttled": "Jobs over a limit go back to their queue.",
    "status": "The gem keeps the state of each job for a while.",
    "failures": "The gem keeps failed jobs in a set of its own.",
}


def detail_lines(row: Sign, extras: Extras, snapshot: ServerSnapshot, context: Context, width: int) -> list[Cell]:
    """A title, what it means, and what there is."""
    lines: list[Cell] = [
        (Span(f" {row.what}", "title"), Span(f"  {row.edition}", "muted")),
        *((Span(f" {line}", "muted"),) for line in textwrap.wrap(MEANING[row.key], max(20, width - 2))),
    ]
    more = _MORE.get(row.key)
    found = more(extras, snapshot, context, width) if more is not None and row.seen == "yes" else []
    return [*lines, (), *found] if found else lines


def _leader(extras: Extras, snapshot: ServerSnapshot, context: Context, width: int) -> list[Cell]:
    ttl = "" if extras.leader_ttl is None else f"  its claim ends in {units.age(extras.leader_ttl)} unless renewed"
    lines: list[Cell] = [(Span(f"  {context.safe(extras.leader or '')}", "strong"), Span(ttl, "muted"))]
    processes = snapshot.overview.processes if snapshot.overview is not None else ()
    process = next((one for one in processes if one.identity == extras.leader), None)
    if process is None:
        return [*lines, (Span("  no live process has that name", "warn"),)]
    runs = f"  runs {context.safe(process.version or units.UNKNOWN)}, {process.status}"
    since = "" if process.started_at is None else f", up {units.age(context.now - process.started_at)}"
    return [*lines, (Span(runs + since, "muted"),)]


def _batches(extras: Extras, snapshot: ServerSnapshot, context: Context, width: int) -> list[Cell]:
    narrow = width < NARROW
    cells = NARROW_METER_CELLS if narrow else METER_CELLS
    heading = f"  {'batch':<15}{'created':>8}  {'done':<{cells + 6}}  {'pending':>8}  {'jobs':>6}"
    lines: list[Cell] = [(Span(heading + ("" if narrow else "  description"), "heading"),)]
    lines += [_batch(one, context, cells, narrow) for one in extras.batches]
    left = (extras.batch_count or 0) - len(extras.batches)
    return [*lines, (Span(f"  and {units.count(left)} older ones", "muted"),)] if left > 0 else lines


def _batch(batch: Batch, context: Context, cells: int, narrow: bool) -> Cell:
    bid = Span(f"  {fit(context.safe(batch.bid), 14, ellipsis=context.glyphs.cut)} ", "strong")
    if batch.gone:
        return (bid, Span(" its data has expired", "muted"))
    full, empty = meter(batch.done, cells, context.ascii)
    numbers = (
        bid,
        Span(f"{units.time_cell(batch.created_at, context.now):>8}  "),
        Span(full, "accent"),
        Span(empty, "rule"),
        Span(f" {units.share(batch.done):>5}"),
        Span(f"  {units.count(batch.pending):>8}  {units.count(batch.total):>6}"),
    )
    if narrow:
        return (*numbers, Span(f" {context.glyphs.bad}" if batch.died else "", "warn"))
    words = context.safe(batch.description or "")
    notes = ([f"{context.glyphs.bad} has dead jobs"] if batch.died else []) + (
        [f"in {context.safe(batch.parent)}"] if batch.parent else []
    )
    calls = f"on {context.safe(', '.join(batch.callbacks))}" if batch.callbacks else ""
    return (
        *numbers,
        Span("  "),
        Span("  ".join(notes) + ("  " if notes else ""), "warn"),
        Span(words + ("  " if words else "")),
        Span(calls, "muted"),
    )


def _supers(extras: Extras, snapshot: ServerSnapshot, context: Context, width: int) -> list[Cell]:
    name = 40 if width >= NARROW else NARROW_NAME_CELLS
    lines: list[Cell] = [(Span(f"  {'process':<{name}}{'lists':>6}  {'jobs held':>9}", "heading"),)]
    lines += [_super(one, context, name) for one in extras.super_processes]
    left = (extras.super_count or 0) - len(extras.super_processes)
    return [*lines, (Span(f"  and {units.count(left)} more", "muted"),)] if left > 0 else lines


def _super(process: SuperProcess, context: Context, cells: int) -> Cell:
    name = fit(context.safe(process.identity), cells, ellipsis=context.glyphs.cut)
    held = units.count(process.held) if process.alive else units.UNKNOWN
    words = "  gone" if cells == NARROW_NAME_CELLS else "  gone, its jobs wait"
    gone = "" if process.alive is not False else words
    return (
        Span(f"  {name}", "strong" if process.alive else "muted"),
        Span(f"{units.count(process.lists):>6}  {held:>9}"),
        Span(gone, "warn"),
    )


def _paused(extras: Extras, snapshot: ServerSnapshot, context: Context, width: int) -> list[Cell]:
    queues = {} if snapshot.overview is None else {queue.name: queue for queue in snapshot.overview.queues}
    lines: list[Cell] = []
    for name in extras.paused:
        queue = queues.get(name)
        size = "not listed" if queue is None else f"{units.count(queue.size)} waiting"
        served = "" if queue is None else f", served by {units.count(queue.processes)}"
        lines.append(
            (
                Span(f"  {context.glyphs.paused} ", "warn"),
                Span(fit(context.safe(name), 24, ellipsis=context.glyphs.cut), "strong"),
                Span(f"  {size}{served}", "muted"),
            )
        )
    return lines


def _cron(extras: Extras, snapshot: ServerSnapshot, context: Context, width: int) -> list[Cell]:
    return _schedules(extras.cron, extras.cron_count, context, width)


def _scheduler(extras: Extras, snapshot: ServerSnapshot, context: Context, width: int) -> list[Cell]:
    return _schedules(extras.schedules, extras.schedule_count, context, width)


def _schedules(jobs: Sequence[Schedule], count: int | None, context: Context, width: int) -> list[Cell]:
    name, when, state_cells = (24, 18, 8) if width >= NARROW else (17, 13, 5)
    heading = f"  {'name':<{name}}{'when':<{when}}{'last':>8}  {'state':<{state_cells}}  class"
    lines: list[Cell] = [(Span(heading, "heading"),)]
    cut = context.glyphs.cut
    klass = max(8, width - cell_width(heading) + len("class") - 1)
    for job in jobs:
        off = job.enabled is False
        state = units.UNKNOWN if job.enabled is None else "off" if off else "on"
        lines.append(
            (
                Span(f"  {fit(context.safe(job.name), name - 1, ellipsis=cut)} ", "muted" if off else "strong"),
                Span(f"{fit(context.safe(job.every or units.UNKNOWN), when - 1, ellipsis=cut)} "),
                Span(f"{units.time_cell(job.last_at, context.now):>8}  "),
                Span(f"{state:<{state_cells}}  ", "warn" if off else "muted" if job.enabled is None else "ok"),
                Span(clip(context.safe(job.klass or units.UNKNOWN), klass, "left", cut), "muted"),
            )
        )
    left = (count or 0) - len(jobs)
    return [*lines, (Span(f"  and {units.count(left)} more", "muted"),)] if left > 0 else lines


_More = Callable[[Extras, ServerSnapshot, Context, int], list[Cell]]
_MORE: Final[dict[Key, _More]] = {
    "leader": _leader,
    "batches": _batches,
    "super_fetch": _supers,
    "paused": _paused,
    "cron": _cron,
    "scheduler": _scheduler,
}
