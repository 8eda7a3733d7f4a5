"""The job of benchmarks.worker."""

from __future__ import annotations

from sidekiq_tui.sidekiq.job_class import Job


class NoOp(Job):
    """Does nothing."""

    async def perform(self, *args: object) -> None:
        """Nothing."""
