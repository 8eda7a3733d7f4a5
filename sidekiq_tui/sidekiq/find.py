"""Has the server itself look for what may match, so that only that crosses the line (see `find_script`)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sidekiq_tui.sidekiq.database import Argument, Database, Reply
from sidekiq_tui.sidekiq.errors import CommandRefused, ReplyError, WrongType
from sidekiq_tui.sidekiq.find_script import (
    BYTES,
    ENTRIES,
    FIND_IN_LIST,
    FIND_IN_SET,
    Needles,
    find_arguments,
)
from sidekiq_tui.sidekiq.replies import natural, payloads, scored, whole

OVERLAP: Final = 32
"""Entries of a list by which the next call knows where the last one ended."""
_OVERLAP_BYTES: Final = 16 * 1024

_NEAR_SECONDS: Final = 0.005
"""A server that answers within this is near: there, reading is cheap."""
_MOST_NEAR: Final = 0.15
_MOST_FAR: Final = 0.5
"""Where a larger share than this may match, reading costs the server less, and the line hardly more."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a walk through a sorted set has come: everything up to `raw` of `score`, in the walk's order.

    `raw` None: everything of that score. `offset` is the place of `raw` among the entries of its score, when it was
    read.
    """

    score: float
    raw: bytes | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class SetPart:
    """One read of a sorted set: what may match of the `read` entries after a mark; `mark` None at the end."""

    entries: Sequence[tuple[bytes, float]]
    read: int
    size: int
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class ListPart:
    """One read of a list: what may match, of the entries up to `last` (an index from the tail); `tail` to go on by."""

    raws: list[bytes]
    tail: list[bytes]
    last: int
    size: int


class Finder:
    """Looks for needles in one key. Where the server, its rights or our own guard refuse, it gives nothing.

    It gives nothing either once looking has shown to cost more than reading: to look at a payload takes the server
    twice as long as to send it, to send one that was found as long again.
    """

    def __init__(self, db: Database, needles: Needles, entries: int = ENTRIES) -> None:
        """`entries` are looked at in a call, at most."""
        self.entries: Final = entries
        self._db = db
        self._terms = find_arguments(needles)
        self._pays = True
        self._fastest = float("inf")

    async def in_set(self, key: bytes, mark: Mark | None, *, descending: bool) -> SetPart | None:
        """What comes after a mark; None where it has to be read instead. One round trip. Raises ServerUnreachable."""
        reached: tuple[Argument, ...] = ("", "", "")
        if mark is not None:
            reached = ("after", repr(mark.score), "") if mark.raw is None else ("at", repr(mark.score), mark.raw)
        reply = await self._run(FIND_IN_SET, key, "down" if descending else "up", *reached, self.entries, BYTES)
        if not isinstance(reply, list) or len(reply) != 6:
            return None
        size, read, score, raw, offset, found = reply
        after = None
        if isinstance(score, bytes) and score:
            after = Mark(float(score), raw if isinstance(raw, bytes) else None, natural(offset) or 0)
        part = SetPart(scored(found), natural(read) or 0, natural(size) or 0, after)
        self._weigh(len(part.entries), part.read)
        return part

    async def in_list(self, key: bytes, first: int, last: int, known: Sequence[bytes]) -> ListPart | None:
        """What comes after the `known` in `first` to `last`, indexes from the tail; None where that must be read.

        One round trip. Raises ServerUnreachable.
        """
        limits = (BYTES, _OVERLAP_BYTES, OVERLAP)
        reply = await self._run(FIND_IN_LIST, key, first, last, *limits, len(known), *known)
        if not isinstance(reply, list) or len(reply) != 4:
            return None
        size, reached, tail, found = reply
        part = ListPart(payloads(found), payloads(tail), whole(reached) or last, natural(size) or 0)
        self._weigh(len(part.raws), part.last - first + 1 - len(known))
        return part

    async def _run(self, script: bytes, key: bytes, *arguments: Argument) -> Reply:
        if not self._db.scripts or not self._pays:
            return None
        started = time.monotonic()
        try:
            reply = await self._db.command("EVAL_RO", script, 1, key, *arguments, *self._terms)
        except (CommandRefused, ReplyError) as error:
            self._db.scripts = isinstance(error, WrongType)  # which says nothing of the next key
            return None
        self._fastest = min(self._fastest, time.monotonic() - started)
        return reply

    def _weigh(self, found: int, read: int) -> None:
        most = _MOST_NEAR if self._fastest < _NEAR_SECONDS else _MOST_FAR
        self._pays = found <= most * read or not found
