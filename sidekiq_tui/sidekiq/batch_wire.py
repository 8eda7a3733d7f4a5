"""How the items of a batch go to `batch.lua`: the keys that they touch, the rights that they need, their arguments."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, Literal

from sidekiq_tui.sidekiq.batch_items import (
    CancelIteration,
    DeleteFromQueue,
    DeleteFromSet,
    DeleteProfile,
    EditInQueue,
    Item,
    Move,
    MoveFromQueue,
    MoveInSets,
    MoveToFront,
    Prune,
    Push,
    Reschedule,
    ResetCounter,
    RestoreToQueue,
    RestoreToSet,
    SendSignal,
    SetPaused,
    TakeBack,
    Unpush,
)
from sidekiq_tui.sidekiq.database import Argument, Command
from sidekiq_tui.sidekiq.keys import Keys
from sidekiq_tui.sidekiq.scripts import script

MOST_ITEMS: Final = 200
"""In one batch: 7 ms of the server's time for payloads of 2 KB (protocol 13.1)."""
MOST_BYTES: Final = 512 * 1024
"""Of arguments in one batch; an item that is larger goes alone."""
LARGEST_ITEM: Final = 64 << 20
"""Bytes of one item that are refused."""
_LONGEST_RUN: Final = 1000
"""Items of a run: Lua's stack has room for eight thousand values."""
_OVERHEAD: Final = 64
"""Bytes of an item beside its payloads."""

SIGNALS: Final = ("TSTP", "TERM", "TTIN")
"""All that may be sent: a process passes on any name, KILL too (protocol 6.5)."""

Kind = Literal["r", "l", "z", "s", "h", "c", "t", "T", "i", "k"]
"""Record, list, sorted set, set, hash, counter, trash list, trash set, list of trash keys, lock."""


def item_bytes(item: Item) -> int:
    """How many bytes an item takes on the wire, about."""
    old, new = getattr(item, "old", None), getattr(item, "new", None)
    return _OVERHEAD + (0 if old is None else len(old)) + (0 if new is None or new is old else len(new))


def batches(items: Iterable[Item], *, most: int = MOST_ITEMS) -> Iterator[list[Item]]:
    """The items in their order, as batches within the bounds. Raises ValueError for one that no batch may hold."""
    batch: list[Item] = []
    total = 0
    for item in items:
        size = item_bytes(item)
        if size > LARGEST_ITEM:
            raise ValueError(f"a payload of {size >> 20} MiB is too large to be moved by its bytes")
        if batch and (len(batch) >= most or total + size > MOST_BYTES):
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += size
    if batch:
        yield batch


def batch_command(
    keys: Keys, record: bytes | None, seq: int, bid: str, items: Sequence[Item], *, now: float, drain: bool = False
) -> Command:
    """The one command that carries a batch out. `record`: None where keys of our own are forbidden (mode B).

    `now`: Unix seconds; `drain`: may run on a full server. Raises ValueError for an item that makes no sense, or that
    needs keys of our own without a record.
    """
    sheet = _Sheet(keys, own=record is not None)
    if record is not None:
        sheet.key(record, "r")
    for item in items:
        _WRITERS[type(item)](sheet, item)
    sheet.end_run()
    rights: list[Argument] = [part for right in sheet.rights for part in right]
    head: tuple[Argument, ...] = (seq, bid, int(now), "".join(sheet.kinds), len(sheet.rights))
    return (b"EVAL", script("batch", drain=drain), len(sheet.keys), *sheet.keys, *head, *rights, *sheet.words)


