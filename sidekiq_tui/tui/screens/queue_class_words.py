"""What the list of a queue's classes says around its rows: how much was read, and how far off that may be."""

from __future__ import annotations

from typing import Final

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Context, Span, plain
from sidekiq_tui.presentation.columns.composition import ClassRow, class_name_cell, jobs_words, margin_words
from sidekiq_tui.presentation.spark import meter
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.sidekiq.composition import Composition

ASK_FROM: Final = 20_000
"""Jobs from which on counting all of them says its price first."""
JOBS_A_SECOND: Final = 100_000
"""What reading and decoding takes here, apart from the way to the server."""
JOBS_A_TRIP: Final = 500
METER_CELLS: Final = 10
NARROW: Final = 100


def price_words(known: Composition, rtt: float, key: str) -> str:
    """What counting all of it would cost, from a sample and the seconds of a round trip; empty if it is little.

    `key` is the one that goes on.
    """
    if known.size < ASK_FROM:
        return ""
    seconds = known.size / JOBS_A_SECOND + known.size / JOBS_A_TRIP * rtt
    volume = f" and {units.size(known.mean_bytes * known.size)}" if known.mean_bytes else ""
    return (
        f"counting all {units.count(known.size)} takes about {units.age(max(1.0, seconds))}{volume}: {key} again counts"
    )


def classes_title(
    known: Composition | None,
    progress: Composition | None,
    at: float | None,
    slow: bool,
    context: Context,
    width: int,
) -> tuple[list[Span], list[Span]]:
    """The title's two sides: how many classes, and what that is known from. `progress` is a count that runs."""
    if known is None:
        return [Span("In it", "title"), Span("  reading …" if slow else "", "muted")], []
    count = len(known.classes)
    more = "+" if known.others else ""
    title = [Span(f"In it {units.count(count)}{more} class{'' if count == 1 else 'es'}", "title")]
    if progress is not None:
        read = 0 if progress.even else progress.read  # nothing of the count is there yet
        part = read / progress.size if progress.size else 1.0
        full, empty = meter(part, METER_CELLS, context.ascii)
        words = f"counting {units.count(read)} of {units.count(progress.size)}  "
        return title, [
            Span(words, "muted"),
            Span(full, "accent"),
            Span(empty, "rule"),
            Span(f" {units.share(part):>5}"),
        ]
    return title, _known_from(known, at, context, narrow=width < NARROW)


def _known_from(known: Composition, at: float | None, context: Context, *, narrow: bool) -> list[Span]:
    age = "" if at is None or narrow else f", {units.time_at(at, context.now, context.time_mode)}"
    if known.complete:
        return [Span(f"all read{age}" if known.read else "", "muted")]
    of = f"{units.count(known.read)} of {units.count(known.size)}"
    if not known.even:
        return [Span(f"newest {of} read, not the rest", "warn")]
    off = margin_words(known.margin, context.ascii)
    if narrow:
        return [Span(f"sample of {of}, {off}", "muted")]
    return [Span(f"even sample of {of}, shares {off} at most (95%){age}", "muted")]


def about_class(row: ClassRow, queue: str, context: Context) -> Cell:
    """A sentence about the class under the cursor."""
    name = plain(class_name_cell(row, context))
    part = row.part
    count = (
        Span(name, "strong"),
        Span(f"  {jobs_words(row)} of {units.count(row.size)} jobs in {display_text(queue)}"),
    )
    if row.known:
        return count
    if part.margin is None:
        return (*count, Span(f"  in {units.count(part.jobs)} of the newest", "muted"))
    low, high = max(0.0, part.share - part.margin), min(1.0, part.share + part.margin)
    return (*count, Span(f"  between {units.share(low)} and {units.share(high)} of them, 95% sure", "muted"))
