"""How tests draw rows: as texts by column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sidekiq_tui.presentation.columns import Column, Context, layout, plain
from tests.unit.presentation.examples import NOW

HERE = Context(now=NOW, server_names=("prod", "staging", "shop-eu"))


def draw(columns: Sequence[Column[Any]], row: Any, context: Context = HERE) -> dict[str, str]:
    return {column.key: plain(column.cell(row, context)) for column in columns}


def role(columns: Sequence[Column[Any]], key: str, row: Any, context: Context = HERE) -> list[str]:
    return [span.role for column in columns if column.key == key for span in column.cell(row, context)]


def line(columns: Sequence[Column[Any]], row: Any, width: int, context: Context = HERE) -> str:
    return "  ".join(plain(column.fitted(row, context, wide)) for column, wide in layout(columns, width))


def keys(columns: Sequence[Column[Any]], width: int) -> list[str]:
    return [column.key for column, _ in layout(columns, width)]


# What stands side by side in the body of a terminal of 120 and of 80 columns, less frame and cursor.
WIDE, NARROW = 116, 76
