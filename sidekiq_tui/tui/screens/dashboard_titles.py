"""The lines above the charts and lists of the dashboard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.presentation.columns.queues import QueueRow
from sidekiq_tui.presentation.glyphs import GlyphSet
from sidekiq_tui.tui.screens.dashboard_layout import DAYS, WEEKS
from sidekiq_tui.tui.screens.scope_view import Samples, ScopeView, mean, worst

PERIODS: Final = (
    (60.0, "1m", ("1m ago", "40s", "20s", "now")),
    (300.0, "5m", ("5m ago", "3m20s", "1m40s", "now")),
    (1800.0, "30m", ("30m ago", "20m", "10m", "now")),
    (7200.0, "2h", ("2h ago", "1h20m", "40m", "now")),
    (86400.0, "1d", ("1d ago", "16h", "8h", "now")),
)
"""Seconds, name, and the times under a chart."""
USUAL_PERIOD: Final = 2
"""30 minutes, as an index: shorter while less is known."""
QUEUE_PERIOD: Final = 3
"""The longest period that queues have a history for, 2 hours, as an index."""
PANELS: Final = ("days", "weeks", "latency")


def fitting_period(view: ScopeView) -> int:
    """The shortest period, up to the usual one, that shows all that is known: a chart is not empty for half an hour."""
    known = view.known_for(PERIODS[USUAL_PERIOD][0])
    return next(index for index in range(USUAL_PERIOD + 1) if index == USUAL_PERIOD or known <= PERIODS[index][0])


def choice_spans(choices: Sequence[str], chosen: int) -> list[Span]:
    """Words of which one is chosen."""
    spans: list[Span] = []
    for index, word in enumerate(choices):
        spans += [Span(" " if spans else ""), Span(word, "sorted strong" if index == chosen else "muted")]
    return spans


def processed_title(view: ScopeView, samples: Samples, wide: bool, glyphs: GlyphSet) -> list[Span]:
    """The rate of now, and the highest and the mean one of the chart."""
    rate = view.rate("processed")
    spans = [Span("Processed ", "title"), Span(_per_second(units.rate(rate)), "strong")]
    highest = worst(samples)
    if highest is not None:
        highest = max(highest, rate or 0.0)  # a column is the mean of its time
        words = f"   peak {units.rate(highest)}"
        spans.append(Span(words + (f" {glyphs.apart} mean {units.rate(mean(samples))}" if wide else ""), "muted"))
    return spans


def failed_title(view: ScopeView, samples: Samples, period: float) -> list[Span]:
    """The rate of now, its share of all jobs, and when most failed."""
    rate, processed = view.rate("failed"), view.rate("processed")
    spans = [Span("Failed ", "title"), Span(_per_second(units.rate(rate)), "strong")]
    if rate is not None and processed:
        spans.append(Span(f" {units.share(min(1.0, rate / processed))}", "strong"))
    highest = worst(samples)
    if rate is not None and highest is not None and rate > highest:
        spans.append(Span(f"   peak {units.rate(rate)}/s", "muted"))
    elif highest:
        age = (len(samples) - 1 - samples.index(highest)) * period / len(samples)
        when = f" {units.age(age)} ago" if age >= period / len(samples) else ""
        spans.append(Span(f"   peak {units.rate(highest)}/s{when}", "muted"))
    return spans


def _per_second(rate: str) -> str:
    return rate if rate == units.UNKNOWN else f"{rate}/s"


def history_title(weekly: bool) -> list[Span]:
    """What the chart of the days, or of the weeks, counts."""
    words = ("Processed per week", f"{WEEKS} weeks") if weekly else ("Processed per day", f"{DAYS} days")
    return [Span(words[0], "title"), Span(f"  {words[1]}, UTC", "muted")]


def failures_title(weekly: bool, processed: Samples, failed: Samples) -> list[Span]:
    """The same for those that failed, and their share of all in the chart."""
    ran, bad = sum(filter(None, processed)), sum(filter(None, failed))
    words = f"  {units.share(min(1.0, bad / ran))} of them" if ran else ""
    return [Span("Failed per week" if weekly else "Failed per day", "title"), Span(words, "muted")]


def queues_title(view: ScopeView, rows: Sequence[QueueRow]) -> list[Span]:
    """How many queues there are, and in how many jobs wait."""
    if not view.overviews:
        return [Span(f"Queues {units.UNKNOWN}", "title")]
    waiting = sum(bool(row.summary.size) for row in rows)
    return [
        Span(f"Queues {units.count(len(rows))}", "title"),
        Span(f"  {units.count(waiting)} with a backlog", "muted"),
    ]
