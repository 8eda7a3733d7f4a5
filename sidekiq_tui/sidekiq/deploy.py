"""Deploy marks: when which version of an application went live (protocol 8, deploy.rb)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from sidekiq_tui.sidekiq.database import Command, Database
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.keys import Keys
from sidekiq_tui.sidekiq.payload import to_text
from sidekiq_tui.sidekiq.replies import fields, moment

MAX_DAYS: Final = 90
"""Sidekiq keeps marks for 90 days."""
LOCK_SECONDS: Final = 60
"""How long a label is not marked again."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A deploy at a minute (Unix seconds), with its label: by default a commit's hash and subject."""

    at: float
    label: str


async def read_marks(db: Database, start: float, end: float) -> tuple[Mark, ...]:
    """The marks from `start` to `end` (Unix seconds, both included), oldest first; one trip, the last 90 days at most.

    Raises SidekiqError when no day may be read. Ruby 7.x looks at today only; this reads every day, like 8.1.
    """
    replies = await db.pipeline(mark_commands(db.keys, start, end))
    errors = [reply for reply in replies if isinstance(reply, SidekiqError)]
    if errors and len(errors) == len(replies):
        raise errors[0]
    return marks_in(replies, start, end)


async def mark_deploy(db: Database, label: str, at: float) -> bool:
    """Marks a deploy at the minute of `at` (Unix seconds); False if the same label was marked within a minute.

    One mark a minute is kept, the first (deploy.rb). Raises SidekiqError.
    """
    when = datetime.fromtimestamp(at, UTC)
    stamp = when.strftime("%Y-%m-%dT%H:%M:00Z")
    if await db.command("SET", db.keys.deploy_lock(label), stamp, "NX", "EX", LOCK_SECONDS) is None:
        return False
    key = db.keys.marks(when.date())
    await db.read([("HSETNX", key, stamp, label), ("EXPIRE", key, MAX_DAYS * 86_400)])
    return True


def mark_commands(keys: Keys, start: float, end: float) -> list[Command]:
    """What `read_marks` asks for, to be sent along with other reads."""
    return [("HGETALL", keys.marks(day)) for day in _days(start, end)]


def marks_in(replies: Sequence[object], start: float, end: float) -> tuple[Mark, ...]:
    """The marks of `mark_commands`' replies, oldest first; none of what could not be read."""
    marks = (mark for reply in replies for mark in _marks(reply) if start <= mark.at <= end)
    return tuple(sorted(marks, key=lambda mark: (mark.at, mark.label)))


def _marks(reply: object) -> Iterable[Mark]:
    for minute, label in fields(reply).items():
        if (at := moment(minute)) is not None:
            yield Mark(at, to_text(label))


def _days(start: float, end: float) -> list[date]:
    first, last = (datetime.fromtimestamp(second, UTC).date() for second in (start, end))
    first = max(first, last - timedelta(days=MAX_DAYS))
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]
