"""A job by its JID, wherever it is: found once by a search of all servers, then followed by a short look a poll.

When it has left its server, the short look goes to the others, too, a few times; then all are searched once more.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.geometry import Region
from textual.message import Message

from sidekiq_tui.errors import SqtuiError
from sidekiq_tui.operations.audit_line import AuditedOperation
from sidekiq_tui.operations.selection import Rows
from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Span, label_role
from sidekiq_tui.presentation.columns.jobs import class_cell, error_cell
from sidekiq_tui.presentation.job_trail import (
    between_words,
    in_words,
    liveliest,
    liveliest_spot,
    moved_words,
    spot_words,
)
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.servers.background import call_in_daemon
from sidekiq_tui.servers.fleet_search import FleetSearch
from sidekiq_tui.servers.job_elsewhere import find_elsewhere
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.job import JobRecord
from sidekiq_tui.sidekiq.job_follow import Spot
from sidekiq_tui.tui.actions import Action, bindings
from sidekiq_tui.tui.actions.job import COPY
from sidekiq_tui.tui.actions.lists import LIST
from sidekiq_tui.tui.actions.operations import JOB_CHANGES
from sidekiq_tui.tui.clipboard import copy_jids, copy_json
from sidekiq_tui.tui.screens.base import ViewScreen
from sidekiq_tui.tui.screens.job import open_job
from sidekiq_tui.tui.screens.job_facts import About, brief_lines
from sidekiq_tui.tui.screens.job_past import PastRow, audit_rows, past_columns, round_rows, told_rows
from sidekiq_tui.tui.screens.listing import context_of
from sidekiq_tui.tui.screens.search_words import servers_progress_spans
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.subject import Subject
from sidekiq_tui.tui.widgets.board import Board
from sidekiq_tui.tui.widgets.record_table import RecordTable
from sidekiq_tui.tui.widgets.rows import StaticRows
from sidekiq_tui.tui.widgets.text_block import TextBlock
from sidekiq_tui.tui.widgets.title_line import TitleLine

NOW_LINES: Final = 6
MOST_OPERATIONS: Final = 1000
MOST_MOVES: Final = 200
MOST_ASKED: Final = 200
"""Processes whose work is read in a look."""
GONE_LOOKS: Final = 3
"""So many looks after it has left, other servers are looked at: between two of them a job is on neither for a while."""


class JobTrailScreen(ViewScreen):
    """Where the job is, in words; under it what is known of its past, the newest first. Enter opens it as it is now."""

    view: ClassVar[str] = "search"
    scopes: ClassVar[tuple[str, ...]] = (LIST, COPY, JOB_CHANGES)
    BINDINGS = bindings(COPY, JOB_CHANGES)

    @dataclass
    class Searched(Message):
        """A slice more of the search was read, or it ended."""

        found: Sequence[tuple[str, JobRecord]]
        ended: bool

    @dataclass
    class Looked(Message):
        """Where the job is now; or why nobody could look."""

        before: Spot
        after: Spot | None
        server: str = ""
        """The one that it is on."""
        error: SidekiqError | None = None

    @dataclass
    class AuditRead(Message):
        """The last operations were read."""

        operations: Sequence[AuditedOperation]

    def __init__(self, app_state: AppState, jid: str) -> None:
        super().__init__(app_state)
        self.jid: Final = jid
        self.places: list[tuple[str, JobRecord]] = []
        """All places where the search found it."""
        self.spot: Spot | None = None
        """Where it was seen last."""
        self.server = app_state.preferred
        self._followed: tuple[str, JobRecord] | None = None
        self.gone = False
        self._gone_looks = 0
        self._search: FleetSearch | None = None
        self._searching = False
        self._looking = False
        self._looked_at: float | None = None
        self._moves: list[PastRow] = []
        self._workers: list[str] = []
        self._operations: Sequence[AuditedOperation] = ()
        self._error: SidekiqError | None = None

    def body(self) -> ComposeResult:
        """Title, what is now, what was."""
        ascii = self.app_state.ascii
        yield Board(
            TitleLine(ascii=ascii, id="title"),
            TextBlock(ascii=ascii, id="now"),
            TitleLine(ascii=ascii, id="past-title"),
            RecordTable[PastRow](past_columns(), id="table"),
            id="board",
        )

    @property
    def table(self) -> RecordTable[PastRow]:
        """The past."""
        return self.query_one("#table", RecordTable)

    @property
    def crumb(self) -> str:
        """The JID."""
        return self.jid

    def on_mount(self) -> None:
        """Looks everywhere, once."""
        self.table.focus()
        self._begin()

    def on_screen_suspend(self) -> None:
        """Nothing is read for what is not seen; the search goes on when it is in front again."""
        for group in ("trail-look", "trail-search"):
            self.workers.cancel_group(self, group)
        self._looking = False

    def on_screen_resume(self) -> None:
        """A search that was cut short begins anew."""
        if self._searching and not any(one.group == "trail-search" for one in self.workers):
            self._begin()

    # Finding it.

    def _begin(self) -> None:
        self.spot, self.gone, self._gone_looks, self._error = None, False, 0, None
        self._search_all()
        self._read_audit()

    def _search_all(self) -> None:
        self.places, self._followed = [], None
        self._searching = True
        self._search = FleetSearch.for_jid(self.app_state.fleet, self.jid)
        self._look_everywhere(self._search)

    @work(group="trail-search", exclusive=True, exit_on_error=False)
    async def _look_everywhere(self, search: FleetSearch) -> None:
        async with aclosing(search.slices()) as slices:
            async for part in slices:
                jobs = part.slice.jobs if part.slice is not None else ()
                self.post_message(self.Searched([(part.server, job) for job in jobs], False))
        self.post_message(self.Searched((), True))

    @work(group="trail-audit", exclusive=True, exit_on_error=False)
    async def _read_audit(self) -> None:
        operations = self.app_state.operations
        if operations is not None:
            with contextlib.suppress(SqtuiError, OSError):  # the audit's own view says what is wrong with it
                rows = await call_in_daemon(lambda: operations.audited(None, MOST_OPERATIONS))
                self.post_message(self.AuditRead(rows))

    def on_job_trail_screen_audit_read(self, message: AuditRead) -> None:
        """Draws what names the job."""
        self._operations = message.operations
        self._draw_if_front()

    def on_job_trail_screen_searched(self, message: Searched) -> None:
        """The first place is followed at once; a livelier one that comes later instead."""
        self.places += message.found
        found = liveliest(self.places)
        if message.found and found is not None and found is not self._followed:
            self._followed = found
            if self.gone and self.spot is not None and found[0] != self.server:
                self._tell_move(between_words(self.spot, self.server, Spot(found[1]), found[0]), found[0], "strong")
            self.server, self.spot, self.gone = found[0], Spot(found[1]), False
            self.app_state.sightings.saw(*found, in_words(found[1].place), self.app_state.now())
        if message.ended:
            self._searching = False
        if message.found or message.ended:
            self._draw_if_front()
            self._start_looking()

    # Following it.

    def _start_looking(self) -> None:
        state = self.app_state
        snapshot = state.snapshots[self.server]
        if self.spot is None or self._looking or state.frozen or snapshot.error is not None or not self.is_front:
            return
        self._looking, self._looked_at = True, snapshot.taken_at
        self._look(self.server, self.spot, self._gone_looks < GONE_LOOKS)

    @work(group="trail-look", exclusive=True, exit_on_error=False)
    async def _look(self, server: str, before: Spot, wider: bool) -> None:
        state = self.app_state
        identities = {name: _identities(snapshot) for name, snapshot in state.snapshots.items()}
        try:
            after = await state.registry.server(server).find_again(before.job, identities[server])
        except SidekiqError as error:
            self.post_message(self.Looked(before, None, server, error))
            return
        if (after is None and wider) or (after is not None and before.sure and not after.sure):
            found = liveliest_spot(await find_elsewhere(state.fleet, server, before.job, identities))
            server, after = found or (server, after)
        self.post_message(self.Looked(before, after, server))

    def on_job_trail_screen_looked(self, message: Looked) -> None:
        """Says how it moved."""
        self._looking = False
        self._error = message.error
        if message.before is not self.spot or message.error is not None:
            self._draw_if_front()
            return
        after, server, now = message.after, message.server, self.app_state.now()
        words = "" if after is None and self.gone else moved_words(message.before, after)
        self.gone = after is None
        if after is None:
            self._gone_looks += 1
            if self._gone_looks == GONE_LOOKS and self.spot.work is None and len(self.app_state.fleet.names) > 1:
                self._search_all()  # a job that runs is not moved: it has ended
        else:
            if server != self.server:
                words = between_words(message.before, self.server, after, server)
                self.places = [one for one in self.places if one[0] not in (server, self.server)]
                self.server = server
            self.spot, self._gone_looks = after, 0
            if after.work is not None:
                self._workers = [*{*self._workers, after.work.identity.rpartition(":")[0]}]
            self.app_state.sightings.saw(self.server, after.job, spot_words(after), now)
        if words:
            self._tell_move(words, self.server, "bad" if after is not None and after.place.kind == "dead" else "strong")
        self._draw_if_front()

    def _tell_move(self, words: str, server: str, role: str) -> None:
        row = PastRow(self.app_state.now(), server, "seen", (Span(words, role),))
        self._moves = [row, *self._moves][:MOST_MOVES]
        if self.is_front:
            self.say(words)

    # What the frame asks.

    def show(self, snapshots: Mapping[str, ServerSnapshot]) -> None:
        """Draws, and looks again after each poll of its server."""
        self._draw()
        taken = snapshots[self.server].taken_at
        if taken is not None and taken != self._looked_at:
            self._start_looking()

    def tick(self, now: float) -> None:
        """Ages."""
        self._draw()

    def refresh_now(self) -> None:
        """Searches all servers again."""
        self._begin()
        self._draw()

    def stop_scan(self) -> None:
        """Ends the search; what it found is followed."""
        self.workers.cancel_group(self, "trail-search")
        self._searching = False
        self._draw()

    def reason_against(self, action: Action) -> str | None:
        """What needs a job, or a search."""
        if action.id == "stop-scan":
            return None if self._searching else "nothing is being read"
        if self.spot is None and action.id in ("open", "copy-jid", "copy-json"):
            return "the job is not found yet" if self._searching else "the job is not there"
        return None

    def subject(self) -> Subject:
        """The job as it was seen last."""
        if self.spot is None:
            return Subject(self.server)
        if self.spot.place.kind == "work":
            return Subject(self.server, template=self.spot.job, running=self.spot.job)
        return Subject(self.server, Rows((self.spot.job,)), template=self.spot.job)

    def change_ended(self, server: str) -> None:
        """Looks where it is now."""
        self._read_audit()
        self._start_looking()

    def action_copy_jid(self) -> None:
        """The JID to the clipboard."""
        if self.spot is not None:
            copy_jids(self, [self.spot.job])

    def action_copy_json(self) -> None:
        """The payload to the clipboard."""
        if self.spot is not None:
            copy_json(self, [self.spot.job])

    @on(RecordTable.Opened)
    def _open(self) -> None:
        if self.spot is not None:
            open_job(self, self.server, self.spot.job)

    @on(Board.Resized)
    def _resized(self) -> None:
        self.redraw()

    # Drawing.

    def _draw_if_front(self) -> None:
        if self.is_front:
            self._draw()
            self.refresh_footer()

    def _draw(self) -> None:
        board = self.query_one(Board)
        width, height = board.size
        if not width:
            return
        top = NOW_LINES + 2
        board.lay_out(
            {
                "title": Region(0, 0, width, 1),
                "now": Region(0, 1, width - 1, NOW_LINES),
                "past-title": Region(0, top, width, 1),
                "table": Region(0, top + 1, width, max(0, height - top - 1)),
            }
        )
        state, context = self.app_state, context_of(self.app_state)
        looked = "" if self._looked_at is None else f"looked {units.age(max(0.0, state.now() - self._looked_at))} ago"
        right = "searching" if self._searching else f"following  {looked}" if self.spot is not None else ""
        self.query_one("#title", TitleLine).show(
            (Span("Job ", "title"), Span(display_text(self.jid, 60), "strong")),
            (Span(right, "muted"),) if right else (),
        )
        self.query_one("#now", TextBlock).put(self._now_lines())
        rows = self._past()
        self.table.set_columns(past_columns(state.time_mode))
        shown: StaticRows[PastRow] = StaticRows(rows, lambda row: row.key)
        nothing: Cell = (Span("Nothing is known of its past.", "muted"),)
        self.table.show(shown, context, notice=() if rows or self._searching else (nothing,))
        title = (Span(f"Past {len(rows):,}", "title"), Span("  payload, session, audit, what changed", "muted"))
        self.query_one("#past-title", TitleLine).show(title)
        self._draw_note()

    def _draw_note(self) -> None:
        if self._searching and self._search is not None:
            self.note(servers_progress_spans(self._search.progress, context_of(self.app_state)))
        else:
            self.note()

    def _now_lines(self) -> list[Cell]:
        state, context = self.app_state, context_of(self.app_state)
        glyphs, spot = context.glyphs, self.spot
        if spot is None:
            return self._nowhere()
        snapshot = state.snapshots[self.server]
        name = Span(display_text(self.server), f"{label_role(snapshot.profile.label)} strong")
        if self.gone:
            was = spot_words(spot)
            head: Cell = (Span(f"{glyphs.unknown} gone", "warn strong"), Span(f"  it was {was} on ", "muted"), name)
        else:
            role = {"dead": "bad", "retry": "warn", "work": "ok"}.get(spot.place.kind, "accent")
            glyph = glyphs.bad if role == "bad" else glyphs.ok
            head = (Span(f"{glyph} ", role), Span(spot_words(spot), "strong"), Span(" on ", "muted"), name)
        job = spot.job
        others = [f"{in_words(one.place)} on {display_text(server)}" for server, one in self._elsewhere()]
        lines: list[Cell] = [head, class_cell(job.display_class, context)]
        brief = brief_lines(About(job, snapshot, context, left=self.gone))[1 if self.gone else 0 : 2]
        if job.error_class is not None or job.error_message is not None:
            lines.append(error_cell(job.error_class, job.error_message, context))
        if others:
            lines.append((Span(f"{glyphs.warn} ", "warn"), Span(f"also {', '.join(others)}")))
        if self._error is not None:
            lines.append((Span(display_text(self._error.message, 200), "warn"),))
        lines = [(Span(" "), *line) for line in lines]
        return [*lines[:2], *brief, *lines[2:]][:NOW_LINES]

    def _nowhere(self) -> list[Cell]:
        if self._searching:
            return [(Span(" looking on all servers", "muted"),)]
        missing = (
            []
            if self._search is None
            else [
                f"{display_text(name)}: {display_text(one.error.message, 80)}"
                for name, one in self._search.progress.items()
                if one.error is not None
            ]
        )
        head: Cell = (Span(" It is nowhere: done, deleted, or on another server. ", "strong"), Span("ctrl+r", "key"))
        return [
            (*head, Span(" searches again", "muted")),
            *((Span(f" {line}", "warn"),) for line in missing[: NOW_LINES - 1]),
        ]

    def _elsewhere(self) -> list[tuple[str, JobRecord]]:
        """Other places where the search saw the same JID; the one that is followed may have moved since."""
        return [one for one in self.places if one is not self._followed]

    def _past(self) -> list[PastRow]:
        state, context = self.app_state, context_of(self.app_state)
        rows = [*self._moves, *audit_rows(self.jid, self._operations, context)]
        if self.spot is not None:
            job = self.spot.job
            rows += told_rows(job, self.server, context)
            rows += round_rows(job, state.timeline.events((self.server,)), self._workers, context)
        rows.sort(key=lambda row: -row.at)
        return rows


def _identities(snapshot: ServerSnapshot) -> list[str]:
    overview = snapshot.overview
    return [] if overview is None else [process.identity for process in overview.processes[:MOST_ASKED]]
