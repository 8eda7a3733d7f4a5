"""The board of servers: one row a server, and a last row with their total."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import (
    Cell,
    Column,
    Context,
    SortKey,
    Span,
    label_role,
    number_key,
    text_key,
    value_cell,
)
from sidekiq_tui.presentation.spark import spark
from sidekiq_tui.presentation.text import clip

if TYPE_CHECKING:
    from sidekiq_tui.servers.snapshot import ServerSnapshot

TREND_PERIOD: Final = 1800.0
"""Seconds that a trend in a row covers."""

_TREND_CELLS: Final = 10
_DIGITS: Final = 9

# State: glyph (a name of GlyphSet), word of at most seven letters, role.
_STATES: Final = {
    "connecting": ("connecting", "trying", "muted"),
    "ok": ("ok", "ok", "ok"),
    "slow": ("warn", "slow", "warn strong"),
    "warn": ("warn", "warn", "warn strong"),
    "bad": ("bad", "bad", "bad strong"),
    "offline": ("offline", "offline", "muted"),
    "forbidden": ("forbidden", "denied", "warn strong"),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """What the numbers of a row are; rates per second, latency in seconds, memory in bytes."""

    processed: int | None = None
    failed: int | None = None
    processed_rate: float | None = None
    failure_share: float | None = None
    busy: int | None = None
    concurrency: int | None = None
    enqueued: int | None = None
    worst: str | None = None
    """Where the worst latency is: a queue of the server, or a server in the total."""
    latency: float | None = None
    retries: int | None = None
    scheduled: int | None = None
    dead: int | None = None
    memory: int | None = None
    processes: int | None = None


@dataclass(frozen=True, slots=True)
class ServersTotal:
    """The last row of the board; servers that do not answer are not in its sums."""

    answering: int
    servers: int
    figures: Figures


def figures(snapshot: ServerSnapshot) -> Figures:
    """The numbers of one server: the last known ones, but no rates while it does not answer."""
    overview = snapshot.overview
    if overview is None:
        return Figures()
    rates = snapshot.rates if _answers(snapshot) else None
    worst = overview.worst_queue
    return Figures(
        processed=overview.processed,
        failed=overview.failed,
        processed_rate=rates.processed if rates else None,
        failure_share=rates.failure_share if rates else None,
        busy=overview.busy,
        concurrency=overview.concurrency,
        enqueued=overview.enqueued,
        worst=worst.name if worst else None,
        latency=worst.latency if worst else _no_wait(overview.enqueued),
        retries=overview.retries,
        scheduled=overview.scheduled,
        dead=overview.dead,
        memory=overview.redis.used_memory,
        processes=overview.live_processes,
    )


def servers_total(snapshots: Iterable[ServerSnapshot]) -> ServersTotal:
    """Adds up the servers that answer."""
    everyone = list(snapshots)
    answering = [snapshot for snapshot in everyone if _answers(snapshot) and snapshot.overview is not None]
    every = [figures(snapshot) for snapshot in answering]
    late = [(one.latency, snapshot.server) for one, snapshot in zip(every, answering, strict=True) if one.latency]
    latency, worst = max(late, default=(0.0 if every else None, None))
    rates = [snapshot.rates for snapshot in answering if snapshot.rates is not None]
    processed = _sum(rate.processed for rate in rates)
    failed = _sum(rate.failed for rate in rates)
    return ServersTotal(
        answering=len(answering),
        servers=len(everyone),
        figures=Figures(
            processed=_sum_int(one.processed for one in every),
            failed=_sum_int(one.failed for one in every),
            processed_rate=processed,
            failure_share=min(1.0, failed / processed) if processed and failed is not None else None,
            busy=_sum_int(one.busy for one in every),
            concurrency=_sum_int(one.concurrency for one in every),
            enqueued=_sum_int(one.enqueued for one in every),
            worst=worst,
            latency=latency,
            retries=_sum_int(one.retries for one in every),
            scheduled=_sum_int(one.scheduled for one in every),
            dead=_sum_int(one.dead for one in every),
            memory=_sum_int(one.memory for one in every),
            processes=_sum_int(one.processes for one in every),
        ),
    )


def _answers(snapshot: ServerSnapshot) -> bool:
    return snapshot.health.state not in ("connecting", "offline", "forbidden")


def _no_wait(enqueued: int | None) -> float | None:
    """The worst latency where no queue has a known one: zero if nothing waits, else not known."""
    return 0.0 if enqueued == 0 else None


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _sum_int(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _figures(row: ServerSnapshot | ServersTotal) -> Figures:
    return row.figures if isinstance(row, ServersTotal) else figures(row)


def _role(row: ServerSnapshot | ServersTotal, *subjects: str) -> str:
    """The role of a value: bold in the total, muted when old, in a reason's colour when one speaks of it."""
    if isinstance(row, ServersTotal):
        return "strong"
    if not _answers(row):
        return "muted"
    severities = {reason.severity for reason in row.health.reasons if reason.subject in subjects}
    return "bad strong" if "bad" in severities else "warn strong" if severities else "text"


