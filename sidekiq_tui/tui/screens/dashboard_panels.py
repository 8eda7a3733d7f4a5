"""What the panels of the dashboard say, in lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Span
from sidekiq_tui.presentation.glyphs import GlyphSet, glyph_set
from sidekiq_tui.presentation.spark import meter, spark
from sidekiq_tui.presentation.text import cell_width, display_text, fit
from sidekiq_tui.tui.screens.scope_view import ScopeView, mean, worst

METER_CELLS: Final = 12
NAME_CELLS: Final = 9


@dataclass(frozen=True, slots=True)
class Today:
    """Counters of this UTC day and the one before, summed over the scope."""

    processed: int | None = None
    failed: int | None = None
    yesterday: int | None = None


def meter_cell(value: float | None, ascii: bool, role: str = "accent") -> Cell:
    """A meter without its number."""
    full, empty = meter(value, METER_CELLS, ascii)
    return (Span(full, role), Span(empty, "rule"))


def denied_line(panel: str, reason: str, glyphs: GlyphSet) -> Cell:
    """Why a panel is empty."""
    return (
        Span(f"{glyphs.forbidden} ", "warn"),
        Span(f"{panel} can't be read: ", "strong"),
        Span(display_text(reason)),
    )


def _name(text: str) -> Span:
    return Span(f" {fit(text, NAME_CELLS)}", "muted")


def _value(text: str) -> Span:
    """A value in a slot of its own, bold unless there is nothing to it."""
    return Span(f" {text:>5}", "strong" if text not in (units.UNKNOWN, "0") else "muted")


def _part(value: float | None) -> Span:
    """The share beside a meter."""
    return Span(f"{units.share(value):>5}", "strong" if value else "muted")


def _fact(text: str) -> Span:
    """A value at the left of its slot."""
    return Span(f"{text:<5}", "text" if text not in (units.UNKNOWN, "0") else "muted")


def workers_words(view: ScopeView) -> str:
    """How many processes are not simply running."""
    counts = [
        (sum(process.status == "stopping" for process in view.processes), "stopping"),
        (sum(process.status in ("quiet", "quieting") for process in view.processes), "quiet"),
        (sum(process.stale for process in view.processes), "lost"),
    ]
    return ", ".join(f"{units.count(count)} {word}" for count, word in counts if count)


def workers_lines(view: ScopeView, ascii: bool) -> list[Cell]:
    """Threads, memory and age of the processes."""
    glyphs = glyph_set(ascii)
    reason = view.denied("processes")
    processes = view.processes
    known = len(processes) if view.overviews else None
    if reason is not None and not processes:
        return [(Span("Workers", "title"),), denied_line("Workers", reason, glyphs)]
    busy, threads = view.total(lambda one: one.busy), view.total(lambda one: one.concurrency)
    part = busy / threads if busy is not None and threads else None
    lines: list[Cell] = [
        (Span(f"Workers {units.count(known)}", "title"), Span(f"  {workers_words(view)}", "muted")),
        (
            _name("threads"),
            *meter_cell(part, ascii),
            _part(part),
            Span(f"  {units.count(busy)} of {units.count(threads)}", "muted"),
        ),
    ]
    largest = max((one for one in processes if one.rss is not None), key=lambda one: one.rss or 0, default=None)
    if largest is not None:
        place = display_text(f"{largest.hostname or largest.identity}:{largest.pid or ''}")
        lines.append(
            (
                _name("memory"),
                _fact(units.size(view.total(lambda one: one.rss))),
                Span(" largest ", "muted"),
                Span(units.size(largest.rss)),
                Span(f" {place}", "muted"),
            )
        )
    oldest = min((one for one in processes if one.started_at), key=lambda one: one.started_at or 0.0, default=None)
    if oldest is not None and oldest.started_at is not None:
        place = display_text(f"{oldest.hostname or oldest.identity}:{oldest.pid or ''}")
        age = units.age(view.now - oldest.started_at)
        lines.append((_name("oldest"), _fact(age), Span(f" {place}", "muted")))
    return lines


def redis_lines(view: ScopeView, ascii: bool) -> list[Cell]:
    """Memory, clients and how far away Redis is."""
    reason = view.denied("redis")
    known = [overview.redis for overview in view.overviews if overview.redis.used_memory is not None]
    if not known:
        title: Cell = (Span("Redis", "title"),)
        return [title, denied_line("Redis", reason, glyph_set(ascii))] if reason is not None else [title]
    several = len(view.snapshots) > 1
    first = known[0]
    if several:
        head: Cell = (
            Span(f"Redis {len(view.snapshots)} servers", "title"),
            Span(f"  {len(known)} answer", "muted"),
        )
    else:
        name = {"valkey": "Valkey", "redis": "Redis"}.get(first.server or "redis", first.server or "Redis")
        version = f"{display_text(name)} {display_text(first.version or '')}"
        head = (Span(version, "title"), Span(f"  {display_text(first.maxmemory_policy or '')}", "muted"))
    used = sum(redis.used_memory or 0 for redis in known)
    limit = sum(redis.maxmemory or 0 for redis in known) if all(redis.maxmemory for redis in known) else 0
    part = used / limit if limit else None
    most = [redis.used_memory_peak for redis in known]
    peak = Span(f" peak {units.size(sum(filter(None, most)))}" if any(most) else "", "muted")
    memory: Cell = (_name("memory"), _fact(units.size(used)), Span("" if limit else " no limit", "muted"), peak)
    lines = [head, memory]
    if part is not None:
        of = Span(f"  of {units.size(limit)}", "muted")
        lines.append((_name("filled"), *meter_cell(part, ascii), _part(part), of))
    clients = units.count(sum(redis.clients or 0 for redis in known))
    facts: Cell = (_name("clients"), _fact(clients))
    trip = worst(overview.rtt for overview in view.overviews) if not view.away else None
    facts += (Span(" rtt ", "muted"), Span(units.duration(trip)))
    if not several and first.uptime is not None:
        facts += (Span("  up ", "muted"), Span(units.age(first.uptime)))
    return [*lines, facts]


def trends_lines(view: ScopeView, period: float, ascii: bool, words: str) -> list[Cell]:
    """Small histories with the value of now."""
    backlog = view.total(lambda one: one.enqueued)
    slowest = max(
        (queue for overview in view.overviews if (queue := overview.worst_queue) is not None),
        key=lambda queue: queue.latency or 0.0,
        default=None,
    )
    late = slowest.latency if slowest is not None else (0.0 if backlog == 0 else None)
    failed = view.points("failed", period, METER_CELLS)
    processed, failing = view.rate("processed"), view.rate("failed")
    part = min(1.0, failing / processed) if processed and failing is not None else None
    grown = view.change("enqueued", min(period, 7200.0))
    return [
        (Span("Trends", "title"), Span(f"  {words}", "muted")),
        _trend("enqueued", view.points("enqueued", period, METER_CELLS), units.count(backlog), _grown(grown), ascii),
        _trend(
            "latency",
            view.points("latency", period, METER_CELLS),
            units.duration(late),
            display_text(slowest.name) if slowest is not None else "",
            ascii,
        ),
        _trend("errors", failed, units.share(part), _direction(failed), ascii, "chart-bad"),
    ]


def _trend(
    name: str, samples: Sequence[float | None], value: str, words: str, ascii: bool, role: str = "chart"
) -> Cell:
    bars = Span(spark(samples, METER_CELLS, ascii), role)
    return (_name(name), bars, _value(value), Span(f"  {words}", "muted"))


def _grown(change: float | None) -> str:
    return units.delta(change) if change else ""


def _direction(samples: Sequence[float | None]) -> str:
    third = max(1, len(samples) // 3)
    before, after = mean(samples[:third]), mean(samples[-third:])
    if before is None or after is None or max(before, after) == 0:
        return ""
    if abs(after - before) < 0.2 * max(before, after):
        return "steady"
    return "rising" if after > before else "falling"


def today_lines(view: ScopeView, today: Today | None, error: str = "") -> list[Cell]:
    """This day's counters, and those of all time."""
    head: Cell = (Span("Today", "title"), Span("  since 00:00 UTC", "muted"))
    total, bad = view.total(lambda one: one.processed), view.total(lambda one: one.failed)
    words = f"  failed {units.count(bad)}  {_failed_share(total, bad)}"
    ever: Cell = (_name("in all"), _value(units.count(total)), Span(words, "muted"))
    if error:
        return [head, (Span(f" {error}", "muted"),), ever]
    one = today or Today()
    part = min(1.0, one.failed / one.processed) if one.processed and one.failed is not None else None
    yesterday = f"  yesterday {units.count(one.yesterday)}" if one.yesterday is not None else ""
    return [
        head,
        (_name("processed"), _value(units.count(one.processed)), Span(yesterday, "muted")),
        (
            _name("failed"),
            Span(f" {units.count(one.failed):>5}", "text" if one.failed else "muted"),
            Span(f"  {units.share(part)}", "muted"),
        ),
        ever,
    ]


