"""The lines of the errors screen: title, what there is to know about a group, and why there is nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sidekiq_tui.errors import SqtuiError
from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Context, Span
from sidekiq_tui.presentation.columns.errors import ErrorRow, error_name, group_count, job_count
from sidekiq_tui.presentation.columns.jobs import class_cell
from sidekiq_tui.presentation.text import clip, display_text
from sidekiq_tui.servers.error_book import ErrorBoard
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.deploy import Mark
from sidekiq_tui.sidekiq.error_reading import Progress
from sidekiq_tui.tui.screens.dashboard_panels import denied_line
from sidekiq_tui.tui.screens.listing import unread_notice

FIRST: Final = 10_000
"""Entries of each set that are read when somebody does not want to wait for all."""
SOON: Final = 300.0
"""Seconds within which the next runs are counted."""
WIDE: Final = 110
NARROW: Final = 72

_LABEL_CELLS: Final = 10
_ENTRIES_A_SECOND: Final = 15_000
_SLICE: Final = 500
_SHOWN_MESSAGES: Final = 6
_LEAST_MESSAGE: Final = 24
_NAMES: Final = {"retry": "retries", "dead": "dead"}


@dataclass(frozen=True, slots=True)
class Reading:
    """What is going on besides what was read: a read of so much, a question, or trouble."""

    progress: Progress | None = None
    asking: int | None = None
    """Entries that reading everything would take, while a person is asked."""
    error: SqtuiError | None = None
    frozen: bool = False


def title_left(board: ErrorBoard | None, matching: int, filter: str, server: str, width: int) -> list[list[Span]]:
    """How many groups of how many jobs, in parts that may go from the end; `server`: where the frame names none."""
    named = [Span(f"{display_text(server)} ", "title")] if server else []
    if board is None:
        return [[*named, Span("Errors", "title")]]
    spans = [*named, Span(group_count(len(board.groups)), "title")]
    more: list[list[Span]] = []
    if filter:
        spans += [
            Span("  filter " if width >= WIDE else "  / ", "muted"),
            Span(display_text(filter, 40), "accent"),
            Span(f"  {units.count(matching)} match", "strong"),
        ]
    else:
        spans.append(Span(f" in {job_count(board.jobs)}", "muted"))
        if width >= NARROW:
            retries = units.UNKNOWN if "retry" in board.denied else units.count(board.retries)
            dead = units.UNKNOWN if "dead" in board.denied else units.count(board.dead)
            more.append([Span(f"  retries {retries}, dead {dead}", "muted")])
    spans += [Span(f"  {_NAMES[name]} can't be read", "warn") for name in board.denied]
    return [spans, *more]


def title_right(board: ErrorBoard | None, reading: Reading, away: bool, context: Context, width: int) -> list[Span]:
    """How much was read and when, and how to read again."""
    apart = f" {context.glyphs.apart} "
    if reading.progress is not None:
        read, total = units.count(reading.progress.read), units.count(reading.progress.total)
        stop = [] if width < NARROW else [Span("  ctrl+x", "key"), Span(" stops", "muted")]
        return [Span(f"reading {read} of {total} {context.glyphs.cut}", "strong"), *stop]
    if board is None:
        return []
    age = f"{units.age(context.now - board.as_of)} ago"
    if away:
        return [Span(f"as of {age}", "warn")]
    again = [] if width < WIDE else [Span(apart, "muted"), Span("ctrl+r", "key"), Span(" reads again", "muted")]
    if board.skipped:
        return [Span(f"{units.count(board.skipped)} changed since {age}", "warn"), *again]
    if board.complete:
        return [Span(f"all read{apart}{age}" if width >= NARROW else age, "muted"), *again]
    part = f"{units.count(board.jobs)} of {units.count(board.total)} read"
    how = "the first" if board.first is not None else "stopped:"
    return [Span(f"{how} {part}" if width >= NARROW else part, "warn"), Span(f"{apart}{age}", "muted"), *again]


def price(entries: int, round_trip: float | None) -> float:
    """About how many seconds reading so many entries takes: a trip a slice, and looking at each entry."""
    return entries / _SLICE * (round_trip or 0.0) + entries / _ENTRIES_A_SECOND


def question(entries: int, round_trip: float | None, *, known: bool) -> list[Cell]:
    """What is asked before many entries are read; `known`: something was read before, and stays."""
    stays = "keeps what was read" if known else f"reads the first {FIRST:,} of each"
    return [
        (
            Span(f"{units.count(entries)} entries", "strong"),
            Span(f": reading all takes about {units.duration(max(1.0, price(entries, round_trip)))}.", "text"),
        ),
        (Span("enter", "key"), Span(" reads, ", "muted"), Span("esc", "key"), Span(f" {stays}.", "muted")),
    ]


def empty_notice(
    snapshot: ServerSnapshot, board: ErrorBoard | None, reading: Reading, filter: str, context: Context
) -> list[Cell]:
    """Why there are no rows; nothing while that is not known."""
    name = display_text(snapshot.server)
    overview = snapshot.overview
    if reading.asking is not None:
        return question(reading.asking, None if overview is None else overview.rtt, known=board is not None)
    if board is None:
        if reading.error is not None and snapshot.error is None:
            return [denied_line("Errors", reading.error.message, context.glyphs)]
        return unread_notice(snapshot.server, away=snapshot.error is not None, frozen=reading.frozen)
    if board.groups and filter:
        return [
            (
                Span("Nothing matches ", "strong"),
                Span(display_text(filter, 200), "accent"),
                Span(f"  {group_count(len(board.groups))}.  ", "muted"),
                Span("esc", "key"),
                Span(" clears the filter", "muted"),
            )
        ]
    if reading.progress is not None:
        return []
    denied = [
        denied_line(_NAMES[one].capitalize(), reason, context.glyphs) for one, reason in sorted(board.denied.items())
    ]
    return [
        *denied,
        (Span(f"No errors on {name}.", "strong"),),
        (Span("Failed jobs wait in retries for their next try; after the last they are dead.", "muted"),),
    ]


def details(row: ErrorRow, board: ErrorBoard, runs: tuple[float, float, int] | None, context: Context) -> list[Cell]:
    """Everything about a group, one line each, always in the same places."""
    return [
        _headline(row, board, context),
        (_label("messages"), *_messages(row, context)),
        (_label("frame"), *_frame(row, context)),
        (_label("since"), *_since(row, board, context)),
        (_label("next run"), *_runs(row, runs, context)),
        (_label("queues"), *_queues(row, context)),
    ]


def _label(name: str) -> Span:
    return Span(f"{name:<{_LABEL_CELLS}}", "muted")


def _headline(row: ErrorRow, board: ErrorBoard, context: Context) -> Cell:
    group = row.group
    name = error_name(group, context)
    spans = [Span(name.text, "bad strong"), Span(f"  {job_count(group.count)}", "muted")]
    if group.cause.klass is not None:
        spans += [Span(" of ", "muted"), *class_cell(group.cause.klass, context)]
    if group.retries and group.dead:
        spans.append(Span(f"  {units.count(group.retries)} in retries, {units.count(group.dead)} dead", "muted"))
    if row.new and board.marks:
        spans += [Span("  new", "accent strong"), Span(f" since deploy {_deploy(board.marks[-1], context)}", "muted")]
    return tuple(spans)


def _messages(row: ErrorRow, context: Context) -> Cell:
    group = row.group
    if not group.messages and not group.other_messages:
        return (Span("none", "muted"),)
    shown = group.messages[:_SHOWN_MESSAGES]
    cells = _LEAST_MESSAGE * (3 if len(shown) > 1 else 6)
    spans: list[Span] = []
    for message, count in shown:
        if spans:
            spans.append(Span(f"  {context.glyphs.apart}  ", "muted"))
        text = clip(display_text(" ".join(message.split())), cells, ellipsis=context.glyphs.cut)
        spans += [Span(f"{text} "), Span(units.count(count), "strong")]
    return (*spans, *_others(group.count - sum(count for _, count in shown)))


def _frame(row: ErrorRow, context: Context) -> Cell:
    group = row.group
    if not group.frames_read:
        return (Span("no job of it has a backtrace that can be read", "muted"),)
    if group.frame is None:
        return (Span(f"none of the application's own in {units.count(group.frames_read)} backtraces", "muted"),)
    path, separator, method = group.frame.partition(":in ")
    within = [Span(f" in {context.safe(method)}", "muted")] if separator else []
    part = f"  {units.count(group.frame_jobs)} of {units.count(group.frames_read)}"
    part += " looked at" if group.frames_read < group.count else ""
    return (Span(context.safe(path)), *within, Span(part, "muted"))


def _since(row: ErrorRow, board: ErrorBoard, context: Context) -> Cell:
    first = row.group.first_at
    if first is None:
        return (Span(f"{context.glyphs.unknown} no time of failure in the payloads", "muted"),)
    spans = [Span(units.time_at(first, context.now, context.time_mode))]
    mark = board.deploy_before(first)
    if mark is not None:
        spans.append(Span(f", {units.age(first - mark.at)} after deploy {_deploy(mark, context)}", "muted"))
    elif board.marks:
        spans.append(Span(", before every deploy that is known", "muted"))
    last = row.group.last_at
    if last is not None:
        spans.append(Span(f"  {context.glyphs.apart}  last failed ", "muted"))
        spans.append(Span(units.time_at(last, context.now, context.time_mode)))
    return tuple(spans)


def _deploy(mark: Mark, context: Context) -> str:
    return clip(display_text(mark.label), 40, ellipsis=context.glyphs.cut)


def _runs(row: ErrorRow, runs: tuple[float, float, int] | None, context: Context) -> Cell:
    if not row.group.retries:
        return (Span("none: all of them are dead", "muted"),)
    if runs is None:
        return (Span(context.glyphs.unknown, "muted"),)
    first, last, soon = runs
    times = [units.time_cell(time, context.now, context.time_mode, upcoming=True) for time in (first, last)]
    words = times[0] if times[0] == times[1] else f" {context.glyphs.cut} ".join(times)
    return (Span(words), Span(f"   {units.count(soon)} within {units.age(SOON).replace('00s', '')}", "muted"))


def _queues(row: ErrorRow, context: Context) -> Cell:
    queues = row.group.queues
    if not queues:
        return (Span("none in the payloads", "muted"),)
    spans: list[Span] = []
    for name, count in queues:
        if spans:
            spans.append(Span(f"  {context.glyphs.apart}  ", "muted"))
        spans += [Span(f"{context.safe(name)} "), Span(units.count(count), "strong")]
    return (*spans, *_others(row.group.count - sum(count for _, count in queues)))


def _others(jobs: int) -> Cell:
    """Those whose message or queue is not kept apart, or not known."""
    return (Span(f"  and others {units.count(jobs)}", "muted"),) if jobs > 0 else ()