def _server(row: ServerSnapshot | ServersTotal, context: Context, width: int | None) -> Cell:
    if isinstance(row, ServersTotal):
        return (Span("  all", "strong"),)
    names = context.server_names
    number = names.index(row.server) + 1 if row.server in names else 0
    digit = f"{number} " if 1 <= number <= _DIGITS else "  " if names else ""
    name = Span(context.safe(row.server), f"{label_role(row.profile.label)} strong")
    return (Span(digit, "muted"), name) if digit else (name,)


def _label(row: ServerSnapshot | ServersTotal, context: Context, width: int | None) -> Cell:
    if isinstance(row, ServersTotal) or row.profile.label is None:
        return ()
    return (Span(context.safe(row.profile.label), label_role(row.profile.label)),)


def _state(row: ServerSnapshot | ServersTotal, context: Context, width: int | None) -> Cell:
    if isinstance(row, ServersTotal):
        return (Span(f"{row.answering} of {row.servers}", "muted"),)
    glyph, word, role = _STATES[row.health.state]
    return (Span(getattr(context.glyphs, glyph), role), Span(" " + word, "text" if role == "ok" else role))


def _rtt(row: ServerSnapshot | ServersTotal, context: Context, width: int | None) -> Cell:
    if isinstance(row, ServersTotal):
        return ()
    known = row.overview if _answers(row) else None
    return value_cell(units.duration(known.rtt if known else None), _role(row, "round trip", "no answer"))


def _trend(row: ServerSnapshot | ServersTotal, context: Context, width: int | None) -> Cell:
    if isinstance(row, ServersTotal):
        return ()
    cells = width or _TREND_CELLS
    points = row.series.points("processed", TREND_PERIOD, cells, context.now)
    return (Span(spark(points, cells, context.ascii), "chart"),)


def _backlog(row: ServerSnapshot | ServersTotal, context: Context, width: int | None) -> Cell:
    if isinstance(row, ServersTotal):
        return ()
    cells = width or _TREND_CELLS
    points = row.series.points("enqueued", TREND_PERIOD, cells, context.now)
    return (Span(spark(points, cells, context.ascii), "chart"),)


def _busy(row: ServerSnapshot | ServersTotal, context: Context, width: int | None) -> Cell:
    one = _figures(row)
    if one.busy is None and one.concurrency is None:
        return value_cell(units.UNKNOWN, _role(row))
    return (Span(f"{units.count(one.busy)}/{units.count(one.concurrency)}", _role(row, "no process", "all quiet")),)


def _latency(row: ServerSnapshot | ServersTotal, context: Context, width: int | None) -> Cell:
    one = _figures(row)
    late = units.duration(one.latency)
    if not one.worst or not one.latency:
        return value_cell(late, "muted" if _role(row) == "strong" else _role(row))
    name = context.safe(one.worst)
    if width is not None:
        name = clip(name, width - 6, ellipsis=context.glyphs.cut)
        late = f"{late:>5}"
    return (Span(name, "muted"), Span(" ", "muted"), Span(late, _role(row, "latency")))


def _number(
    value: Callable[[Figures], float | None], show: Callable[[float | None], str], *subjects: str
) -> tuple[
    Callable[[ServerSnapshot | ServersTotal, Context, int | None], Cell],
    Callable[[ServerSnapshot | ServersTotal, Context], SortKey],
]:
    """How a column of one number draws and sorts."""

    def draw(row: ServerSnapshot | ServersTotal, context: Context, width: int | None) -> Cell:
        return value_cell(show(value(_figures(row))), _role(row, *subjects))

    def sort(row: ServerSnapshot | ServersTotal, context: Context) -> SortKey:
        return number_key(value(_figures(row)))

    return draw, sort


