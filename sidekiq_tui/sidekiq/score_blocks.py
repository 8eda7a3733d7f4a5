"""What is known of a sorted set that is too big to keep: entries as numbers, in ranges of scores that can be counted.

Counting a range (ZCOUNT) costs a server next to nothing and tells whether the range has to be read again.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

BLOCK: Final = 64
"""Entries of a block: what one read brings when one entry in it has changed."""
SPANS: Final = 256
"""Ranges counted in the first trip of a refresh, whatever the size of the set."""


class Entry(NamedTuple):
    """One entry of a sorted set: the hash of its bytes, its score, and what it counts as."""

    hash: int
    score: float
    kind: int


@dataclass(slots=True)
class Block:
    """The entries with a score above `low` (from the least one if it is minus infinity) and up to `high`."""

    low: float
    high: float
    hashes: array[int]
    scores: array[float]
    kinds: array[int]

    @property
    def size(self) -> int:
        """How many entries there were when it was read."""
        return len(self.hashes)

    def entries(self) -> Iterator[Entry]:
        """Its entries by score."""
        return map(Entry, self.hashes, self.scores, self.kinds)


class ScoreBlocks:
    """Entries of a set in order, 20 bytes each, in blocks that together cover all scores.

    The last block is above the highest score known: what comes there is new.
    """

    def __init__(self) -> None:
        self._flat = _empty(-math.inf, math.inf)
        self.blocks: list[Block] = [_empty(-math.inf, math.inf)]

    @property
    def size(self) -> int:
        """Entries known."""
        return self._flat.size + sum(block.size for block in self.blocks)

    def add(self, entry: Entry) -> None:
        """One more entry of a set that is being read in order; `seal` ends that."""
        _append(self._flat, entry)

    def seal(self, *, descending: bool = False) -> None:
        """All entries are there, in this order of scores: from now on ranges can be counted and replaced."""
        flat, self._flat = self._flat, _empty(-math.inf, math.inf)
        if descending:
            for column in (flat.hashes, flat.scores, flat.kinds):
                column.reverse()
        self.blocks = list(_cut(flat, tail=True))

    def split(self, score: float) -> int:
        """Puts a border between blocks at a score, which is below infinity; returns how many blocks are up to there."""
        self.blocks = _joined(self.blocks)
        index = bisect_left(self.blocks, score, key=lambda block: block.high)
        block = self.blocks[index]
        if block.high > score:
            at = bisect_right(block.scores, score)
            halves = [(block.low, score, slice(at)), (score, block.high, slice(at, None))]
            self.blocks[index : index + 1] = [
                Block(low, high, block.hashes[part], block.scores[part], block.kinds[part])
                for low, high, part in halves
            ]
        return index + 1

    def spans(self, first: int = 0, stop: int | None = None) -> list[range]:
        """Runs of the blocks from `first` to before `stop` (the last one included), by index, at most `SPANS` of them.

        The block above all scores is one by itself.
        """
        end = len(self.blocks) - 1 if stop is None else stop
        step = max(1, math.ceil((end - first) / (SPANS - 1)))
        runs = [range(start, min(start + step, end)) for start in range(first, end, step)]
        return [*runs, range(end, end + 1)] if stop is None else runs

    def replace(self, found: Iterable[tuple[range, Sequence[Entry]]]) -> None:
        """Puts what was read in the place of runs of blocks, which come in order and do not overlap."""
        blocks: list[Block] = []
        done = 0
        for run, entries in found:
            blocks += self.blocks[done : run.start]
            fresh = _empty(self.blocks[run.start].low, self.blocks[run.stop - 1].high)
            for entry in entries:
                _append(fresh, entry)
            blocks += _cut(fresh, tail=run.stop == len(self.blocks))
            done = run.stop
        self.blocks = _joined([*blocks, *self.blocks[done:]])

    def next_runs(self, kinds: set[int], until: float) -> tuple[float, float, int] | None:
        """Least and highest score of the entries of some kinds, and how many are up to `until`; None without any."""
        blocks = [block for block in self.blocks if not kinds.isdisjoint(block.kinds)]
        if not blocks:
            return None
        lowest = min(entry.score for entry in blocks[0].entries() if entry.kind in kinds)
        highest = max(entry.score for entry in blocks[-1].entries() if entry.kind in kinds)
        soon = sum(
            entry.kind in kinds and entry.score <= until
            for block in blocks
            if block.scores[0] <= until
            for entry in block.entries()
        )
        return lowest, highest, soon

    def last_of(self, kinds: set[int]) -> Entry | None:
        """The entry of some kinds with the highest score."""
        for block in reversed(self.blocks):
            found = [entry for entry in block.entries() if entry.kind in kinds]
            if found:
                return found[-1]
        return None


def _empty(low: float, high: float) -> Block:
    return Block(low, high, array("q"), array("d"), array("I"))


def _append(block: Block, entry: Entry) -> None:
    block.hashes.append(entry.hash)
    block.scores.append(entry.score)
    block.kinds.append(entry.kind)


def _cut(block: Block, *, tail: bool) -> Iterator[Block]:
    """`block` in blocks of about `BLOCK` entries; those of one score stay together. `tail` adds the empty last one."""
    low, start, size = block.low, 0, block.size
    while start < size:
        end = min(start + BLOCK, size)
        while end < size and block.scores[end] == block.scores[end - 1]:
            end += 1
        high = block.scores[end - 1] if end < size or tail else block.high
        yield Block(low, high, block.hashes[start:end], block.scores[start:end], block.kinds[start:end])
        low, start = high, end
    if low < block.high or not size:
        yield _empty(low, block.high)


def _joined(blocks: Sequence[Block]) -> list[Block]:
    """The blocks with those that have become small joined to the one before; the last one stays as it is."""
    joined: list[Block] = []
    for block in blocks[:-1]:
        if joined and joined[-1].size + block.size <= BLOCK:
            last = joined[-1]
            joined[-1] = Block(
                last.low, block.high, last.hashes + block.hashes, last.scores + block.scores, last.kinds + block.kinds
            )
        else:
            joined.append(block)
    return [*joined, blocks[-1]]
