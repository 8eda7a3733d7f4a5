"""What stands under the board of servers: why the selected one is in its state, and what it runs."""

from __future__ import annotations

from collections import Counter
from typing import Final

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Span, label_role
from sidekiq_tui.presentation.columns.queues import fetching_processes
from sidekiq_tui.presentation.glyphs import GlyphSet
from sidekiq_tui.presentation.text import cell_width, display_text, fit, wrap_words
from sidekiq_tui.servers.health import Reason
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.overview import Overview, QueueSummary
from sidekiq_tui.tui.widgets.header_strip import state_mark

SUBJECT_CELLS: Final = 9
LEAST_WORDS: Final = 16
QUEUES_SHOWN: Final = 8
_STATE_ROLES: Final = {"ok": "text", "connecting": "muted", "offline": "warn strong", "bad": "bad strong"}


def headline(snapshot: ServerSnapshot, now: float, glyphs: GlyphSet) -> Cell:
    """Which server is in what state, and for how long."""
    mark = state_mark(snapshot.health.state, glyphs)
    role = _STATE_ROLES.get(snapshot.health.state, "warn strong")
    return (
        Span(display_text(snapshot.server), f"{label_role(snapshot.profile.label)} strong"),
        Span(" is ", "muted"),
        mark,
        Span(f" {snapshot.health.state}", role),
        Span(f" for {units.age(now - snapshot.state_since)}", "muted"),
        Span(f"   {display_text(snapshot.profile.address)}", "muted"),
    )


def reason_lines(snapshot: ServerSnapshot, glyphs: GlyphSet, width: int | None = None) -> list[Cell]:
    """The reasons, worst first: in lines of `width` cells, or one line each."""
    reasons = snapshot.health.reasons
    subjects = max([SUBJECT_CELLS, *(cell_width(display_text(reason.subject)) for reason in reasons)])
    return [line for reason in reasons for line in _reason(reason, min(subjects, 2 * SUBJECT_CELLS), glyphs, width)]


def _reason(reason: Reason, subjects: int, glyphs: GlyphSet, width: int | None) -> list[Cell]:
    glyph, role = (glyphs.bad, "bad") if reason.severity == "bad" else (glyphs.warn, "warn")
    subject = fit(display_text(reason.subject), subjects, ellipsis=glyphs.cut)
    return _wrapped((Span(f"{glyph} ", role), Span(f"{subject}  ", "strong")), display_text(reason.text), width)


def _wrapped(head: Cell, words: str, width: int | None) -> list[Cell]:
    """Words after a head, in lines of `width` cells that begin where the words do; None: one line, however long."""
    if width is None:
        return [(*head, Span(words))]
    indent = sum(cell_width(text) for text, _ in head)
    first, *rest = wrap_words(words, max(LEAST_WORDS, width - indent))
    return [(*head, Span(first)), *((Span(" " * indent), Span(line)) for line in rest)]


def error_lines(snapshot: ServerSnapshot, now: float) -> list[Cell]:
    """Why a server does not answer, and what to do about it."""
    error = snapshot.error
    if error is None:
        return []
    lines: list[Cell] = [(Span(display_text(error.message)),)]
    if error.hint:
        lines.append((Span(display_text(error.hint), "muted"),))
    if snapshot.next_try_at is not None and snapshot.attempt:
        wait = snapshot.next_try_at - now
        when = f"next in {units.age(wait)}" if wait >= 1 else "next now"
        lines.append((Span(f"try {snapshot.attempt}, {when}", "muted"), Span("   "), *_key("ctrl+r", "try now")))
    return lines


def _key(key: str, verb: str) -> Cell:
    return (Span(key, "key"), Span(f" {verb}", "muted"))


