"""Jobs in progress, as of each process's last heartbeat (protocol 6.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sidekiq_tui.sidekiq.job import JobRecord


@dataclass(frozen=True, slots=True)
class Work:
    """A job that a thread of a process is running; `run_at` in Unix seconds."""

    identity: str
    tid: str
    queue: str | None
    run_at: float | None
    job: JobRecord
