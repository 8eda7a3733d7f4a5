"""What the second tab of a queue says about it in lines: how it moves, who serves it, whether a pause is honoured."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Context, Span, fit_cell
from sidekiq_tui.presentation.spark import spark
from sidekiq_tui.presentation.text import display_text, fit
from sidekiq_tui.servers.series import QueueMetric
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.overview import QueueSummary
from sidekiq_tui.sidekiq.process import Capsule, Process
from sidekiq_tui.sidekiq.queue_activity import QueueActivity
from sidekiq_tui.tui.screens.dashboard_panels import denied_line
from sidekiq_tui.tui.screens.queue_flow import Flow, flow_of

TREND_CELLS: Final = 10
TREND_PERIOD: Final = 1800.0
"""Seconds that the sparks cover."""
NAME_CELLS: Final = 9
WIDE: Final = 110
WITH_WORDS: Final = 76
RELIABLE: Final = "reliable"
"""The label that Pro's super_fetch has put on processes (protocol 6.1)."""
_PERIODS: Final = {300.0: "5m", 120.0: "2m", 60.0: "1m", 30.0: "30s"}
_STATES: Final = {"running": "ok", "quieting": "warn", "quiet": "muted", "stopping": "warn"}


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """All that is known about a queue besides its classes."""

    queue: str
    summary: QueueSummary | None
    """From the last poll; None when the server does not list it."""
    snapshot: ServerSnapshot
    activity: QueueActivity | None
    context: Context

    @property
    def processes(self) -> tuple[Process, ...]:
        """Those that serve it, the ones that take jobs first."""
        overview = self.snapshot.overview
        serving = [one for one in overview.processes if self.queue in one.queues] if overview is not None else []
        return tuple(sorted(serving, key=lambda one: (one.stale, one.quiet, one.identity)))

    @property
    def flow(self) -> Flow:
        """How it moves; nobody knows while its server is away."""
        if self.snapshot.error is not None:
            return Flow(size=self.size)
        return flow_of(self.queue, self.size, self.activity, self.snapshot.series)

    @property
    def size(self) -> int | None:
        """Jobs waiting."""
        return self.summary.size if self.summary is not None else self.activity.size if self.activity else None

    def busy(self, process: Process) -> int | None:
        """Threads of a process that run a job of this queue; None when that was not read."""
        work = None if self.activity is None else self.activity.work
        return None if work is None else sum(one.identity == process.identity for one in work)

    @property
    def running(self) -> int | None:
        """Jobs of this queue in progress."""
        work = None if self.activity is None else self.activity.work
        return None if work is None else len(work)


def fact_cells(facts: QueueFacts, words: bool = True) -> list[Cell]:
    """One fact a line: name, value in a slot of its own, history, and more words if there is room for them."""
    cells = _fact_cells(facts)
    if words:
        return cells
    return [(*cell[:3], *(span for span in cell[3:] if span.role != "muted")) for cell in cells]


def _fact_cells(facts: QueueFacts) -> list[Cell]:
    flow, summary, context = facts.flow, facts.summary, facts.context
    latency = summary.latency if summary is not None else None
    return [
        _fact("size", units.count(facts.size), _trend(facts, "size")),
        _fact("latency", units.duration(latency), _trend(facts, "latency")),
        _fact("in", _per_second(flow.arriving), _over("last", flow.arriving_over, "too little waits to tell", facts)),
        _fact("out", _per_second(flow.leaving), _words(_leaving(flow, facts))),
        _fact("empty in", *_empty(flow)),
        _fact("memory", units.size(facts.activity.memory if facts.activity else None), _words(_each(facts))),
        _fact("running", units.count(facts.running), _words(_longest(facts, context))),
    ]


def _fact(name: str, value: str, more: Cell = (), role: str = "strong") -> Cell:
    plain = value in (units.UNKNOWN, "0", "0/s")
    shown = Span(f"{value:>6}", "muted" if plain else role)
    return (Span(f" {fit(name, NAME_CELLS)}", "muted"), shown, Span("  "), *more)


def _words(text: str) -> Cell:
    return (Span(text, "muted"),) if text else ()


def _per_second(rate: float | None) -> str:
    return units.UNKNOWN if rate is None else f"{units.rate(rate)}/s"


def _trend(facts: QueueFacts, metric: QueueMetric) -> Cell:
    series, context = facts.snapshot.series, facts.context
    points = series.queue_points(facts.queue, metric, TREND_PERIOD, TREND_CELLS, context.now)
    bars = Span(spark(points, TREND_CELLS, context.ascii), "chart")
    if metric == "latency":
        oldest = facts.summary.oldest_at if facts.summary is not None else None
        if oldest is None or context.time_mode == "relative":
            return (bars,)
        return (bars, Span(f"  {units.time_at(oldest, context.now, context.time_mode)}", "muted"))
    growth, over = facts.flow.growth, facts.flow.growth_over
    if growth is None or over is None:
        return (bars,)
    return (bars, Span(f"  {units.delta(growth * over)} in {_PERIODS[over]}", "muted"))


