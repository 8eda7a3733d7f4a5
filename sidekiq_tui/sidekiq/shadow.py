"""Takes many jobs out of a big queue: a copy without them is built beside it and takes its place in one moment.

Pushes come in at the head of a queue, fetches leave at its tail, and anything else is foreign and makes it begin anew.
The live queue is whole until that moment, its order and what came and went meanwhile are exact, and a crash before it
leaves only a copy that expires (operations-safety 8.2).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, Literal, cast

from sidekiq_tui.sidekiq.clearing import TRASH_EXPIRES, TRASH_REAPED
from sidekiq_tui.sidekiq.database import Argument, Database
from sidekiq_tui.sidekiq.errors import ReplyError, ServerUnreachable
from sidekiq_tui.sidekiq.redis_info import parse_info
from sidekiq_tui.sidekiq.replies import natural, payloads, text
from sidekiq_tui.sidekiq.scripts import script

WINDOW: Final = 200
"""Entries in one step at most: 6.5 ms of the server's time at worst (operations-safety 18)."""
WINDOW_BYTES: Final = 512 << 10
"""No more are read in a step once they have so many bytes."""
ARRIVALS: Final = 1_000
"""New entries that one step copies at most."""
ATTEMPTS: Final = 3
"""So often is it begun anew when something else edits the queue; and as often when the link breaks."""
_LAST_ARRIVALS: Final = 2_000
_CANDIDATES: Final = 3_000
_ANCHORS: Final = 16
_FIRST: Final = 20
_CUTS: Final = 50
_PAUSE: Final = 0.2
_MEMORY_STEPS: Final = 50
_MEMORY_SHARE: Final = 0.8
_COPY_SHARE: Final = 1.2

Status = Literal["ok", "nothing", "stopped", "busy", "edited", "memory", "type", "exists", "closed", "refused"]
"""Done; none of them is there any more; as was asked for; another operation rebuilds this queue (`error`: who);
something else edits it; no memory for a copy; it is no list; the name of the result is taken; the record is fenced,
done or gone; the server refused (`error`). In all but `ok` nothing has changed."""

Window = Sequence[bytes]
Chooser = Callable[[Window], Collection[int]]
"""Which entries of a window (by their offsets) are to be taken out. One is made for each sweep, head to tail."""
Between = Callable[[int, int, int], Awaitable[bool]]
"""Called after each step with the entries read, the length of the queue, and those found; False stops."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What it came to. `out`: entries taken out; `gone`: found, but fetched before the queue was replaced."""

    status: Status
    out: int = 0
    gone: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Rebuild:
    """What is to be done. `record`: the open record of operation `id`; `into`: where what is taken out goes.

    `owner` is shown to others who would rebuild the same queue. `now`: Unix seconds.
    """

    id: str
    record: bytes
    queue: str
    into: bytes
    trash: bool
    owner: str
    now: float
    window: int = WINDOW
    """Entries in one step at most."""


class _Abort(Exception):
    """This sweep is over. `again`: another one may succeed; `out`: an earlier one has, and took out so many."""

    def __init__(self, status: Status, error: str = "", *, again: bool = False, out: int = 0) -> None:
        super().__init__(status)
        self.rebuilt = Rebuilt(status, out, error=error)
        self.again = again


async def rebuild(db: Database, what: Rebuild, chooser: Callable[[], Chooser], between: Between) -> Rebuilt:
    """Takes out of a queue what each sweep's chooser says. Raises SidekiqError when the link breaks too often.

    After an error it may have happened or not: the record's field `cut` tells, once the record is closed.
    """
    attempt = edits = breaks = found = 0
    while True:
        attempt += 1
        sweep = _Sweep(db, what, attempt, chooser(), between)
        try:
            return await sweep.run()
        except _Abort as abort:
            edits += 1
            if abort.rebuilt.status == "ok":
                return replace(abort.rebuilt, gone=max(found - abort.rebuilt.out, 0))
            if not abort.again or edits == ATTEMPTS:
                return abort.rebuilt
        except ServerUnreachable:
            breaks += 1
            found = sweep.found
            if breaks == ATTEMPTS:
                raise
            await asyncio.sleep(_PAUSE * breaks)
        finally:
            await sweep.end()


