"""Backtraces to read: the application's own frames stand out, runs of other people's frames fold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from sidekiq_tui.presentation.columns.base import Cell, Span
from sidekiq_tui.presentation.glyphs import UNICODE, GlyphSet
from sidekiq_tui.presentation.json_view import DocLine, Folds, Path
from sidekiq_tui.presentation.text import display_text, wrap_cells
from sidekiq_tui.sidekiq.backtrace import own_frame

FOLDED_RUN: Final = 6
"""From so many frames of others in a row on they fold."""
MOST_FRAMES: Final = 1000
"""Lines that stand there at first, and how many more at each request."""
_LINE_LIMIT: Final = 1000
_GEMS_NAMED: Final = 3
_MARGIN: Final = 3

# `PATH:LINE:in 'METHOD'`; before Ruby 3.4 with a backtick first.
_FRAME: Final = re.compile(r"(?P<place>.{1,900}?:\d+)(?::in (?P<method>.*))?\Z", re.DOTALL)
# What stands before a gem's name, or before Ruby's own library, says only where they are installed.
_GEM: Final = re.compile(r".*/gems/(?=[^/]+/)", re.DOTALL)
_RUBY: Final = re.compile(r".*/lib/ruby/(?=\d)", re.DOTALL)
_CLEANED_GEM: Final = re.compile(r"(?P<gem>[a-z0-9_-]+) \((?P<version>[0-9][^)]*)\) ")


class Frame(NamedTuple):
    """One line: where, in which method (None: not said), whether the application's own, and how often in a row."""

    place: str
    method: str | None
    own: bool
    times: int = 1


def frames(lines: Sequence[str]) -> list[Frame]:
    """The frames of a backtrace; equal lines that follow each other are one frame."""
    found = []
    for line, same in groupby(lines):
        match = _FRAME.match(line[:_LINE_LIMIT])
        place, method = (match["place"], match["method"]) if match else (line[:_LINE_LIMIT], None)
        found.append(Frame(place, method, own_frame(line), sum(1 for _ in same)))
    return found


def short_place(place: str) -> str:
    """A path without where gems are installed: `gems/faraday-2.9.0/lib/faraday.rb:1`, `ruby/3.3.0/net/http.rb:9`."""
    shortened = _GEM.sub("gems/", place)
    return shortened if shortened != place else _RUBY.sub("ruby/", place)


def owner(place: str) -> str:
    """Whose code a frame is: `faraday-2.9.0`, `ruby`; the path's first part where neither is said."""
    cleaned = _CLEANED_GEM.match(place)
    if cleaned is not None:
        return f"{cleaned['gem']}-{cleaned['version']}"
    short = short_place(place)
    if short.startswith("gems/"):
        return short.split("/", 2)[1]
    return "ruby" if short.startswith(("ruby/", "<internal:")) else short.strip("/").split("/", 1)[0]


def own_count(lines: Sequence[str]) -> int:
    """How many lines are the application's own."""
    return sum(frame.times for frame in frames(lines) if frame.own)


def backtrace_lines(
    lines: Sequence[str], width: int, folds: Folds, path: Path, glyphs: GlyphSet = UNICODE
) -> Iterator[DocLine]:
    """The lines of a document of `width` cells; where no frame is the application's own nothing folds."""
    shown = MOST_FRAMES * (1 + folds.more.get(path, 0))
    every = frames(lines[:shown])
    some_own = any(frame.own for frame in every)
    start = 0
    for own, group in groupby(every, key=lambda frame: frame.own):
        run = list(group)
        here = (*path, start)
        start += len(run)
        if own or not some_own or len(run) < FOLDED_RUN:
            yield from _frames(run, width, glyphs)
            continue
        is_open = folds.opened.get(here, False)
        sign = glyphs.open if is_open else glyphs.folded
        yield DocLine((Span("   "), Span(_run_words(run) + "  ", "muted"), Span(sign, "accent")), here, is_open)
        if is_open:
            yield from _frames(run, width, glyphs)
    if len(lines) > shown:
        words = f"   {glyphs.cut} {len(lines) - shown:,} lines more  "
        yield DocLine((Span(words, "muted"), Span(glyphs.folded, "accent")), path, asks_more=True)


def _run_words(run: Sequence[Frame]) -> str:
    owners = list(dict.fromkeys(owner(frame.place) for frame in run))
    named = ", ".join(display_text(name, 40) for name in owners[:_GEMS_NAMED])
    others = f" and {len(owners) - _GEMS_NAMED} more" if len(owners) > _GEMS_NAMED else ""
    return f"{sum(frame.times for frame in run)} frames of {named}{others}"


def _frames(run: Sequence[Frame], width: int, glyphs: GlyphSet) -> Iterator[DocLine]:
    for frame in run:
        place = display_text(frame.place if frame.own else short_place(frame.place), None)
        method = "" if frame.method is None else f" in {display_text(frame.method, 300)}"
        times = f"  {glyphs.times}{frame.times}" if frame.times > 1 else ""
        yield from _wrapped(frame.own, place, method, times, width, glyphs)


def _wrapped(own: bool, place: str, method: str, times: str, width: int, glyphs: GlyphSet) -> Iterator[DocLine]:
    """A frame over as many lines as it needs: a path cut at its end would hide the line number."""
    bar: Cell = (Span(" "), Span(glyphs.split, "accent"), Span(" ")) if own else (Span(" " * _MARGIN),)
    under: Cell = (*bar, Span("  "))
    text = place + method + times
    pieces = wrap_cells(text, max(8, width - _MARGIN), max(8, width - _MARGIN - 2))
    roles = ("strong", "text") if own else ("muted", "muted")
    left = len(place)
    for number, piece in enumerate(pieces):
        head, tail = piece[: max(0, left)], piece[max(0, left) :]
        left -= len(piece)
        spans = [Span(head, roles[0])] * bool(head) + [Span(tail, roles[1])] * bool(tail)
        yield DocLine((*(under if number else bar), *spans))
