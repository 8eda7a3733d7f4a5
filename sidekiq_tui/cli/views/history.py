"""What can be undone on a server, what lies in its trash, and what was begun and not ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sidekiq_tui.cli import diagnostics, render
from sidekiq_tui.cli.operators import operations_of
from sidekiq_tui.cli.view import Outcome, View, answers
from sidekiq_tui.presentation import flat, history_records
from sidekiq_tui.presentation.columns import Column, Span
from sidekiq_tui.presentation.columns.history import UNDOS, UNFINISHED
from sidekiq_tui.presentation.records import Record

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable

    from sidekiq_tui.cli.render import Look
    from sidekiq_tui.operations.history import UndoEntry, Unfinished
    from sidekiq_tui.operations.operator import Operations
    from sidekiq_tui.servers.profile import Profile
    from sidekiq_tui.servers.server import Server

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Listed(Generic[Row]):
    """A list of what operations left behind: how it is read, shown and written."""

    word: str
    key: str
    """Its name in JSON."""
    read: Callable[[Operations, str], Awaitable[tuple[Row, ...]]]
    columns: tuple[Column[Row], ...]
    fields: tuple[str, ...]
    record: Callable[[Row], Record]
    none: str
    """What is said when there is nothing."""


class HistoryView(View[tuple[Any, ...]]):
    """One of these lists, for each server."""

    def __init__(self, listed: Listed[Any], args: argparse.Namespace) -> None:
        self.word = listed.word  # type: ignore[misc]  # several views of one kind
        self._listed = listed
        self._args = args

    async def read(self, server: Server) -> tuple[Any, ...]:
        """Asks this machine's journal and the server."""
        operations = await operations_of(self._args, lambda name: server)
        try:
            return await self._listed.read(operations, server.name)
        finally:
            await operations.close()

    def element(self, profile: Profile, value: tuple[Any, ...], now: float) -> Record:
        """The entries."""
        return {self._listed.key: [self._listed.record(one) for one in value]}

    def element_without(self, profile: Profile, error: Exception) -> Record:
        """That nothing is known."""
        return {self._listed.key: None}

    def table(self, outcomes: Sequence[Outcome[tuple[Any, ...]]], now: float, look: Look) -> list[str]:
        """One row an entry; on a terminal a word where there is none."""
        given = answers(outcomes)
        lines = render.grouped(self._listed.columns, given, look.context(now), look, several=len(outcomes) > 1)
        if look.tty:
            empty = [profile for profile, rows in given if not rows]
            lines = lines if any(rows for _, rows in given) else []
            none = self._listed.none
            lines += [render.line((Span(f"{diagnostics.safe(one.name)}: {none}", "muted"),), look) for one in empty]
        return lines

    def total(self, elements: Sequence[Record]) -> Record:
        """How many there are."""
        lists = [one[self._listed.key] for one in elements]
        known = [one for one in lists if isinstance(one, list)]
        return {self._listed.key: sum(map(len, known)) if known else None}

    def lines(self, elements: Sequence[Record]) -> Iterable[Record]:
        """One record an entry, with its server."""
        for element in elements:
            entries = element[self._listed.key]
            for one in entries if isinstance(entries, list) else ():
                yield {"server": element["name"], **one}

    def csv_header(self) -> str:
        """The names of the fields."""
        return flat.csv_line(("server", *self._listed.fields))

    def csv_row(self, record: Record) -> str:
        """An entry's values."""
        return flat.csv_line([record.get(name) for name in ("server", *self._listed.fields)])


async def _undoable(operations: Operations, server: str) -> tuple[UndoEntry, ...]:
    return await operations.undoable(server)


async def _trashed(operations: Operations, server: str) -> tuple[UndoEntry, ...]:
    return tuple(entry for entry in await operations.undoable(server) if entry.whence == "trash")


async def _unfinished(operations: Operations, server: str) -> tuple[Unfinished, ...]:
    return await operations.unfinished(server)


def undo_list() -> Listed[UndoEntry]:
    """Everything that can be undone."""
    fields, record = history_records.UNDO_FIELDS, history_records.undo_record
    return Listed("undo", "entries", _undoable, UNDOS, fields, record, "nothing can be undone")


def trash_list() -> Listed[UndoEntry]:
    """What lies in the server's trash."""
    fields, record = history_records.UNDO_FIELDS, history_records.undo_record
    return Listed("trash", "entries", _trashed, UNDOS, fields, record, "the trash is empty")


def unfinished_list() -> Listed[Unfinished]:
    """What was begun and not ended."""
    fields, record = history_records.UNFINISHED_FIELDS, history_records.unfinished_record
    return Listed("resume", "operations", _unfinished, UNFINISHED, fields, record, "nothing is unfinished")
