"""What a search says around its rows: title, progress place by place, why there is nothing, and how to ask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Context, Span
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.servers.fleet_search import ServerProgress
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.sidekiq.search import Slice
from sidekiq_tui.tui.screens.job_words import Found

_WORDS: Final = {"work": "running", "retry": "retries", "schedule": "scheduled", "dead": "dead"}
_TERM_CELLS: Final = 22
_LANGUAGE: Final = (  # lines that fit in 60 columns
    ("timeout", "anywhere in the job"),
    ("class:Invoice", "its class; := exactly, A,B either"),
    ("queue: jid: error:", "other fields; tag: and arg: too"),
    ("age>2h  retry>3", "older, retried more often"),
    ("at>=2026-11-21", "next try, time to run, or death"),
    ("-class:Foo", "not these"),
    ('"two words"', "with blanks"),
)
_RECENT: Final = 5


def place_words(place: Place) -> str:
    """Where a job is, as a sentence says it."""
    return display_text(place.queue or "a queue") if place.kind == "queue" else _WORDS[place.kind]


def entries_of(snapshot: ServerSnapshot, places: Sequence[Place] | None = None) -> int | None:
    """How many jobs there are to read, as of the last poll: in some places, or all; None if that is not known."""
    overview = snapshot.overview
    if overview is None:
        return None
    queues = {queue.name: queue.size for queue in overview.queues}
    known = {"work": overview.busy, "retry": overview.retries, "schedule": overview.scheduled, "dead": overview.dead}
    if places is None:
        places = [
            *(Place(kind) for kind in ("work", "retry", "schedule", "dead")),
            *(Place("queue", n) for n in queues),
        ]
    sizes = [queues.get(place.queue or "") if place.kind == "queue" else known[place.kind] for place in places]
    return sum(size or 0 for size in sizes)


def result_spans(found: Found, entries: int | None, missed: Sequence[Place], *, narrow: bool) -> list[Span]:
    """How much was found, and in how much of what there is."""
    spans = [Span(f"  {units.count(found.matches)} found", "strong")]
    if found.complete:
        return [*spans, Span("" if narrow else f", all {units.count(found.read)} read", "muted")]
    of = max(entries or 0, found.total, found.read)
    if missed:
        names = ", ".join(place_words(place) for place in missed[:2])
        more = f" and {len(missed) - 2} more" if len(missed) > 2 else ""
        return [*spans, Span(", but not in ", "warn"), Span(f"{names}{more}: may not be read", "warn")]
    scanned = units.share(found.read / of) if of else "nothing"
    words = f", {scanned} scanned"
    words += ", stopped: more are not kept" if found.full else ", stopped" if found.stopped else ""
    return [*spans, Span(words, "muted")]


def progress_spans(progress: Iterable[Slice], context: Context) -> list[Span]:
    """Where a search is: the place it reads now, and what it has read before."""
    slices = list(progress)
    if not slices:
        return [Span("looking for what there is to read …", "muted")]
    now = slices[-1]
    spans = [Span("reading ", "muted"), Span(place_words(now.place), "strong")]
    spans.append(Span(f"  {units.count(now.read)} of {units.count(now.total)}", "text"))
    done = [one for one in slices[:-1] if one.read]
    if done:
        listed = f" {context.glyphs.apart} ".join(
            f"{place_words(one.place)} {units.count(one.read)}" for one in done[-4:]
        )
        spans.append(Span(f"  read {listed}", "muted"))
    return [*spans, Span("  ctrl+x", "key"), Span(" stops", "muted")]


def nothing_found(found: Found, missed: Sequence[Place], *, again: str, leaves: str) -> list[Cell]:
    """Why there are no rows after a search. `again` is the key that repeats it; `leaves` what esc does."""
    read = f"{units.count(found.read)} read" if found.complete else f"so far, {units.count(found.read)} read"
    line = [
        Span("Nothing matches ", "strong"),
        Span(display_text(found.filter), "accent"),
        Span(f"  {read}.  ", "muted"),
    ]
    if not found.complete and not missed:
        line += [Span(again, "key"), Span(" searches again, ", "muted")]
    return [(*line, Span("esc", "key"), Span(f" {leaves}", "muted"))]


def servers_progress_spans(progress: Mapping[str, ServerProgress], context: Context) -> list[Span]:
    """How far the search of each server is: those that still read first."""
    spans: list[Span] = []
    for name, one in sorted(progress.items(), key=lambda item: item[1].state != "reading"):
        if one.state == "left out":
            continue
        shown = display_text(name, 16)
        if one.state == "reading":
            words = units.share(one.read / one.total) if one.total else "0%"
            spans += [Span(f"{shown} ", "strong"), Span(words, "text")]
        elif one.state == "failed":
            spans.append(Span(f"{context.glyphs.bad} {shown}", "warn"))
        else:
            spans.append(Span(f"{shown} {units.count(one.found)} found", "muted"))
        spans.append(Span("  "))
    return [Span("ctrl+x", "key"), Span(" stops  ", "muted"), *spans]


def where_words(servers: Sequence[str]) -> str:
    """A server by its name, several by their number."""
    return display_text(servers[0]) if len(servers) == 1 else f"{len(servers):,} servers"


def scope_spans(where: str, entries: int | None, *, narrow: bool) -> list[Span]:
    """What a search would go through; `where` must be safe."""
    size = "" if entries is None else f"{units.count(entries)} "
    all_of_it = "" if narrow else ", running, in sets and queues"
    return [Span(f"  {size}jobs on {where}{all_of_it}", "muted")]


def how_to_search(recent: Sequence[str]) -> list[Cell]:
    """What one can look for, and what one has looked for before."""
    lines: list[Cell] = [
        (),
        (Span("/", "key"), Span(" asks. A JID alone is looked up everywhere.", "muted")),
        (),
        *((Span("  "), Span(term.ljust(_TERM_CELLS), "accent"), Span(meaning, "muted")) for term, meaning in _LANGUAGE),
    ]
    if recent:
        lines += [(), (Span("/ ↑", "key"), Span(" brings back", "muted"))]
        lines += [(Span("  "), Span(display_text(text, 200), "accent")) for text in recent[:_RECENT]]
    return lines
