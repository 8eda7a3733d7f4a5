"""Errors of one server, or of all servers of the scope: a group is then a cause, whichever servers have it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace

from sidekiq_tui.operations.selection import Matching
from sidekiq_tui.presentation.columns.base import Cell, Column, Context, Span, text_key
from sidekiq_tui.presentation.columns.errors import ErrorRow
from sidekiq_tui.servers.across import FleetBoard, known_errors
from sidekiq_tui.servers.fleet import Fleet
from sidekiq_tui.servers.fleet_stream import stream
from sidekiq_tui.sidekiq.error_reading import Progress
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.tui.screens.errors import PLACES, ErrorsScreen
from sidekiq_tui.tui.screens.errors_reader import REFRESH_SECONDS
from sidekiq_tui.tui.subject import Subject


class ErrorsOfScopeScreen(ErrorsScreen):
    """Each server's book is read and kept by itself; this adds them up. A server that is missing is named."""

    @property
    def across(self) -> bool:
        """Whether it shows several servers."""
        return self.app_state.scope is None

    @property
    def scope_key(self) -> str:
        """What is shown: a server, or these servers."""
        return "\n".join(self.app_state.names)

    @property
    def server(self) -> str:
        """The server in view; of several the one that has most of the group under the cursor."""
        if self.across and self.is_mounted and self.on_servers:
            return self.on_servers[0]
        return super().server

    @property
    def on_servers(self) -> tuple[str, ...]:
        """The servers that have the group under the cursor, most of it first."""
        group = self.selected
        return self.board.servers_of(group.cause) if isinstance(self.board, FleetBoard) and group is not None else ()

    @property
    def away(self) -> bool:
        """Whether nobody answers."""
        if not self.across:
            return super().away
        return all(one.error is not None for one in self.app_state.in_scope.values())

    @property
    def taken_at(self) -> float | None:
        """When the last of them was polled."""
        if not self.across:
            return super().taken_at
        return max((one.taken_at for one in self.app_state.in_scope.values() if one.taken_at is not None), default=None)

    @property
    def absent(self) -> Mapping[str, SidekiqError]:
        """The servers whose errors are not among these, and why."""
        return self.board.missing if isinstance(self.board, FleetBoard) else {}

    @property
    def named(self) -> str:
        """How many servers, and who is missing."""
        if not self.across:
            return super().named
        names = self.app_state.names
        known = f"{len(names) - len(self.absent)} of {len(names)} servers" if self.absent else f"{len(names)} servers"
        return f"{known}, without {', '.join(self.absent)}:" if 0 < len(self.absent) < 3 else f"{known}:"

    @property
    def columns(self) -> tuple[Column[ErrorRow], ...]:
        """With the servers that have it first."""
        if not self.across:
            return super().columns
        servers = Column[ErrorRow]("server", "server", 9, 12, self._server_cell, sort=self._server_key)
        return (servers, *super().columns)

    def _server_cell(self, row: ErrorRow, context: Context, width: int | None) -> Cell:
        names = self.board.servers_of(row.group.cause) if isinstance(self.board, FleetBoard) else ()
        if len(names) > 1:
            return (Span(f"{len(names)} servers", "strong"),)
        return tuple(Span(context.safe(name), "muted") for name in names)

    def _server_key(self, row: ErrorRow, context: Context) -> tuple[int, float | str]:
        names = self.board.servers_of(row.group.cause) if isinstance(self.board, FleetBoard) else ()
        return text_key(names[0] if names else None)

    # Reading

    @property
    def entries(self) -> int:
        """Of all servers."""
        if not self.across:
            return super().entries
        known = [one.overview for one in self.app_state.in_scope.values() if one.overview is not None]
        return sum((overview.retries or 0) + (overview.dead or 0) for overview in known)

    async def progress(self, most: int | None) -> AsyncGenerator[Progress, None]:
        """All servers at once; one that fails leaves the others as they are."""
        if not self.across:
            async with aclosing(super().progress(most)) as one:
                async for progress in one:
                    yield progress
            return
        read: dict[str, Progress] = {}
        async with aclosing(stream(self.app_state.fleet, lambda server: server.read_errors(most))) as pieces:
            async for piece in pieces:
                if piece.value is not None:
                    read[piece.server] = piece.value
                    every = read.values()
                    yield Progress(sum(one.read for one in every), sum(one.total for one in every), False)

    async def refresh_board(self) -> None:
        """What is new on those that were read to their end."""
        if not self.across:
            await super().refresh_board()
            return
        await self._known_fleet.ask(lambda server: server.refresh_errors())

    @property
    def _known_fleet(self) -> Fleet:
        fleet = self.app_state.fleet
        read = [
            name for name, one in fleet.servers.items() if one.errors.board is not None and one.errors.board.complete
        ]
        return fleet.only(read)

    def _look(self) -> None:
        if not self.across:
            super()._look()
            return
        board = known_errors(self.app_state.fleet)
        # The title names who is missing; of those that answer this says whether they were read to their end.
        complete = all(one.complete for one in board.boards.values())
        self.board = replace(board, complete=complete) if board.boards else None

    def _read_if_due(self) -> None:
        if not self.across:
            super()._read_if_due()
            return
        if self._busy or self.asked or self.app_state.frozen or self.away or not self.is_front:
            return
        now, fleet = self.app_state.now(), self.app_state.fleet
        answering = [name for name in fleet.names if fleet.trouble(name) is None]
        unread = [name for name in answering if fleet.servers[name].errors.board is None]
        if self.board is None or (unread and now - self._failed_at >= REFRESH_SECONDS):
            self._failed_at = now
            self._begin()
        elif self._known_fleet.names and now - self.board.as_of >= REFRESH_SECONDS:
            self._busy = True
            self._refresh()

    # Changing

    def subject(self) -> Subject:
        """The jobs of the group; of one that is on several servers those of each, and of those that do not answer."""
        found, group = super().subject(), None if self.asked else self.selected
        if not self.across or group is None or found.jobs is None:
            return found
        if len(self.on_servers) < 2:
            return found
        away = [name for name, one in self.app_state.in_scope.items() if one.error is not None]
        names = tuple(dict.fromkeys((*self.on_servers, *away)))
        books = {name: self.app_state.registry.server(name).errors for name in names}
        parts = [Subject(name, Matching(PLACES, book.matcher(group.cause))) for name, book in books.items()]
        return replace(found, parts=tuple(parts))