def _over(word: str, seconds: float | None, otherwise: str, facts: QueueFacts) -> Cell:
    if seconds is None:
        known = facts.activity is not None and facts.snapshot.error is None
        return _words(otherwise if known else "")
    return _words(f"{word} {units.age(seconds)}")


def _leaving(flow: Flow, facts: QueueFacts) -> str:
    if flow.leaving is not None:
        return "in, less growth"
    return "not known yet" if flow.arriving is not None else ""


def _empty(flow: Flow) -> tuple[str, Cell, str]:
    left = flow.empty_in
    if left is None:
        return units.UNKNOWN, (), "strong"
    if left == 0:
        return "0", _words("it is empty"), "strong"
    if not math.isinf(left):
        return units.age(left), _words(f"shrinks by {units.rate(-(flow.growth or 0))}/s"), "strong"
    if (flow.growth or 0) > 0:
        return "never", _words(f"grows by {units.rate(flow.growth)}/s"), "warn strong"
    return "never", _words("steady"), "strong"


def _each(facts: QueueFacts) -> str:
    each = facts.activity.mean_bytes if facts.activity is not None else None
    return f"about {units.size(each)} a job" if each is not None else ""


def _longest(facts: QueueFacts, context: Context) -> str:
    if facts.activity is not None and facts.activity.work is None:
        return display_text(facts.activity.work_problem)
    starts = [one.run_at for one in (facts.activity.work or () if facts.activity else ()) if one.run_at is not None]
    return f"longest {units.age(context.now - min(starts))}" if starts else ""


# Who serves it


def served_title(facts: QueueFacts) -> Cell:
    """How many processes and threads take jobs of this queue: those that are neither quiet nor lost."""
    overview, serving = facts.snapshot.overview, facts.processes
    if overview is None or ("processes" in overview.denied and not overview.processes):
        reason = "" if overview is None else overview.denied.get("processes", "")
        return denied_line("Workers", reason, facts.context.glyphs) if reason else (Span("Served by –", "title"),)
    fetching = [process for process in serving if not process.quiet and not process.stale]
    if not fetching:
        waiting = bool(facts.size)
        mark = (Span(f"{facts.context.glyphs.bad} ", "bad"),) if waiting else ()
        return (*mark, Span("Served by nobody", "bad strong" if waiting else "title"), *_of(overview.processes))
    threads = sum(_threads(process, facts.queue) or 0 for process in fetching)
    busy = facts.running
    words = f"  {units.count(threads)} thread{'' if threads == 1 else 's'}"
    words += f", {units.count(busy)} busy on it" if busy is not None else ""
    return (Span(f"Served by {units.count(len(fetching))}", "title"), *_of(overview.processes), Span(words, "muted"))


def _of(processes: Sequence[Process]) -> Cell:
    count = len(processes)
    return (Span(f" of {units.count(count)} process{'' if count == 1 else 'es'}", "muted"),)


def served_lines(facts: QueueFacts, room: int) -> list[Cell]:
    """A line for each process that serves the queue, at most `room`, the last of which tells of the others."""
    lines = [_process(process, facts) for process in facts.processes]
    if len(lines) > room:
        left = len(lines) - max(0, room - 1)
        lines = [*lines[: max(0, room - 1)], (Span(f"  and {units.count(left)} more", "muted"),)]
    return lines[: max(0, room)]


def _process(process: Process, facts: QueueFacts) -> Cell:
    context, glyphs = facts.context, facts.context.glyphs
    place = f"{process.hostname or process.identity}:{process.pid or ''}"
    capsule = _capsule(process, facts.queue)
    busy, threads = facts.busy(process), _threads(process, facts.queue)
    used = f"{units.count(busy)}/{units.count(threads)}" if busy is not None else units.count(threads)
    mark = {"running": glyphs.ok, "stopping": glyphs.stopping}.get(process.status, glyphs.quiet)
    words, role = f"{mark} {process.status}", _STATES.get(process.status, "text")
    if process.stale:
        words, role = f"{glyphs.bad} lost", "bad"
    return (
        Span(f"  {fit(context.safe(place), 20, ellipsis=glyphs.cut)} "),
        Span(f"{used:>7}  ", "strong" if busy else "muted"),
        Span(fit(context.safe(_weight(capsule, process, facts.queue)), 16, ellipsis=glyphs.cut), "muted"),
        Span(" "),
        Span(fit(words, 11), role),
        Span(" Pro?" if RELIABLE in process.labels else "", "muted"),
    )


