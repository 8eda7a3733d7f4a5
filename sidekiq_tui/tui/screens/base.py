"""The frame every view stands in: three lines above, two below, the view's body between."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import ClassVar, Final

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.geometry import Region, Size
from textual.screen import Screen
from textual.timer import Timer

from sidekiq_tui.presentation.columns.base import Cell, Span
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.tui.actions import EVERYWHERE, Action, actions_of, bindings, find_action, footer_actions
from sidekiq_tui.tui.actions.action import with_keys
from sidekiq_tui.tui.actions.operations import JOB_CHANGES
from sidekiq_tui.tui.changing import CHANGING, in_footer, reason_against, refusal
from sidekiq_tui.tui.clipping import clip_words, put_down
from sidekiq_tui.tui.corner import strip_of
from sidekiq_tui.tui.messages import LeaveWanted
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.subject import Subject
from sidekiq_tui.tui.unfinished import unfinished_words, why_nothing_waits
from sidekiq_tui.tui.views import VIEWS
from sidekiq_tui.tui.widgets.banner import Banner
from sidekiq_tui.tui.widgets.footer import Footer
from sidekiq_tui.tui.widgets.gathering import GatheringScreen
from sidekiq_tui.tui.widgets.header_strip import HeaderStrip
from sidekiq_tui.tui.widgets.line import Line
from sidekiq_tui.tui.widgets.message_line import MessageLine
from sidekiq_tui.tui.widgets.prompt import Assistant, Prompt
from sidekiq_tui.tui.widgets.totals import TotalsLine, totals_of
from sidekiq_tui.tui.widgets.view_tabs import ViewTabs

NARROWEST: Final = 60
LOWEST: Final = 16
LOWEST_WITH_TABS: Final = 20
TICK_SECONDS: Final = 1.0
PARTS: Final = 9
"""Widgets that `compose` yields."""


class ViewScreen(GatheringScreen[None]):
    """A view: subclasses give `view`, `scopes`, `body` and `show`; the frame is here.

    While the screen is covered or not in front its clock stands and neither `show` nor `tick` is called; when it
    comes back, `show` is called first.
    """

    view: ClassVar[str] = ""
    scopes: ClassVar[tuple[str, ...]] = ()
    """The scopes of actions that work here besides ``everywhere``."""

    BINDINGS = bindings(EVERYWHERE)

    def __init__(self, app_state: AppState) -> None:
        super().__init__()
        self.app_state = app_state
        self._clock: Timer | None = None
        self._regions: list[Region] | None = None
        self._drawn_size: Size | None = None
        self._first_words: tuple[str, str] | None = None
        self._ended_on: dict[str, None] = {}
        """Servers on which operations ended that the view has not heard of."""

    # What a view gives.

    def body(self) -> ComposeResult:
        """The widgets between frame and message line."""
        yield from ()

    def show(self, snapshots: Mapping[str, ServerSnapshot]) -> None:
        """New data of some server, another scope, time mode or size of the world: draw. `snapshots` has all servers."""

    def tick(self, now: float) -> None:
        """A second passed: ages that are on the screen."""

    def reason_against(self, action: Action) -> str | None:
        """Why an action cannot work here and now, in words; None when it can."""
        return None

    def count_for(self, action: Action) -> int | None:
        """How many rows an action would hit, for the footer; None when that says nothing."""
        return None

    def subject(self) -> Subject | None:
        """What an action that changes a server would be about here and now; None: there is nothing to change."""
        return None

    @property
    def closable(self) -> bool:
        """Whether `esc` closes a part of the view."""
        return False

    def stop_scan(self) -> None:
        """Stops what the view reads for a filter."""

    def change_began(self, server: str) -> None:
        """An operation of this screen's has begun: its marks have done their part."""

    def change_ended(self, server: str) -> None:
        """An operation on that server has ended: what the view itself reads may be old."""

    @property
    def filter_text(self) -> str:
        """The filter in force, as typed; empty without one."""
        return ""

    def apply_filter(self, text: str) -> None:
        """Filters the view as if `text` had been typed after `/`; views without a filter leave this."""

    def clear(self) -> bool:
        """Clears what `esc` clears first (a filter, marks); False when there is nothing."""
        return False

    def refresh_now(self) -> None:
        """`ctrl+r`: read again what the view itself reads; the pollers have been told already."""

    @property
    def crumb(self) -> str:
        """What the screen is called in the way to one that was opened from it."""
        return next(view.title for view in VIEWS if view.name == self.view)

    # What a view may use.

    def why_not(self, action: Action) -> str | None:
        """Why an action cannot work here and now, whoever knows; None when it can."""
        if action.where in CHANGING:
            return reason_against(self.app_state, action, self.subject())
        if action.id == "stop-scan":
            if self.app_state.busy:
                return None
            if type(self).stop_scan is ViewScreen.stop_scan:
                return "nothing is running"
        elif action.id == "hold":
            return None if self.app_state.busy else "no operation is running"
        elif action.id == "unfinished":
            return why_nothing_waits(self.app_state)
        elif action.id == "undo":
            return refusal(self.app_state, self.app_state.preferred, action.needs)
        return self.reason_against(action)

    @property
    def is_front(self) -> bool:
        """Whether this is what the person sees, with nothing over it."""
        # On the way out a screen loses its parts before it stops being active.
        return self.is_active and self.is_mounted and len(self.children) >= PARTS

    @property
    def _is_behind(self) -> bool:
        """Whether a dialog lies over it that does not hide all of it."""
        return self.is_current and not self.is_active and self.is_mounted and len(self.children) >= PARTS

    @property
    def available(self) -> tuple[Action, ...]:
        """All actions of this screen, also those that cannot work now."""
        return with_keys(actions_of((*self.scopes, EVERYWHERE)), self.app_state.keys)

    def say(self, text: str, role: str = "text") -> None:
        """An outcome in the message line, until the next key. `text` must be safe."""
        if self.is_mounted:
            self.query_one(MessageLine).set("outcome", (Span(text, role),))
        else:
            self._first_words = (text, role)

    def say_cell(self, cell: Cell) -> None:
        """An outcome of several roles."""
        if self.is_mounted:
            self.query_one(MessageLine).set("outcome", cell)

    def show_progress(self, cell: Cell = ()) -> None:
        """How far an operation or its plan is; nothing ends it."""
        if self.is_mounted:
            self.query_one(MessageLine).set("progress", cell)

    def draw_clip(self) -> None:
        """What was taken to be put elsewhere."""
        if self.is_mounted:
            self.query_one(MessageLine).put_aside(clip_words(self.app_state))

    def note(self, spans: Sequence[Span] = ()) -> None:
        """What the row under the cursor has that its columns do not show."""
        self.query_one(MessageLine).set("row", spans)

    def ask(
        self,
        sign: str,
        value: str,
        done: Callable[[str | None], None],
        hint: Sequence[Span] = (),
        changed: Callable[[str], None] | None = None,
        assistant: Assistant | None = None,
    ) -> None:
        """Opens the prompt in the place of the message line; `done` gets the text, or None after `esc`.

        `changed` gets what is typed whenever typing pauses for 150 ms.
        """
        before = self.focused

        def answered(text: str | None) -> None:
            self.remove_class("-asking")
            if before is not None:
                before.focus()
            done(text)

        self.add_class("-asking")
        self.query_one(Prompt).ask(sign, value, answered, hint, changed, assistant)

    def refresh_footer(self) -> None:
        """Draws the footer again, after something changed what keys can do."""
        usable = in_footer([action for action in footer_actions(self.available) if self.why_not(action) is None])
        if not (self._opened() or self.closable):
            usable = [action for action in usable if action.id != "back"]
        items = [(action.footer_key or action.keys_text.split(" ")[0], self._verb(action)) for action in usable]
        if self._away is not None:
            items.insert(1 if usable and usable[0].id == "open" else 0, (self._key_of("refresh"), "try now"))
        self.query_one(Footer).show(items, self._key_of("help"))

    def _key_of(self, action_id: str) -> str:
        (action,) = with_keys([find_action(action_id)], self.app_state.keys)
        return action.keys[0]

    def redraw(self) -> None:
        """Draws frame and body from the state; does nothing while the screen is not in front, but for another size
        of the terminal where it is seen behind a dialog."""
        if self.is_front or (self._is_behind and self.size != self._drawn_size):
            self._drawn_size = self.size
            self._draw_frame()
            self.show(self.app_state.snapshots)
            self._hear_of_ends()
            self.refresh_footer()  # what works depends on what there is to work on

    def tell_views(self, server: str) -> None:
        """An operation on that server has ended: tells every view, also those under this one and those left before."""
        for screen in chain.from_iterable(self.app._screen_stacks.values()):
            if isinstance(screen, ViewScreen):
                screen.operation_ended(server)

    # What the app calls.

    def operation_ended(self, server: str) -> None:
        """Lets the view read again: at once, or when it is in front again and not frozen any more."""
        self._ended_on[server] = None
        if self.is_front:
            self._hear_of_ends()

    def _hear_of_ends(self) -> None:
        if self.is_front and not self.app_state.frozen:
            servers, self._ended_on = self._ended_on, {}
            for server in servers:
                self.change_ended(server)

    def show_chord(self, choices: Sequence[Sequence[Span]] = ()) -> None:
        """The choices after `g`, in the message line and, where they need it, the footer; none when it is over."""
        self.query_one(MessageLine).set("chord", choices[0] if choices else ())
        self.query_one(Footer).cover(choices[1] if len(choices) > 1 else ())

    def key_pressed(self) -> None:
        """An outcome has been read."""
        if self.is_mounted:
            self.query_one(MessageLine).set("outcome")

    # The frame.

    def compose(self) -> ComposeResult:
        """The frame round the body."""
        ascii = self.app_state.ascii
        yield HeaderStrip(ascii=ascii, id="strip")
        yield TotalsLine(ascii=ascii, id="totals")
        yield ViewTabs(self.view, ascii=ascii, id="tabs")
        yield Banner(ascii=ascii, id="banner")
        with Vertical(id="body"):
            yield from self.body()
        yield MessageLine(ascii=ascii, id="message")
        yield Prompt(id="prompt")
        yield Footer(id="footer")
        yield Line(id="too-small")

    def on_mount(self) -> None:
        """Starts the clock."""
        self.screen_layout_refresh_signal.subscribe(self, self._laid_out)
        self.query_one("#too-small", Line).put((Span(" make me larger", "strong"),))
        self._clock = self.set_interval(TICK_SECONDS, self._tick, pause=not self.is_active)
        self._fit(self.app.size.width, self.app.size.height)
        if self._first_words is not None:
            self.call_after_refresh(self.say, *self._first_words)

    def on_screen_resume(self) -> None:
        """In front again: everything may have changed."""
        if self._clock is not None:
            self._clock.resume()
        self.redraw()

    def on_screen_suspend(self) -> None:
        """Covered or left: nothing is drawn, so nothing needs to run."""
        if self._clock is not None:
            self._clock.pause()

    def on_resize(self, event: events.Resize) -> None:
        """Lines go as the terminal gets smaller."""
        self._fit(event.size.width, event.size.height)
        if self._is_behind:
            self.call_after_refresh(self.redraw)

    def _laid_out(self, _: Screen[object]) -> None:
        """Paints everything where parts have moved: Textual may forget what they uncovered (it compares the layout
        with one that it made anew in the meantime)."""
        before, self._regions = self._regions, [part.region for part in self.query("*") if part.is_on_screen]
        if before is not None and before != self._regions:
            self.refresh()

    def _fit(self, width: int, height: int) -> None:
        self.set_class(height < LOWEST_WITH_TABS, "-low")
        self.set_class(width < NARROWEST or height < LOWEST, "-too-small")

    def _tick(self) -> None:
        self.app_state.pace.when_free("tick", partial(self.call_later, self._draw_second))

    def _draw_second(self) -> None:
        if self.is_front:
            self._draw_ages()
            self.tick(self.app_state.now())

    def _draw_frame(self) -> None:
        self.query_one(TotalsLine).show(totals_of(self.app_state.in_scope.values()))
        self.draw_clip()
        away = self._away
        known = away is not None and away.overview is not None
        words = f"Last known data, until {display_text(away.server)} answers." if away is not None and known else ""
        self.query_one(MessageLine).set("away", (Span(words, "muted"),) if words else ())
        self._draw_ages()

    def _draw_ages(self) -> None:
        state = self.app_state
        self.query_one(HeaderStrip).show(strip_of(state))
        self.query_one(Banner).show(state.current, state.now(), unfinished_words(state))

    @property
    def _away(self) -> ServerSnapshot | None:
        """The server in view, if it does not answer."""
        current = self.app_state.current
        return current if current is not None and current.error is not None else None

    def _verb(self, action: Action) -> str:
        if action.where in CHANGING:
            subject = self.subject()
            count = subject.count_for(action.id) if subject is not None and action.where == JOB_CHANGES else None
        else:
            count = self.count_for(action)
        return action.label if count is None else f"{action.label} {count:,}"

    # Actions of every view.

    def action_back(self) -> None:
        """`esc`: clears what can be cleared, else leaves what was opened; at the top it puts down what was taken."""
        if self.clear():
            return
        if self._opened():
            self.app.pop_screen()
        else:
            put_down(self)

    def action_leave(self) -> None:
        """`q`: leaves what was opened; at the top it quits."""
        if self._opened():
            self.app.pop_screen()
        else:
            self.post_message(LeaveWanted())

    def _opened(self) -> bool:
        """Whether another screen of the same view is under this one."""
        return self.app.screen_stack[0] is not self
