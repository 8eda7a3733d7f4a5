"""Profiles of single runs of jobs, which Sidekiq 8 keeps for a day: a list, and each of them as a file."""

from __future__ import annotations

from typing import ClassVar, Final

from textual import on, work
from textual.app import ComposeResult

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Span
from sidekiq_tui.presentation.columns.profiles import profile_columns
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.servers.background import call_in_daemon
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.profiling import MAX_PROFILES, JobProfile
from sidekiq_tui.sidekiq.replies import natural, reason
from sidekiq_tui.tui.actions import Action, bindings
from sidekiq_tui.tui.actions.lists import LIST, SORT
from sidekiq_tui.tui.actions.operations import PROFILE_CHANGES
from sidekiq_tui.tui.actions.profiles import PROFILES
from sidekiq_tui.tui.saving import file_name, is_gzip, save, target, why
from sidekiq_tui.tui.screens.dashboard_panels import denied_line
from sidekiq_tui.tui.screens.listing import context_of, left_out, range_spans, reason_against_empty
from sidekiq_tui.tui.screens.read_view import ReadView
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.subject import Subject
from sidekiq_tui.tui.widgets.record_table import RecordTable
from sidekiq_tui.tui.widgets.rows import StaticRows
from sidekiq_tui.tui.widgets.sorting import Order, in_order, next_order
from sidekiq_tui.tui.widgets.text_block import TextBlock
from sidekiq_tui.tui.widgets.title_line import TitleLine

SINCE: Final = 8
"""The version of Sidekiq that first keeps profiles."""
JID_SHOWN: Final = 12
"""Characters of a jid that tell one file from another, and leave the name short enough to read."""
VIEWER: Final = "profiler.firefox.com"
ROOMY: Final = 76
"""Columns that all that is said of it takes."""
RISING: Final = frozenset({"class", "token"})
_USUAL: Final = Order("started", True)