def fact_lines(overview: Overview, glyphs: GlyphSet, width: int | None = None) -> list[Cell]:
    """Versions of Sidekiq and Redis, memory, and signs of an edition, in lines of `width` cells, or one line each."""
    versions = Counter(process.version for process in overview.processes if process.version)
    lines: list[Cell] = []
    if versions:
        shown = f" {glyphs.apart} ".join(
            f"{display_text(version)} {glyphs.times}{count}"
            for version, count in sorted(versions.items(), reverse=True)
        )
        mixed = (Span("   mixed versions", "warn"),) if len(versions) > 1 else ()
        lines.append((Span("sidekiq  ", "muted"), Span(shown), *mixed))
    if overview.edition_signs:
        lines += _wrapped((Span("edition  ", "muted"),), display_text(", ".join(overview.edition_signs)), width)
    redis = overview.redis
    facts = [
        display_text(redis.version or ""),
        f"{units.count(redis.clients)} client{'' if redis.clients == 1 else 's'}" if redis.clients is not None else "",
        f"up {units.age(redis.uptime)}" if redis.uptime is not None else "",
        "replica" if redis.role == "slave" else "",
    ]
    if any(facts):
        name = fit(display_text(redis.server or "redis"), 9)
        lines.append((Span(name, "muted"), Span(f" {glyphs.apart} ".join(fact for fact in facts if fact))))
    if redis.used_memory is not None:
        limit = f"of {units.size(redis.maxmemory)}" if redis.maxmemory else "no limit"
        policy = display_text(redis.maxmemory_policy or "")
        peak = f" {glyphs.apart} peak {units.size(redis.used_memory_peak)}" if redis.used_memory_peak else ""
        lines.append(
            (
                Span("memory   ", "muted"),
                Span(units.size(redis.used_memory)),
                Span(f" {limit}" + (f" {glyphs.apart} {policy}" if policy else "") + peak, "muted"),
            )
        )
    return lines


def queue_lines(overview: Overview, count: int, name_cells: int = 16) -> list[Cell]:
    """The queues that keep jobs waiting longest, with size, latency and who serves them."""
    queues = sorted(overview.queues, key=lambda queue: (-(queue.latency or 0.0), -(queue.size or 0), queue.name))
    if not queues or count < 2:
        return []
    lines: list[Cell] = [(Span("queues", "muted"), Span("   by latency", "muted"))]
    fetching = fetching_processes(overview.processes)
    return lines + [_queue(queue, fetching.get(queue.name, 0), name_cells) for queue in queues[: count - 1]]


def _queue(queue: QueueSummary, fetching: int, name_cells: int) -> Cell:
    nobody = fetching == 0 and queue.processes is not None
    served = "served by nobody" if nobody else f"served by {units.UNKNOWN if queue.processes is None else fetching}"
    return (
        Span(f"  {fit(display_text(queue.name), name_cells)}"),
        Span(f"{units.count(queue.size):>7}", "text" if queue.size else "muted"),
        Span(f"{units.duration(queue.latency):>8}", "text" if queue.latency else "muted"),
        Span(f"   {served}", "bad" if nobody and queue.size else "muted"),
    )


def detail_lines(snapshot: ServerSnapshot, now: float, width: int, height: int, glyphs: GlyphSet) -> list[Cell]:
    """Everything worth knowing in `height` lines: state, reasons, then facts and queues while there is room.

    Reasons are told in full where they all fit, and cut where they do not.
    """
    why = error_lines(snapshot, now) or reason_lines(snapshot, glyphs, width)
    if 1 + len(why) > height:
        why = error_lines(snapshot, now) or reason_lines(snapshot, glyphs)
    lines: list[Cell] = [headline(snapshot, now, glyphs)]
    overview = snapshot.overview
    facts = [] if overview is None else fact_lines(overview, glyphs, width)
    if overview is not None and height < 1 + len(why) + len(facts) + 2:
        facts = fact_lines(overview, glyphs)
    roomy = height >= 1 + len(why) + len(facts) + 2
    if why:
        lines += [(), *why] if roomy and height >= len(why) + 2 else why
    if facts and height >= len(lines) + 2:
        lines += [(), *facts]
    if overview is not None and roomy:
        room = min(QUEUES_SHOWN + 1, height - len(lines) - 1)
        queues = queue_lines(overview, room)
        lines += [(), *queues] if queues else []
    return lines[:height]


def worst_reason(snapshot: ServerSnapshot, glyphs: GlyphSet) -> Cell:
    """The first reason in one line, for terminals without room for more."""
    lines = reason_lines(snapshot, glyphs)
    return lines[0] if lines else ()
