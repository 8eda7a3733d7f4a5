"""Jobs of several servers in one list: a job that says which server it lies on."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Final

from sidekiq_tui.sidekiq.job import JobRecord


class JobOn(JobRecord):
    """A job in a list of several servers. The server is part of what tells it from others."""

    __slots__ = ("job", "label", "server")

    def __init__(self, job: JobRecord, server: str, label: str | None = None) -> None:
        super().__init__(job.raw, job.place, job.score)
        self.job: Final = job
        self.server: Final = server
        self.label: Final = label

    @property
    def identity(self) -> Hashable:  # type: ignore[override]  # wider on purpose: lists of one server never hold these
        """Server, place and bytes."""
        return (self.server, self.place, self.raw)

    @property
    def item(self) -> Mapping[str, object]:
        """The payload's fields, decoded once for both."""
        return self.job.item


def plain(job: JobRecord) -> JobRecord:
    """The job as its own server knows it."""
    return job.job if isinstance(job, JobOn) else job


def server_of(job: JobRecord) -> str | None:
    """The server that a job of a list of several lies on."""
    return job.server if isinstance(job, JobOn) else None