def _failed_share(processed: float | None, failed: float | None) -> str:
    return units.share(min(1.0, failed / processed) if processed and failed is not None else None)


def facts_lines(view: ScopeView, today: Today | None, period: float, width: int, ascii: bool) -> list[Cell]:
    """The same in three lines, for narrow terminals: what has no room is left out."""
    busy, threads = view.total(lambda one: one.busy), view.total(lambda one: one.concurrency)
    part = busy / threads if busy is not None and threads else None
    used = view.total(lambda one: one.redis.used_memory)
    limit = view.total(lambda one: one.redis.maxmemory or None)
    filled = used / limit if used is not None and limit else None
    backlog = view.total(lambda one: one.enqueued)
    running = sum(process.status == "running" and not process.stale for process in view.processes)
    others = [Span(f", {one}") for one in workers_words(view).split(", ") if one]
    workers = [Span(f"{units.count(running)} running"), *others] if view.overviews else [Span(units.UNKNOWN)]
    trip = worst(overview.rtt for overview in view.overviews) if not view.away else None
    first = view.overviews[0].redis if view.overviews else None
    redis = [display_text(part) for part in (first.version, first.maxmemory_policy) if part] if first else []
    if len(view.snapshots) > 1:
        redis = [f"{len(view.overviews)} of {len(view.snapshots)} answer"]
    one = today or Today()
    growth = view.change("enqueued", min(period, 7200.0))
    memory: Cell = (*meter_cell(filled, ascii), _part(filled))
    memory += (Span(f" of {units.size(limit)}", "muted"),)
    if filled is None:
        words = " no limit" if used is not None else ""
        memory = (Span(f"{units.size(used):<{METER_CELLS + 6}}"), Span(words, "muted"))
    return [
        _beside(
            (_name("threads"), *meter_cell(part, ascii), _part(part), _of(threads)),
            (_name("workers"), *workers),
            width,
        ),
        _beside(
            (_name("memory"), *memory),
            (_name("redis"), *(Span(f"{part} ") for part in redis), Span(units.duration(trip))),
            width,
        ),
        _beside(
            (
                _name("enqueued"),
                Span(spark(view.points("enqueued", period, METER_CELLS), METER_CELLS, ascii), "chart"),
                _value(units.count(backlog)),
                Span(f" {_grown(growth)}", "muted"),
            ),
            (
                _name("today"),
                Span(units.count(one.processed)),
                Span(f", failed {_failed_share(one.processed, one.failed)}"),
                Span(f"  all {units.count(view.total(lambda known: known.processed))}", "muted"),
            ),
            width,
        ),
    ]


def _of(threads: float | None) -> Span:
    return Span(f" of {units.count(threads)}", "muted")


def _beside(left: Cell, right: Cell, width: int, at: int = 38) -> Cell:
    """Two facts in a line, without those parts of the second that do not fit whole."""
    used = sum(cell_width(text) for text, _ in left)
    line = [*left, Span(" " * max(1, at - used))]
    room = width - max(used + 1, at)
    for part in right:
        if cell_width(part.text.rstrip()) <= room:
            line.append(part)
            room -= cell_width(part.text)
    return tuple(line)
