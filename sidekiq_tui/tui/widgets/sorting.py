"""Orders of a list that is all in memory: the columns that can sort, one after the other."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from sidekiq_tui.presentation.columns.base import Column, Context

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Order:
    """By which column, and whether it falls; no column is the order in which the rows come."""

    key: str | None = None
    falling: bool = False

    @property
    def heading(self) -> tuple[str, bool] | None:
        """What a table's heading marks."""
        return None if self.key is None else (self.key, self.falling)

    def reversed(self) -> Order:
        """The other way round."""
        return replace(self, falling=not self.falling)


def in_order(rows: Sequence[R], columns: Sequence[Column[R]], order: Order, context: Context) -> list[R]:
    """The rows in an order; what is unknown stays last whichever way it runs, and equals stay as they come."""
    column = next((column for column in columns if column.key == order.key), None)
    if column is None or column.sort is None:
        return list(reversed(rows)) if order.falling else list(rows)
    keyed = [(column.sort(row, context), row) for row in rows]
    known = [(key[1], row) for key, row in keyed if not key[0]]
    unknown = [row for key, row in keyed if key[0]]
    known.sort(key=lambda pair: pair[0], reverse=order.falling)
    return [row for _, row in known] + unknown


def next_order(
    order: Order, columns: Sequence[Column[R]], shown: Collection[str], rising: Collection[str], *, given: bool = False
) -> Order:
    """The order after this one among the columns shown; those in `rising` start with the least, others with the most.

    `given` puts the order in which the rows come first in the round.
    """
    keys: list[str | None] = [None] if given else []
    keys += [column.key for column in columns if column.sort is not None and column.key in shown]
    if not keys:
        return order
    at = keys.index(order.key) + 1 if order.key in keys else 0
    key = keys[at % len(keys)]
    return Order(key, key is not None and key not in rising)
