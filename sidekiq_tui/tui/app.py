"""The app: puts state, pollers, keys and screens together, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable, Mapping
from functools import partial
from typing import ClassVar, Final

from rich.console import RenderableType
from rich.text import Text
from textual import events
from textual._compositor import CompositorUpdate
from textual.app import App, ScreenStackError, SystemCommand
from textual.binding import BindingType
from textual.command import Provider
from textual.screen import Screen
from textual.types import CSSPathType
from textual.widget import Widget
from textual.worker import WorkerFailed

from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.presentation.units import TimeMode
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.tui import collector, navigation, saved_filters
from sidekiq_tui.tui.actions import APP, bindings, find_action
from sidekiq_tui.tui.bridge import Bridge
from sidekiq_tui.tui.changing import CHANGING
from sidekiq_tui.tui.changing_app import ChangingApp
from sidekiq_tui.tui.chord import Chord
from sidekiq_tui.tui.command_run import ask_command, obey
from sidekiq_tui.tui.crash import crash_report
from sidekiq_tui.tui.driver import SqtuiDriver
from sidekiq_tui.tui.key_order import PATIENCE_SECONDS, KeyOrder
from sidekiq_tui.tui.key_settings import take_key
from sidekiq_tui.tui.messages import ActionChosen, CommandChosen, GoTo, KeyDone, LookAt, SnapshotsArrived
from sidekiq_tui.tui.modals.help import HelpModal
from sidekiq_tui.tui.modals.server_picker import ServerPicker, picker_entries
from sidekiq_tui.tui.operating import typed_ahead
from sidekiq_tui.tui.palette import ActionCommands
from sidekiq_tui.tui.screens.base import ViewScreen
from sidekiq_tui.tui.state import TIME_MODES, AppState
from sidekiq_tui.tui.terminal_frame import Changes, TerminalFrame
from sidekiq_tui.tui.theme import DARK, MONO, NAMES, textual_theme, textual_themes, theme_names
from sidekiq_tui.tui.views import VIEWS, View

STOP_SECONDS: Final = 1.0
"""How long quitting waits for connections to close."""

REST_SECONDS: Final = 5.0
"""Without a key for so long, nobody types."""

WRITE_SECONDS: Final = 0.005
"""In which a picture has surely been written by its thread, which could not run while garbage is looked for."""

INTERRUPT_SECONDS: Final = 2.0
"""Two ctrl+c within this time quit."""


class SqtuiApp(ChangingApp):
    """One terminal for the servers of a registry, whose poll tasks it starts and stops."""

    TITLE = "sqtui"
    CSS_PATH: ClassVar[CSSPathType | None] = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(APP)]
    COMMANDS: ClassVar[set[type[Provider]]] = {ActionCommands}  # type: ignore[assignment]
    NOTIFICATION_TIMEOUT = 3

    def __init__(self, app_state: AppState, *, start_view: str | None = None, theme: str = DARK) -> None:
        self.app_state = app_state
        first = navigation.find_view(start_view or VIEWS[0].name)
        self.DEFAULT_MODE = first.name  # type: ignore[misc]  # the first screen to be made is this one
        # With NO_COLOR Textual decides here, before there is a theme, whether to drop colours or to make them grey.
        plain = True if theme == MONO and "NO_COLOR" in os.environ else None
        super().__init__(driver_class=SqtuiDriver, ansi_color=plain)
        self.animation_level = "none"
        for view in VIEWS:
            self.add_mode(view.name, partial(self._screen_of, view))
        for known in textual_themes():
            self.register_theme(known)
        self._use_theme(theme)
        self.set_class(app_state.ascii, "-ascii")
        self._bridge = Bridge(app_state.registry, self._deliver)
        self._chord = Chord()
        self._keys = KeyOrder()
        self._key_target: Widget
        self._frame = TerminalFrame()
        self._interrupted = float("-inf")
        if app_state.scope is not None or not first.spans_servers:
            app_state.look_at(app_state.preferred)

    # Life.

    def on_mount(self) -> None:
        """Paints first; the servers are called after that."""
        self.app_resume_signal.subscribe(self, self._resumed)
        self.call_after_refresh(self._connect)
        if self.is_headless or sys.platform == "win32":
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):  # Textual leaves the terminal raw on these
            loop.add_signal_handler(number, partial(self.exit, return_code=128 + number))

    async def on_unmount(self) -> None:
        """Leaves no task and no connection behind, however slow a server is."""
        self._bridge.stop()
        await self.close_operations()
        try:
            await asyncio.wait_for(self.app_state.registry.stop(), STOP_SECONDS)
        except TimeoutError:
            return

    def _connect(self) -> None:
        if not self.is_headless:
            collector.settle()
            self.set_interval(REST_SECONDS, self._rest)
        self._bridge.start()
        self.app_state.timeline.watch(self.app_state.registry)
        self._follow()
        self.app_state.registry.start()
        notices = self.app_state.notices
        if notices and self.front is not None:
            more = f"; {len(notices) - 1} more, see after leaving" if len(notices) > 1 else ""
            self.front.say(display_text(f"settings: {notices[0]}{more}"), "warn")

    def _rest(self) -> None:
        if self.app_state.pace.quiet_seconds > REST_SECONDS:
            collector.rest()

    def _resumed(self, _: App[object]) -> None:
        self.action_redraw()  # after ctrl+z and fg the terminal is blank

    def on_resize(self) -> None:
        """A terminal may have dropped or moved what it showed."""
        self._frame.forget()

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        """As Textual's, but only what differs from what the terminal shows is written; nothing if nothing does."""
        writes = self._running and not self._closed and not self.is_headless and not self._batch_count
        if writes and isinstance(renderable, CompositorUpdate):
            text = self._frame.changes(renderable, self.console)
            moved = self.screen.outer_size.clamp_offset(self.cursor_position) != self._previous_cursor_position
            renderable = Changes(text) if text or moved else None
        super()._display(screen, renderable)

    def _fatal_error(self) -> None:
        """Textual's own report shows local variables, and so passwords."""
        error: BaseException | None = self._exception
        if isinstance(error, WorkerFailed):
            error = error.error
        if error is not None and not self._exit_renderables:
            self._exit_renderables.append(Text(crash_report(error)))
        self._close_messages_no_wait()

    def clear_selection(self) -> None:
        """As Textual's. With eager tasks (from Python 3.12) an input asks for it before its screen is in place."""
        with contextlib.suppress(ScreenStackError):
            super().clear_selection()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """None of Textual's own: the palette holds our actions."""
        return ()

    # Screens.

    @property
    def view(self) -> View:
        """The view in front."""
        return navigation.find_view(self.current_mode)

    def _screen_of(self, view: View) -> ViewScreen:
        return view.screen()(self.app_state)

    def _go(self, name: str, say: str = "") -> None:
        """Brings a view to the front, as its list, not as what was opened from it."""
        view = navigation.find_view(name)
        say = navigation.enter_view(self.app_state, view) or say
        self.switch_mode(name)
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self._moved(say)

    def _look_at(self, server: str | None) -> None:
        """Changes the server and keeps the view, if the view can show that."""
        self.app_state.look_at(server)
        if server is None and not self.view.spans_servers:
            title = self.view.title
            self._go(navigation.board().name, f"{title} shows one server at a time")
        else:
            self._moved()

    def _moved(self, say: str = "") -> None:
        self._follow()
        if self.front is not None:
            self.front.redraw()
            if say:
                self.front.say(say, "muted")

    def _follow(self) -> None:
        navigation.follow(self.app_state, self.view)
        self.app_state.views[self.app_state.scope or ""] = self.view.name

    # Data.

    def _deliver(self, snapshots: Mapping[str, ServerSnapshot]) -> None:
        self.post_message(SnapshotsArrived(snapshots))

    def on_snapshots_arrived(self, message: SnapshotsArrived) -> None:
        """Draws what came, if a view is in front."""
        self.app_state.snapshots.update(message.snapshots)
        self.look_for_unfinished()
        self.app_state.pace.when_free("poll", partial(self.call_later, self._draw_front))

    def _draw_front(self) -> None:
        if self.front is not None:
            self.front.redraw()

    def on_go_to(self, message: GoTo) -> None:
        """A screen asks for another view."""
        if message.queue:
            self._go(message.view)
            self._open_queue(message.server, message.queue)
        else:
            if message.everywhere:
                self.app_state.group = ""
            if message.server is not None or message.everywhere:
                self.app_state.look_at(message.server)
            self._go(message.view)
        if message.job:
            from sidekiq_tui.tui.screens.job_trail import JobTrailScreen

            self.push_screen(JobTrailScreen(self.app_state, message.job))
        if message.filter and self.front is not None:
            # After what the screen does when it comes to the front: it may begin another list.
            self.front.call_later(saved_filters.filter_screen, self.front, message.filter)

    def _open_queue(self, server: str | None, queue: str) -> None:
        from sidekiq_tui.tui.screens.merged_queue import queue_screen

        self.push_screen(queue_screen(self.app_state, server or self.app_state.scope, queue))

    def on_look_at(self, message: LookAt) -> None:
        """A server was chosen by name, or a group."""
        if message.group is not None:
            self.app_state.group = message.group
        self._look_at(message.server)

    def on_command_chosen(self, message: CommandChosen) -> None:
        """A command was chosen in the palette."""
        if self.front is not None:
            obey(self, self.front, message.text)

    # Keys.

    async def on_event(self, event: events.Event) -> None:
        """Keys go one after the other, and through the chord first."""
        if isinstance(event, events.Key) and not event.is_forwarded:
            if self._keys.begin(event):
                await self._press(event)
            else:
                self._look_after(self._keys.number)
            return
        await super().on_event(event)

    async def _press(self, event: events.Key) -> None:
        front, target, number = self.front, self.focused or self.screen, self._keys.number
        self._key_target = target
        self.app_state.pace.key()
        if front is not None:
            front.key_pressed()
        taken = front is not None and (typed_ahead(front, event) or self._chord.take(event, front, target))
        if not taken and not take_key(event, self.app_state.keys, front, target):
            await super().on_event(event)
        self._follow_key(KeyDone(number))

    def on_key_done(self, message: KeyDone) -> None:
        """A binding runs when its key has risen to the app, and may have left messages where the key came from (an
        input's `enter` does): so a second one follows these. What they did may wait in the app's own queue."""
        if message.again:
            self.call_later(self._settle, message.number)
        else:
            self._follow_key(KeyDone(message.number, again=True))

    def _follow_key(self, message: KeyDone) -> None:
        if not self._key_target.post_message(message):
            self._settle(message.number)

    def _settle(self, number: int) -> None:
        # Through a new screen's queue, and back to the app's own: a message never rises past the one that made it.
        if not self.screen.call_later(self.call_later, self._next_key, number):
            self.call_later(self._next_key, number)

    async def _next_key(self, number: int) -> None:
        event = self._keys.next(number)
        if event is not None:
            await self._press(event)
        elif number == self._keys.number:
            self.screen.call_after_refresh(self._painted)

    def _painted(self) -> None:
        """What a key did has been handed to the terminal's writer."""
        self.app_state.pace.painted()
        asyncio.get_running_loop().call_later(WRITE_SECONDS, collector.between)

    def _look_after(self, number: int) -> None:
        """In a while: whether keys still wait for one that was lost with what had the focus, as a dialog's field."""
        self.set_timer(PATIENCE_SECONDS, partial(self._overdue, number))

    def _overdue(self, number: int) -> None:
        if not self._keys.waits_for(number):
            return
        if not (self._key_target.is_attached and self._key_target.is_running):
            self._settle(number)
        self._look_after(number)

    async def on_action_chosen(self, message: ActionChosen) -> None:
        """Runs an action where a key would run it: on what has the focus, on the screen, on the app."""
        action = find_action(message.action_id)
        if message.argument and action.where in CHANGING:
            self.action_change(action.id, message.argument)
            return
        for node in (self.focused or self.screen).ancestors_with_self:
            if await self.run_action(action.run, node):
                return

    # Actions.

    def action_go(self, name: str) -> None:
        """To a view."""
        self._go(name)

    def action_step_view(self, step: int) -> None:
        """To the next or previous tab, as it was left."""
        name = navigation.next_view(self.view.name, step)
        say = navigation.enter_view(self.app_state, navigation.find_view(name))
        self.switch_mode(name)
        self._moved(say)

    def action_scope(self, number: int) -> None:
        """To a server by its digit; 0 is all."""
        servers = self.app_state.servers
        if not number and self.app_state.scope is None and self.app_state.group:
            self.app_state.group = ""  # the second 0 leaves the group
        if number <= len(servers):
            self._look_at(servers[number - 1] if number else None)
        elif self.front is not None:
            self.front.say(f"there is no server {number}", "muted")

    def action_pick_server(self) -> None:
        """Asks for a server by name."""
        entries = picker_entries(self.app_state)
        self.push_screen(ServerPicker(entries, ascii=self.app_state.ascii), self._picked)

    def _picked(self, server: str | None) -> None:
        if server is not None:
            self._look_at(server)

    def action_refresh_now(self) -> None:
        """Reads the servers in view again, without waiting."""
        state = self.app_state
        if self.front is not None and state.frozen:
            self.front.say("frozen: Z lets the screen go on", "warn")
            return
        state.registry.refresh(None if self.view.board else state.scope)
        if self.front is not None:
            self.front.refresh_now()

    def action_redraw(self) -> None:
        """Writes the whole screen again, for when something else has written on the terminal."""
        self._frame.forget()
        self.refresh(layout=True)

    def action_freeze(self) -> None:
        """Holds the screen still; pollers go on, so no gap is left in the charts."""
        state = self.app_state
        if state.frozen:
            state.frozen_at = None
            self._bridge.resume()
        else:
            state.frozen_at = state.clock()
            self._bridge.pause()
        self._moved()

    def action_time_mode(self) -> None:
        """Times relative, local, UTC."""
        self.show_times(TIME_MODES[(TIME_MODES.index(self.app_state.time_mode) + 1) % len(TIME_MODES)])

    def show_times(self, mode: TimeMode) -> None:
        """Times in one of the three ways."""
        self.app_state.time_mode = mode
        self._moved(f"times {'in UTC' if mode == 'utc' else mode}")

    def choose_theme(self, name: str) -> None:
        """Other colours, also in the next run."""
        self.app_state.theme = name
        self._use_theme(name)

    def _use_theme(self, name: str) -> None:
        if name not in NAMES and name in theme_names().values():
            self.register_theme(textual_theme(name))
        self.theme = name

    def action_command_line(self) -> None:
        """Asks for a command."""
        if self.front is not None and self.front.is_mounted:
            ask_command(self, self.front)

    def action_pick_filter(self) -> None:
        """Asks for a saved filter."""
        if self.front is not None:
            saved_filters.pick(self.front)

    def action_save_filter(self) -> None:
        """Asks for a name for the filter in force."""
        if self.front is not None:
            saved_filters.ask_name(self.front)

    def action_help(self) -> None:
        """The keys of the screen in front."""
        if self.front is not None:
            self.push_screen(HelpModal.of(self.front))

    def action_help_quit(self) -> None:
        """ctrl+c: may be a slip of someone who copies, so only the second one quits."""
        now = time.monotonic()
        if now - self._interrupted < INTERRUPT_SECONDS:
            self.leave()
        elif self.front is not None:
            self.front.say("q leaves; ctrl+c again quits", "muted")
        self._interrupted = now
