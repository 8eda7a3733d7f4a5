"""Which jobs an operation is for: rows, all that a filter matches in some places, or a whole place."""

from __future__ import annotations

from dataclasses import dataclass

from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.search import Matcher


@dataclass(frozen=True, slots=True)
class Rows:
    """Jobs that a person sees or has marked, by their bytes. The same bytes twice in one queue are two entries."""

    jobs: tuple[JobRecord, ...]


@dataclass(frozen=True, slots=True)
class Matching:
    """All jobs in some places that a filter, or a group of errors, matches when the plan is made."""

    places: tuple[Place, ...]
    matcher: Matcher


@dataclass(frozen=True, slots=True)
class Whole:
    """All jobs that are in a place when the plan is made."""

    place: Place


Selection = Rows | Matching | Whole