class _Entries:
    """What is remembered of many entries, nine bytes each: whether it was kept, and half its SHA-1."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._hashes = bytearray()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def dropped(self) -> int:
        """How many were not kept."""
        return self._kept.count(0)

    def extend(self, window: Window, dropped: Collection[int]) -> None:
        """Adds entries."""
        kept = bytearray(b"\1") * len(window)
        for offset in dropped:
            kept[offset] = 0
        self._kept += kept
        self._hashes += b"".join([_half(raw) for raw in window])

    def kept_from(self, first: int) -> tuple[int, int]:
        """How many of those from `first` on were kept, and how many not."""
        dropped = self._kept.count(0, first)
        return len(self) - first - dropped, dropped

    def mark(self, at: int) -> bytes:
        """One entry as the script that cuts over wants it."""
        return (b"k" if self._kept[at] else b"d") + self._hashes[at * 8 : at * 8 + 8].hex().encode()


class _Sweep:
    """One attempt. Known entries are those that were there (`_size`) and those that have come (`_arrived`).

    `_swept`: the former, the newest first, as far as they were read; `_arrived`: the latter, the oldest first.
    """

    def __init__(self, db: Database, what: Rebuild, attempt: int, choose: Chooser, between: Between) -> None:
        self._db, self._what, self._attempt, self._choose, self._between = db, what, attempt, choose, between
        self._said = f"{what.id} {attempt} {what.owner}"
        keys = db.keys
        queue = keys.queue(what.queue)
        self._keys = (what.record, queue, keys.shadow(what.id), keys.taken_out(what.id), keys.lock(queue))
        self._size = self._fetched = self._bytes = 0
        self._swept, self._arrived = _Entries(), _Entries()
        self._newest: list[bytes] = []
        self.found = 0
        """Entries to take out, so far."""

    async def run(self) -> Rebuilt:
        """The whole of it. Raises _Abort, SidekiqError."""
        window = await self._begin()
        await self._memory()
        steps = cuts = 0
        while True:
            while window:
                steps += 1
                if steps % _MEMORY_STEPS == 0:
                    await self._memory()
                window = await self._step(steps, window)
                if not await self._between(len(self._swept), self._size, self.found):
                    raise _Abort("stopped")
            if not self.found:
                return Rebuilt("nothing")
            done = await self._cut()
            if done is not None:
                return done
            steps, cuts = steps + 1, cuts + 1
            if cuts == _CUTS:
                raise _Abort("edited", again=True)
            window = await self._step(steps, [])

    async def end(self) -> None:
        """Frees lock and copies. They go by themselves, should that fail."""
        record, _, copy, out, lock = self._keys
        keys = (record, copy, out, lock, self._db.keys.replaced(self._what.id))
        with suppress(ReplyError, ServerUnreachable):
            await self._eval("shadow_end", keys, (self._attempt, f"{self._what.id} "))

    async def _begin(self) -> list[bytes]:
        arguments = (self._attempt, f"{self._what.id} ", self._said, min(_FIRST, self._what.window), WINDOW_BYTES)
        names = (*self._keys, self._db.keys.replaced(self._what.id))
        status, size, entries, error = await self._eval("shadow_begin", names, arguments)
        if status != b"ok":
            raise self._abort(status, error)
        self._size = natural(size) or 0
        window = payloads(entries)
        self._newest = window[:_ANCHORS]
        return window

    async def _step(self, step: int, window: list[bytes]) -> list[bytes]:
        """Copies a window and what has come, and reads the next one."""
        dropped = frozenset(self._choose(window)) if window else frozenset[int]()
        while True:
            arguments = self._step_arguments(step, window, dropped)
            status, fetched, left, arrived, following, error = await self._eval("shadow_step", self._keys, arguments)
            if status not in (b"ok", b"again"):
                raise self._abort(status, error)
            self._fetched = natural(fetched) or 0
            if status == b"ok":
                break
            window = window[: natural(left) or 0]  # workers have fetched the rest of it
            dropped = frozenset(offset for offset in dropped if offset < len(window))
        self._swept.extend(window, dropped)
        self.found += len(dropped)
        self._bytes += sum(map(len, window))
        new = payloads(arrived)
        self._arrived.extend(new[::-1], ())
        self._newest = (new + self._newest)[:_ANCHORS]
        return payloads(following)

    def _step_arguments(self, step: int, window: list[bytes], dropped: frozenset[int]) -> list[Argument]:
        average = self._bytes // len(self._swept) if self._swept else max(map(len, window), default=1)
        fitting = max(1, WINDOW_BYTES // max(average, 1))
        return [
            self._attempt,
            step,
            self._said,
            *self._lengths(),
            len(self._arrived) + len(self._swept),
            len(window),
            hashlib.sha1(b"\0".join(window), usedforsecurity=False).hexdigest(),
            b"".join(offset.to_bytes(2, "big") for offset in sorted(dropped)),
            min(self._what.window, fitting),
            WINDOW_BYTES,
            min(ARRIVALS, fitting),
            *self._head(),
            b"" if window else self._marks(len(self._swept)),
        ]

    def _head(self) -> tuple[bytes, bytes]:
        """The newest known entry, and half the SHA-1 of those behind it."""
        newest, *behind = self._newest
        return newest, b"".join([_half(raw).hex().encode() for raw in behind])

    def _lengths(self) -> tuple[int, int, int, int]:
        """Entries known, entries fetched, and how long the two lists under construction are."""
        kept = len(self._arrived) + len(self._swept) - self.found
        return self._size + len(self._arrived), self._fetched, kept, self.found

    async def _cut(self) -> Rebuilt | None:
        """Puts the copy in place; None when that has to wait for one more step."""
        what, keys = self._what, self._db.keys
        names = (*self._keys, keys.replaced(what.id), what.into, keys.trash_index)
        ends = (*self._fetched_of_swept(), _LAST_ARRIVALS, int(what.trash), int(what.now) + TRASH_REAPED, TRASH_EXPIRES)
        arguments: tuple[Argument, ...] = (
            self._attempt,
            self._said,
            *self._lengths(),
            *ends,
            self._marks(self._size - self._fetched),
            *self._head(),
        )
        status, out, error = await self._eval("shadow_cut", names, arguments)
        if status == b"retry":
            return None
        if status not in (b"ok", b"done"):
            raise self._abort(status, error)
        left = natural(out) or 0
        return Rebuilt("ok", left, self.found - left)

    def _fetched_of_swept(self) -> tuple[int, int]:
        """How many at the end of the two lists had been fetched at the last step."""
        there = self._size - self._fetched
        kept, dropped = self._swept.kept_from(max(there, 0))
        return kept - min(there, 0), dropped

    def _marks(self, there: int) -> bytes:
        """What is at the tail of the queue if workers take nothing more, if they take one, and so on.

        `there`: how many of the swept entries are; negative: none, nor so many of those that have come.
        """
        swept = range(min(there, len(self._swept)) - 1, max(there - _CANDIDATES, 0) - 1, -1)
        marks = [self._swept.mark(at) for at in swept]
        first = max(-there, 0)
        last = min(first + _CANDIDATES - len(marks), len(self._arrived))
        marks += [self._arrived.mark(at) for at in range(first, last)]
        return b"".join(marks)

    async def _memory(self) -> None:
        """Raises _Abort when the server has no room for a copy of what is still to be read."""
        reply, used = await self._db.pipeline([("INFO", "memory"), ("MEMORY", "USAGE", self._keys[1])])
        info = parse_info(reply)
        if info.maxmemory and info.used_memory is not None:
            needed = (natural(used) or 0) * (1 - len(self._swept) / max(self._size, 1)) * _COPY_SHARE
            if info.used_memory + needed > info.maxmemory * _MEMORY_SHARE:
                raise _Abort("memory")

    def _abort(self, status: object, error: object) -> _Abort:
        said, why = text(status) or "", text(error) or ""
        if said == "empty":
            return _Abort("nothing")
        if said == "cut":
            return _Abort("ok", out=natural(why) or 0)
        lost = said == "busy" and (not why or why.startswith(f"{self._what.id} "))  # to nobody, or to a late BEGIN
        if lost or said in ("taken", "anchor", "moved", "changed", "expired"):
            return _Abort("edited", again=True)
        return _Abort(cast(Status, said), why)

    async def _eval(self, name: str, keys: Sequence[bytes], arguments: Sequence[Argument]) -> list[object]:
        reply = await self._db.command("EVAL", script(name), len(keys), *keys, *arguments)
        return list(reply) if isinstance(reply, list) else []


def _half(raw: bytes) -> bytes:
    return hashlib.sha1(raw, usedforsecurity=False).digest()[:8]
