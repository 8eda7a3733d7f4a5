"""What a list shows: rows that are all in memory, or pages of a list of any length."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Final, Generic, Protocol, TypeVar

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

PAGE_SIZE: Final = 100
"""Rows of a page: one read."""
PAGES_KEPT: Final = 64
LEAST_PAGES: Final = 2
"""What is visible may lie on two pages: these stay whatever they weigh."""
BYTES_KEPT: Final = 64 << 20
"""Of what the rows weigh, whatever the number of pages: payloads may be a megabyte each."""

LIGHT: Final = 16
"""The part of `BYTES_KEPT` that rows may weigh and still be light."""


class Rows(Protocol[R_co]):
    """The rows behind a list. Nothing here reads anything: a row is there or it is None."""

    @property
    def size(self) -> int:
        """How many rows the list has, loaded or not."""

    def get(self, index: int) -> R_co | None:
        """The row at `index`; None while it is not loaded."""

    def key(self, index: int) -> Hashable | None:
        """What identifies that row wherever it moves; None while it is not loaded."""

    def index_of(self, key: Hashable, near: int) -> int | None:
        """Where the row with this key is, the nearest to `near` if there are several; None if not known."""

    def missing(self, first: int, last: int) -> tuple[int, int] | None:
        """Offset and length of the read that completes the rows `first` to `last`; None if all are there."""


class StaticRows(Generic[R]):
    """Rows that are all in memory."""

    def __init__(self, rows: Sequence[R] = (), identify: Callable[[R], Hashable] = id) -> None:
        self._rows = rows
        self._identify = identify

    @property
    def size(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    def get(self, index: int) -> R | None:
        """The row at `index`."""
        return self._rows[index] if 0 <= index < len(self._rows) else None

    def key(self, index: int) -> Hashable | None:
        """What identifies the row at `index`."""
        row = self.get(index)
        return None if row is None else self._identify(row)

    def index_of(self, key: Hashable, near: int) -> int | None:
        """The nearest index of the row with this key."""
        if self.key(near) == key:
            return near
        found = [index for index, row in enumerate(self._rows) if self._identify(row) == key]
        return min(found, key=lambda index: abs(index - near), default=None)

    def missing(self, first: int, last: int) -> None:
        """Nothing is ever missing."""
        return


class PagedRows(Generic[R]):
    """A window on a list of any length: the pages read last. Not safe to share; pages come in from outside."""

    def __init__(
        self,
        identify: Callable[[R], Hashable],
        weigh: Callable[[R], int] | None = None,
        *,
        page_size: int = PAGE_SIZE,
        kept: int = PAGES_KEPT,
        weight_kept: int = BYTES_KEPT,
    ) -> None:
        self.identify: Final = identify
        self._weigh = weigh
        self._weight_kept = weight_kept
        self._page_size = page_size
        self._kept = kept
        self._pages: OrderedDict[int, Sequence[R]] = OrderedDict()
        self._size = 0

    @property
    def size(self) -> int:
        """Entries of the list when it was read last."""
        return self._size

    @property
    def pages(self) -> int:
        """Pages held now."""
        return len(self._pages)

    @property
    def page_size(self) -> int:
        """Rows of a full page."""
        return self._page_size

    @property
    def light(self) -> bool:
        """Whether rows are small enough to hold some that nobody sees yet."""
        return self._weight <= self._weight_kept // LIGHT

    @property
    def loaded(self) -> list[R]:
        """All rows that are here, in their order."""
        return [row for number in sorted(self._pages) for row in self._pages[number]]

    def page(self, number: int) -> Sequence[R] | None:
        """The rows of one page; None while it is not here."""
        found = self._pages.get(number)
        if found is not None:
            self._pages.move_to_end(number)
        return found

    def get(self, index: int) -> R | None:
        """The row at `index`; None while its page is not here."""
        if not 0 <= index < self._size:
            return None
        number, place = divmod(index, self._page_size)
        page = self.page(number)
        return None if page is None or place >= len(page) else page[place]

    def key(self, index: int) -> Hashable | None:
        """What identifies the row at `index`."""
        row = self.get(index)
        return None if row is None else self.identify(row)

    def index_of(self, key: Hashable, near: int) -> int | None:
        """The nearest index of the row with this key among the pages held."""
        if self.key(near) == key:
            return near
        found = [index for index, known in self._keys() if known == key]
        return min(found, key=lambda index: abs(index - near), default=None)

    def missing(self, first: int, last: int) -> tuple[int, int] | None:
        """The read that gives the rows `first` to `last`, if any is missing.

        Rows already here are read again with the missing ones: two pages of different moments would not fit together.
        """
        last = min(last, self._size - 1)
        if last < 0:
            return None
        numbers = range(max(0, first) // self._page_size, last // self._page_size + 1)
        return None if all(number in self._pages for number in numbers) else self.span(first, last)

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Offset and length of the read that renews the rows `first` to `last`, whether they are here or not."""
        low = max(0, first) // self._page_size
        high = max(first, last, 0) // self._page_size
        return low * self._page_size, (high - low + 1) * self._page_size

    def put(self, offset: int, rows: Sequence[R], size: int) -> None:
        """Adds what one read gave; `offset` is a whole number of pages. Another size makes the other pages void."""
        if size != self._size:
            self._pages.clear()
            self._size = size
        self._store(offset, rows)

    def renew(self, offset: int, rows: Sequence[R], size: int) -> None:
        """Replaces everything by what one read gave."""
        self._pages.clear()
        self._size = size
        self._store(offset, rows)

    def keys(self, first: int, last: int) -> dict[int, Hashable]:
        """The keys of the loaded rows from `first` to `last`."""
        found = ((index, self.key(index)) for index in range(max(0, first), min(last, self._size - 1) + 1))
        return {index: key for index, key in found if key is not None}

    def _store(self, offset: int, rows: Sequence[R]) -> None:
        for start in range(0, len(rows), self._page_size):
            number = (offset + start) // self._page_size
            self._pages[number] = rows[start : start + self._page_size]
            self._pages.move_to_end(number)
        while len(self._pages) > self._kept or (len(self._pages) > LEAST_PAGES and self._weight > self._weight_kept):
            self._pages.popitem(last=False)

    @property
    def _weight(self) -> int:
        weigh = self._weigh
        return 0 if weigh is None else sum(weigh(row) for page in self._pages.values() for row in page)

    def _keys(self) -> Iterable[tuple[int, Hashable]]:
        for number, page in self._pages.items():
            for place, row in enumerate(page):
                yield number * self._page_size + place, self.identify(row)


def displacement(
    before: Mapping[int, Hashable], after: Mapping[int, Hashable], anchor: int | None = None
) -> int | None:
    """How far records moved between two reads of a list; None if none is in both.

    `anchor` is the index in `before` that matters: if its record is gone, the next one takes its place. Without it,
    what most records say. Keys that occur twice in a read (identical entries of a queue) tell nothing.
    """
    old, new = _unique(before), _unique(after)
    moves = {index: new[key] - index for key, index in old.items() if key in new}
    if not moves:
        return None
    if anchor is None:
        votes = Counter(moves.values())
        return max(votes, key=lambda move: (votes[move], -abs(move)))
    follower = min((index for index in moves if index >= anchor), default=None)
    if follower is not None:
        return follower + moves[follower] - anchor
    leader = max(moves)
    return leader + 1 + moves[leader] - anchor


def _unique(keys: Mapping[int, Hashable]) -> dict[Hashable, int]:
    counts = Counter(keys.values())
    return {key: index for index, key in keys.items() if counts[key] == 1}
