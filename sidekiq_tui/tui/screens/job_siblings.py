"""The list behind an opened job: the next and the previous job of it, whatever page they are on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidekiq_tui.sidekiq.job import JobRecord

if TYPE_CHECKING:
    from sidekiq_tui.tui.screens.job_list import JobListScreen


class ListSiblings:
    """The jobs of a list of jobs as a job's screen goes through them; the list's cursor goes along."""

    def __init__(self, screen: JobListScreen) -> None:
        self._screen = screen

    @property
    def title(self) -> str:
        """What words call the list."""
        return self._screen.list_name

    def place_of(self, job: JobRecord) -> tuple[int, int] | None:
        """The job's index from 0, and how many there are; None if it is not in the list as far as that is known."""
        rows = self._screen.given()
        index = rows.index_of(job.identity, self._screen.table.cursor)
        return None if index is None else (index, rows.size)

    async def step(self, job: JobRecord, by: int) -> JobRecord | None:
        """The job so many rows further, read if it has to be; None beyond the ends. The cursor moves there too.

        Where the job has left the list, the one that took its place comes next. Raises SidekiqError.
        """
        screen, table = self._screen, self._screen.table
        found = screen.given().index_of(job.identity, table.cursor)
        wanted = found + by if found is not None else table.cursor + (by - 1 if by > 0 else by)
        if not 0 <= wanted < screen.given().size:
            return None
        if screen.given().get(wanted) is None:
            await screen.load(wanted)
        target = screen.given().get(wanted)
        if target is not None:
            table.place(wanted)
        return target
