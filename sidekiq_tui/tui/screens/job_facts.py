"""The facts of a job beside its document: where it is, when things happened, what was chosen for it, what to heed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Context, Span, label_role, plain
from sidekiq_tui.presentation.columns.queues import fetching_processes
from sidekiq_tui.presentation.job_options import Row, notes, option_rows, short_notes, text
from sidekiq_tui.presentation.job_trail import in_words
from sidekiq_tui.presentation.text import cell_width, display_text, fit, wrap_words
from sidekiq_tui.presentation.values import json_text
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.job import JobRecord, PlaceKind
from sidekiq_tui.sidekiq.job_watch import Look

LABEL_CELLS: Final = 11
_SETS: Final[dict[PlaceKind, str]] = {"retry": "retries", "schedule": "scheduled", "dead": "dead"}
_SCORES: Final[dict[PlaceKind, str]] = {"retry": "next run", "schedule": "runs", "dead": "died"}


@dataclass(frozen=True, slots=True)
class About:
    """A job and all that is known around it."""

    job: JobRecord
    snapshot: ServerSnapshot
    context: Context
    look: Look | None = None
    left: bool = False
    """It is not there any longer."""

    @property
    def score(self) -> float | None:
        """The score at the last look, else as it was opened."""
        found = dict(self.look.sets).get(self.job.place) if self.look is not None else None
        return self.job.score if found is None else found


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, and rows of label and value, or sentences."""

    title: str
    rows: tuple[Row, ...] = ()
    sentences: tuple[str, ...] = ()


def sections(about: About) -> list[Section]:
    """All facts, in the order of their weight."""
    job, context = about.job, about.context
    found = [Section("Where it was" if about.left else "Where", tuple(_where(about)))]
    if not job.malformed:
        found.append(Section("When", tuple(_when(job, context))))
        found.append(Section("Options", tuple(option_rows(job, context))))
    if about.look is not None and about.look.iteration is not None:
        found.append(Section("Iteration", tuple(_iteration(about))))
    warnings = (*notes(job, context), *_surroundings(about))
    if warnings:
        found.append(Section("Notes", sentences=warnings))
    return [section for section in found if section.rows or section.sentences]


def section_lines(section: Section, width: int, context: Context, margin: str = " ") -> list[Cell]:
    """A section as lines of `width` cells, the title after `margin`; long values go on below."""
    lines: list[Cell] = [(Span(margin + section.title, "title"),)]
    for label, cell in section.rows:
        words = Span(f"{margin} " + fit(label, LABEL_CELLS - 2, ellipsis=context.glyphs.cut) + " ", "muted")
        room = max(8, width - LABEL_CELLS - 2)
        if len(cell) == 1 and cell_width(cell[0].text) > room:
            first, *rest = wrap_words(cell[0].text, room)
            lines.append((words, Span(first, cell[0].role)))
            lines += [(Span(margin + " " * LABEL_CELLS), Span(more, cell[0].role)) for more in rest]
        else:
            lines.append((words, *cell))
    for sentence in section.sentences:
        first, *rest = wrap_words(sentence, max(8, width - 5))
        lines.append((Span(f"{margin} {context.glyphs.warn} ", "warn"), Span(first)))
        lines += [(Span(f"{margin}   {more}"),) for more in rest]
    return lines


def pane_lines(every: Sequence[Section], width: int, height: int, context: Context) -> tuple[list[Cell], list[Section]]:
    """The sections that fit whole into a pane, and those that have to stand elsewhere.

    Notes come first where not everything fits: they are what one must not miss.
    """
    blocks = [(section, section_lines(section, width, context)) for section in every]
    room = height
    kept: set[int] = set()
    for index, (_, block) in sorted(enumerate(blocks), key=lambda pair: pair[1][0].title != "Notes"):
        if len(block) <= room:
            kept.add(index)
            room -= len(block) + 1
    lines: list[Cell] = []
    for index, (_, block) in enumerate(blocks):
        if index in kept:
            lines += [*([()] if lines else []), *block]
    return lines, [section for index, (section, _) in enumerate(blocks) if index not in kept]


def brief_lines(about: About) -> list[Cell]:
    """The facts in three lines, for narrow terminals."""
    job, context = about.job, about.context
    words = in_words(job.place)
    name = words.removeprefix("in ")
    first: list[Cell] = [_pair("in " if name != words else "", name)]
    if about.look is not None and about.look.work is not None:
        first.append(_pair("on ", display_text(about.look.work.identity, 40)))
        if about.look.work.run_at is not None:
            first.append(_pair("for ", units.age(context.now - about.look.work.run_at)))
    if job.place.kind != "queue" and job.queue is not None:
        first.append(_pair("queue ", context.safe(job.queue)))
    if job.place.kind in _SCORES and about.score is not None:
        shown = units.time_at(about.score, context.now, context.time_mode, upcoming=job.place.kind != "dead")
        first.append((Span(_SCORES[job.place.kind] + " ", "muted"), Span(shown, "strong")))
    first += [_pair("tries ", words) for words in _tries(job)]
    second: list[Cell] = []
    for label, moment in (("created ", job.created_at), ("enqueued ", job.enqueued_at)):
        if moment is not None and not (label == "enqueued " and job.failed_at is not None):
            second.append(_pair(label, _short(moment, context)))
    if job.failed_at is not None:
        last = f" first, {_short(job.retried_at, context)} last" if job.retried_at is not None else ""
        second.append(_pair("failed ", _short(job.failed_at, context) + last))
    if job.tags:
        second.append(_pair("tags ", " ".join(context.safe(tag) for tag in job.tags)))
    heed = short_notes(job) or next(iter(_surroundings(about)), "")
    third: Cell = (Span(f" {context.glyphs.warn} ", "warn"), Span(heed)) if heed else _options(job, context)
    return [_joined(first, context), _joined(second, context), third]


