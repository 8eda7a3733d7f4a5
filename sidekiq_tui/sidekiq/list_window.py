"""Reads entries of a list on both sides of a place between two of them, which pushes and pops move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.replies import counted, payloads

OVERLAP: Final = 32
"""Entries read on either side of where a place was, to find it again: workers take some between two reads."""


@dataclass(frozen=True, slots=True)
class ListCut:
    """A place in a queue: `older` entries come after it, up to the tail, which runs next.

    Pushes at the head leave that number as it is. When workers have taken some, it is found again by its neighbours.
    """

    older: int
    above: tuple[bytes, ...] = ()
    """Entries right before it when it was seen, the nearest first."""
    below: tuple[bytes, ...] = ()
    """Entries right after it, the nearest first."""


@dataclass(frozen=True, slots=True)
class ListWindow:
    """Entries next to a place, newest first: `above` it, towards the head, and `below` it. `older` as of now."""

    size: int
    older: int
    above: tuple[bytes, ...]
    below: tuple[bytes, ...]


async def read_list_window(db: Database, key: bytes, cut: ListCut | None, above: int, below: int) -> ListWindow:
    """The `above` entries before a place and the `below` ones after it, and some more; None is the head.

    One trip; two when most of the list has gone. The server walks there from the nearer end. Raises SidekiqError.
    """
    if cut is None:
        size, reply = await db.read([("LLEN", key), ("LRANGE", key, 0, max(below, 1) - 1)])
        count = counted(size)
        return ListWindow(count, count, (), tuple(payloads(reply)[:below]))
    first = -(cut.older + above + OVERLAP)
    last = min(-1, -(cut.older - below - OVERLAP))
    size, reply = await db.read([("LLEN", key), ("LRANGE", key, first, last)])
    count, entries = counted(size), payloads(reply)
    if count and not entries:  # most of the list has gone, and the place with it
        return await read_list_window(db, key, None, above, below)
    after = min(-1 - last, count)
    """Entries between those read and the tail."""
    place = _place(entries, cut, after)
    return ListWindow(
        count,
        after + len(entries) - place,
        tuple(entries[:place]),
        tuple(entries[place:]),
    )


def _place(entries: Sequence[bytes], cut: ListCut, after: int) -> int:
    """Where the cut is among the entries, of which `after` more follow; where it was, if nothing is known there."""
    usual = min(max(0, len(entries) + after - cut.older), len(entries))
    neighbours = [(known, -number) for number, known in enumerate(cut.below)]
    neighbours += [(known, number + 1) for number, known in enumerate(cut.above)]
    for known, step in neighbours:
        found = [index + step for index, raw in enumerate(entries) if raw == known and index + step >= 0]
        if found:
            return min(found, key=lambda place: abs(place - usual))
    return usual
