"""What `>` and `<` of an opened job go through: the jobs that the workers' tree shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sidekiq_tui.sidekiq.job import JobRecord

Visible = Callable[[], Sequence[tuple[int, JobRecord]]]
"""The jobs that are shown, each with its row."""


class WorkSiblings:
    """Jobs in progress, in the order of the tree. Nothing is read: the neighbours are as of the last read."""

    def __init__(self, visible: Visible, place: Callable[[int], None]) -> None:
        """`place` puts the tree's cursor on a row."""
        self._visible = visible
        self._place = place

    @property
    def title(self) -> str:
        """What the list is called."""
        return "Workers"

    def place_of(self, job: JobRecord) -> tuple[int, int] | None:
        """Index from 0 and number of jobs shown; None once it is not running any more."""
        jobs = self._visible()
        at = next((index for index, (_, one) in enumerate(jobs) if one.raw == job.raw), None)
        return None if at is None else (at, len(jobs))

    async def step(self, job: JobRecord, by: int) -> JobRecord | None:
        """The job `by` places further; None at either end, and where the job itself has ended."""
        here = self.place_of(job)
        jobs = self._visible()
        if here is None or not 0 <= here[0] + by < len(jobs):
            return None
        row, neighbour = jobs[here[0] + by]
        self._place(row)
        return neighbour
