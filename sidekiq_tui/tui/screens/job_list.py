"""What every list of jobs does, whatever fills it: marks, columns, orders, notes, opening and copying."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult

from sidekiq_tui.operations.selection import Rows as ChosenRows
from sidekiq_tui.operations.selection import Selection
from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Cell, Column, Span
from sidekiq_tui.presentation.columns.job_extras import JOB_COLUMN_WORDS, chosen_job_columns, every_job_column
from sidekiq_tui.presentation.columns.jobs import ListKind, job_columns
from sidekiq_tui.sidekiq.iteration import IterationState
from sidekiq_tui.sidekiq.job import JobRecord
from sidekiq_tui.tui.actions import Action, bindings, find_action
from sidekiq_tui.tui.actions.job import COPY
from sidekiq_tui.tui.actions.jobs import COLUMNS, MARKS
from sidekiq_tui.tui.actions.lists import LIST, SORT
from sidekiq_tui.tui.actions.operations import JOB_CHANGES, NEW_JOBS
from sidekiq_tui.tui.clipboard import copy_jids, copy_json
from sidekiq_tui.tui.modals.columns import ColumnChooser
from sidekiq_tui.tui.screens.base import ViewScreen
from sidekiq_tui.tui.screens.job import open_job
from sidekiq_tui.tui.screens.job_marks import MOST_MARKED, Marks
from sidekiq_tui.tui.screens.job_siblings import ListSiblings
from sidekiq_tui.tui.screens.job_words import job_note
from sidekiq_tui.tui.screens.listing import NO_ROWS, context_of, left_out, range_spans
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.subject import Subject
from sidekiq_tui.tui.widgets.record_table import RecordTable
from sidekiq_tui.tui.widgets.rows import Rows
from sidekiq_tui.tui.widgets.sorting import Order, next_order
from sidekiq_tui.tui.widgets.title_line import TitleLine

NARROW: Final = 100
"""Below so many columns titles are shortened."""
WALKING_SECONDS: Final = 1.0
"""After a key this long somebody is taken to walk on."""
OWN_TIME: Final = "time"
"""The column of a list's own time, by which most lists are ordered anyway."""

_RISING: Final = frozenset(
    {
        "server",
        "where",
        "queue",
        "class",
        "args",
        "error",
        "jid",
        "tags",
        "wrapped",
        "bid",
        "created",
        "failed",
        "retried",
    }
)
_NEED_ROWS: Final = frozenset({"mark", "mark-range", "mark-page", "mark-all", "sort", "sort-reverse", "open"})
_COPIES: Final = frozenset({"copy-jid", "copy-json"})


