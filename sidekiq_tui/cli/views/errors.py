"""Failed jobs by cause."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from sidekiq_tui.cli import diagnostics, render
from sidekiq_tui.cli.view import Outcome, View, answers
from sidekiq_tui.presentation.columns import ErrorRow, Span, error_columns, error_rows
from sidekiq_tui.presentation.columns.errors import group_count, job_count
from sidekiq_tui.presentation.error_records import errors_record, no_errors_record
from sidekiq_tui.presentation.units import count
from sidekiq_tui.servers.error_book import ErrorBoard
from sidekiq_tui.sidekiq.error_filter import group_matches
from sidekiq_tui.sidekiq.filter import Filter

if TYPE_CHECKING:
    from sidekiq_tui.cli.render import Look
    from sidekiq_tui.presentation.records import Record
    from sidekiq_tui.servers.profile import Profile
    from sidekiq_tui.servers.server import Server

_NAMES: Final = {"retry": "retries", "dead": "dead"}


class ErrorsView(View[ErrorBoard]):
    """The groups that match, largest first; at most `limit` of them (None: all)."""

    word = "errors"

    def __init__(self, wanted: Filter, limit: int | None) -> None:
        self._wanted = wanted
        self._limit = limit

    def wants(self, profile: Profile) -> bool:
        """Whether the filter's `server:` terms let it through."""
        return self._wanted.matches_server(profile.name)

    async def read(self, server: Server) -> ErrorBoard:
        """Everything the first time, slice by slice; then only what has changed, unless that is too much."""
        known = server.errors.board
        if known is not None and known.complete:
            await server.refresh_errors()
            known = server.errors.board
            if known is not None and not known.skipped:
                return known
        async with aclosing(server.read_errors()) as slices:
            async for progress in slices:
                diagnostics.PROGRESS.show(f"{server.name}: {count(progress.read)} of {count(progress.total)} read")
        board = server.errors.board
        if board is None:
            raise RuntimeError("a full read has no result")
        return board

    def element(self, profile: Profile, value: ErrorBoard, now: float) -> Record:
        """What was read, and the groups."""
        record = errors_record(value, self._rows(value))
        return {**record, "filter": self._wanted.text} if not self._wanted.empty else record

    def element_without(self, profile: Profile, error: Exception) -> Record:
        """That nothing is known."""
        return no_errors_record()

    def table(self, outcomes: Sequence[Outcome[ErrorBoard]], now: float, look: Look) -> list[str]:
        """One row a group; on a terminal also how much was read."""
        given = answers(outcomes)
        columns = [column for column in error_columns(look.time_mode) if look.tty or not column.live]
        groups = [(profile, self._rows(board)) for profile, board in given]
        lines = render.grouped(columns, groups, look.context(now), look, several=len(outcomes) > 1)
        if look.tty:
            lines += [render.line((Span(_summary(profile, board), "muted"),), look) for profile, board in given]
        return lines

    def _rows(self, board: ErrorBoard) -> list[ErrorRow]:
        rows = [row for row in error_rows(board) if group_matches(self._wanted, row.group)]
        return rows if self._limit is None else rows[: self._limit]


def _summary(profile: Profile, board: ErrorBoard) -> str:
    read = "all read" if board.complete else f"{count(board.jobs)} of {count(board.total)} read"
    missing = "".join(
        f", {_NAMES[name]} can't be read: {diagnostics.safe(why)}" for name, why in sorted(board.denied.items())
    )
    groups = f"{group_count(len(board.groups))} in {job_count(board.jobs)}"
    return f"{diagnostics.safe(profile.name)}: {groups}, {read}{missing}"