def _capsule(process: Process, queue: str) -> Capsule | None:
    return next((one for one in process.capsules if queue in one.weights), None)


def _threads(process: Process, queue: str) -> int | None:
    """Threads that take jobs of the queue: those of its capsules, or all where capsules have no numbers."""
    counts = [one.concurrency for one in process.capsules if queue in one.weights]
    known = [count for count in counts if count is not None]
    return sum(known) if known and len(known) == len(counts) else process.concurrency


def _weight(capsule: Capsule | None, process: Process, queue: str) -> str:
    """Its turn among the queues of the same threads, in words."""
    if capsule is None:
        return ""
    names = list(capsule.weights)
    if len(names) == 1:
        return "only this queue"
    if capsule.mode == "strict":
        return f"strict, {_ordinal(names.index(queue) + 1)} of {len(names)}"
    if capsule.mode == "random":
        return f"random, 1 of {len(names)}"
    return f"weight {capsule.weights[queue]} of {sum(capsule.weights.values())}"


def _ordinal(number: int) -> str:
    suffix = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


# Pauses


def pause_words(facts: QueueFacts) -> tuple[str, str]:
    """Whether it is paused and whether anybody honours that, with the role; empty words when it is not paused.

    Pro's workers honour a pause; of whether a process is Pro's there are only signs (protocol 11.1 and 16).
    """
    summary, serving = facts.summary, [process for process in facts.processes if not process.stale]
    if summary is None or not summary.paused:
        return "", "muted"
    signs = sum(RELIABLE in process.labels for process in serving)
    count = len(serving)
    if not count:
        return "paused, and nobody serves it either", "warn"
    if signs == count:
        words = f"paused: {_those(count)} sign of Sidekiq Pro, which honours that (label {RELIABLE})"
    elif signs:
        words = (
            f"paused, but only {signs} of the {count} processes that serve it show a sign of Sidekiq Pro "
            f"(label {RELIABLE}); open source ignores a pause"
        )
    else:
        words = (
            f"paused, but only Sidekiq Pro honours that, and {_none(count)} a sign of it: "
            "open source goes on taking jobs"
        )
    began = _last_begun(facts)
    return (f"{words}. Its last job began {began} ago" if began else words), "warn"


def _those(count: int) -> str:
    return "the process that serves it shows a" if count == 1 else f"all {count} processes that serve it show a"


def _none(count: int) -> str:
    return "the process that serves it does not show" if count == 1 else f"none of the {count} that serve it shows"


def _last_begun(facts: QueueFacts) -> str:
    """How long ago a running job of the queue began: after the pause it can't have, if that is honoured."""
    work = (facts.activity.work or ()) if facts.activity is not None else ()
    starts = [one.run_at for one in work if one.run_at is not None]
    return units.age(facts.context.now - max(starts)) if starts else ""


# Together


def about_lines(facts: QueueFacts, width: int, height: int) -> list[Cell]:
    """Everything but the classes in at most `height` lines of `width` cells."""
    words, role = pause_words(facts)
    mark = f" {facts.context.glyphs.paused} "
    pause: list[Cell] = [
        (Span(mark if not number else "   ", role), Span(line, role))
        for number, line in enumerate(textwrap.wrap(words, max(20, width - 5)) if words else ())
    ]
    rows = fact_cells(facts)
    if width >= WIDE:
        served = [served_title(facts), *served_lines(facts, len(rows) - 1)]
        lines = [beside(left, right, width // 2 - 8) for left, right in _paired(rows, served)]
        return [*lines, *pause][:height]
    half = (len(rows) + 1) // 2
    rows = fact_cells(facts, words=width >= WITH_WORDS)
    lines = [beside(left, right, width // 2 + 3) for left, right in _paired(rows[:half], rows[half:])]
    title: Cell = (Span(" "), *served_title(facts))
    room = height - len(lines) - len(pause) - 1
    processes = served_lines(facts, min(3, room)) if room > 0 else []
    return [*lines, *pause, title, *processes][:height]


def _paired(left: Sequence[Cell], right: Sequence[Cell]) -> list[tuple[Cell, Cell]]:
    count = max(len(left), len(right))
    return [(left[row] if row < len(left) else (), right[row] if row < len(right) else ()) for row in range(count)]


def beside(left: Cell, right: Cell, at: int) -> Cell:
    """Two cells in a line, the second one from column `at` on."""
    return (*fit_cell(left, at - 1), Span(" "), *right)
