"""Audit: who changed what on which server, and how it came out; below the list, all about one operation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.message import Message

from sidekiq_tui.errors import SqtuiError
from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.audit import AUDIT as COLUMNS
from sidekiq_tui.presentation.columns.base import Cell, Column, Context, Span
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.presentation.values import json_text
from sidekiq_tui.servers.background import call_in_daemon
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.tui.actions import Action, bindings
from sidekiq_tui.tui.actions.lists import FILTER, LIST, SORT
from sidekiq_tui.tui.screens.listing import NO_ROWS, context_of, left_out, range_spans, reason_against_empty
from sidekiq_tui.tui.screens.word_filter import WordFilter
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.widgets.record_table import RecordTable
from sidekiq_tui.tui.widgets.rows import StaticRows
from sidekiq_tui.tui.widgets.sorting import Order, in_order, next_order
from sidekiq_tui.tui.widgets.text_block import TextBlock
from sidekiq_tui.tui.widgets.title_line import TitleLine

if TYPE_CHECKING:
    from sidekiq_tui.operations.audit_line import AuditedOperation, Verdict

MOST: Final = 5000
"""Operations that are listed; `sqtui audit show` has all."""
RISING: Final = frozenset({"who", "server", "did"})
DETAIL_LINES: Final = 9
DETAIL_LINES_LOW: Final = 6
LOW: Final = 30
_NAME_CELLS: Final = 12
_HIDDEN: Final = frozenset(
    {"v", "prev", "step", "n", "time", "id", "who", "server", "kind", "what", "count", "undo", "boot", "mono"}
)
"""What the row or the line above says."""
_LAST: Final = ("jids_digest", "plan", "run")


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of the audit, and what checking its chain showed."""

    rows: tuple[AuditedOperation, ...]
    verdict: Verdict


