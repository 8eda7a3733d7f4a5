"""Reads the errors of a server while somebody looks: everything once, asked for if it is much; then what is new."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import work
from textual.message import Message
from textual.worker import Worker

from sidekiq_tui.errors import SqtuiError
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.servers.error_book import UNASKED, ErrorBoard
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.error_reading import Progress
from sidekiq_tui.tui.screens.errors_words import FIRST, Reading
from sidekiq_tui.tui.screens.server_view import LOADING_SECONDS, ServerView, broken
from sidekiq_tui.tui.state import AppState

REFRESH_SECONDS: Final = 4.0
"""A refresh comes with the next poll after so long, never by itself."""
RETRY_SECONDS: Final = 10.0
"""After this what could not be read is tried again, with the next poll."""
TELL_SECONDS: Final = 0.25
"""How often a full read shows what it has so far."""


class ErrorsReader(ServerView):
    """Subclasses draw with `draw`. What was read belongs to the server's handle, and is there when one comes back."""

    view: ClassVar[str] = "errors"

    @dataclass
    class Told(Message):
        """How far a full read is."""

        server: str
        progress: Progress

    @dataclass
    class Ended(Message):
        """A read is over; `error` says why it did not come to its end."""

        server: str
        error: SqtuiError | None = None

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self.board: ErrorBoard | None = None
        """What is known, as of the last look at it."""
        self._source: str | None = None
        self._progress: Progress | None = None
        self._asking: int | None = None
        self._error: SqtuiError | None = None
        self._failed_at = 0.0
        self._busy = False
        self._slow = False
        self.growing = False
        """Whether what is shown is still coming in, largest first: who has not moved stays at the top."""

    # What a subclass gives

    def draw(self) -> None:
        """Draws title, list and details."""

    def restart(self) -> None:
        """Another server: forget what belongs to the last one."""

    # What it may use

    @property
    def reading(self) -> Reading:
        """What is going on."""
        progress = self._progress if self._slow else None
        return Reading(progress, self._asking, self._error, self.app_state.frozen)

    @property
    def reads_all(self) -> bool:
        """Whether a full read is under way."""
        return self._progress is not None

    # Data

    def show(self, snapshots: Mapping[str, ServerSnapshot]) -> None:
        """Draws what is known; a newer poll is the time to read what is new."""
        if self._source != self.scope_key:
            self._start_over()
        self._look()
        self.draw()
        self._read_if_due()

    def tick(self, now: float) -> None:
        """Ages; nothing is read because time passes."""
        self.draw()

    def refresh_now(self) -> None:
        """`ctrl+r`: everything again, asked first if that is much."""
        if self.app_state.frozen or self.away or self._busy:
            return
        self._error = None
        self._begin()

    def on_screen_suspend(self) -> None:
        """Nothing is read for a screen that is not seen; what was read so far is kept."""
        self.stop_reading()

    def stop_reading(self) -> None:
        """Drops the read that is under way."""
        self.workers.cancel_group(self, "errors")
        self._busy = self._slow = False
        self._progress = None

    def answer(self, read: bool) -> None:
        """The answer to the question: everything, or what there is without it. A frozen screen keeps the question."""
        if self.app_state.frozen and (read or self.board is None):
            self.say("frozen: Z lets the screen go on", "warn")
            return
        self._asking = None
        if read:
            self._start(None)
        elif self.board is None:
            self._start(FIRST)
        else:
            self.redraw()

    @property
    def asked(self) -> bool:
        """Whether a question waits for its answer."""
        return self._asking is not None

    def _start_over(self) -> None:
        self.stop_reading()
        self._source = self.scope_key
        self._asking = self._error = None
        self.restart()

    def _look(self) -> None:
        """What the server's handle knows now."""
        self.board = self.app_state.registry.server(self.server).errors.board

    def _read_if_due(self) -> None:
        if self._busy or self.asked or self.app_state.frozen or self.away or not self.is_front:
            return
        now, taken = self.app_state.now(), self.taken_at
        if taken is None or (self._error is not None and now - self._failed_at < RETRY_SECONDS):
            return
        if self.board is None:
            self._begin()
        elif self.board.complete and taken > self.board.as_of and now - self.board.as_of >= REFRESH_SECONDS:
            self._busy = True
            self._refresh()

    @property
    def entries(self) -> int:
        """How many jobs there are to read, as of the last poll."""
        overview = self.snapshot.overview
        return 0 if overview is None else (overview.retries or 0) + (overview.dead or 0)

    def progress(self, most: int | None) -> AsyncGenerator[Progress, None]:
        """Reads retries and dead, at most so many of each, and tells how far it is. Raises SqtuiError."""
        return self.app_state.registry.server(self.server).read_errors(most)

    async def refresh_board(self) -> None:
        """Reads what is new. Raises SqtuiError."""
        await self.app_state.registry.server(self.server).refresh_errors()

    def _begin(self) -> None:
        """A full read, or the question whether to."""
        entries = self.entries
        if entries > UNASKED:
            self._asking = entries
            self.redraw()
        else:
            self._start(None)

    def _start(self, most: int | None) -> None:
        self._busy = self.growing = True
        self._progress = Progress(0, 0, False)
        self.set_timer(LOADING_SECONDS, self._still_reading)
        self._read(most)
        self.redraw()

    def _still_reading(self) -> None:
        self._slow = self.reads_all
        if self._slow and self.is_front:
            self.draw()
            self.refresh_footer()

    @work(group="errors", exclusive=True, exit_on_error=False)
    async def _read(self, most: int | None) -> None:
        server = self.scope_key
        told = time.monotonic()
        try:
            async with aclosing(self.progress(most)) as slices:
                async for progress in slices:
                    if time.monotonic() - told >= TELL_SECONDS:
                        told = time.monotonic()
                        self.post_message(self.Told(server, progress))
        except SqtuiError as error:
            self.post_message(self.Ended(server, error))
        else:
            self.post_message(self.Ended(server))

    @work(group="errors", exclusive=True, exit_on_error=False)
    async def _refresh(self) -> None:
        server = self.scope_key
        try:
            await self.refresh_board()
        except SqtuiError as error:
            self.post_message(self.Ended(server, error))
        else:
            self.post_message(self.Ended(server))

    def on_errors_reader_told(self, message: Told) -> None:
        """Shows what was read so far."""
        if message.server == self._source and self.reads_all:
            self._progress = message.progress
            if self.is_front:
                self._look()
                self.draw()

    def on_errors_reader_ended(self, message: Ended) -> None:
        """Shows what was read; keeps what was there if it could not be."""
        if message.server != self._source:
            return
        self._busy = self._slow = False
        self._progress = None
        self._error = message.error
        self._look()
        if message.error is not None:
            self._failed_at = self.app_state.now()
            if self.is_front and self.board is not None and not self.away:
                self.say(display_text(message.error.message), "warn")
        self.redraw()
        self.growing = False

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A reader that broke in a way nobody thought of."""
        error = broken(event)
        if error is not None and event.worker.group == "errors" and self._source is not None:
            self.post_message(self.Ended(self._source, error))
