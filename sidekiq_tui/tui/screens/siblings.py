"""What the job screen asks of the list that a job was opened from."""

from __future__ import annotations

from typing import Protocol

from sidekiq_tui.sidekiq.job import JobRecord


class Siblings(Protocol):
    """The list a job was opened from: what `>` and `<` go through."""

    @property
    def title(self) -> str:
        """How the list is called, safe for a terminal: `Retries`, `mailers`, `118 found`."""

    def place_of(self, job: JobRecord) -> tuple[int, int] | None:
        """Index from 0 and size of the list; None if the job is not, or no longer, in it as far as known."""

    async def step(self, job: JobRecord, by: int) -> JobRecord | None:
        """The neighbour `by` places further, reading a page if needed; None at the end. Raises SidekiqError.

        The list's cursor moves there too.
        """
