"""What an action that changes a server would be about: what a screen has marked, under its cursor, or behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sidekiq_tui.operations.selection import Rows, Selection

if TYPE_CHECKING:
    from sidekiq_tui.sidekiq.job import JobRecord, Place
    from sidekiq_tui.sidekiq.process import Process

_OF_THE_LIVING: Final = frozenset({"kill-jobs", "reschedule-jobs"})


@dataclass(frozen=True, slots=True)
class Subject:
    """On one server; each part empty where the screen has none of that kind. `parts` and `wider` are of several."""

    server: str
    jobs: Selection | None = None
    count: int | None = None
    """How many rows the jobs are, for the footer; None where that says nothing or is not known."""
    alive: int | None = None
    """How many of those are not dead, and so can be killed or take another time; None where all are alike."""
    template: JobRecord | None = None
    """The job under the cursor."""
    whole: Place | None = None
    """The queue or set that can be cleared."""
    queue: str | None = None
    """The queue that can be paused, and that takes what is put."""
    process: Process | None = None
    """The process under the cursor, also of the job there."""
    processes: tuple[Process, ...] = ()
    """All that are shown."""
    narrowed: bool = False
    """Whether a filter hides some of the processes."""
    ghosts: tuple[str, ...] = ()
    """Processes that died without a word."""
    running: JobRecord | None = None
    """The running job under the cursor."""
    profile: str | None = None
    """The key of the profile of a single run."""
    entry: str | None = None
    """The id of an operation that can be undone or continued."""
    entry_words: str = ""
    """What that did, for a question; safe text."""
    refused: str = ""
    """Why nothing can be done to what is chosen, in words."""
    parts: tuple[Subject, ...] = ()
    """Jobs that were chosen on several servers: those of each, also of servers that do not answer."""
    wider: tuple[Subject, ...] = ()
    """What can be cleared, paused or signalled on several servers at once: that of each."""

    def count_for(self, action: str) -> int | None:
        """How many rows an action on jobs is about, as far as known."""
        return self.count if self.alive is None or action not in _OF_THE_LIVING else self.alive

    @property
    def job(self) -> JobRecord | None:
        """The only job, where it is one."""
        return self.jobs.jobs[0] if isinstance(self.jobs, Rows) and len(self.jobs.jobs) == 1 else None


@dataclass(frozen=True, slots=True)
class Clip:
    """Jobs that were taken to be put elsewhere. Rows and what a filter found are told by their bytes."""

    server: str
    jobs: Selection
    count: int | None
    moves: bool
    """To be moved; else copied."""
    where: str
    """The queue or set they lie in, as Redis spells the queue."""
    asked: Selection
    """What was chosen then: the same once more puts it down."""