class AuditScreen(WordFilter):
    """All servers at once, or one; read from this machine's files, so it needs no server."""

    view: ClassVar[str] = "audit"
    filter_hint: ClassVar[str] = "who, what, where, how it came out"
    scopes: ClassVar[tuple[str, ...]] = (LIST, SORT, FILTER)
    BINDINGS = bindings(SORT, FILTER)

    @dataclass
    class Arrived(Message):
        """The audit was read, or could not be."""

        read: Read | None
        error: str = ""

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self._known: Read | None = None
        self._error = ""
        self._reading = False
        self._order = Order()
        self._unfolded = False
        self._rows: list[AuditedOperation] = []

    def body(self) -> ComposeResult:
        """Title, list, details."""
        ascii = self.app_state.ascii
        yield TitleLine(ascii=ascii, id="title")
        yield RecordTable["AuditedOperation"](COLUMNS, id="table")
        yield TextBlock(ascii=ascii, id="audit-details")

    @property
    def table(self) -> RecordTable[AuditedOperation]:
        """The list."""
        return self.query_one("#table", RecordTable)

    @property
    def columns(self) -> tuple[Column[AuditedOperation], ...]:
        """The server only where there are several."""
        if self.app_state.scope is None:
            return COLUMNS
        return tuple(column for column in COLUMNS if column.key != "server")

    def on_mount(self) -> None:
        """Keys go to the list."""
        self.table.focus()

    # Reading

    def show(self, snapshots: Mapping[str, ServerSnapshot]) -> None:
        """Draws what is known; reads once, and after operations."""
        self._draw()
        if self._known is None and not self._error:
            self._start()

    def tick(self, now: float) -> None:
        """Ages."""
        self._draw()

    def refresh_now(self) -> None:
        """Reads again."""
        self._start()

    def change_began(self, server: str) -> None:
        """There is a line more."""
        self._start()

    def change_ended(self, server: str) -> None:
        """And another one."""
        self._start()

    def on_screen_resume(self) -> None:
        """Others may have written meanwhile."""
        self._known = None

    def _start(self) -> None:
        if not self._reading and self.app_state.operations is not None:
            self._reading = True
            self._read()

    @work(group="audit", exclusive=True, exit_on_error=False)
    async def _read(self) -> None:
        operations = self.app_state.operations
        if operations is None:
            return
        try:
            rows = await call_in_daemon(lambda: operations.audited(None, MOST))
            verdict = await operations.verify_audit()
        except (SqtuiError, OSError) as error:
            self.post_message(self.Arrived(None, str(error)))
        else:
            self.post_message(self.Arrived(Read(rows, verdict)))

    def on_audit_screen_arrived(self, message: Arrived) -> None:
        """Draws it."""
        self._reading = False
        self._error = message.error
        if message.read is not None:
            self._known = message.read
        if self.is_front:
            self._draw()
            self.refresh_footer()

    # Keys

    def reason_against(self, action: Action) -> str | None:
        """What needs rows."""
        if action.id in ("filter", "save-filter", "pick-filter"):
            return None if self._known is not None and self._known.rows else NO_ROWS
        return reason_against_empty(self.table, action)

    def clear(self) -> bool:
        """`esc` folds the details, then clears the filter."""
        if self._unfolded:
            self._unfolded = False
            self.redraw()
            return True
        return super().clear()

    def action_sort_next(self) -> None:
        """By the next column."""
        self._order = next_order(self._order, self.columns, self.table.columns_shown, RISING)
        self.redraw()

    def action_sort_reverse(self) -> None:
        """The other way round."""
        self._order = self._order.reversed()
        self.redraw()

    @on(RecordTable.Opened)
    def _open(self) -> None:
        self._unfolded = not self._unfolded
        self.redraw()

    @on(RecordTable.Moved)
    def _moved(self) -> None:
        if self.is_front:
            self._draw_around()

    # Drawing

    def _draw(self) -> None:
        context, scope = context_of(self.app_state), self.app_state.scope
        every = self._known.rows if self._known is not None else ()
        rows = [row for row in every if scope is None or row.intent.server == scope]
        rows = [row for row in rows if self.wanted(_text(row))]
        self._rows = in_order(rows, self.columns, self._order, context) if self._order != Order() else rows
        details = self.query_one("#audit-details", TextBlock)
        details.styles.height = self._detail_lines
        self.table.set_columns(self.columns)
        notice = () if rows else self._notice()
        listed: StaticRows[AuditedOperation] = StaticRows(self._rows, _key)
        self.table.show(listed, context, sorted_by=self._order.heading, notice=notice)
        self._draw_around()

    @property
    def _detail_lines(self) -> int:
        if not self._rows:
            return 0
        height = self.size.height
        if self._unfolded:
            return max(DETAIL_LINES_LOW, height - 12)
        return DETAIL_LINES if height >= LOW else DETAIL_LINES_LOW

    def _draw_around(self) -> None:
        context, row = context_of(self.app_state), self.table.current
        self.query_one("#title", TitleLine).show(self._title(), range_spans(self.table, len(self._rows)))
        details = self.query_one("#audit-details", TextBlock)
        width = self.app.size.width
        rule: Cell = (Span(context.glyphs.rule * width, "rule"),)
        details.put([] if row is None else [rule, *detail_lines(row, context)])
        self.note([] if row is None else left_out(self.table, self.columns, row, context))

    def _title(self) -> list[Span]:
        read = self._known
        spans = [Span(f"Audit {units.count(len(self._rows)) if read is not None else ''}".rstrip(), "title")]
        if self._filter:
            spans += [Span("  filter ", "muted"), Span(display_text(self._filter), "accent")]
        if read is None:
            return spans
        broken = read.verdict.broken
        if broken:
            spans.append(Span(f"  the chain is broken: {display_text(broken[0])}", "bad strong"))
        else:
            spans.append(Span(f"  {units.count(read.verdict.lines)} lines, the chain holds", "muted"))
        if len(read.rows) >= MOST:
            spans.append(Span("  sqtui audit show has the older ones", "muted"))
        return spans

    def _notice(self) -> list[Cell]:
        if self._error:
            return [(Span(f"The audit can't be read: {display_text(self._error)}", "bad"),)]
        if self.app_state.operations is None:
            return [(Span("Nothing can be changed in this session, and nothing is audited.", "muted"),)]
        if self._known is None:
            return []
        if self._filter:
            return [(Span("Nothing matches ", "strong"), Span(display_text(self._filter), "accent"))]
        scope = self.app_state.scope
        where = f" on {display_text(scope)}" if scope is not None else ""
        return [
            (Span(f"Nothing was changed{where} from this machine.", "strong"),),
            (Span("Each operation leaves a line here before it begins, and one when it has ended.", "muted"),),
        ]


def detail_lines(row: AuditedOperation, context: Context) -> list[Cell]:
    """What both lines say beyond the row, a field a line; how it came out first, long numbers last."""
    lines: list[Cell] = []
    for step, line in (("outcome", row.outcome), ("intent", row.intent)):
        if line is None:
            lines.append(
                (Span(f" {step.ljust(_NAME_CELLS)}", "title"), Span("none yet: under way, or crashed", "warn"))
            )
            continue
        when = units.time_cell(line.time, context.now, context.time_mode)
        when += " ago" if context.time_mode == "relative" else ""
        lines.append((Span(f" {step.ljust(_NAME_CELLS)}", "title"), Span(f"line {line.n:,}, {when}", "muted")))
        for key in sorted(line.fields, key=_LAST.__contains__):
            shown = "" if key in _HIDDEN else _shown(line.fields[key])
            if shown:
                name = context.safe(key)[:_NAME_CELLS].ljust(_NAME_CELLS)
                lines.append((Span(f"  {name}", "muted"), Span(context.safe(shown))))
    return lines


def _shown(value: object) -> str:
    """A value in words; counts without zeros."""
    if isinstance(value, dict):
        return "  ".join(f"{key} {_shown(one)}" for key, one in value.items() if one not in (0, None, "", [], {}))
    if isinstance(value, list):
        return "  ".join(map(_shown, value))
    return value if isinstance(value, str) else "" if value is None else json_text(value)


def _text(row: AuditedOperation) -> str:
    one, other = row.intent, row.outcome
    ending = other.ending if other is not None else ""
    return f"{one.who} {one.server} {one.kind} {one.what} {one.id} {ending}"


def _key(row: AuditedOperation) -> str:
    return row.intent.id
