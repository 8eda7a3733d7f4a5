"""The list widget: what it draws, how it moves, and that refreshing never moves the cursor off its record."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.events import MouseScrollDown
from textual.pilot import Pilot

from sidekiq_tui.presentation.columns.base import Cell, Column, Context, Span
from sidekiq_tui.tui.widgets.record_table import RecordTable
from sidekiq_tui.tui.widgets.rows import PagedRows, StaticRows
from tests.support.tui import screen_text

CONTEXT = Context(now=0.0)


def _word(row: str, context: Context, width: int | None) -> Cell:
    return (Span(row),)


COLUMNS: tuple[Column[str], ...] = (
    Column("name", "name", 8, 20, _word, weight=1),
    Column("twice", "twice", 10, 10, lambda row, context, width: (Span(row * 2, "muted"),), align="right", goes=1),
)


class TableApp(App[None]):
    """A table alone in a terminal."""

    def __init__(self) -> None:
        super().__init__()
        self.wanted = 0
        self.opened: list[str] = []

    def compose(self) -> ComposeResult:
        yield RecordTable[str](COLUMNS, id="table")

    def on_mount(self) -> None:
        self.table.focus()

    @property
    def table(self) -> RecordTable[str]:
        return self.query_one("#table", RecordTable)

    def on_record_table_wanted(self) -> None:
        self.wanted += 1

    def on_record_table_opened(self) -> None:
        assert self.table.current is not None
        self.opened.append(self.table.current)

    def give(self, rows: Sequence[str], **options: object) -> None:
        self.table.show(StaticRows(rows, str), CONTEXT, **options)  # type: ignore[arg-type]


@asynccontextmanager
async def table_app(height: int = 11, width: int = 40) -> AsyncIterator[tuple[TableApp, Pilot[None]]]:
    app = TableApp()
    async with app.run_test(size=(width, height)) as pilot:
        await pilot.pause()
        yield app, pilot


def names(count: int, start: int = 0) -> list[str]:
    return [f"row{index}" for index in range(start, start + count)]


def lines(app: TableApp) -> list[str]:
    return screen_text(app).splitlines()


async def test_heading_and_rows_are_aligned_and_the_cursor_has_its_own_cell() -> None:
    async with table_app(5) as (app, pilot):
        app.give(names(2))
        await pilot.pause()

        assert lines(app)[:3] == [
            "  name                       twice",
            "▌ row0                    row0row0",
            "  row1                    row1row1",
        ]


async def test_columns_go_when_the_terminal_narrows() -> None:
    async with table_app(5, width=20) as (app, pilot):
        app.give(names(1))
        await pilot.pause()

        assert lines(app)[0].split() == ["name"]
        assert app.table.columns_shown == {"name"}
        await pilot.resize_terminal(60, 5)
        await pilot.pause()
        assert lines(app)[0].split() == ["name", "twice"]


async def test_keys_move_by_row_screen_and_end() -> None:
    async with table_app(11) as (app, pilot):
        app.give(names(100))
        steps = [
            ("j", 1),
            ("down", 2),
            ("k", 1),
            ("ctrl+f", 11),
            ("]", 21),
            ("ctrl+d", 26),
            ("ctrl+u", 21),
            ("[", 11),
            ("pagedown", 21),
            ("pageup", 11),
            ("G", 99),
            ("j", 99),
            ("home", 0),
            ("k", 0),
            ("end", 99),
        ]
        for key, cursor in steps:
            await pilot.press(key)
            assert app.table.cursor == cursor, key
            first, last = app.table.window
            assert first <= cursor <= last


async def test_the_cursor_stays_on_its_record_when_rows_come_go_and_are_sorted() -> None:
    async with table_app(11) as (app, pilot):
        app.give(names(30))
        await pilot.press("j", "j", "j")

        app.give([*names(4, 100), *names(30)])
        assert (app.table.current, app.table.cursor) == ("row3", 7)
        app.give(list(reversed(names(30))))
        assert app.table.current == "row3"
        app.give([row for row in names(30) if row != "row3"])
        assert app.table.current is not None
        assert app.table.cursor <= 29


async def test_a_view_below_the_top_stays_on_its_rows_when_others_come_above() -> None:
    async with table_app(11) as (app, pilot):
        app.give(names(100))
        await pilot.press("ctrl+f", "ctrl+f")
        await pilot.pause()
        before = lines(app)

        app.give([*names(7, 200), *names(100)], shift=7)
        await pilot.pause()

        assert lines(app) == before
        assert app.table.window == (27, 36)


async def test_refreshing_the_same_rows_repaints_nothing() -> None:
    async with table_app(11) as (app, pilot):
        app.give(names(30))
        await pilot.pause()
        painted: list[object] = []
        refresh = app.table.refresh
        app.table.refresh = lambda *regions, **options: painted.append(regions) or refresh(*regions, **options)  # type: ignore[func-returns-value,method-assign]

        app.give(names(30))
        assert painted == []
        app.give(["other", *names(29, 1)])
        await pilot.pause()
        assert len(painted) == 1


async def test_only_what_changed_in_a_row_is_repainted() -> None:
    async with table_app(11) as (app, pilot):
        app.give(["a", "b", "c"])
        await pilot.pause()
        regions: list[object] = []
        refresh = app.table.refresh

        def spy(*given: object, **options: object) -> object:
            regions.extend(given)
            return refresh(*given, **options)  # type: ignore[arg-type]

        app.table.refresh = spy  # type: ignore[assignment,method-assign]
        await pilot.press("j")
        await pilot.pause()

        assert [(region.y, region.height) for region in regions] == [(1, 1), (2, 1)]  # type: ignore[attr-defined]


async def test_rows_that_are_not_there_are_asked_for() -> None:
    async with table_app(11) as (app, pilot):
        rows: PagedRows[str] = PagedRows(str, page_size=10)
        rows.renew(0, names(10), 1_000_000)
        app.table.show(rows, CONTEXT)
        await pilot.pause()
        assert app.wanted == 0

        await pilot.press("G")
        await pilot.pause()
        assert app.wanted == 1
        assert app.table.wanted == (999_990, 10)
        assert "▌ …" in lines(app)[-1]

        rows.put(999_990, names(10, 999_990), 1_000_000)
        app.table.show(rows, CONTEXT)
        await pilot.pause()
        assert lines(app)[-1].startswith("▌ row999999")


async def test_a_click_moves_the_cursor_a_double_click_opens_the_wheel_moves_the_view() -> None:
    async with table_app(11) as (app, pilot):
        app.give(names(50))
        await pilot.click("#table", offset=(5, 4))
        assert app.table.current == "row3"
        await pilot.click("#table", offset=(5, 2), times=2)
        await pilot.pause()
        assert app.opened == ["row1"]

        app.table.post_message(MouseScrollDown(app.table, 5, 5, 0, 0, 0, False, False, False))
        await pilot.pause()
        assert app.table.window[0] == 3
        assert app.table.current == "row1"


async def test_a_total_stands_below_the_rows_and_takes_no_cursor() -> None:
    async with table_app(11) as (app, pilot):
        app.give(names(2), total="all")
        await pilot.press("G")
        await pilot.pause()

        assert app.table.current == "row1"
        assert lines(app)[3].startswith("  all")
        assert app.table.rows_needed == 4
        app.give(names(50), total="all")
        await pilot.pause()
        assert lines(app)[-1].startswith("  all")


async def test_an_empty_list_says_why() -> None:
    async with table_app(11) as (app, pilot):
        app.give([], notice=[(Span("No rows here."),)])
        await pilot.pause()

        assert lines(app)[0] == " No rows here."
        await pilot.press("j", "G", "enter")
        assert app.table.current is None
        assert app.opened == []


async def test_the_sorted_column_is_marked() -> None:
    async with table_app(11) as (app, pilot):
        app.give(names(2), sorted_by=("twice", True))
        await pilot.pause()
        assert lines(app)[0].endswith("twice↓")


async def test_the_sign_of_the_order_takes_a_blank_and_no_letter_of_a_heading_that_fills_its_column() -> None:
    columns = (COLUMNS[0], Column("served", "served", 6, 6, _word, align="right"))
    async with table_app(5) as (app, pilot):
        app.table.set_columns(columns)
        app.give(["one"], sorted_by=("served", True))
        await pilot.pause()
        heading, row = lines(app)[:2]
        assert heading == "  name                 served↓"
        assert row == "▌ one                      one"


async def test_in_ascii_the_sign_of_the_order_stands_apart_from_the_heading() -> None:
    """A `v` at the end of a word is read as a part of it."""
    filled = Column("served", "served", 6, 6, _word, align="right")
    last = Column("lag", "lag", 3, 3, _word, align="right")
    async with table_app(5) as (app, pilot):
        app.table.set_columns((COLUMNS[0], filled, last))
        for column, heading in (
            ("served", "  name                 served v lag"),
            ("name", "  name v                served  lag"),
        ):
            app.table.show(StaticRows(["one"], str), Context(now=0.0, ascii=True), sorted_by=(column, True))
            await pilot.pause()
            assert lines(app)[0].rstrip() == heading
        assert lines(app)[1] == "> one                      one  one"


@pytest.mark.parametrize(
    ("ascii", "by_name", "by_state"),
    [
        pytest.param(False, "  state↓ name                  lag", "  state  name                  lag↓", id="unicode"),
        pytest.param(True, "  statev name                  lag", "  state  name                  lagv", id="ascii"),
    ],
)
async def test_a_heading_at_the_left_of_a_column_that_it_fills_keeps_its_letters(
    ascii: bool, by_name: str, by_state: str
) -> None:
    filled, last = Column("state", "state", 5, 5, _word), Column("lag", "lag", 3, 3, _word)
    async with table_app(5) as (app, pilot):
        app.table.set_columns((filled, COLUMNS[0], last))
        for column, heading in (("state", by_name), ("lag", by_state)):
            app.table.show(StaticRows(["one"], str), Context(now=0.0, ascii=ascii), sorted_by=(column, True))
            await pilot.pause()
            assert lines(app)[0].rstrip() == heading


async def test_as_the_clock_goes_on_only_cells_that_depend_on_it_are_drawn_again() -> None:
    drawn: list[str] = []

    def cell(name: str) -> Any:
        def draw(row: str, context: Context, width: int | None) -> tuple[Span, ...]:
            drawn.append(name)
            return (Span(f"{row} {context.now:.0f}"),)

        return draw

    async with table_app(11) as (app, pilot):
        columns = [
            Column[str]("age", "age", 8, 8, cell("age")),
            Column[str]("name", "name", 8, 8, cell("name"), still=True),
        ]
        rows = StaticRows(["a", "b"], str)
        app.table.set_columns(columns)
        app.table.show(rows, Context(now=1.0))
        drawn.clear()
        app.table.show(rows, Context(now=2.0))
        assert drawn == ["age", "age"]
        await pilot.pause()
        assert "a 2" in screen_text(app)
        drawn.clear()
        app.table.show(rows, Context(now=2.0, time_mode="utc"))
        assert sorted(drawn) == ["age", "age", "name", "name"]