class _Sheet:
    """What a batch has so far. Keys are named by their position in KEYS."""

    def __init__(self, names: Keys, *, own: bool) -> None:
        self.names = names
        self.own = own
        self.keys: dict[bytes, int] = {}
        self.kinds: list[Kind] = []
        self.rights: dict[tuple[str, int], None] = {}
        self.words: list[Argument] = []
        self._run: tuple[Argument, ...] = ()
        self._values: list[Argument] = []
        self._length = 0
        self._queues: dict[str, int] = {}
        self._sets: dict[str, int] = {}
        self.moves: dict[tuple[str, str], tuple[Argument, ...]] = {}
        """What moves from a set to a queue have in common: nearly all that are many are such."""

    def add(self, run: tuple[Argument, ...], *values: Argument) -> None:
        """An item: its letter and what it has in common with those of its run, and its own values."""
        if (run is not self._run and run != self._run) or self._length == _LONGEST_RUN:
            self.end_run()
            self._run = run
        self._values += values
        self._length += 1

    def end_run(self) -> None:
        """The next item, if any, begins another one."""
        if self._length:
            self.words += (self._run[0], self._length, *self._run[1:], *self._values)
        self._run, self._values, self._length = (), [], 0

    def key(self, key: bytes, kind: Kind, *rights: str) -> int:
        """The position of a key; `rights`: the commands that will be needed on it."""
        at = self.keys.get(key)
        if at is None:
            at = self.keys[key] = len(self.keys) + 1
            self.kinds.append(kind)
        elif self.kinds[at - 1] != kind:
            raise ValueError("one key in two roles")
        for right in rights:
            self.rights[right, at] = None
        return at

    def queue(self, name: str, *rights: str) -> int:
        """The list of a queue."""
        at = self._queues.get(name)
        if at is None:
            at = self._queues[name] = self.key(self.names.queue(name), "l")
        for right in rights:
            self.rights[right, at] = None
        return at

    def job_set(self, name: str, *rights: str) -> int:
        """One of the sorted sets of jobs."""
        at = self._sets.get(name)
        if at is None:
            at = self._sets[name] = self.key(self.names.job_set(name), "z")  # type: ignore[arg-type]
        for right in rights:
            self.rights[right, at] = None
        return at

    def queues(self) -> int:
        """The set of the names of all queues."""
        return self.key(self.names.queues, "s", "SADD")

    def trash(self, key: bytes, kind: Literal["t", "T"], *rights: str) -> int:
        """A trash key, and with it the list of all of them."""
        if not self.own:
            raise ValueError("there is no trash on this server")
        self.key(self.names.trash_index, "i", "ZADD", "ZREM")
        return self.key(key, kind, "EXPIRE", *rights)

    def unlocked(self, key: bytes) -> None:
        """A key that nobody may be rebuilding."""
        if self.own:
            self.key(self.names.lock(key), "k")


def _score(score: float | None) -> str:
    """A score with all its digits."""
    if score is None or math.isnan(score):
        raise ValueError("an entry of a sorted set needs a score")
    return repr(float(score))


def _unless_same(new: bytes, old: bytes) -> bytes:
    """Nothing in place of the same bytes once more. No payload is empty, unless it was before."""
    return b"" if new == old else new


def _move(sheet: _Sheet, item: Move) -> None:
    run = sheet.moves.get((item.source, item.queue))
    if run is None:
        source = sheet.job_set(item.source, "ZREM")
        queue = sheet.queue(item.queue, "LPUSH", "LPOP")
        run = sheet.moves[item.source, item.queue] = ("M", source, queue, sheet.queues(), item.queue)
    sheet.add(run, item.old, item.new)


def _move_in_sets(sheet: _Sheet, item: MoveInSets) -> None:
    source, target = sheet.job_set(item.source, "ZREM"), sheet.job_set(item.target, "ZADD", "ZREM")
    if source == target:
        sheet.add(("Z", source), item.old, item.new, "" if item.score is None else _score(item.score))
    else:
        sheet.add(("K", source, target), item.old, _unless_same(item.new, item.old), _score(item.score))


def _reschedule(sheet: _Sheet, item: Reschedule) -> None:
    sheet.add(("R", sheet.job_set(item.source, "ZADD")), item.old, _score(item.known), _score(item.score))


def _delete_from_set(sheet: _Sheet, item: DeleteFromSet) -> None:
    source = sheet.job_set(item.source, "ZREM")
    if item.trash is None:
        sheet.add(("d", source), item.old)
    else:
        sheet.add(("D", source, sheet.trash(item.trash, "T", "ZADD", "ZREM")), item.old)


def _delete_from_queue(sheet: _Sheet, item: DeleteFromQueue) -> None:
    queue = sheet.queue(item.queue, "LREM")
    if item.trash is None:
        sheet.add(("q", queue, int(item.tail)), item.old)
    else:
        sheet.add(("Q", queue, int(item.tail), sheet.trash(item.trash, "t", "RPUSH", "RPOP")), item.old)


def _move_from_queue(sheet: _Sheet, item: MoveFromQueue) -> None:
    if (item.target_queue is None) == (item.target_set is None):
        raise ValueError("an entry of a queue goes to one queue or to one set")
    source = sheet.queue(item.queue, "LREM") if item.stage is None else sheet.key(item.stage, "l", "LREM")
    if item.target_queue is not None:
        rights = ("RPUSH", "RPOP") if item.front else ("LPUSH", "LPOP")
        target = sheet.queue(item.target_queue, *rights)
        common = (target, sheet.queues(), item.target_queue, int(item.front))
        sheet.add(("L", source, int(item.tail), *common), item.old, item.new)
    elif item.target_set is not None:
        target = sheet.job_set(item.target_set, "ZADD", "ZREM")
        new = _unless_same(item.new, item.old)
        sheet.add(("S", source, int(item.tail), target), item.old, new, _score(item.score))


