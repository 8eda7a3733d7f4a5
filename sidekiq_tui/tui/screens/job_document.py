"""The document of a job: arguments, error and backtrace to read together; the raw bytes; and its history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.backtrace import backtrace_lines, own_count
from sidekiq_tui.presentation.columns.base import Cell, Context, Span
from sidekiq_tui.presentation.job_options import context_fields, other_fields
from sidekiq_tui.presentation.json_view import DocLine, Folds, JsonLines, Path, Repeated, exact
from sidekiq_tui.presentation.text import display_text, wrap_cells, wrap_words
from sidekiq_tui.presentation.values import raw_lines, shown_args
from sidekiq_tui.sidekiq.job import JobRecord
from sidekiq_tui.tui.sightings import Sighting

RAW_BYTES: Final = 100_000
"""Bytes of the payload that stand there at first, and how many more at each request."""
_MESSAGE_LINES: Final = 200
_MESSAGE_LIMIT: Final = 20_000
_RAW: Final[Path] = ("raw",)


class JobDocument:
    """Lays one job out. Decodes once; what is drawn again after a key is what is open, for a width in cells."""

    def __init__(self, job: JobRecord) -> None:
        self.job: Final = job
        self.folds: Final = Folds()
        self.wrapper = False
        self._exact: Mapping[str, object] | None = None
        self._made: dict[object, list[DocLine]] = {}

    def toggle(self, line: DocLine) -> None:
        """Enter on a line."""
        self.folds.toggle(line)
        self._made.clear()

    def toggle_wrapper(self) -> None:
        """From the job to what wraps it, and back."""
        self.wrapper = not self.wrapper
        self._made.clear()

    @property
    def item(self) -> Mapping[str, object]:
        """The fields, with numbers as they are written."""
        if self._exact is None:
            try:
                decoded = exact(self.job.raw)
            except ValueError:
                decoded = None
            self._exact = decoded if isinstance(decoded, dict) else self.job.item
        return self._exact

    # The job

    def job_lines(self, width: int, context: Context, more: Sequence[Cell] = ()) -> list[DocLine]:
        """Arguments, error, backtrace, context, other fields; then `more`, which has no room elsewhere."""
        if self.job.malformed:
            words = "This payload is no JSON object, so Sidekiq can't run it."
            lines = [DocLine((Span(f" {context.glyphs.bad} ", "bad"), Span(words, "strong")))]
            lines.append(_words(" Raw has the exact bytes; nothing here changes or drops them.", "muted"))
        else:
            lines = [*self._kept("args", width, context), *self._error_heading(context)]
            lines += self._kept("rest", width, context)
        return [*lines, *([DocLine()] if more else []), *map(DocLine, more)]

    def _kept(self, part: str, width: int, context: Context) -> list[DocLine]:
        """The lines of a part that do not change by themselves."""
        key = (part, width, context.ascii)
        if key not in self._made:
            makers = {"args": self._arguments, "rest": self._rest, "raw": self._raw}
            self._made[key] = list(makers[part](width, context))
        return self._made[key]

    def _arguments(self, width: int, context: Context) -> Iterator[DocLine]:
        json = JsonLines(width, self.folds, context.glyphs)
        args = self.item.get("args") if self.wrapper else shown_args(self.item)
        title = "Wrapper's arguments" if self.wrapper else "Arguments"
        if isinstance(args, list):
            yield heading(title, units.count(len(args)))
            yield from json.listed(args, ("wrapper" if self.wrapper else "args",))
        else:
            yield heading(title, "no list, so Sidekiq can't run it" if "args" in self.item else "none there")
            if "args" in self.item:
                yield from json.single(args, ("args",))
        repeated = self.item.pairs if isinstance(self.item, Repeated) else ()
        names = [name for name, _ in repeated]
        for name in dict.fromkeys(name for name in names if names.count(name) > 1):
            words = f" {display_text(name, 60)} stands there {names.count(name)} times: the last one counts"
            yield DocLine((Span(f" {context.glyphs.warn}", "warn"), Span(words)))

    def _error_heading(self, context: Context) -> Iterator[DocLine]:
        job = self.job
        if job.error_class is None and job.error_message is None:
            return
        last = job.retried_at if job.retried_at is not None else job.failed_at
        words = [] if last is None else [units.time_at(last, context.now, context.time_mode)]
        if job.retry_count is not None and job.retry_count >= 0:
            runs = job.retry_count + 1
            words.append("the first run" if runs == 1 else f"run {units.count(runs)}")
        yield DocLine()
        yield heading("Error", ", ".join(words))

    def _rest(self, width: int, context: Context) -> Iterator[DocLine]:
        job = self.job
        if job.error_class is not None:
            for piece in wrap_cells(display_text(job.error_class, 1000), max(8, width - 2)):
                yield DocLine((Span(" "), Span(piece, "bad strong")))
        yield from _message(job, width, context)
        trace = job.error_backtrace
        if trace is not None:
            yield DocLine()
            own = own_count(trace)
            of = f"{units.count(own)} of the app" if own else "none of the app"
            yield heading("Backtrace", f"{units.count(len(trace))} line{'' if len(trace) == 1 else 's'}, {of}")
            yield from backtrace_lines(trace, width, self.folds, ("backtrace",), context.glyphs)
        elif job.backtrace_undecodable:
            yield DocLine()
            yield heading("Backtrace", "can't be decoded: damaged, too big, or Ruby's own format; Raw has it as it is")
        json = JsonLines(width, self.folds, context.glyphs)
        for title, fields in (("Context", context_fields(self.item)), ("Other fields", other_fields(self.item))):
            if fields:
                yield DocLine()
                yield heading(title, units.count(len(fields)))
                yield from json.named(fields, (title,))

    # The bytes

    def raw_lines(self, width: int, context: Context) -> list[DocLine]:
        """The exact bytes, escaped."""
        return self._kept("raw", width, context)

    def _raw(self, width: int, context: Context) -> Iterator[DocLine]:
        raw = self.job.raw
        yield heading("Raw", f"{len(raw):,} byte{'' if len(raw) == 1 else 's'}, as they lie in Redis")
        shown = RAW_BYTES * (1 + self.folds.more.get(_RAW, 0))
        for line in raw_lines(raw[:shown], max(8, width - 1), shown):
            yield DocLine((Span(" "), Span(line)))
        if len(raw) > shown:
            words = f" {context.glyphs.cut} {len(raw) - shown:,} bytes more  "
            yield DocLine((Span(words, "muted"), Span(context.glyphs.folded, "accent")), _RAW, asks_more=True)


def history_lines(job: JobRecord, seen: Sequence[Sighting], context: Context, width: int) -> list[DocLine]:
    """What the payload tells of the past, and what this session saw."""
    lines = [heading("What the payload says", "")]
    told = list(_told(job, context))
    lines += told or [_words("  nothing about times", "muted")]
    lines += [DocLine(), heading("What sqtui saw", "since it was started")]
    for sighting in seen:
        at = units.clock(sighting.first, context.now, utc=context.time_mode == "utc")
        until = units.clock(sighting.last, context.now, utc=context.time_mode == "utc")
        when = at if at == until else f"{at} to {until}"
        looks = f"  {units.count(sighting.looks)} looks" if sighting.looks > 1 else ""
        lines.append(DocLine((Span(f"  {when:<21}", "muted"), Span(sighting.place), Span(looks, "muted"))))
    closing = (
        "Redis keeps no history of a job: what happened before it was opened here, or while it was not, is not known."
    )
    lines += [DocLine(), *(_words(f"  {piece}", "muted") for piece in wrap_words(closing, max(8, width - 2)))]
    return lines


def _told(job: JobRecord, context: Context) -> Iterator[DocLine]:
    first = "failed" if job.retried_at is None else "failed for the first time"
    events = [
        (job.created_at, "created"),
        (job.enqueued_at, "last pushed to a queue"),
        (job.failed_at, first),
        (job.retried_at, "failed last"),
        (job.score if job.place.kind == "dead" else None, "died"),
    ]
    events = sorted((event for event in events if event[0] is not None), key=lambda event: event[0] or 0.0)
    upcoming = {"retry": "next run", "schedule": "runs"}.get(job.place.kind)
    if upcoming is not None:
        events.append((job.score, upcoming))
    for moment, words in events:
        shown = units.clock(moment, context.now, utc=context.time_mode == "utc")
        beside = units.time_at(moment, context.now, upcoming=words == upcoming)
        yield DocLine((Span(f"  {shown:<13}", "muted"), Span(f"{beside:<13}", "muted"), Span(words)))


def heading(title: str, words: str) -> DocLine:
    """A part's heading, and what there is to say about the whole of it."""
    return DocLine((Span(title, "title"), Span(f"  {words}" if words else "", "muted")))


def _words(words: str, role: str = "text") -> DocLine:
    return DocLine((Span(words, role),))


def _message(job: JobRecord, width: int, context: Context) -> Iterator[DocLine]:
    """The error's message with its own line breaks, each line safe by itself and wrapped."""
    if job.error_message is None:
        return
    message = job.error_message[:_MESSAGE_LIMIT]
    made = 0
    for line in message.replace("\r\n", "\n").split("\n"):
        for piece in wrap_words(display_text(line, None), max(8, width - 2)):
            if made == _MESSAGE_LINES:
                break
            made += 1
            yield DocLine((Span(" "), Span(piece)))
    if made == _MESSAGE_LINES or len(job.error_message) > _MESSAGE_LIMIT:
        yield DocLine((Span(f" {context.glyphs.cut} Raw has all of it", "muted"),))
