"""The one list widget: a heading and rows of any number, of which it holds and draws only what is visible."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final, Generic, NamedTuple, TypeVar

from rich.segment import Segment
from textual import events
from textual.binding import BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from sidekiq_tui.presentation.columns import Cell, Column, Context, Span, fit_cell, layout, wrap_cell
from sidekiq_tui.presentation.glyphs import to_ascii
from sidekiq_tui.presentation.text import cell_width
from sidekiq_tui.tui.actions import bindings
from sidekiq_tui.tui.actions.lists import LIST
from sidekiq_tui.tui.theme import style_for
from sidekiq_tui.tui.widgets.line import Inked
from sidekiq_tui.tui.widgets.rows import Rows, StaticRows

R = TypeVar("R")

GUTTER: Final = 2
"""Cells left of the first column: the cursor's and the mark's."""
MARGIN: Final = 1
BETWEEN: Final = 2
WHEEL_ROWS: Final = 3
HEADING_ROWS: Final = 1
MEMO_ROWS: Final = 2000
MOST_STRIPS: Final = 500


class _Drawn(NamedTuple):
    """One line as it stands on the screen: a cell each for gutter and columns, on one ground."""

    ground: str
    cells: tuple[Cell, ...]


_BLANK: Final = _Drawn("ground", ())

_Dress = tuple[bool, bool, bool]
"""Whether a row is under the cursor, marked, stale."""


@dataclass(frozen=True, slots=True)
class _Known(Generic[R]):
    """A row as it was drawn last, and at which of the table's moments."""

    row: R
    moment: int
    cells: tuple[Cell, ...]
    lines: dict[_Dress, _Drawn] = field(default_factory=dict)
    """The line that it makes, in each dress that it has worn: as it scrolls it is the same one."""