def _joined(pairs: Sequence[Cell], context: Context) -> Cell:
    spans: list[Span] = [Span(" ")]
    for index, pair in enumerate(pairs):
        spans += [Span(f" {context.glyphs.apart} ", "muted")] * (index > 0) + list(pair)
    return tuple(spans)


def _pair(label: str, words: str) -> Cell:
    return (Span(label, "muted"), Span(words))


def _options(job: JobRecord, context: Context) -> Cell:
    rows = [] if job.malformed else [row for row in option_rows(job, context) if row[0] != "tags"]
    return _joined([_pair(label + " ", plain(cell)) for label, cell in rows[:3]], context) if rows else ()


def _where(about: About) -> Iterator[Row]:
    job, context = about.job, about.context
    look, kind = about.look, about.job.place.kind
    if kind in _SETS:
        yield "set", text(_SETS[kind])
    elif kind == "work":
        yield "set", text("none: it is running")
    label = about.snapshot.profile.label
    named: Cell = (Span(context.safe(about.snapshot.server), f"{label_role(label)} strong"),)
    yield "server", (*named, Span(f" {context.safe(label)}", label_role(label))) if label else named
    yield "queue", text(units.UNKNOWN if job.queue is None else context.safe(job.queue))
    if look is not None and look.work is not None:
        yield "process", text(display_text(look.work.identity, 80))
        yield "thread", text(display_text(look.work.tid, 40))
        if look.work.run_at is not None:
            yield "runs for", (Span(units.age(context.now - look.work.run_at), "strong"),)
    if kind in _SCORES and about.score is not None:
        yield _SCORES[kind], _moment(about.score, context, upcoming=kind != "dead")
    for words in _tries(job):
        yield "tries", text(words)
    klass = job.klass
    if klass is not None and klass != job.display_class:
        yield ("wrapper" if job.is_active_job else "class"), text(context.safe(klass))
    wrapped = job.item.get("wrapped")
    if isinstance(wrapped, str) and wrapped != job.display_class:
        yield "wrapped", text(context.safe(wrapped))
    if job.malformed:
        yield "size", text(units.size(len(job.raw)))


def _tries(job: JobRecord) -> Iterator[str]:
    """Which of its tries comes next, or how many there were."""
    if job.retry_count is None:
        return
    tries, limit = job.retry_count + 1, job.retry_limit
    if limit is None:
        yield units.count(tries)
    elif job.place.kind == "dead" and tries > limit:
        yield f"{units.count(limit)} of {units.count(limit)}, none left" if limit else "none asked for"
    else:
        yield f"{units.count(tries)} of {units.count(limit)}"


def _when(job: JobRecord, context: Context) -> Iterator[Row]:
    for field, moment, word in (
        ("created_at", job.created_at, ""),
        ("enqueued_at", job.enqueued_at, ""),
        ("failed_at", job.failed_at, "first" if job.retried_at is not None else ""),
        ("retried_at", job.retried_at, "last"),
    ):
        label = field.removesuffix("_at")
        if moment is not None:
            yield label, (*_moment(moment, context), Span(f" {word}" if word else "", "muted"))
        elif job.item.get(field) is not None:
            yield label, (Span(json_text([job.item[field]], 60)), Span(" no time", "warn"))


def _moment(moment: float, context: Context, *, upcoming: bool = False) -> Cell:
    """A time as the person wants it, and the other way of saying it muted beside it."""
    now, mode = context.now, context.time_mode
    shown = units.time_at(moment, now, mode, upcoming=upcoming)
    beside = units.clock(moment, now) if mode == "relative" else units.time_at(moment, now, upcoming=upcoming)
    role = "strong" if upcoming else "text"
    # A fixed slot, so that the second ones stand below each other.
    return (Span(fit(shown, 10) if cell_width(shown) < 10 else shown, role), Span(f"  {beside}", "muted"))


def _short(moment: float | None, context: Context) -> str:
    return units.time_cell(moment, context.now, context.time_mode)


def _iteration(about: About) -> Iterator[Row]:
    state = about.look.iteration if about.look is not None else None
    if state is None:
        return
    context = about.context
    yield "executed", text(_executed(state.executions))
    yield "runtime", (Span(units.duration(state.runtime)), Span("  of finished runs", "muted"))
    yield "cursor", text(units.UNKNOWN if state.cursor_text is None else display_text(state.cursor_text, 200))
    if state.cancelled is not None:
        yield "cancelled", _moment(state.cancelled, context)


def _executed(times: int | None) -> str:
    return {None: "not yet", 0: "not yet", 1: "once"}.get(times, f"{units.count(times)} times")


def _surroundings(about: About) -> tuple[str, ...]:
    """What is so around the job that keeps it from running."""
    job, overview = about.job, about.snapshot.overview
    found: list[str] = []
    if job.place.kind == "queue" and overview is not None:
        queue = next((one for one in overview.queues if one.name == job.place.queue), None)
        if queue is not None and queue.paused:
            found.append("Its queue is paused.")
        known = queue is not None and queue.processes is not None
        if queue is not None and known and queue.name not in fetching_processes(overview.processes):
            found.append("Nobody serves its queue.")
    if about.look is not None and about.look.iteration is not None and about.look.iteration.cancelled is not None:
        found.append("It was asked to stop: it completes at its next look.")
    return tuple(found)