class ProfilesScreen(ReadView[tuple[JobProfile, ...]]):
    """Lists them, the newest first; `s` writes the one under the cursor to a file."""

    view: ClassVar[str] = "profiles"
    scopes: ClassVar[tuple[str, ...]] = (LIST, SORT, PROFILES, PROFILE_CHANGES)
    BINDINGS = bindings(SORT, PROFILES, PROFILE_CHANGES)
    every: ClassVar[float] = 30.0

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self._order = _USUAL
        self._saving = False

    def body(self) -> ComposeResult:
        """Title, list, and how to look at one."""
        yield TitleLine(ascii=self.app_state.ascii, id="title")
        yield RecordTable[JobProfile](profile_columns("relative"), id="table")
        block = TextBlock(ascii=self.app_state.ascii, id="profiles-help")
        block.styles.height = 1
        yield block

    @property
    def table(self) -> RecordTable[JobProfile]:
        """The list."""
        return self.query_one("#table", RecordTable)

    def on_mount(self) -> None:
        """Keys go to the list."""
        self.table.focus()

    async def read(self, server: str) -> tuple[JobProfile, ...]:
        """All that have not expired."""
        return await self.app_state.registry.server(server).profiles()

    def restart(self) -> None:
        """Another server's profiles."""
        self.table.restart()

    def reason_against(self, action: Action) -> str | None:
        """A profile has no screen of its own; saving needs one, and a server that answers."""
        if action.id == "open":
            return "a profile is a file: s saves it"
        if action.id == "save-profile":
            if self.table.empty:
                return "there is no profile"
            if self._saving:
                return "a profile is being read"
            return "its server does not answer" if self.away else None
        return reason_against_empty(self.table, action)

    def subject(self) -> Subject:
        """The profile under the cursor."""
        profile = self.table.current
        return Subject(self.server, profile=profile.key if profile is not None else None)

    def change_ended(self, server: str) -> None:
        """Reads again."""
        if server == self.server and self.is_front:
            self.refresh_now()

    # Drawing

    def draw(self) -> None:
        """Title, rows, and the line below."""
        context = context_of(self.app_state)
        columns = profile_columns(self.app_state.time_mode)
        found = self.found or ()
        listed: StaticRows[JobProfile] = StaticRows(in_order(found, columns, self._order, context), _key)
        self.table.set_columns(columns)
        self.table.show(
            listed, context, sorted_by=self._order.heading, stale=self.away, notice=self._notice() if not found else ()
        )
        hint: Cell = (
            Span(" A saved one opens at ", "muted"),
            Span(VIEWER),
            Span(", which keeps it in the browser." if self.size.width >= ROOMY else ".", "muted"),
        )
        self.query_one("#profiles-help", TextBlock).put([hint] if found else [])
        self._draw_title()

    def _draw_title(self) -> None:
        state = self.app_state
        count = None if self.found is None else len(self.found)
        more = "+" if count == MAX_PROFILES else ""
        spans = [Span(f"Profiles {units.count(count)}{more}", "title")]
        if state.scope is None:
            spans.append(Span(f"  on {display_text(self.server)}", "muted"))
        if self.slow and self.found is None:
            spans.append(Span("  reading …", "muted"))
        elif self.away and self.read_at is not None:
            spans.append(Span(f"  as of {units.age(state.now() - self.read_at)} ago", "warn"))
        elif self.found:
            spans.append(Span("  of single runs, kept for a day", "muted"))
        self.query_one("#title", TitleLine).show(spans, range_spans(self.table, count or 0))
        row = self.table.current
        self.note([] if row is None else self._about(row))

    def _about(self, row: JobProfile) -> list[Span]:
        context = context_of(self.app_state)
        spans = left_out(self.table, profile_columns(self.app_state.time_mode), row, context)
        if row.sid:
            before = "  " if spans else ""
            spans.append(Span(f"{before}uploaded before, as {display_text(row.sid)}", "muted"))
        return spans

    def _notice(self) -> list[Cell]:
        name, overview = display_text(self.server), self.snapshot.overview
        context = context_of(self.app_state)
        if self.error is not None:
            return [denied_line("Profiles", reason(self.error), context.glyphs)]
        if self.found is None:
            return self.not_read_yet()
        none = Span(f"No profiles on {name}.", "strong")
        versions = overview.sidekiq_versions if overview is not None else ()
        if versions and all(_major(version) < SINCE for version in versions):
            runs = display_text(", ".join(versions))
            return [(none,), (Span(f"Sidekiq keeps them from {SINCE}.0 on; here runs {runs}.", "muted"),)]
        return [
            (none,),
            (Span(f"Sidekiq {SINCE} keeps one for a day when a job succeeds", "muted"),),
            (Span("that was pushed with a profile token:", "muted"),),
            (Span('  SomeJob.set(profile: "slow").perform_async(…)'),),
            (Span("The app needs the gem vernier.", "muted"),),
        ]

    @on(RecordTable.Moved)
    def _moved(self) -> None:
        if self.is_front:
            self._draw_title()

    # Orders

    def action_sort_next(self) -> None:
        """By the next column."""
        columns = profile_columns(self.app_state.time_mode)
        self._order = next_order(self._order, columns, self.table.columns_shown, RISING)
        self.redraw()

    def action_sort_reverse(self) -> None:
        """The other way round."""
        self._order = self._order.reversed()
        self.redraw()

    # Saving

    @on(RecordTable.Opened)
    def _opened_row(self) -> None:
        self.action_save_profile()

    def action_save_profile(self) -> None:
        """Asks where to, and writes the profile there."""
        profile = self.table.current
        if profile is None or self._saving:
            return
        if self.app_state.frozen:
            self.say("frozen: Z lets the screen go on", "warn")
            return
        name = file_name(profile.type, (profile.jid or profile.key)[:JID_SHOWN], suffix=".json.gz")
        hint = (Span("file to write", "muted"),)
        self.ask(">", name, lambda typed: self._asked(profile, name, typed), hint)

    def _asked(self, profile: JobProfile, name: str, typed: str | None) -> None:
        if typed is None or not typed.strip():
            return
        try:
            path = target(typed.strip(), name)
            there = path.exists()
        except OSError as error:
            self.say(f"{display_text(typed)} can't be written: {display_text(why(error))}", "bad")
            return
        except (RuntimeError, ValueError) as error:  # a user without a home; a NUL in the name
            self.say(f"{display_text(typed)} names no file: {display_text(str(error))}", "bad")
            return
        if not there:
            self._save(self.server, profile, str(path), overwrite=False)
            return
        hint = (Span("it exists: ", "warn"), Span("y overwrites", "muted"))
        self.ask("!", "", lambda answer: self._overwrite(profile, str(path), answer), hint)

    def _overwrite(self, profile: JobProfile, path: str, answer: str | None) -> None:
        if answer is not None and answer.strip().casefold() == "y":
            self._save(self.server, profile, path, overwrite=True)
        else:
            self.say("nothing written", "muted")

    @work(group="save", exit_on_error=False)
    async def _save(self, server: str, profile: JobProfile, path: str, *, overwrite: bool) -> None:
        self._saving = True
        self.say(f"reading {units.size(profile.size)} …", "muted")
        try:
            words, role = await self._saved(server, profile, path, overwrite)
        finally:
            self._saving = False
            self.refresh_footer()
        self.say(words, role)

    async def _saved(self, server: str, profile: JobProfile, path: str, overwrite: bool) -> tuple[str, str]:
        """What came of it, in words with their role."""
        try:
            data = await self.app_state.registry.server(server).profile_data(profile.key)
        except SidekiqError as error:
            return display_text(error.message), "bad"
        if data is None:
            return "it is gone: profiles are kept for a day only", "warn"
        if not is_gzip(data) and path.endswith(".json.gz") and not overwrite:
            path = path.removesuffix(".gz")
        file = target(path, "")
        try:
            await call_in_daemon(lambda: save(file, data, overwrite=overwrite))
        except FileExistsError:
            return f"{display_text(str(file))} exists: nothing written", "warn"
        except OSError as error:
            return f"{display_text(str(file))} can't be written: {display_text(why(error))}", "bad"
        return f"saved {units.size(len(data))} as {display_text(str(file.absolute()))}  open it at {VIEWER}", "ok"


def _key(profile: JobProfile) -> str:
    return profile.key


def _major(version: str) -> int:
    return number if (number := natural(version.partition(".")[0])) is not None else SINCE
