"""The lines of the metrics: titles, facts, histogram, deploys, and why there is nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sidekiq_tui.errors import SqtuiError
from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Context, Span, fit_cell
from sidekiq_tui.presentation.columns.metrics import LABEL_CELLS, SHARES, MetricsRow, estimate, times_rows
from sidekiq_tui.presentation.spark import meter
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.deploy import Mark
from sidekiq_tui.sidekiq.histogram import HISTOGRAM_LABELS
from sidekiq_tui.sidekiq.metrics import Metrics
from sidekiq_tui.sidekiq.replies import reason
from sidekiq_tui.tui.screens.dashboard_panels import denied_line
from sidekiq_tui.tui.screens.dashboard_titles import choice_spans
from sidekiq_tui.tui.screens.listing import unread_notice
from sidekiq_tui.tui.screens.metrics_periods import (
    PERIODS,
    Period,
    keeps_metrics,
    longest_period,
    names_no_version,
    versions_text,
)
from sidekiq_tui.tui.screens.metrics_samples import column_of

_FACT_CELLS: Final = 22
_SHARE_SLOT: Final = 20
"""Cells of a fact that a count and its share take."""
_COUNT_CELLS: Final = 5
_MARK_CELLS: Final = 8


def period_choices(chosen: int, snapshot: ServerSnapshot) -> list[Span]:
    """The periods that the server keeps, of which one is chosen."""
    longest = longest_period(snapshot.overview)
    return choice_spans([period.name for period in PERIODS[: longest + 1]], chosen)


def count_words(number: int, word: str, some: str) -> str:
    """`1 deploy`, `12 deploys`."""
    return f"{units.count(number)} {word if number == 1 else some}"


def list_title(
    metrics: Metrics | None, rows: Sequence[MetricsRow], filter: str, server: str, narrow: bool
) -> list[list[Span]]:
    """How many classes ran, how many jobs, how many of these failed, in parts that may go from the end; `server` is
    named where the frame does not.

    Percentiles never reach back further than Sidekiq keeps histograms: eight hours.
    """
    named = [Span(f"{display_text(server)} ", "title")] if server else []
    if metrics is None:
        return [[*named, Span("Metrics", "title")]]
    classes = count_words(len(metrics.jobs), "class", "classes")
    spans = [*named, Span(classes if narrow else f"Metrics {classes}", "title")]
    if filter:
        spans += [
            Span("  filter ", "muted"),
            Span(display_text(filter, 60), "accent"),
            Span(f"  {units.count(len(rows))} match", "strong"),
        ]
    processed, failed = sum(row.processed for row in rows), sum(row.failed for row in rows)
    share = units.share(min(1.0, failed / processed)) if processed else units.UNKNOWN
    spans.append(Span(f"  {count_words(processed, 'job', 'jobs')}", "strong" if processed else "muted"))
    if metrics.truncated:
        spans.append(Span("  more classes than can be shown", "warn"))
    hours = metrics.granularity == "hourly"
    if narrow:
        return [spans, [Span("  p50 p95 of 8h" if hours else f"  {share} failed", "muted")]]
    fails = [Span(f"  {units.count(failed)} failed", "text" if failed else "muted")]
    fails.append(Span(f" {share}" if failed else "", "muted"))
    reach = [[Span("  p50 p95 of the last 8h", "muted")]] if hours else []
    return [spans, fails, *reach, [Span(f"  {count_words(len(metrics.marks), 'deploy', 'deploys')}", "muted")]]


def age_spans(slow: bool, away: bool, period: Period, age: float | None) -> list[Span]:
    """What is under way, or how old the numbers are when the server does not answer."""
    if slow:
        return [Span(f"  reading {period.name} …", "muted")]
    if away and age is not None:
        return [Span(f"  as of {units.age(age)} ago", "warn")]
    return []


def empty_notice(
    snapshot: ServerSnapshot,
    period: Period,
    metrics: Metrics | None,
    error: SqtuiError | None,
    filter: str,
    context: Context,
    frozen: bool = False,
) -> list[Cell]:
    """Why there are no classes; nothing while that is not known."""
    server, overview = display_text(snapshot.server), snapshot.overview
    if not keeps_metrics(overview):
        return [
            (Span(f"{versions_text(overview)} keeps no metrics.", "strong"),),
            (Span("Sidekiq 7 and newer count each run of a class and how long it took.", "muted"),),
        ]
    if error is not None and snapshot.error is None:
        return [denied_line("Metrics", reason(error), context.glyphs)]
    if metrics is None:
        return unread_notice(snapshot.server, away=snapshot.error is not None, frozen=frozen)
    if filter and metrics.jobs:
        return [
            (
                Span("Nothing matches ", "strong"),
                Span(display_text(filter, 200), "accent"),
                Span(f"  {count_words(len(metrics.jobs), 'class', 'classes')}.  ", "muted"),
                Span("esc", "key"),
                Span(" clears the filter", "muted"),
            )
        ]
    words = "Sidekiq 7 and newer count each run; a class comes here with its first."
    if names_no_version(overview):
        words = "Its processes are older than Sidekiq 7.0.2; Sidekiq 6 keeps no metrics."
    elif period.hours is not None:
        words = "Only Sidekiq 8 keeps more than 8h."
    return [(Span(f"No job ran on {server} in the last {period.name}.", "strong"),), (Span(words, "muted"),)]


def facts_lines(row: MetricsRow, context: Context, width: int) -> list[Cell]:
    """The numbers of a class in two lines: counts and times, and percentiles."""
    slot = min(_FACT_CELLS, width // len(SHARES))

    def fact(name: str, value: str, more: str = "") -> Cell:
        role = "muted" if value in ("0", units.UNKNOWN) else "strong"
        return fit_cell(
            (Span(f" {name} ", "muted"), Span(value, role), Span(f" {more}" if more else "", "muted")), slot
        )

    cut = context.glyphs.cut
    share = units.share(row.failing) if row.failed and slot >= _SHARE_SLOT else ""
    lines = (
        (
            fact("runs", units.count(row.processed)),
            fact("failed", units.count(row.failed), share),
            fact("mean", units.duration(row.mean)),
            fact("total", units.duration(row.total)),
        ),
        tuple(fact(name, cut if row.counts is None else estimate(row.percentile(part))) for part, name in SHARES),
    )
    return [tuple(span for cell in line for span in cell) for line in lines]


def histogram_lines(row: MetricsRow, width: int, rows: int, context: Context) -> list[Cell]:
    """One line for each bucket, fastest first; neighbours share one where the terminal is too low for all."""
    each = -(-len(HISTOGRAM_LABELS) // max(1, rows))
    bar = width - 1 - LABEL_CELLS - 1 - 1 - _COUNT_CELLS - _MARK_CELLS
    lines: list[Cell] = []
    for one in times_rows(row, each):
        full, empty = meter(one.part, max(1, bar), context.ascii)
        lines.append(
            (
                Span(f" {one.label:>{LABEL_CELLS}} ", "muted"),
                Span(full + " " * len(empty), "chart"),
                Span(f" {units.count(one.runs):>{_COUNT_CELLS}}", "text" if one.runs else "muted"),
                Span(f" {one.marks}", "accent"),
            )
        )
    return lines


def marks_spans(metrics: Metrics, columns: int, gutter: int) -> Cell:
    """The line of deploys under a chart: their numbers, 1 is the newest, which wins where several share a column."""
    cells = [" "] * max(0, columns)
    for number, mark in reversed(list(enumerate(reversed(metrics.marks), start=1))):
        place = column_of(metrics, mark.at, columns)
        if place is not None:
            cells[place] = str(number) if number < 10 else "+"
    return (Span(" " * gutter), Span("".join(cells), "accent strong"))


def deploy_lines(marks: Sequence[Mark], rows: int, period: Period, context: Context) -> list[Cell]:
    """The deploys, newest first, with the numbers they have on the time axis; with one row, the newest alone."""
    newest = list(reversed(marks))
    count = count_words(len(newest), "deploy", "deploys") if newest else "no deploy"
    lines = [
        (
            Span(f" {number} ", "accent strong"),
            Span(f"{units.time_at(mark.at, context.now, context.time_mode):<12} ", "muted"),
            Span(context.safe(mark.label)),
        )
        for number, mark in enumerate(newest, start=1)
    ]
    if rows > 1:
        return [(Span(" Deploys ", "title"), Span(f" {count} in {period.name}", "muted")), *lines[: rows - 1]]
    return [(Span(f" {count} ", "muted"), *(lines[0] if lines else (Span(f"in {period.name}", "muted"),)))]
