"""What was looked for of Sidekiq Pro, Enterprise and common gems, and what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Column, Context, Span
from sidekiq_tui.presentation.text import display_text

if TYPE_CHECKING:
    from sidekiq_tui.sidekiq.extras import Extras

Seen = Literal["yes", "no", "unknown"]
Key = Literal[
    "leader", "periodic", "unique", "limiters", "encryption", "batches", "super_fetch", "paused", "expiry",
    "cron", "scheduler", "unique-jobs", "throttled", "status", "failures",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing that was looked for."""

    key: Key
    what: str
    edition: str
    """Enterprise, Pro, or the name of the gem that leaves it."""
    seen: Seen
    found: str
    """In words: what there is, or why nobody knows. Safe text."""


def sign_rows(extras: Extras) -> tuple[Sign, ...]:
    """Everything that was looked for: Enterprise's, Pro's, then the gems'."""
    return (*_enterprise(extras), *_pro(extras), *_gems(extras))


def _enterprise(extras: Extras) -> tuple[Sign, ...]:
    leader = display_text(extras.leader) if extras.leader else ""
    unique, limiters = extras.names.get("unique lock", 0), extras.names.get("limiter", 0)
    locks = _both(_jobs(extras, "unique_for", "ask for a lock"), _named(extras, unique, "lock"))
    limited = _both(_jobs(extras, "overrated", "were put off"), _named(extras, limiters, "limiter key"))
    secret = _jobs(extras, "encrypt", "are encrypted")
    return (
        _sign(extras, "leader", "leader", "Enterprise", leader, "leader"),
        Sign("periodic", "periodic jobs", "Enterprise", "unknown", "nobody outside knows where they are kept"),
        _sign(extras, "unique", "unique jobs", "Enterprise", locks),
        _sign(extras, "limiters", "rate limiters", "Enterprise", limited),
        _sign(extras, "encryption", "encryption", "Enterprise", secret),
    )


def _pro(extras: Extras) -> tuple[Sign, ...]:
    batches = ""
    if extras.batch_count:
        died = f", {units.count(extras.died_count)} with dead jobs" if extras.died_count else ""
        batches = f"{_count(extras.batch_count, 'batch', 'es')}{died}"
    else:
        batches = _both(
            _jobs(extras, "bid", "belong to one"), _named(extras, extras.names.get("batch", 0), "batch key")
        )
    processes = ""
    if extras.super_count:
        held = sum(one.held or 0 for one in extras.super_processes)
        processes = f"{_count(extras.super_count, 'process', 'es')}, {_count(held, 'job')} in private lists"
    elif extras.names.get("private list"):
        processes = _named(extras, extras.names["private list"], "private list")
    names = display_text(", ".join(extras.paused))
    return (
        _sign(extras, "batches", "batches", "Pro", batches, "batch count", "batches"),
        _sign(extras, "super_fetch", "super_fetch", "Pro", processes, "super count", "super_processes"),
        _sign(extras, "paused", "paused queues", "Pro", names, "paused"),
        _sign(extras, "expiry", "expiring jobs", "Pro", _jobs(extras, "expires_in", "expire")),
    )


def _gems(extras: Extras) -> tuple[Sign, ...]:
    cron = _count(extras.cron_count, "job") if extras.cron_count else ""
    planned = _count(extras.schedule_count, "job") if extras.schedule_count else ""
    locks = _count(extras.unique_digests, "lock") if extras.unique_digests else ""
    kept = _count(extras.failures, "failed job") if extras.failures else ""
    throttles, states = extras.names.get("throttle", 0), extras.names.get("status", 0)
    return (
        _sign(extras, "cron", "cron jobs", "sidekiq-cron", cron, "cron count", "cron"),
        _sign(extras, "scheduler", "scheduled jobs", "sidekiq-scheduler", planned, "schedule count", "schedules"),
        _sign(extras, "unique-jobs", "unique locks", "sidekiq-unique-jobs", locks, "digests"),
        _sign(extras, "throttled", "throttles", "sidekiq-throttled", _named(extras, throttles, "key")),
        _sign(extras, "status", "job states", "sidekiq-status", _named(extras, states, "state")),
        _sign(extras, "failures", "kept failures", "sidekiq-failures", kept, "failures"),
    )


def _sign(extras: Extras, key: Key, what: str, edition: str, found: str, *asked: str) -> Sign:
    """Seen if there are words; else not, or unknown where one of the reads `asked` was refused."""
    if found:
        return Sign(key, what, edition, "yes", found)
    refused = next((extras.denied[name] for name in asked if name in extras.denied), None)
    if refused is not None:
        return Sign(key, what, edition, "unknown", display_text(refused))
    return Sign(key, what, edition, "no", "none seen")


def _count(number: int | None, word: str, plural: str = "s") -> str:
    return f"{units.count(number)} {word}{'' if number == 1 else plural}"


def _jobs(extras: Extras, field: str, verb: str) -> str:
    number = extras.job_fields.get(field, 0)
    return f"{number} of {extras.jobs_read} jobs looked at {verb}" if number else ""


def _named(extras: Extras, number: int, word: str) -> str:
    return f"{_count(number, word)} among {_count(extras.names_read, 'key')} looked at" if number else ""


def _both(*words: str) -> str:
    return ", ".join(word for word in words if word)


def headline(extras: Extras, server: str, *, narrow: bool = False) -> Cell:
    """Which edition this looks like, and how sure that is. `server` must be safe."""
    edition = extras.edition
    if edition is None:
        return (Span(f"No signs of Sidekiq Pro or Enterprise on {server}.", "strong"),)
    name, confidence = edition
    includes = ", which includes Pro" if name == "Enterprise" and not narrow else ""
    return (
        Span("Signs of ", "muted"),
        Span(f"Sidekiq {name}", "strong"),
        Span(f"  {confidence}{includes}", "muted"),
    )


# The list


def _what(row: Sign, context: Context, width: int | None) -> Cell:
    glyphs = context.glyphs
    mark = {"yes": (glyphs.ok, "ok"), "no": (glyphs.apart, "muted"), "unknown": ("?", "muted")}[row.seen]
    return (Span(f"{mark[0]} ", mark[1]), Span(row.what, "strong" if row.seen == "yes" else "muted"))


def _edition(row: Sign, context: Context, width: int | None) -> Cell:
    return (Span(row.edition, "text" if row.seen == "yes" else "muted"),)


def _found(row: Sign, context: Context, width: int | None) -> Cell:
    return (Span(row.found, "text" if row.seen == "yes" else "muted"),)


SIGNS: Final[Sequence[Column[Sign]]] = (
    Column("what", "looked for", 18, 20, _what),
    Column("edition", "of", 10, 20, _edition, weight=1),
    Column("found", "found", 20, None, _found, weight=6),
)
