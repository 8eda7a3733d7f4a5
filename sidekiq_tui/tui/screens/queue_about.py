"""What is to be known about a queue besides its jobs: how it moves, who serves it, what is in it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, Self

from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.worker import Worker

from sidekiq_tui.presentation.columns.base import Cell, Span
from sidekiq_tui.presentation.columns.composition import CLASSES, ClassRow, class_rows
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.sidekiq.composition import Composition
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.filter import Filter
from sidekiq_tui.sidekiq.filter_terms import FieldTerm
from sidekiq_tui.sidekiq.queue_activity import QueueActivity
from sidekiq_tui.sidekiq.replies import reason
from sidekiq_tui.tui.actions import Action, bindings
from sidekiq_tui.tui.actions.queue import QUEUE
from sidekiq_tui.tui.screens.base import ViewScreen
from sidekiq_tui.tui.screens.dashboard_panels import denied_line
from sidekiq_tui.tui.screens.listing import context_of
from sidekiq_tui.tui.screens.queue_class_words import about_class, classes_title, price_words
from sidekiq_tui.tui.screens.queue_words import QueueFacts, about_lines
from sidekiq_tui.tui.screens.server_view import LOADING_SECONDS, broken
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.widgets.record_table import RecordTable
from sidekiq_tui.tui.widgets.rows import StaticRows
from sidekiq_tui.tui.widgets.text_block import TextBlock
from sidekiq_tui.tui.widgets.title_line import TitleLine

TELL_SECONDS: Final = 0.2
"""How often a running count shows how far it is."""
LEAST_CLASSES: Final = 4
"""Lines that the list of classes has at least: its heading and three of them."""

Source = tuple[str, str]


class QueueAbout(Vertical):
    """The second inner tab of a queue's screen. `shown` starts its reads, `hidden` ends them, `show` draws.

    Two round trips when it is opened; one for each newer poll, at a price that does not depend on the queue's length.
    The sample of classes is taken again on `ctrl+r` only.
    """

    DEFAULT_CSS = """
    QueueAbout { height: 1fr; width: 1fr; }
    """
    BINDINGS = bindings(QUEUE)

    @dataclass
    class ClassChosen(Message):
        """Enter on a class: `filter` finds its jobs."""

        filter: str

    @dataclass
    class _Moved(Message):
        source: Source
        activity: QueueActivity

    @dataclass
    class _Counted(Message):
        source: Source
        composition: Composition
        sample: bool

    @dataclass
    class _Failed(Message):
        source: Source
        error: SidekiqError
        counting: bool = False

    def __init__(self, app_state: AppState, server: str, queue: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.app_state = app_state
        self.queue = queue
        self._opened_on = server
        self._open = self._counting = False
        self._restart()

    def compose(self) -> ComposeResult:
        """Facts, a title, the classes."""
        yield TextBlock(ascii=self.app_state.ascii, id="about-facts")
        yield TitleLine(ascii=self.app_state.ascii, id="about-title")
        yield RecordTable[ClassRow](CLASSES, id="about-classes")

    @property
    def server(self) -> str:
        """The server in view; the one it was opened on while all are."""
        return self.app_state.scope or self._opened_on

    @property
    def table(self) -> RecordTable[ClassRow]:
        """The classes."""
        return self.query_one("#about-classes", RecordTable)

    @property
    def counting(self) -> bool:
        """Whether all of the queue is being read."""
        return self._counting

    def focus(self, scroll_visible: bool = True) -> Self:
        """Keys go to the classes."""
        self.table.focus(scroll_visible)
        return self

    # When it reads

    def shown(self) -> None:
        """In front: reads begin."""
        self._open = True
        self.show()

    def hidden(self) -> None:
        """Not in front any longer: reads end."""
        self._open = False
        self._stop()

    def show(self) -> None:
        """Draws what is known and reads again what a newer poll may have outdated."""
        if self._source != (self.server, self.queue):
            self._stop()
            self._restart()
            if self.is_mounted:
                self.table.restart()
        if not self._open or not self.is_mounted:
            return
        taken = self.app_state.snapshots[self.server].taken_at
        if self._read_at is None or (taken is not None and taken > self._read_at):
            self._start_reading()
        self._draw()

    def refresh_now(self) -> None:
        """`ctrl+r`: another sample."""
        if not self._counting:
            self._composition_old = True
            self._start_reading()

    def reason_against(self, action: Action) -> str | None:
        """Why an action of this panel cannot work now, in words; None when it can."""
        if action.id == "stop-scan":
            return None if self._counting else "nothing is being counted"
        if action.id == "count-classes":
            if self._counting:
                return "it is being counted"
            known = self._composition
            if known is None or self.app_state.snapshots[self.server].error is not None:
                return "nothing of it can be read now"
            return "all of it was read" if known.complete else None
        if action.id == "open":
            return "there are no classes" if self.table.empty else None
        return None

    def _restart(self) -> None:
        self._source: Source = (self.server, self.queue)
        self._activity: QueueActivity | None = None
        self._composition: Composition | None = None
        self._progress: Composition | None = None
        self._composition_old = True
        self._counted_at: float | None = None
        self._read_at: float | None = None
        self._error: SidekiqError | None = None
        self._reading = self._slow = self._counting = self._priced = False

    def _stop(self) -> None:
        self.workers.cancel_group(self, "about")
        self.workers.cancel_group(self, "count")
        self._reading = self._slow = self._counting = False

    def _start_reading(self) -> None:
        """One read at a time, none while the screen is frozen or the server away."""
        if self._reading or not self._open or self.app_state.frozen:
            return
        if self.app_state.snapshots[self.server].error is not None:
            return  # the poller tries; when it gets through, this is drawn again
        self._reading = True
        if self._composition is None:
            self.set_timer(LOADING_SECONDS, self._still_reading)
        self._read(self._composition_old and not self._counting)

    def _still_reading(self) -> None:
        self._slow = self._reading
        if self._slow and self._open:
            self._draw()

    @work(group="about", exclusive=True, exit_on_error=False)
    async def _read(self, sample: bool) -> None:
        source = (self.server, self.queue)
        server = self.app_state.registry.server(self.server)
        serving = [process.identity for process in self._facts().processes]
        try:
            activity = await server.queue_activity(self.queue, serving)
            self.post_message(self._Moved(source, activity))
            if sample:
                found = await server.sample_queue(self.queue, activity.size, activity.mean_bytes)
                self.post_message(self._Counted(source, found, True))
        except SidekiqError as error:
            self.post_message(self._Failed(source, error))

    def on_queue_about__moved(self, message: _Moved) -> None:
        """How the queue moves."""
        if message.source != self._source:
            return
        self._activity, self._error = message.activity, None
        self._read_at = self.app_state.now()
        if not self._composition_old or self._counting:
            self._reading = self._slow = False
        self._draw()

    def on_queue_about__counted(self, message: _Counted) -> None:
        """The classes, from a sample or a count. Until a count is complete the sample says more than its part."""
        if message.source != self._source or message.sample == self._counting:
            return
        found = message.composition
        if message.sample or found.complete:
            self._composition, self._counted_at = found, self.app_state.now()
            self._reading = self._slow = self._composition_old = False
        else:
            self._progress = found
        self._draw()
        if message.sample:
            self._screen.refresh_footer()

    def on_queue_about__failed(self, message: _Failed) -> None:
        """Keeps what was there; says why where there is nothing, or why a count came to no end."""
        if message.source != self._source:
            return
        if not message.counting:
            self._reading = self._slow = False
            self._error, self._read_at = message.error, self.app_state.now()
        elif self._counting:
            self._screen.say(f"counting failed: {display_text(reason(message.error))}", "warn")
            self._count_over()
        self._draw()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A reader that broke in a way nobody thought of."""
        error = broken(event)
        if error is not None:
            self.post_message(self._Failed(self._source, error, event.worker.group == "count"))

    # Counting all of it

    def on_key(self, event: events.Key) -> None:
        """A price that was said holds for the next key only."""
        self._priced = self._priced and event.key == self._count_key

    @property
    def _count_key(self) -> str:
        return next(action.keys[0] for action in self._screen.available if action.id == "count-classes")

    def action_count_classes(self) -> None:
        """Reads all of the queue and counts; a long one first says its price and wants the key again."""
        known, screen = self._composition, self._screen
        if self._counting or known is None or known.complete:
            return
        if self.app_state.frozen:
            screen.say("frozen: Z lets the screen go on", "warn")
            return
        snapshot = self.app_state.snapshots[self.server]
        rtt = snapshot.overview.rtt if snapshot.overview is not None else 0.0
        price = price_words(known, rtt, self._count_key)
        if price and not self._priced:
            self._priced = True
            screen.say(price, "warn")
            return
        self._priced, self._counting = False, True
        self._count()
        self._draw()
        screen.refresh_footer()

    @work(group="count", exclusive=True, exit_on_error=False)
    async def _count(self) -> None:
        source, told, last = (self.server, self.queue), time.monotonic(), None
        try:
            async with aclosing(self.app_state.registry.server(self.server).count_queue(self.queue)) as counts:
                async for counted in counts:
                    last = counted
                    if time.monotonic() - told >= TELL_SECONDS:
                        told, last = time.monotonic(), None
                        self.post_message(self._Counted(source, counted, False))
        except SidekiqError as error:
            self.post_message(self._Failed(source, error, counting=True))
        if last is not None:
            self.post_message(self._Counted(source, last, False))
        self.post_message(self._Over(source))

    @dataclass
    class _Over(Message):
        source: Source

    def on_queue_about__over(self, message: _Over) -> None:
        """The count has come to its end, whether it got everything or not."""
        if message.source == self._source and self._counting:
            known = self._composition
            if known is None or not known.complete:
                self._screen.say("the queue changed too fast to be counted: this is the sample", "warn")
            self._count_over()
            self._draw()

    def stop_scan(self) -> None:
        """Stops counting; the sample stays."""
        if self._counting:
            self.workers.cancel_group(self, "count")
            self._count_over()
            self._draw()

    def _count_over(self) -> None:
        self._progress = None
        if self._counting:
            self._counting = False
            self._screen.refresh_footer()

    # Drawing

    @property
    def _screen(self) -> ViewScreen:
        assert isinstance(self.screen, ViewScreen)
        return self.screen

    def _facts(self) -> QueueFacts:
        snapshot = self.app_state.snapshots[self.server]
        queues = snapshot.overview.queues if snapshot.overview is not None else ()
        summary = next((one for one in queues if one.name == self.queue), None)
        return QueueFacts(self.queue, summary, snapshot, self._activity, context_of(self.app_state))

    def on_resize(self) -> None:
        """Other widths, other lines."""
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        if not self.is_mounted or not self._open or not self.size:
            return
        facts, context = self._facts(), context_of(self.app_state)
        block = self.query_one("#about-facts", TextBlock)
        lines = about_lines(facts, self.size.width, max(0, self.size.height - LEAST_CLASSES - 2))
        if self._error is not None and self._activity is None:
            lines = []
        block.styles.height = len(lines) + bool(lines)
        block.put(lines)
        rows: Sequence[ClassRow] = class_rows(self._composition) if self._composition is not None else ()
        stale = facts.snapshot.error is not None
        progress = (self._progress or self._composition) if self._counting else None
        self.query_one("#about-title", TitleLine).show(
            *classes_title(self._composition, progress, self._counted_at, self._slow, context, self.size.width)
        )
        listed: StaticRows[ClassRow] = StaticRows(rows, _class_key)
        was_empty = self.table.empty
        self.table.show(
            listed,
            context,
            sorted_by=("jobs", True),
            stale=stale,
            notice=self._notice(facts),
        )
        if self.table.empty != was_empty:
            self._screen.refresh_footer()
        self._note()

    def _notice(self, facts: QueueFacts) -> list[Cell]:
        if self._error is not None:
            return [denied_line(display_text(self.queue), reason(self._error), facts.context.glyphs)]
        if self._composition is None:
            return []
        return [
            (
                Span(f"Nothing waits in {display_text(self.queue)}.", "strong"),
                Span(" Jobs come here when they are pushed.", "muted"),
            )
        ]

    def _note(self) -> None:
        row = self.table.current
        if self._open and self._screen.is_front:
            self._screen.note(() if row is None else about_class(row, self.queue, context_of(self.app_state)))

    @on(RecordTable.Moved)
    def _cursor_moved(self, event: RecordTable.Moved) -> None:
        event.stop()
        self._note()

    @on(RecordTable.Opened)
    def _class_opened(self, event: RecordTable.Opened) -> None:
        event.stop()
        row = self.table.current
        if row is not None and row.part.name:
            self.post_message(self.ClassChosen(Filter((FieldTerm("class", (row.part.name,), exact=True),)).text))


def _class_key(row: ClassRow) -> tuple[bool, str | None]:
    return row.part.malformed, row.part.name