class JobListScreen(ViewScreen):
    """One table of jobs under a title. Subclasses give what is in it:

    `server`, `kind`, `list_name`, `given`, `title_left` and `notice`; and, where it applies, `own_order`, `sortable`,
    `size_matched`, `mark_all` and `load`. They call `draw` when any of it has changed.
    """

    scopes: ClassVar[tuple[str, ...]] = (LIST, SORT, MARKS, COLUMNS, COPY, JOB_CHANGES, NEW_JOBS)
    BINDINGS = bindings(SORT, MARKS, COLUMNS, COPY, JOB_CHANGES, NEW_JOBS)

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self.marks = Marks()
        self.order = Order()
        self._footer_tells: int | None = None
        self.neighbours = ListSiblings(self)

    # What a subclass gives.

    @property
    @abstractmethod
    def server(self) -> str:
        """The server whose jobs these are."""

    @property
    @abstractmethod
    def kind(self) -> ListKind:
        """Which columns there are."""

    @property
    @abstractmethod
    def list_name(self) -> str:
        """What words call the list (`Retries`, `mailers`, `118 found`); safe to show."""

    @abstractmethod
    def given(self) -> Rows[JobRecord]:
        """The rows in the present `order`."""

    @abstractmethod
    def title_left(self, narrow: bool) -> Sequence[Span]:
        """The title but for marks and range."""

    @abstractmethod
    def notice(self) -> Sequence[Cell]:
        """What stands in the place of rows when there are none."""

    @property
    def own_order(self) -> Order:
        """What the heading marks while the list is in its own order."""
        return Order()

    @property
    def stale(self) -> bool:
        """Whether what is shown is the last of a server that does not answer."""
        return self.app_state.snapshots[self.server].error is not None

    @property
    def size_matched(self) -> int | None:
        """How many jobs `A` marks; None if that is not known."""
        return self.given().size

    def mark_all(self) -> str:
        """Marks all that match; returns what to say about it, if anything."""
        return self.mark_these(_all_of(self.given()))

    def order_changed(self) -> None:
        """Another `order`: prepares rows, if that takes more than the next `given`."""

    def why_not_sorted(self) -> str | None:
        """Why another order is not possible now."""
        return None

    def iteration_of(self, job: JobRecord) -> IterationState | None:
        """How far an iterable job has come, where that is known."""
        return None

    async def load(self, index: int) -> None:
        """Reads the row at `index` of a list that is not all in memory. Raises SidekiqError."""

    # What it has.

    @property
    def table(self) -> RecordTable[JobRecord]:
        """The list."""
        return self.query_one("#table", RecordTable)

    @property
    def columns(self) -> tuple[Column[JobRecord], ...]:
        """The columns a person chose, or those that come with the list."""
        state = self.app_state
        return chosen_job_columns(self.kind, state.columns.get(self.kind), state.time_mode)

    @property
    def chosen(self) -> tuple[JobRecord, ...]:
        """The jobs that an action is about: the marked ones, else the one under the cursor."""
        if self.marks:
            return self.marks.jobs
        current = self.table.current
        return () if current is None else (current,)

    def body(self) -> ComposeResult:
        """Title and list."""
        yield TitleLine(ascii=self.app_state.ascii, id="title")
        yield RecordTable[JobRecord](self.columns, id="table")

    def on_mount(self) -> None:
        """Keys go to the list."""
        self.table.focus()

    def reason_against(self, action: Action) -> str | None:
        """What acts on rows needs some."""
        if action.id in _NEED_ROWS and self.table.empty:
            return NO_ROWS
        if action.id in _COPIES:
            if self.marks.whole:
                return f"all of {self.list_name} is marked by a rule; copying needs rows"
            return None if self.chosen else NO_ROWS
        if action.id in ("sort", "sort-reverse"):
            return self.why_not_sorted()
        return None

    def count_for(self, action: Action) -> int | None:
        """What `A` would mark, and how many marked rows an action would be about."""
        if action.id == "mark-all":
            return self.size_matched
        if action.id in _COPIES and self.marks:
            return len(self.marks)
        return None

    # Changing.

    def subject(self) -> Subject:
        """The marked jobs, all that match where `A` said so, else the one under the cursor."""
        current = self.table.current
        return Subject(self.server, self.selected, self._selected_count, template=current)

    @property
    def selected(self) -> Selection | None:
        """The jobs that a change would be about."""
        return ChosenRows(self.chosen) if self.chosen else None

    @property
    def _selected_count(self) -> int | None:
        if self.marks.whole:
            return self.size_matched
        if self.marks.all_matching and self.why_not_sorted() is not None:
            return None  # more is being found
        return len(self.marks) if self.marks else None

    def change_began(self, server: str) -> None:
        """The marks have done their part."""
        if self.marks:
            self.marks.clear()
            self._marks_changed()

    def change_ended(self, server: str) -> None:
        """Reads again."""
        if server == self.server and self.is_front:
            self.refresh_now()

    def clear(self) -> bool:
        """`esc` takes the marks away first."""
        if not self.marks:
            return False
        self.marks.clear()
        self._marks_changed()
        return True

    # Drawing.

    def draw(self, shift: int = 0) -> None:
        """Draws title, list and note; `shift` says how far the jobs have moved since."""
        self.table.set_columns(self.columns)
        self.table.show(
            self.given(),
            context_of(self.app_state),
            shift=shift,
            sorted_by=(self.order if self.order.key is not None else self.own_order).heading,
            stale=self.stale,
            notice=self.notice(),
            marked=self.marks.__contains__,
        )
        if self._footer_tells != self.size_matched:
            self._footer_tells = self.size_matched
            self.refresh_footer()
        self.draw_around()

    def draw_around(self) -> None:
        """Title and note: what changes as the cursor moves."""
        self.query_one("#title", TitleLine).show(self.title_left(self.size.width < NARROW), self.title_right())
        self.draw_note()

    def title_right(self) -> Sequence[Span]:
        """How many are marked, and which rows are visible."""
        visible = range_spans(self.table, self.given().size)
        if not self.marks:
            return visible
        return [Span(self._marked_words(), "sorted"), *([Span("  ")] if visible else []), *visible]

    def draw_note(self) -> None:
        """What the job under the cursor has besides its columns."""
        job, context = self.table.current, context_of(self.app_state)
        if job is None:
            self.note()
        else:
            left = left_out(self.table, self.columns, job, context)
            self.note(job_note(job, left, context, self.iteration_of(job)))

    @on(RecordTable.Moved)
    def _moved(self) -> None:
        if self.is_front:
            self.draw_around()
            if self.app_state.pace.quiet_seconds < WALKING_SECONDS:
                self.app_state.pace.when_free("ahead", self._look_ahead)

    def _look_ahead(self) -> None:
        if self.is_front:
            self.look_ahead()

    def look_ahead(self) -> None:
        """Somebody walks through the list, and has time now: prepares where the next keys may lead."""
        self.table.draw_ahead()

    def _marked_words(self) -> str:
        if self.marks.whole:
            size = self.size_matched
            return "all marked" if size is None else f"all {units.count(size)} marked"
        return f"{units.count(len(self.marks))} marked"

    # Opening and copying.

    @on(RecordTable.Opened)
    def _open(self) -> None:
        job = self.table.current
        if job is not None:
            open_job(self, self.server, job, self.neighbours)

    def action_copy_jid(self) -> None:
        """Copies the JIDs of the marked jobs, or of the one under the cursor."""
        self._copy("copy-jid", copy_jids)

    def action_copy_json(self) -> None:
        """Copies the payloads of the marked jobs, or of the one under the cursor."""
        self._copy("copy-json", copy_json)

    def _copy(self, action: str, copy: Callable[[ViewScreen, Sequence[JobRecord]], None]) -> None:
        reason = self.reason_against(find_action(action))
        if reason is not None:
            self.say(reason, "warn")
        else:
            copy(self, self.chosen)

    # Marks.

    def action_mark(self) -> None:
        """Marks the row or takes its mark away, and goes on to the next one."""
        job = self.table.current
        if job is None:
            return
        if self.marks.whole:
            self.say(f"all of {self.list_name} is marked; esc takes that back", "warn")
            return
        if not self.marks.toggle(job):
            self._say_full()
        before = self.table.cursor
        self.table.place(before + 1)  # draws the mark too, and the rest follows when it has moved
        if self.table.cursor == before:
            self.draw_around()
        self.refresh_footer()

    def action_mark_page(self) -> None:
        """Marks what is visible; takes the marks away where all of it is marked."""
        rows = self.given()
        first, last = self.table.window
        jobs = [job for index in range(first, last + 1) if (job := rows.get(index)) is not None]
        if not self.marks.whole and jobs and all(job in self.marks for job in jobs):
            self.marks.remove(jobs)
            self._marks_changed()
        elif jobs:
            self.marks.anchor = jobs[-1].identity
            self.mark_these(jobs)

    def action_mark_range(self) -> None:
        """Marks the rows from the last mark to the cursor."""
        rows, cursor = self.given(), self.table.cursor
        here = self.table.current
        if here is None:
            return
        anchor = None if self.marks.anchor is None else rows.index_of(self.marks.anchor, cursor)
        if anchor is None:
            self.marks.anchor = here.identity
            self.mark_these((here,))
            self.say("v again marks from here to the cursor", "muted")
            return
        first, last = sorted((anchor, cursor))
        jobs = [rows.get(index) for index in range(first, last + 1)] if last - first < MOST_MARKED else [None]
        loaded = [job for job in jobs if job is not None]
        if len(loaded) < len(jobs):
            self.range_not_loaded(first, last)
            return
        self.marks.anchor = here.identity
        self.mark_these(loaded)

    def range_not_loaded(self, first: int, last: int) -> None:
        """A range with rows in it that were never read."""
        self.say(f"{last - first + 1:,} rows, not all of them read: / finds them, A marks what it found", "warn")

    def action_mark_all(self) -> None:
        """Marks all that match."""
        words = self.mark_all()
        self._marks_changed()
        if words:
            self.say(words, "muted")

    def mark_these(self, jobs: Sequence[JobRecord]) -> str:
        """Marks jobs and draws; returns what to say if that were too many."""
        full = not self.marks.add(jobs)
        self._marks_changed()
        if full:
            self._say_full()
        return self._full_words() if full else ""

    def _say_full(self) -> None:
        self.say(self._full_words(), "warn")

    def _full_words(self) -> str:
        return f"{len(self.marks):,} rows are marked: more can't be held one by one"

    def _marks_changed(self) -> None:
        self.table.repaint()
        self.draw_around()
        self.refresh_footer()

    # Columns and order.

    def action_columns(self) -> None:
        """Asks which columns to show."""
        every = every_job_column(self.kind, self.app_state.time_mode)
        usual = [column.key for column in job_columns(self.kind)]
        choices = [(column.key, column.heading, JOB_COLUMN_WORDS[column.key]) for column in every]
        shown = [column.key for column in self.columns]
        chooser = ColumnChooser(self.list_name, choices, shown, usual, ascii=self.app_state.ascii)
        self.app.push_screen(chooser, self._columns_chosen)

    def _columns_chosen(self, keys: list[str] | None) -> None:
        if keys is not None:
            if keys == [column.key for column in job_columns(self.kind)]:
                self.app_state.columns.pop(self.kind, None)
            else:
                self.app_state.columns[self.kind] = keys
        self.redraw()

    def action_sort_next(self) -> None:
        """By the next column; after the last one in the list's own order again."""
        own = self.own_order.key
        columns = [column for column in self.columns if column.key != own]
        self._sort(next_order(self.order, columns, self.table.columns_shown, _RISING, given=True))

    def action_sort_reverse(self) -> None:
        """The other way round."""
        self._sort(self.order.reversed())

    def _sort(self, order: Order) -> None:
        reason = NO_ROWS if self.table.empty else self.why_not_sorted()
        if reason is not None:
            self.say(reason, "muted")
            return
        self.order = order
        self.order_changed()
        self.redraw()


def _all_of(rows: Rows[JobRecord]) -> list[JobRecord]:
    return [job for index in range(min(rows.size, MOST_MARKED + 1)) if (job := rows.get(index)) is not None]
