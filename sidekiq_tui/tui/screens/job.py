"""One job: what it is and where, its arguments, its error, its bytes, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.geometry import Region
from textual.message import Message

from sidekiq_tui.operations.selection import Rows
from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Span
from sidekiq_tui.presentation.columns.jobs import class_cell
from sidekiq_tui.presentation.job_trail import in_words
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.servers.job_on import plain, server_of
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.job import JobRecord
from sidekiq_tui.sidekiq.job_watch import Look
from sidekiq_tui.tui.actions import Action, bindings
from sidekiq_tui.tui.actions.job import COPY, JOB
from sidekiq_tui.tui.actions.jobs import INNER_TABS
from sidekiq_tui.tui.actions.lists import LIST
from sidekiq_tui.tui.actions.operations import JOB_CHANGES, NEW_JOBS
from sidekiq_tui.tui.clipboard import copy_jids, copy_json
from sidekiq_tui.tui.screens.base import ViewScreen
from sidekiq_tui.tui.screens.job_document import JobDocument, history_lines
from sidekiq_tui.tui.screens.job_facts import About, brief_lines, pane_lines, section_lines, sections
from sidekiq_tui.tui.screens.job_standing import Standing, left_queue, standing
from sidekiq_tui.tui.screens.listing import context_of
from sidekiq_tui.tui.screens.siblings import Siblings
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.subject import Subject
from sidekiq_tui.tui.widgets.board import Board
from sidekiq_tui.tui.widgets.document import Document
from sidekiq_tui.tui.widgets.line import Line
from sidekiq_tui.tui.widgets.text_block import TextBlock
from sidekiq_tui.tui.widgets.title_line import TitleLine

WIDE: Final = 100
"""From this width on the facts stand beside the document."""
BRIEF_LINES: Final = 3
LOW: Final = 13
"""Below this height of the body no line is left blank."""
TABS: Final = (("job", "Job"), ("raw", "Raw"), ("history", "History"))


def places(width: int, height: int) -> dict[str, Region]:
    """Where the parts stand in a body of that size."""
    if width < WIDE:
        gap = 0 if height < LOW else 1
        top = 2 + BRIEF_LINES + gap
        return {
            "title": Region(0, 0, width, 1),
            "inner": Region(0, 1, width, 1),
            "brief": Region(0, 2, width, BRIEF_LINES),
            "document": Region(0, top, width, max(0, height - top)),
        }
    pane = max(42, min(48, width * 35 // 100))  # a time said both ways, with its word
    left, rest = pane + 1, width - pane - 1
    return {
        "title": Region(0, 0, width, 1),
        "standing": Region(0, 1, width, 1),
        "facts": Region(0, 2, pane, height - 2),
        "split": Region(pane, 2, 1, height - 2),
        "inner": Region(left, 2, rest, 1),
        "document": Region(left, 4, rest, max(0, height - 4)),
    }


class JobScreen(ViewScreen):
    """A job over the list it was opened from. It is looked at again after each poll, in one trip."""

    scopes: ClassVar[tuple[str, ...]] = (LIST, JOB, COPY, INNER_TABS, JOB_CHANGES, NEW_JOBS)
    BINDINGS = bindings(JOB, COPY, INNER_TABS, JOB_CHANGES, NEW_JOBS)

    @dataclass
    class Looked(Message):
        """Where the job is now."""

        job: JobRecord
        look: Look
        asked_all: bool

    @dataclass
    class Stepped(Message):
        """The neighbour in the list arrived; None at the end of it."""

        job: JobRecord | None
        by: int

    @dataclass
    class Failed(Message):
        """A read failed."""

        error: SidekiqError
        step: bool

    def __init__(self, app_state: AppState, server: str, job: JobRecord, siblings: Siblings | None = None) -> None:
        super().__init__(app_state)
        self._server = server
        self._siblings = siblings
        self._tab: str | None = None
        self._leaving = False
        self._begin(job)

    def _begin(self, job: JobRecord) -> None:
        """Another job on the same screen; of a list of several servers perhaps one of another server."""
        self._listed = job
        self._server = server_of(job) or self._server
        job = self._job = plain(job)
        self._document = JobDocument(job)
        self._look: Look | None = None
        self._looked_at: float | None = None
        self._standing: Standing | None = None
        self._searched_work = False
        self._positions: dict[str, tuple[int, int]] = {}
        self.app_state.sightings.saw(self._server, job, in_words(job.place), self.app_state.now())

    # What it is of

    @property
    def job(self) -> JobRecord:
        """The job."""
        return self._job

    @property
    def tab(self) -> str:
        """The inner tab in front: of a malformed payload the raw bytes, unless a person chose another."""
        return self._tab or ("raw" if self._job.malformed else "job")

    @property
    def document(self) -> Document:
        """What scrolls."""
        return self.query_one("#document", Document)

    @property
    def _snapshot(self) -> ServerSnapshot:
        return self.app_state.snapshots[self._server]

    @property
    def _about(self) -> About:
        left = self._standing is not None and bool(self._standing.what)
        return About(self._job, self._snapshot, context_of(self.app_state), self._look, left)

    def body(self) -> ComposeResult:
        """All parts; which of them are seen depends on the width."""
        ascii = self.app_state.ascii
        yield Board(
            TitleLine(ascii=ascii, id="title"),
            Line(id="standing"),
            TextBlock(ascii=ascii, id="facts"),
            TextBlock(ascii=ascii, id="split"),
            Line(id="inner"),
            TextBlock(ascii=ascii, id="brief"),
            Document(ascii=ascii, id="document"),
            id="board",
        )

    def on_mount(self) -> None:
        """Keys go to the document."""
        self.document.focus()

    def on_screen_suspend(self) -> None:
        """A job that is not seen is not looked at."""
        self.workers.cancel_group(self, "look")
        self.workers.cancel_group(self, "step")

    def reason_against(self, action: Action) -> str | None:
        """What folds, wraps and has neighbours depends on the job."""
        if action.id in ("open", "fold"):
            return None if self.document.current.fold is not None else "nothing folds on this line"
        if action.id == "wrapper":
            return None if self._job.is_active_job else "nothing wraps this job"
        if action.id in ("next-job", "previous-job"):
            return None if self._siblings is not None else "it was not opened from a list"
        if action.id == "copy-jid":
            return None if self._job.jid else "it has no JID"
        return None

    def subject(self) -> Subject:
        """The job, as it was when it was opened: what has changed since is not touched."""
        return Subject(self._server, Rows((self._job,)), template=self._job)

    def change_ended(self, server: str) -> None:
        """Looks where it is now."""
        if server == self._server and self.is_front:
            self.refresh_now()

    def _verb(self, action: Action) -> str:
        if action.id == "open":
            line = self.document.current
            return "more" if line.asks_more else "fold" if line.is_open else "unfold"
        return super()._verb(action)

    # Data

    def show(self, snapshots: Mapping[str, ServerSnapshot]) -> None:
        """Draws what is known and looks again if there was a poll since."""
        if self.app_state.scope not in (None, self._server):
            # Another server came into view: this job is not on it, its list is the place to be.
            if not self._leaving:
                self._leaving = True
                self.call_later(self._leave_job)
            return
        self._draw()
        taken = self._snapshot.taken_at
        newer = taken is not None and (self._looked_at is None or taken > self._looked_at)
        if newer and not self.app_state.frozen and self._snapshot.error is None:
            self._start_looking()

    def _leave_job(self) -> None:
        """Nothing may be awaited here: the screen would wait for its own end."""
        self.app.pop_screen()

    def tick(self, now: float) -> None:
        """Ages."""
        self._draw()

    def refresh_now(self) -> None:
        """Looks again, at all work too."""
        self._searched_work = False
        self._start_looking()

    def _start_looking(self) -> None:
        self._looked_at = self._snapshot.taken_at
        asked, all_of_them = self._whom_to_ask()
        self._look_again(self._job, asked, all_of_them)

    def _whom_to_ask(self) -> tuple[Sequence[str], bool]:
        """Processes whose work to read: the one that ran the job, or once all, when it may run somewhere."""
        overview = self._snapshot.overview
        if self._look is not None and self._look.work is not None:
            return (self._look.work.identity,), False
        missing = self._standing is not None and self._standing.where == "gone"
        gone = missing or self._job.place.kind == "work" or left_queue(self._job, self._snapshot)
        if overview is None or not gone or self._searched_work:
            return (), False
        return [process.identity for process in overview.processes], True

    @work(group="look", exclusive=True, exit_on_error=False)
    async def _look_again(self, job: JobRecord, identities: Sequence[str], asked_all: bool) -> None:
        try:
            look = await self.app_state.registry.server(self._server).look_for(job, identities)
        except SidekiqError as error:
            self.post_message(self.Failed(error, step=False))
        else:
            self.post_message(self.Looked(job, look, asked_all))

    def on_job_screen_looked(self, message: Looked) -> None:
        """Tells where the job is; when it has just gone, asks once who may run it."""
        if message.job is not self._job:
            return
        ran = self._look is not None and self._look.work is not None
        self._look = message.look
        self._searched_work = self._searched_work or message.asked_all
        found = standing(self._job, message.look, self._snapshot)
        if found.where == "gone" and not ran and not self._searched_work and self._snapshot.overview is not None:
            self._standing = found
            self._start_looking()
            return
        if ran and message.look.work is None:
            self._searched_work = False
        self._standing = found
        if found.where != "unknown":
            self.app_state.sightings.saw(self._server, self._job, found.place, self.app_state.now())
        if self.is_front:
            self._draw()

    def on_job_screen_failed(self, message: Failed) -> None:
        """A look that fails is tried again after the next poll; a step is told."""
        if message.step:
            self.say(display_text(message.error.message), "warn")

    # Neighbours

    def action_step(self, by: int) -> None:
        """To the next or the previous job of the list."""
        if self._siblings is not None:
            self._step(self._siblings, by)

    @work(group="step", exclusive=True, exit_on_error=False)
    async def _step(self, siblings: Siblings, by: int) -> None:
        try:
            job = await siblings.step(self._listed, by)
        except SidekiqError as error:
            self.post_message(self.Failed(error, step=True))
        else:
            self.post_message(self.Stepped(job, by))

    def on_job_screen_stepped(self, message: Stepped) -> None:
        """Shows the neighbour from its top."""
        if message.job is None:
            title = self._siblings.title if self._siblings is not None else ""
            self.say(f"this is the {'last' if message.by > 0 else 'first'} of {title}", "muted")
            return
        self._begin(message.job)
        self.document.place(0)
        self.redraw()

    # Keys

    def action_tab(self, step: int) -> None:
        """The next or previous inner tab."""
        names = [name for name, _ in TABS]
        self._positions[self.tab] = self.document.position
        self._tab = names[(names.index(self.tab) + step) % len(names)]
        self._draw(self._positions.get(self._tab, (0, 0)))
        self.refresh_footer()

    def action_fold(self) -> None:
        """Unfolds or folds the line under the cursor."""
        self.document.action_open()

    def action_wrapper(self) -> None:
        """The wrapper's class and arguments instead of the job's, and back."""
        if self._job.is_active_job:
            self._document.toggle_wrapper()
            self._tab = "job"
            self._draw((0, 0))

    def action_copy_jid(self) -> None:
        """The JID to the clipboard."""
        copy_jids(self, [self._job])

    def action_copy_json(self) -> None:
        """The payload to the clipboard."""
        copy_json(self, [self._job])

    @on(Document.Toggled)
    def _toggled(self, message: Document.Toggled) -> None:
        self._document.toggle(message.line)
        self._draw()
        self.refresh_footer()

    @on(Document.Moved)
    def _moved(self) -> None:
        if self.is_front:
            self._draw_note()
            self.refresh_footer()

    # Drawing

    @on(Board.Resized)
    def _resized(self) -> None:
        board = self.query_one("#board", Board)
        board.lay_out(places(board.size.width, board.size.height))
        if self.is_front:
            self._draw()

    def _draw(self, position: tuple[int, int] | None = None) -> None:
        """Everything; each part repaints only what differs."""
        size = self.query_one("#board", Board).size
        if not size:
            return
        where = places(size.width, size.height)
        wide = "facts" in where
        self._draw_title(wide)
        self._draw_inner()
        about = self._about
        every = sections(about)
        width = where["document"].width - 2
        if wide:
            facts, rest = pane_lines(every, where["facts"].width, where["facts"].height, about.context)
            self.query_one("#facts", TextBlock).put(facts)
            split = (Span(about.context.glyphs.split, "rule"),)
            self.query_one("#split", TextBlock).put([split] * where["split"].height)
            self._draw_standing(where["standing"].width)
        else:
            rest = every
            brief = brief_lines(about)
            if self._standing is not None and self._standing.what:
                brief[-1] = self._standing_cell()
            self.query_one("#brief", TextBlock).put(brief)
        lines: list[Cell] = []
        for section in rest:
            lines += [*([()] if lines else []), *section_lines(section, width, about.context, margin="")]
        self._draw_document(width, lines, position)
        self._draw_note()

    def _draw_document(self, width: int, rest: Sequence[Cell], position: tuple[int, int] | None) -> None:
        context = context_of(self.app_state)
        if self.tab == "job":
            lines = self._document.job_lines(width, context, rest)
        elif self.tab == "raw":
            lines = self._document.raw_lines(width, context)
        else:
            seen = self.app_state.sightings.of(self._server, self._job)
            lines = history_lines(self._job, seen, context, width)
        self.document.put(lines, position)

    def _draw_title(self, wide: bool) -> None:
        job, context = self._job, context_of(self.app_state)
        klass = job.klass if self._document.wrapper else job.display_class
        name: Cell = (Span(f"{context.glyphs.bad} undecodable", "bad"),)
        if not job.malformed:
            name = class_cell(klass, context)
        jid = (Span(f"  {context.safe(job.jid)}"),) if job.jid else (Span("  no JID", "muted"),)
        self.query_one("#title", TitleLine).show((*name, *jid), self._position(wide))

    def _position(self, wide: bool) -> list[Span]:
        place = None if self._siblings is None else self._siblings.place_of(self._listed)
        if self._siblings is None or place is None:
            return []
        index, size = place
        title = self._siblings.title
        if title[:1].isdigit():  # the title is itself a number of jobs: `118 found`
            return [Span(f"{index + 1:,} of {title}", "muted")]
        return [Span(f"{index + 1:,} of {units.count(size)}" + (f" in {title}" if wide else ""), "muted")]

    def _draw_inner(self) -> None:
        spans = [Span(" ")]
        for name, title in TABS:
            spans += [Span(f" {title} ", "active" if name == self.tab else "muted"), Span(" ")]
        self.query_one("#inner", Line).put((*spans, Span("  h l", "muted")))

    def _draw_standing(self, width: int) -> None:
        """What became of the job; a rule while it is where it was."""
        line = self.query_one("#standing", Line)
        if self._standing is None or not self._standing.what:
            line.put((Span(context_of(self.app_state).glyphs.rule * width, "rule"),), "ground")
        else:
            line.put(self._standing_cell(), "mark")

    def _standing_cell(self) -> Cell:
        context = context_of(self.app_state)
        what = self._standing.what if self._standing is not None else ""
        return (Span(f" {context.glyphs.warn} ", "warn"), Span(what))

    def _draw_note(self) -> None:
        first, last = self.document.window
        count = self.document.count
        if last - first < count:
            self.note([Span(f"lines {first + 1:,}–{last:,} of {count:,}", "muted")])
        else:
            self.note()


def open_job(screen: ViewScreen, server: str, job: JobRecord, siblings: Siblings | None = None) -> None:
    """Shows a job over `screen`, whose tab stays the active one."""
    opened = JobScreen(screen.app_state, server, job, siblings)
    opened.view = screen.view  # type: ignore[misc]  # the view it was opened from
    screen.app.push_screen(opened)
