from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidekiq_tui.presentation.columns import Cell, Column, Context, Span, fit_cell, layout, plain, wrap_cell
from sidekiq_tui.presentation.columns.base import label_role
from sidekiq_tui.presentation.text import cell_width


def _draw(row: str, context: Context, width: int | None) -> Cell:
    return (Span(context.safe(row), "strong"), Span(" ●", "ok"))


def column(key: str, low: int, high: int | None, weight: int = 0, goes: int | None = None) -> Column[str]:
    return Column(key, key, low, high, _draw, weight=weight, goes=goes)


COLUMNS = (
    column("a", 10, 20, weight=1),
    column("b", 5, 8, goes=2),
    column("c", 6, None, weight=3, goes=1),
    column("d", 4, 4),
)


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (80, [("a", 20), ("b", 5), ("c", 45), ("d", 4)]),
        (31, [("a", 10), ("b", 5), ("c", 6), ("d", 4)]),
        (35, [("a", 11), ("b", 5), ("c", 9), ("d", 4)]),
        (30, [("a", 17), ("b", 5), ("d", 4)]),
        (23, [("a", 10), ("b", 5), ("d", 4)]),
        (22, [("a", 16), ("d", 4)]),
        (5, [("a", 10), ("d", 4)]),
    ],
)
def test_columns_go_in_their_order_and_share_what_is_left(width: int, expected: list[tuple[str, int]]) -> None:
    assert [(shown.key, wide) for shown, wide in layout(COLUMNS, width)] == expected


def test_columns_without_weight_grow_last() -> None:
    shown = layout((column("a", 5, 6), column("b", 5, 10, weight=1)), 17)
    assert [wide for _, wide in shown] == [5, 10]
    assert [wide for _, wide in layout((column("a", 5, 6), column("b", 5, 10, weight=1)), 30)] == [6, 10]


@given(st.integers(0, 250))
def test_no_width_is_exceeded_while_something_can_go(width: int) -> None:
    shown = layout(COLUMNS, width)
    total = sum(wide for _, wide in shown) + 2 * (len(shown) - 1)
    assert total <= max(width, 16)
    assert all(one.min <= wide <= (one.max or width) for one, wide in shown)
    assert layout(COLUMNS, width) == shown


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cf", "Co", "Cn", "Zl", "Zp", "Zs", "Mn", "Me", "Mc")))
CELLS = st.lists(st.builds(Span, TEXT, st.sampled_from(["text", "muted"])), max_size=4).map(tuple)


@given(CELLS, st.integers(0, 30), st.sampled_from(["left", "right"]), st.sampled_from(["left", "right"]))
def test_a_fitted_cell_is_exactly_as_wide_as_its_column(cell: Cell, width: int, align: str, cut: str) -> None:
    fitted = fit_cell(cell, width, align, cut)  # type: ignore[arg-type]
    assert cell_width(plain(fitted)) == width
    if cell_width(plain(cell)) > width > 0:
        assert "…" in plain(fitted)
    else:
        assert plain(cell) in plain(fitted) or width == 0


def test_cutting_keeps_roles_and_the_side_that_matters() -> None:
    cell = (Span("Invoice::", "muted"), Span("ReminderMailer", "strong"))
    assert fit_cell(cell, 25, cut="left") == (*cell, Span("  "))
    assert fit_cell(cell, 16, cut="left") == (Span("…:", "muted"), Span("ReminderMailer", "strong"))
    assert fit_cell(cell, 14, cut="left") == (Span("…eminderMailer", "strong"),)
    assert fit_cell(cell, 10) == (Span("Invoice::", "muted"), Span("…", "strong"))
    assert fit_cell(cell, 9) == (Span("Invoice:…", "muted"),)
    assert fit_cell((Span("ab"), Span("")), 2) == (Span("ab"), Span(""))


def test_a_column_draws_its_title_and_its_cells_alike() -> None:
    right = Column("n", "size", 6, 6, _draw, align="right")
    assert right.title(6) == "  size"
    assert plain(right.fitted("7", Context(now=0.0), 6)) == "   7 ●"
    assert plain(right.fitted("7", Context(now=0.0, ascii=True), 6)) == "   7 o"
    assert plain(right.cell("\x1bevil", Context(now=0.0))) == "␛evil ●"


def test_labels_have_their_colours() -> None:
    assert label_role("production") == "label:production"
    assert label_role("Production") == "label:production"
    assert label_role("batch") == label_role(None) == "label:other"


def test_a_cell_is_wrapped_at_blanks_with_its_roles() -> None:
    cell = (Span("Nothing matches ", "strong"), Span("class:Foo", "accent"), Span("  932 read.", "muted"))
    assert wrap_cell(cell, 40) == [
        (Span("Nothing", "strong"), Span(" matches", "strong"), Span(" ", "strong"), Span("class:Foo", "accent"),
         Span("  932", "muted"), Span(" read.", "muted"))
    ]  # fmt: skip
    assert ["".join(text for text, _ in line).rstrip() for line in wrap_cell(cell, 16)] == [
        "Nothing matches",
        "class:Foo  932",
        "read.",
    ]
    assert [plain(line) for line in wrap_cell((Span("a " + "b" * 20 + " c"),), 8)] == ["a", "b" * 20, "c"]
    assert wrap_cell((), 8) == [()]