def _edit_in_queue(sheet: _Sheet, item: EditInQueue) -> None:
    sheet.unlocked(sheet.names.queue(item.queue))
    sheet.add(("E", sheet.queue(item.queue, "LSET"), int(item.tail)), item.old, item.new)


def _move_to_front(sheet: _Sheet, item: MoveToFront) -> None:
    sheet.add(("F", sheet.queue(item.queue, "RPUSH", "LREM", "RPOP")), item.old)


def _push(sheet: _Sheet, item: Push) -> None:
    if (item.queue is None) == (item.score is None):
        raise ValueError("a new job goes to a queue or gets a time")
    if item.queue is not None:
        sheet.add(("P", sheet.queue(item.queue, "LPUSH"), sheet.queues(), item.queue), item.new)
    else:
        sheet.add(("p", sheet.job_set(item.into, "ZADD")), item.new, _score(item.score))


def _take_back(sheet: _Sheet, item: TakeBack) -> None:
    queue = sheet.queue(item.queue, "LREM")
    if item.old is None or item.target is None:
        if item.old is not None or item.target is not None:
            raise ValueError("what comes back needs a place")
        sheet.add(("t", queue), item.new)
    else:
        target = sheet.job_set(item.target, "ZADD", "ZREM")
        sheet.add(("T", queue, target), item.new, item.old, _score(item.score))


def _unpush(sheet: _Sheet, item: Unpush) -> None:
    sheet.add(("d", sheet.job_set(item.source, "ZREM")), item.new)


def _restore_to_set(sheet: _Sheet, item: RestoreToSet) -> None:
    trash, target = sheet.trash(item.trash, "T", "ZREM"), sheet.job_set(item.target, "ZADD", "ZREM")
    sheet.add(("U", trash, target), item.old, _score(item.score))


def _restore_to_queue(sheet: _Sheet, item: RestoreToQueue) -> None:
    trash, queue = sheet.trash(item.trash, "t", "LREM"), sheet.queue(item.queue, "RPUSH", "RPOP")
    sheet.add(("V", trash, queue, sheet.queues(), item.queue), item.old)


def _send_signal(sheet: _Sheet, item: SendSignal) -> None:
    if item.signal not in SIGNALS:
        raise ValueError("no signal for a Sidekiq process")
    names = sheet.names
    processes, process = sheet.key(names.processes, "s"), sheet.key(names.process(item.identity), "h")
    signals = sheet.key(names.signals(item.identity), "l", "LPUSH", "EXPIRE", "LPOP")
    sheet.add(("G", processes, process, signals), item.identity, item.signal)


def _prune(sheet: _Sheet, item: Prune) -> None:
    processes = sheet.key(sheet.names.processes, "s", "SREM")
    sheet.add(("N", processes, sheet.key(sheet.names.process(item.identity), "h")), item.identity)


def _cancel(sheet: _Sheet, item: CancelIteration) -> None:
    sheet.add(("C", sheet.key(sheet.names.iteration(item.jid), "h", "HSETNX", "EXPIRE", "HDEL")), int(item.now))


def _set_paused(sheet: _Sheet, item: SetPaused) -> None:
    paused = sheet.key(sheet.names.paused, "s", "SADD" if item.paused else "SREM")
    sheet.add(("H", paused, int(item.paused)), item.queue)


def _reset_counter(sheet: _Sheet, item: ResetCounter) -> None:
    counter = sheet.names.stat_processed if item.counter == "processed" else sheet.names.stat_failed
    if item.add is None:
        sheet.add(("c", sheet.key(counter, "c", "SET")), item.known)
    else:
        sheet.add(("a", sheet.key(counter, "c", "INCRBY")), item.add)


def _delete_profile(sheet: _Sheet, item: DeleteProfile) -> None:
    profiles, profile = sheet.key(sheet.names.profiles, "z", "ZREM"), sheet.names.profile(item.key)
    sheet.add(("X", profiles, sheet.key(profile, "h", "UNLINK")), item.key)


_WRITERS: Final[dict[type[Item], Callable[[_Sheet, Any], None]]] = {
    Move: _move,
    MoveInSets: _move_in_sets,
    Reschedule: _reschedule,
    DeleteFromSet: _delete_from_set,
    DeleteFromQueue: _delete_from_queue,
    MoveFromQueue: _move_from_queue,
    EditInQueue: _edit_in_queue,
    MoveToFront: _move_to_front,
    Push: _push,
    TakeBack: _take_back,
    Unpush: _unpush,
    RestoreToSet: _restore_to_set,
    RestoreToQueue: _restore_to_queue,
    SendSignal: _send_signal,
    Prune: _prune,
    CancelIteration: _cancel,
    SetPaused: _set_paused,
    ResetCounter: _reset_counter,
    DeleteProfile: _delete_profile,
}
