"""The second line: the totals of the scope, each in a slot whose width depends on the terminal alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import events

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.presentation.glyphs import glyph_set
from sidekiq_tui.presentation.text import cell_width
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.tui.widgets.line import Line

_WIDE: Final = 110
_AWAY: Final = frozenset({"offline", "connecting", "forbidden"})


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over a scope; None is unknown. Rates are jobs per second, `worst` is seconds."""

    processed: float | None = None
    failed: float | None = None
    busy: int | None = None
    concurrency: int | None = None
    enqueued: int | None = None
    worst: float | None = None
    worst_role: str = "strong"
    retries: int | None = None
    dead: int | None = None
    scheduled: int | None = None


def answering(snapshot: ServerSnapshot) -> bool:
    """Whether a server's numbers are of now."""
    return snapshot.overview is not None and snapshot.health.state not in _AWAY


def totals_of(snapshots: Iterable[ServerSnapshot]) -> Totals:
    """The totals of one server (its last known ones, without rates when it is away), or of those that answer."""
    chosen = list(snapshots)
    if len(chosen) != 1:
        chosen = [snapshot for snapshot in chosen if answering(snapshot)]
    known = [snapshot.overview for snapshot in chosen if snapshot.overview is not None]
    rates = [snapshot.rates for snapshot in chosen if snapshot.rates is not None and answering(snapshot)]
    late = [overview.worst_queue for overview in known if overview.worst_queue is not None]
    enqueued = _whole(overview.enqueued for overview in known)
    return Totals(
        processed=_sum(rate.processed for rate in rates),
        failed=_sum(rate.failed for rate in rates),
        busy=_whole(overview.busy for overview in known),
        concurrency=_whole(overview.concurrency for overview in known),
        enqueued=enqueued,
        worst=max(
            (queue.latency for queue in late if queue.latency is not None), default=None if enqueued is None else 0.0
        ),
        worst_role=_worst_role(chosen),
        retries=_whole(overview.retries for overview in known),
        dead=_whole(overview.dead for overview in known),
        scheduled=_whole(overview.scheduled for overview in known),
    )


def _worst_role(snapshots: Iterable[ServerSnapshot]) -> str:
    """The colour of the worst latency: that of the reason its queue gives, if it gives one."""
    role = "strong"
    for snapshot in snapshots:
        worst = snapshot.overview.worst_queue if snapshot.overview is not None else None
        for reason in snapshot.health.reasons:
            if worst is not None and reason.subject == worst.name:
                if reason.severity == "bad":
                    return "bad strong"
                role = "warn strong"
    return role


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _whole(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


@dataclass(frozen=True, slots=True)
class _Slot:
    long: str
    short: str
    room: int
    """Cells of the longest usual value."""


_SLOTS: Final = (
    _Slot("processed", "proc", 7),
    _Slot("failed", "fail", 5),
    _Slot("busy", "busy", 7),
    _Slot("enqueued", "enq", 5),
    _Slot("worst", "lat", 5),
    _Slot("retries", "retry", 5),
    _Slot("dead", "dead", 5),
    _Slot("scheduled", "sched", 5),
)


def totals_spans(totals: Totals, width: int, ascii: bool = False) -> list[Span]:
    """The totals as spans: label muted, value bold in its slot; what does not fit goes from the right."""
    wide = width >= _WIDE
    gap = 2 if wide else 1
    widths = [cell_width(slot.long if wide else slot.short) + 1 + slot.room + gap for slot in _SLOTS]
    fits = len(widths)
    while fits > 1 and 1 + sum(widths[:fits]) - gap > width:
        fits -= 1
    spare = max(0, width - 1 - (sum(widths[:fits]) - gap))
    unknown = glyph_set(ascii).unknown
    spans = [Span(" ")]
    for index, (slot, choices, role) in enumerate(_values(totals)[:fits]):
        label = slot.long if wide else slot.short
        # What a wide terminal has left over is shared out, up to three cells a slot.
        room = widths[index] + min(3, spare // fits) - cell_width(label) - 1
        value = next((choice for choice in choices if cell_width(choice) < room), choices[-1])
        value = value.replace(units.UNKNOWN, unknown)
        spans += [Span(f"{label} ", "muted"), Span(value, role), Span(" " * max(1, room - cell_width(value)))]
    return spans


def _values(totals: Totals) -> list[tuple[_Slot, list[str], str]]:
    """For each slot its value in words, longest first, and its role."""
    busy = units.share(totals.busy / totals.concurrency) if totals.busy is not None and totals.concurrency else None
    threads = f"{units.count(totals.busy)}/{units.count(totals.concurrency)}"
    if totals.busy is None and totals.concurrency is None:
        threads = units.UNKNOWN
    return [
        (_SLOTS[0], _rate(totals.processed), _role(totals.processed)),
        (_SLOTS[1], _rate(totals.failed), _role(totals.failed)),
        (_SLOTS[2], [threads, busy] if busy else [threads], _role(totals.busy)),
        (_SLOTS[3], [units.count(totals.enqueued)], _role(totals.enqueued)),
        (_SLOTS[4], [units.duration(totals.worst)], totals.worst_role if totals.worst else _role(totals.worst)),
        (_SLOTS[5], [units.count(totals.retries)], _role(totals.retries)),
        (_SLOTS[6], [units.count(totals.dead)], _role(totals.dead)),
        (_SLOTS[7], [units.count(totals.scheduled)], _role(totals.scheduled)),
    ]


def _rate(value: float | None) -> list[str]:
    shown = units.rate(value)
    return [shown] if value is None else [f"{shown}/s", shown]


def _role(value: float | None) -> str:
    return "muted" if value is None else "strong"


class TotalsLine(Line):
    """Totals on the panel."""

    GROUND: ClassVar[str] = "panel"

    def __init__(self, *, ascii: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._ascii = ascii
        self._totals = Totals()

    def show(self, totals: Totals) -> None:
        """Shows the totals of a scope."""
        self._totals = totals
        self.put(totals_spans(totals, self.size.width, self._ascii))

    def on_resize(self, event: events.Resize) -> None:
        """Lays the same totals out anew."""
        self.put(totals_spans(self._totals, event.size.width, self._ascii))
