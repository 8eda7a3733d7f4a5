"""The app's part in operations: keys that change a server, what runs, how it ended, undo, and leaving meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Final

from textual.app import App
from textual.timer import Timer

from sidekiq_tui.errors import SqtuiError
from sidekiq_tui.operations import catalog
from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.presentation.global_plans import global_progress
from sidekiq_tui.presentation.outcomes import outcome_cell, progress_cell
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.tui import operating
from sidekiq_tui.tui.actions import find_action
from sidekiq_tui.tui.change_dialogs import begin
from sidekiq_tui.tui.changing import refusal
from sidekiq_tui.tui.messages import LeaveWanted, ManyBegan, ManyEnded, RunBegan, RunEnded
from sidekiq_tui.tui.modals.choice import ChoiceModal
from sidekiq_tui.tui.operating_many import tell_outcome, undo_many
from sidekiq_tui.tui.screens.base import ViewScreen
from sidekiq_tui.tui.screens.listing import context_of
from sidekiq_tui.tui.unfinished import ask_end

if TYPE_CHECKING:
    from textual.driver import Driver

    from sidekiq_tui.operations.global_plan import GlobalRun
    from sidekiq_tui.operations.run import Run
    from sidekiq_tui.tui.state import AppState

TELL_SECONDS: Final = 0.25
"""How often a running operation shows how far it is."""
CLOSE_SECONDS: Final = 10.0
"""How long leaving waits for the batch that is under way; one that takes longer is settled by the next start."""


def servers_of(run: Run) -> tuple[str, ...]:
    """The servers that an operation changes, or takes from."""
    peer = run.plan.peer
    return (run.server,) if peer is None else (run.server, peer.name)


class ChangingApp(App[None]):
    """What `SqtuiApp` does about operations."""

    app_state: AppState
    _telling: Timer | None = None
    _leaving = False

    def __init__(self, *, driver_class: type[Driver], ansi_color: bool | None) -> None:
        super().__init__(driver_class=driver_class, ansi_color=ansi_color)
        self._asked: set[str] = set()
        self._many: list[GlobalRun] = []

    @property
    def front(self) -> ViewScreen | None:
        """The view's screen, if nothing lies over it."""
        return self.screen if isinstance(self.screen, ViewScreen) else None

    @property
    def top_view(self) -> ViewScreen | None:
        """The view's screen, also under a dialog."""
        return next((one for one in reversed(self.screen_stack) if isinstance(one, ViewScreen)), None)

    @property
    def running(self) -> tuple[Run, ...]:
        """Operations that have not ended, the newest last."""
        operations = self.app_state.operations
        return () if operations is None else tuple(run for run in operations.runs if run.outcome is None)

    def look_for_unfinished(self) -> None:
        """Asks each server that answers, once, what was begun on it and not ended."""
        state = self.app_state
        for server, snapshot in state.snapshots.items():
            if snapshot.error is not None:
                self._asked.discard(server)  # others may have done something there when it is back
            if state.operations is not None and snapshot.overview is not None and server not in self._asked:
                self._asked.add(server)
                self.run_worker(
                    operating.look_for_unfinished(state, server), group=f"unfinished-{server}", exit_on_error=False
                )

    # Keys.

    def action_change(self, identifier: str, argument: str = "") -> None:
        """An action that changes a server; `argument`: what followed its word on the command line."""
        screen = self.front
        if screen is None:
            return
        action = find_action(identifier)
        reason = screen.why_not(action)
        subject = screen.subject()
        if reason is not None or subject is None:
            screen.say(f"{context_of(self.app_state).glyphs.forbidden} {reason or ''}", "warn")
        else:
            begin(screen, action, subject, argument)

    def action_undo(self) -> None:
        """Takes back the last operation of this machine on the server in view."""
        screen, operations = self.front, self.app_state.operations
        if screen is None:
            return
        server = self.app_state.preferred
        if self.app_state.scope is None and len(self.app_state.names) > 1:
            undo_many(screen)
            return
        reason = screen.why_not(find_action("undo"))
        if reason is not None or operations is None:
            screen.say(f"{context_of(self.app_state).glyphs.forbidden} {reason or ''}", "warn")
            return
        # What came here from another server in this session is taken back from here too.
        came = {run.id: run.server for run in operations.runs if server in servers_of(run)}
        try:
            last = [operations.last_undoable(one) for one in {server, *came.values()}]
        except SqtuiError as error:
            screen.say(operating.words_of(error), "bad")
            return
        entries = [one for one in last if one is not None and (one.server == server or one.id in came)]
        entry = max(entries, key=lambda one: one.at, default=None)
        if entry is None:
            screen.say(f"nothing to undo on {display_text(server)}: U has all that can be", "muted")
            return
        refused = refusal(self.app_state, entry.server, "operate")
        if refused is not None:
            screen.say(f"{context_of(self.app_state).glyphs.forbidden} {refused}", "warn")
            return
        age = units.age(self.app_state.clock() - entry.at)
        what = (Span(display_text(entry.words)), Span(f", {age} ago", "muted"))
        operating.change(screen, entry.server, catalog.Undo(operation=entry.id), (("what", what),))

    def action_finish(self) -> None:
        """What was begun and has no end: finish it, or put it back."""
        screen = self.front
        if screen is not None and self.app_state.operations is not None:
            ask_end(screen)
        elif screen is not None:
            screen.say("nothing can be changed in this session", "muted")

    def action_stop(self) -> None:
        """Stops the running operation, else the plan that is being made, else what the screen reads for a filter."""
        running, screen = self.running, self.front
        if running:
            (self._whole_of(running[-1]) or running[-1]).stop()
            self._tell()
        elif screen is not None and operating.is_planning(screen):
            operating.stop_planning(screen)
            screen.say("nothing was changed", "muted")
        elif screen is not None:
            screen.stop_scan()

    def action_hold(self) -> None:
        """Holds the running operation before its next batch, or lets it go on."""
        running = self.running
        if not running:
            if self.front is not None:
                self.front.say("no operation is running", "muted")
            return
        run = self._whole_of(running[-1]) or running[-1]
        run.resume() if run.paused else run.pause()
        self._tell()

    # What runs.

    def on_run_began(self, message: RunBegan) -> None:
        """Shows how far it is, now and then, until it ends."""
        run = message.run
        forget = run.subscribe(self._heard)
        if run.outcome is not None:
            forget()
            self.post_message(RunEnded(run))
        if self._telling is None:
            self._telling = self.set_interval(TELL_SECONDS, self._tell)
        if (screen := self.top_view) is not None:
            screen.change_began(run.server)
            screen.refresh_footer()

    def _heard(self, run: Run) -> None:
        if run.outcome is not None:
            self.post_message(RunEnded(run))

    def on_run_ended(self, message: RunEnded) -> None:
        """Says what really happened, and looks at the server again."""
        run, state = message.run, self.app_state
        if run.outcome is None:
            return
        if not self.running:
            self._stop_telling()
        screen = self.top_view
        if screen is not None:
            cell = outcome_cell(run.outcome, context_of(state))
            undo = (Span("   u", "key"), Span(" undoes", "muted")) if run.outcome.undo_id else ()
            screen.say_cell((*cell, *undo))
            screen.refresh_footer()
            for server in servers_of(run):
                if not state.frozen:
                    state.registry.refresh(server)
                screen.tell_views(server)
                self._asked.discard(server)
            self.look_for_unfinished()
        if self._leaving and not self.running:
            self.exit(return_code=0)

    def _whole_of(self, run: Run) -> GlobalRun | None:
        """The deed on several servers that a run is a part of."""
        return next((one for one in self._many if run in one.runs.values()), None)

    def on_many_began(self, message: ManyBegan) -> None:
        """Shows how far all of them are, until they end."""
        whole = message.run
        self._many.append(whole)

        def heard(run: Run, server: str) -> None:
            if run.outcome is not None:
                self.post_message(ManyEnded(whole, server))

        for server, run in whole.runs.items():
            forget = run.subscribe(partial(heard, server=server))
            if run.outcome is not None:
                forget()
                self.post_message(ManyEnded(whole, server))
        if self._telling is None:
            self._telling = self.set_interval(TELL_SECONDS, self._tell)
        if (screen := self.top_view) is not None:
            for server in whole.runs:
                screen.change_began(server)
            screen.refresh_footer()

    def on_many_ended(self, message: ManyEnded) -> None:
        """Looks at the server again; where all have ended, says how it came out on each."""
        whole, state, screen = message.run, self.app_state, self.top_view
        if not self.running:
            self._stop_telling()
        if not state.frozen:
            state.registry.refresh(message.server)
        self._asked.discard(message.server)
        if whole.ended and whole in self._many:
            self._many.remove(whole)
            if screen is not None:
                tell_outcome(screen, whole)
            self.look_for_unfinished()
        if self._leaving and not self.running:
            self.exit(return_code=0)

    def _tell(self) -> None:
        running, screen = self.running, self.top_view
        if screen is None:
            return
        if not running:
            self._stop_telling()
            return
        context = context_of(self.app_state)
        run: Run | GlobalRun = running[-1]
        whole, others = self._whole_of(running[-1]), len(running) - 1
        if whole is None:
            cell = progress_cell(running[-1].plan.operation, running[-1].progress, context)
        else:
            run, cell = whole, global_progress(whole, context)
            others = sum(one not in whole.runs.values() for one in running)
        if run.stopping:
            keys: tuple[Span, ...] = (Span("  stopping after this batch", "muted"),)
        else:
            held = "goes on" if run.paused else "holds"
            keys = (
                Span("  ctrl+x", "key"),
                Span(" stops ", "muted"),
                Span(" ctrl+y", "key"),
                Span(f" {held}", "muted"),
            )
        more = (Span(f"  and {others} more", "muted"),) if others else ()
        screen.show_progress((*cell, *keys, *more))

    def _stop_telling(self) -> None:
        if self._telling is not None:
            self._telling.stop()
            self._telling = None
        for screen in chain.from_iterable(self._screen_stacks.values()):  # also of views that were left meanwhile
            if isinstance(screen, ViewScreen):
                screen.show_progress()

    # Leaving.

    def on_leave_wanted(self, message: LeaveWanted) -> None:
        """`q` at the top."""
        self.leave()

    async def action_quit(self) -> None:
        """`ctrl+q`."""
        self.leave()

    def leave(self) -> None:
        """Leaves; with an operation running, asks first."""
        running = self.running
        if not running:
            self.exit(return_code=0)
        elif not isinstance(self.screen, ChoiceModal):
            what = "An operation is running" if len(running) == 1 else f"{len(running)} operations are running"
            ways = (
                ("wait", "leave when it has ended"),
                ("stop", "end it after this batch, and leave; the rest stays untouched"),
                ("leave", "leave now; W or sqtui resume goes on with it"),
            )
            self.push_screen(ChoiceModal(what, ways, cancel="stay", ascii=self.app_state.ascii), self._leave_so)

    def _leave_so(self, way: int | None) -> None:
        if way is None:
            return
        running = self.running
        if way == 2 or not running:
            self.exit(return_code=0)
            return
        self._leaving = True
        if way == 1:
            for run in running:
                run.stop()

    async def close_operations(self) -> None:
        """Ends what runs after its batch, at the end of the app."""
        operations = self.app_state.operations
        if operations is not None:
            with contextlib.suppress(TimeoutError, SqtuiError):
                await asyncio.wait_for(operations.close(), CLOSE_SECONDS)
