"""A view of one server that reads one thing: at once when it is opened, again now and then while it is in front."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from textual import work
from textual.message import Message
from textual.worker import Worker

from sidekiq_tui.presentation.columns.base import Cell
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.tui.screens.listing import unread_notice
from sidekiq_tui.tui.screens.server_view import LOADING_SECONDS, ServerView, broken
from sidekiq_tui.tui.state import AppState

T = TypeVar("T")


class ReadView(ServerView, Generic[T]):
    """Subclasses give `read` and `draw`; `found` is what was read last, `error` why nothing could be.

    Nothing is read while the screen is covered, frozen, or its server away.
    """

    every: ClassVar[float] = 15.0
    """Seconds after which a newer poll has it read again."""

    @dataclass
    class Arrived(Message):
        """Something was read, or failed to be."""

        server: str
        found: object
        error: SidekiqError | None

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self.found: T | None = None
        self.error: SidekiqError | None = None
        self.read_at: float | None = None
        self.slow = False
        self._reading = False
        self._of: str | None = None

    @property
    def pause(self) -> float:
        """Seconds after which a newer poll has it read again: `every`, unless that depends."""
        return self.every

    async def read(self, server: str) -> T:
        """Reads from the server of that name. Raises SidekiqError."""
        raise NotImplementedError

    def draw(self) -> None:
        """Draws what is known."""

    def restart(self) -> None:
        """Another server: what was shown is no longer meant."""

    def not_read_yet(self) -> list[Cell]:
        """Why nothing is known of the server; nothing while it is being read."""
        return unread_notice(self.server, away=self.away, frozen=self.app_state.frozen)

    def show(self, snapshots: Mapping[str, ServerSnapshot]) -> None:
        """Draws, and reads again what has become old."""
        if self._of != self.scope_key:
            self._cancel()
            self._of, self.found, self.error, self.read_at = self.scope_key, None, None, None
            self.restart()
        self.draw()
        taken = self.taken_at
        old = self.read_at is None or self.app_state.now() - self.read_at >= self.pause
        if old and taken is not None:
            self._start()

    def tick(self, now: float) -> None:
        """Ages."""
        self.draw()

    def refresh_now(self) -> None:
        """Reads again."""
        self._start()

    def on_screen_suspend(self) -> None:
        """Nothing is read for what is not seen."""
        self._cancel()

    def _cancel(self) -> None:
        self.workers.cancel_group(self, "read")
        self._reading = self.slow = False

    def _start(self) -> None:
        if self._reading or self.app_state.frozen or self.away or not self.is_front:
            return
        self._reading = True
        self.set_timer(LOADING_SECONDS, self._still_reading)
        self._read(self.scope_key)

    def _still_reading(self) -> None:
        self.slow = self._reading
        if self.slow and self.is_front:
            self.draw()

    @work(group="read", exclusive=True, exit_on_error=False)
    async def _read(self, server: str) -> None:
        try:
            self.post_message(self.Arrived(server, await self.read(server), None))
        except SidekiqError as error:
            self.post_message(self.Arrived(server, None, error))

    def on_read_view_arrived(self, message: Arrived) -> None:
        """Keeps what was read; after an error what was there before stays."""
        if message.server != self._of:
            return
        self._reading = self.slow = False
        self.error = message.error
        self.read_at = self.app_state.now()
        if message.error is None:
            self.found = message.found  # type: ignore[assignment]  # a message has no type parameter
        if self.is_front:
            self.draw()
            self.refresh_footer()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A reader that broke in a way nobody thought of."""
        error = broken(event)
        if error is not None and event.worker.group == "read":
            self.post_message(self.Arrived(self.scope_key, None, error))