class RecordTable(Inked, Generic[R], can_focus=True):
    """Rows under a heading, with a cursor that belongs to a record, not to a row number.

    It reads nothing: rows that are not there are drawn as `…` and asked for with `Wanted`.
    """

    DEFAULT_CSS = """
    RecordTable { height: 1fr; width: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(LIST)]

    @dataclass
    class Moved(Message):
        """Another record is under the cursor, or other rows are visible."""

    @dataclass
    class Opened(Message):
        """Enter on the record under the cursor, or a double click on it."""

    @dataclass
    class Wanted(Message):
        """Rows that are visible are not there; `wanted` says which when somebody gets to read them."""

    def __init__(self, columns: Sequence[Column[R]], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._columns: tuple[Column[R], ...] = tuple(columns)
        self._layout: list[tuple[Column[R], int]] = []
        self._drawing = Context(now=0.0)
        self._rows: Rows[R] = StaticRows()
        self._total: R | None = None
        self._sorted: tuple[str, bool] | None = None
        self._stale = False
        self._notice: tuple[Cell, ...] = ()
        self._marked: Callable[[R], bool] | None = None
        self.resting = False
        """Whether it shows no cursor: keys go to another list on the same screen."""
        self._cursor = 0
        self._cursor_key: Hashable | None = None
        self._top = 0
        self._drawn: list[_Drawn] = []
        self._strips: dict[int, tuple[_Drawn, Strip]] = {}
        self._memo: dict[int, _Known[R]] = {}
        self._moment = 0
        self._told: tuple[object, ...] = ()

    # What it shows

    def show(
        self,
        rows: Rows[R],
        context: Context,
        *,
        shift: int = 0,
        total: R | None = None,
        sorted_by: tuple[str, bool] | None = None,
        stale: bool = False,
        notice: Sequence[Cell] = (),
        marked: Callable[[R], bool] | None = None,
    ) -> None:
        """Draws rows, which may be the same ones, changed. The cursor stays on its record and the view on its rows.

        `shift` says how far records moved since they were drawn; `total` is a last row without cursor; `sorted_by` a
        column's key and whether it falls; `stale` mutes everything; `notice` stands in the place of rows if there are
        none; `marked` says which rows wear a mark.
        """
        if context != self._drawing:
            if replace(context, now=self._drawing.now) != self._drawing:
                self._memo.clear()
            self._moment += 1
        self._rows, self._drawing, self._total, self._sorted = rows, context, total, sorted_by
        self._stale, self._notice, self._marked = stale, tuple(notice), marked
        self._follow(shift)
        self._draw()

    def set_columns(self, columns: Sequence[Column[R]]) -> None:
        """Other columns, from the next `show` on."""
        if tuple(columns) != self._columns:
            self._columns = tuple(columns)
            self._arrange()

    def restart(self) -> None:
        """Back to the first row: what comes next is another list."""
        self._cursor = self._top = 0
        self._cursor_key = None
        self._memo.clear()

    # What it knows

    @property
    def cursor(self) -> int:
        """The index under the cursor."""
        return self._cursor

    @property
    def current(self) -> R | None:
        """The record under the cursor; None if there is none or it is not loaded."""
        return self._rows.get(self._cursor)

    @property
    def empty(self) -> bool:
        """Whether there are no rows."""
        return not self._rows.size

    @property
    def window(self) -> tuple[int, int]:
        """The first and the last visible index; the last is before the first if there are no rows."""
        return self._top, min(self._top + self._height, self._rows.size) - 1

    @property
    def wanted(self) -> tuple[int, int] | None:
        """Offset and length of the read that the visible rows need now."""
        return self._rows.missing(*self.window) if self._rows.size else None

    @property
    def wanted_soon(self) -> tuple[int, int] | None:
        """Offset and length of a read that the page after the visible one or the one before it needs."""
        first, last = self.window
        ends = (min(last + self._height, self._rows.size - 1), max(0, first - self._height))
        return next((span for end in ends if (span := self._rows.missing(end, end)) is not None), None)

    def window_after(self, shift: int) -> tuple[int, int]:
        """The visible indexes once the records have moved by `shift`, as `show` will have them."""
        cursor = max(0, self._cursor + shift)
        top = max(0, self._top + shift) if self._top else 0
        if self._top <= self._cursor < self._top + self._height:
            top = max(min(top, cursor), cursor - self._height + 1, 0)
        return top, top + self._height - 1

    @property
    def columns_shown(self) -> frozenset[str]:
        """Keys of the columns there is room for."""
        return frozenset(column.key for column, _ in self._layout)

    @property
    def rows_needed(self) -> int:
        """Lines to show everything at once."""
        return HEADING_ROWS + self._rows.size + (self._total is not None)

    def repaint(self) -> None:
        """Draws the same rows again: what `marked` says of them has changed."""
        self._draw()

    def draw_ahead(self) -> None:
        """Prepares the lines of the page before the visible one and of the one after it: to turn to them takes less."""
        first, last = self.window
        for index in (*range(last + 1, last + 1 + self._height), *range(first - self._height, first)):
            if self._rows.get(index) is not None:
                self._strip_of(self._row(index))

    def place(self, index: int) -> None:
        """Puts the cursor on a row and shows it."""
        self._cursor = max(0, min(index, self._rows.size - 1))
        self._cursor_key = self._rows.key(self._cursor)
        self._reveal()
        self._draw()

    def go_to(self, index: int) -> None:
        """Puts the cursor on a row and that row at the top."""
        self._top = max(0, min(index, self._rows.size - self._height))
        self.place(index)

    # Keys and mouse

    def action_cursor_down(self) -> None:
        """One row down."""
        self.place(self._cursor + 1)

    def action_cursor_up(self) -> None:
        """One row up."""
        self.place(self._cursor - 1)

    def action_cursor_top(self) -> None:
        """The first row."""
        self.place(0)

    def action_cursor_bottom(self) -> None:
        """The last row."""
        self.place(self._rows.size - 1)

    def action_page_down(self) -> None:
        """One screen down."""
        self._leap(self._height)

    def action_page_up(self) -> None:
        """One screen up."""
        self._leap(-self._height)

    def action_half_down(self) -> None:
        """Half a screen down."""
        self._leap(self._height // 2)

    def action_half_up(self) -> None:
        """Half a screen up."""
        self._leap(-(self._height // 2))

    def action_open(self) -> None:
        """Opens the record under the cursor."""
        if self.current is not None:
            self.post_message(self.Opened())

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, a double click opens."""
        index = self._top + event.y - HEADING_ROWS
        if event.y >= HEADING_ROWS and index <= self.window[1]:
            self.place(index)
            if event.chain == 2:
                self.action_open()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel moves the view, not the cursor."""
        event.stop()
        self._scroll(WHEEL_ROWS)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel moves the view, not the cursor."""
        event.stop()
        self._scroll(-WHEEL_ROWS)

    # Drawing

    def on_resize(self) -> None:
        """Another width may hold other columns; the cursor stays in view if it was."""
        self._arrange()

    def notify_style_update(self) -> None:
        """Another theme: every line is styled anew."""
        super().notify_style_update()
        self._strips.clear()

    def render_line(self, y: int) -> Strip:
        """A line that `_draw` prepared, as styled segments."""
        return self._strip_of(self._drawn[y] if y < len(self._drawn) else _BLANK)

    def _strip_of(self, line: _Drawn) -> Strip:
        known = self._strips.get(id(line))
        if known is None:
            if len(self._strips) >= MOST_STRIPS:
                self._strips.clear()
            known = self._strips[id(line)] = line, self._strip(line)
        return known[1]

    def _strip(self, line: _Drawn) -> Strip:
        width, theme = self.size.width, self.app.theme
        segments = [Segment(text, style_for(role, line.ground, theme)) for cell in line.cells for text, role in cell]
        return Strip(segments).adjust_cell_length(width, style_for("text", line.ground, theme)).simplify()

    @property
    def _height(self) -> int:
        """Rows that fit between the heading and the total."""
        return max(0, self.size.height - HEADING_ROWS - (self._total is not None))

    def _arrange(self) -> None:
        self._strips.clear()
        self._layout = layout(self._columns, self.size.width - GUTTER - MARGIN, BETWEEN)
        self._memo.clear()
        self._drawn = []
        if self._height:
            self._top = max(0, min(self._top, self._rows.size - self._height))
            self._reveal()
        self._draw()

    def _follow(self, shift: int) -> None:
        """After a change of the rows: the cursor goes with its record, the view with its rows."""
        shown = self._top <= self._cursor < self._top + self._height
        before = self._cursor
        self._cursor += shift
        if self._cursor_key is not None:
            found = self._rows.index_of(self._cursor_key, self._cursor)
            self._cursor = self._cursor if found is None else found
        self._cursor = max(0, min(self._cursor, self._rows.size - 1))
        self._cursor_key = self._rows.key(self._cursor)
        # At the very top the view shows what comes in, for as long as the cursor stays in view.
        moved = shift or (self._cursor - before if self._rows.size and self._top else 0)
        if self._top:
            self._top += moved
        self._top = max(0, min(self._top, self._rows.size - self._height))
        if shown:
            self._reveal()

    def _reveal(self) -> None:
        if self._height:
            self._top = max(min(self._top, self._cursor), self._cursor - self._height + 1, 0)

    def _leap(self, rows: int) -> None:
        self._top = max(0, min(self._top + rows, self._rows.size - self._height))
        self.place(self._cursor + rows)

    def _scroll(self, rows: int) -> None:
        self._top = max(0, min(self._top + rows, self._rows.size - self._height))
        self._draw()

    def _draw(self) -> None:
        """Prepares the visible lines and repaints what differs; tells others what they may want to know."""
        if not self.size:
            return
        last = self.window[1]
        before, self._drawn = self._drawn, [self._line(y, last) for y in range(self.size.height)]
        if len(before) != len(self._drawn):
            self.refresh()
        else:
            regions: list[Region] = []
            for y, (old, new) in enumerate(zip(before, self._drawn, strict=True)):
                if old is not new and old != new:
                    regions.extend(self._changes(y, old, new))
            if regions:
                self.refresh(*regions)
        self._tell()

    def _tell(self) -> None:
        seen = (self._cursor, self._cursor_key, self.current, *self.window, self._rows.size)
        if seen != self._told:
            self._told = seen
            self.post_message(self.Moved())
        if self.wanted is not None:
            self.post_message(self.Wanted())

    def _changes(self, y: int, old: _Drawn, new: _Drawn) -> list[Region]:
        alike = old.ground == new.ground and len(old.cells) == len(new.cells)
        if not alike or not any(was is cell for was, cell in zip(old.cells, new.cells, strict=True)):
            return [Region(0, y, self.size.width, 1)]  # another row: its cells need not be told apart
        regions, x = [], 0
        for was, cell in zip(old.cells, new.cells, strict=True):
            width = _width(cell)
            if was != cell:
                regions.append(Region(x, y, max(width, _width(was)), 1))
            x += width
        return regions

    def _line(self, y: int, last: int) -> _Drawn:
        """The line at `y`, where `last` is the last visible index."""
        if not self._rows.size and self._notice:
            wrapped = [line for cell in self._notice for line in wrap_cell(cell, self.size.width - 2)]
            cell = wrapped[y] if y < len(wrapped) else ()
            if self._drawing.ascii:
                cell = tuple(Span(to_ascii(text), role) for text, role in cell)
            return _Drawn("ground", ((Span(" "),), cell)) if cell else _BLANK
        if y < HEADING_ROWS:
            return self._heading()
        index = self._top + y - HEADING_ROWS
        if index <= last:
            return self._row(index)
        if self._total is not None and index == last + 1:
            return _Drawn("panel", (_bar(" "), *self._cells(self._total)))
        return _BLANK

    def _heading(self) -> _Drawn:
        ascii, glyphs = self._drawing.ascii, self._drawing.glyphs
        cells: list[Cell] = [_bar(" ")]
        for index, (column, width) in enumerate(self._layout):
            cell: Cell = (Span(column.title(width, ascii), "heading"),)
            after = BETWEEN
            if self._sorted is not None and self._sorted[0] == column.key:
                arrow = glyphs.down if self._sorted[1] else glyphs.up
                # An ASCII sign is a letter: it stands apart from the heading.
                named = f"{column.heading} {arrow}" if ascii else f"{column.heading}{arrow}"
                lacking = cell_width(named) - width
                # What does not fit takes one of the blanks beside the column rather than a letter of the heading.
                if index and column.align == "right" and lacking > 0:
                    *rest, blanks = cells.pop()
                    cells.append((*rest, Span(blanks.text[1:], blanks.role)))
                    width, lacking = width + 1, lacking - 1
                if lacking > 0:
                    width, after, lacking = width + 1, BETWEEN - 1, lacking - 1
                if lacking > 0:  # the blank that the heading brings itself
                    named = f"{column.heading}{arrow}"
                cell = fit_cell((Span(named, "sorted strong"),), width, column.align, "left", glyphs.cut)
            cells.append(self._spaced(index, cell, after))
        return _Drawn("ground", tuple(cells))

    def _row(self, index: int) -> _Drawn:
        row = self._rows.get(index)
        here = index == self._cursor and not self.resting
        glyph = self._drawing.glyphs.cursor if here else " "
        ground = "cursor" if here else "ground"
        if row is None:
            return _Drawn(ground, (_bar(glyph), (Span(self._drawing.glyphs.cut, "muted"),)))
        known = self._known(index, row)
        marked = self._marked is not None and self._marked(row)
        line = known.lines.get((here, marked, self._stale))
        if line is None:
            cells = tuple(_muted(cell) for cell in known.cells) if self._stale else known.cells
            mark = self._drawing.glyphs.marked if marked else " "
            bar = _bar(glyph, "muted" if self._stale else "accent", mark)
            line = _Drawn("cursor" if here else "mark" if marked else "ground", (bar, *cells))
            known.lines[here, marked, self._stale] = line
        return line

    def _known(self, index: int, row: R) -> _Known[R]:
        """The row's cells as of this moment; those that are as they were make the lines they made."""
        known = self._memo.get(index)
        if known is not None and known.row is row:
            if known.moment != self._moment:
                cells = self._cells(row, known.cells)
                lines = known.lines if cells == known.cells else {}
                known = self._memo[index] = _Known(row, self._moment, cells, lines)
            return known
        if len(self._memo) >= MEMO_ROWS:
            self._memo.clear()
        known = self._memo[index] = _Known(row, self._moment, self._cells(row))
        return known

    def _cells(self, row: R, before: tuple[Cell, ...] = ()) -> tuple[Cell, ...]:
        """The row's cells; those of `before` that time does not change."""
        return tuple(
            before[index] if before and column.still else self._spaced(index, column.fitted(row, self._drawing, width))
            for index, (column, width) in enumerate(self._layout)
        )

    def _spaced(self, index: int, cell: Cell, blanks: int = BETWEEN) -> Cell:
        return cell if index == len(self._layout) - 1 else (*cell, Span(" " * blanks))


def _bar(glyph: str, role: str = "accent", mark: str = " ") -> Cell:
    return (Span(glyph, role), Span(mark, role if mark.strip() else "text"))


def _muted(cell: Cell) -> Cell:
    return tuple(Span(text, "muted") for text, _ in cell)


def _width(cell: Cell) -> int:
    return sum(cell_width(text) for text, _ in cell)
