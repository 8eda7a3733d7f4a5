"""Orders of what is in memory, a whole list or page by page: the columns that can sort, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from sidekiq_tui.presentation.columns.base import Column, Context
from sidekiq_tui.tui.widgets.rows import PAGES_KEPT, PagedRows

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


class SortedPages(Generic[R]):
    """The rows of a paged list, each page of it sorted by itself: what was never read has no place in an order."""

    def __init__(self, pages: PagedRows[R], arrange: Callable[[Sequence[R]], Sequence[R]]) -> None:
        self._pages = pages
        self._arrange = arrange
        self._sorted: dict[int, tuple[Sequence[R], Sequence[R]]] = {}

    @property
    def size(self) -> int:
        """Entries of the list when it was read last."""
        return self._pages.size

    def get(self, index: int) -> R | None:
        """The row at `index`; None while its page is not here."""
        if not 0 <= index < self.size:
            return None
        number, place = divmod(index, self._pages.page_size)
        page = self._page(number)
        return page[place] if place < len(page) else None

    def key(self, index: int) -> Hashable | None:
        """What identifies that row; None while it is not loaded."""
        row = self.get(index)
        return None if row is None else self._pages.identify(row)

    def index_of(self, key: Hashable, near: int) -> int | None:
        """Where the row with this key is; None if not known."""
        if self.key(near) == key:
            return near
        found = self._pages.index_of(key, near)
        if found is None:
            return None
        number = found // self._pages.page_size
        keys = [self._pages.identify(row) for row in self._page(number)]
        return number * self._pages.page_size + keys.index(key)

    def missing(self, first: int, last: int) -> tuple[int, int] | None:
        """Offset and length of the read that completes the rows `first` to `last`; None if all are there."""
        return self._pages.missing(first, last)

    def _page(self, number: int) -> Sequence[R]:
        page = self._pages.page(number)
        if page is None:
            self._sorted.pop(number, None)
            return ()
        known = self._sorted.get(number)
        if known is None or known[0] is not page:
            if len(self._sorted) >= PAGES_KEPT:
                self._sorted.clear()
            known = self._sorted[number] = (page, self._arrange(page))
        return known[1]