_Column = Column["ServerSnapshot | ServersTotal"]


def _number_column(
    key: str,
    width: int,
    goes: int | None,
    value: Callable[[Figures], float | None],
    show: Callable[[float | None], str],
    *subjects: str,
    live: bool = False,
) -> _Column:
    draw, sort = _number(value, show, *subjects)
    return Column(key, key, width, width, draw, align="right", goes=goes, sort=sort, live=live)


def _state_key(row: ServerSnapshot | ServersTotal, context: Context) -> SortKey:
    """Worst first: as a person would look; of one state those with more against them."""
    if isinstance(row, ServersTotal):
        return (2, 0.0)
    order = ("bad", "offline", "forbidden", "warn", "slow", "connecting", "ok")
    severities = [reason.severity for reason in row.health.reasons]
    weight = min(9, severities.count("bad")) * 10 + min(9, severities.count("warn"))
    return (0, order.index(row.health.state) - weight / 100)


def _name_key(row: ServerSnapshot | ServersTotal, context: Context) -> SortKey:
    return text_key(None if isinstance(row, ServersTotal) else row.server)


def _label_key(row: ServerSnapshot | ServersTotal, context: Context) -> SortKey:
    return text_key(None if isinstance(row, ServersTotal) else row.profile.label)


def _rtt_key(row: ServerSnapshot | ServersTotal, context: Context) -> SortKey:
    known = None if isinstance(row, ServersTotal) or not _answers(row) else row.overview
    return number_key(known.rtt if known else None)


_SERVER: Final = _Column("server", "server", 12, 20, _server, weight=3, sort=_name_key)
_LABEL: Final = _Column("label", "label", 11, 12, _label, goes=6, sort=_label_key)
_STATE: Final = _Column("state", "state", 9, 9, _state, sort=_state_key)
_RTT: Final = _Column("rtt", "rtt", 5, 5, _rtt, align="right", goes=5, sort=_rtt_key)
_BUSY: Final = _Column(
    "busy", "busy", 7, 9, _busy, align="right", goes=8, sort=_number(lambda one: one.busy, units.count)[1]
)
_LATENCY: Final = _Column(
    "latency",
    "worst latency",
    13,
    20,
    _latency,
    weight=1,
    align="right",
    goes=10,
    sort=_number(lambda one: one.latency, units.duration)[1],
)
_ENQUEUED: Final = _number_column("enq", 5, None, lambda one: one.enqueued, units.count, "not served", "no process")
_RETRY: Final = _number_column("retry", 5, 4, lambda one: one.retries, units.count)
_SCHEDULED: Final = _number_column("sched", 5, 3, lambda one: one.scheduled, units.count)
_DEAD: Final = _number_column("dead", 5, 7, lambda one: one.dead, units.count, "dead set")
_MEMORY: Final = _number_column("memory", 7, 2, lambda one: one.memory, units.size, "memory", "eviction", "policy")
_PROCESSES: Final = _number_column("procs", 5, 1, lambda one: one.processes, units.count, "no process", "all quiet")

SERVERS: Final[tuple[_Column, ...]] = (
    _SERVER,
    _LABEL,
    _STATE,
    _RTT,
    _number_column("proc/s", 6, None, lambda one: one.processed_rate, units.rate, live=True),
    _Column("trend", "trend", 8, 16, _trend, weight=1, goes=3, live=True),
    _number_column("fail%", 5, 9, lambda one: one.failure_share, units.share, "failures", live=True),
    _BUSY,
    _ENQUEUED,
    _Column("backlog", "enq trend", 9, 16, _backlog, weight=1, goes=0, live=True),
    _LATENCY,
    _RETRY,
    _DEAD,
    _MEMORY,
    _PROCESSES,
)
"""The board of a running screen."""

SERVERS_ONCE: Final[tuple[_Column, ...]] = (
    _SERVER,
    _LABEL,
    _STATE,
    _RTT,
    _number_column("processed", 9, 11, lambda one: one.processed, units.count),
    _number_column("failed", 6, 9, lambda one: one.failed, units.count),
    _BUSY,
    _ENQUEUED,
    _LATENCY,
    _RETRY,
    _SCHEDULED,
    _DEAD,
    _MEMORY,
    _PROCESSES,
)
"""The board where only one reading is known: counters instead of rates."""
