"""What this machine remembers of operations: what was begun, the bytes to undo it, and how far it got.

One thread writes; a batch is on disk before it is sent. Several sqtui share the file.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TypeVar

from sidekiq_tui.operations.audit import Head
from sidekiq_tui.operations.journal_file import NAME, JournalError, open_journal, open_to_read, unkept
from sidekiq_tui.operations.outcome import Tally
from sidekiq_tui.operations.owner import Owner, lives, this_process

State = Literal["open", "done", "stopped", "failed", "unknown"]
UndoKind = Literal["trash", "journal", "opposite", "no"]

_COLUMNS: Final = (
    "id, server, mark, kind, words, who, plan, parameters, count, at, ended, state, generation, tally, undo, undone, "
    "pid, started, host, touched"
)
_ELSEWHERE: Final = 120.0
"""Seconds for which an operation of another machine counts as running after its last sign."""
_HIGHEST: Final = 1 << 62
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """An operation as the journal has it. Times are Unix seconds."""

    id: str
    server: str
    mark: str
    kind: str
    words: str
    who: str
    plan: str
    parameters: str
    """The operation without its entries, as JSON."""
    count: int
    at: float
    undo: UndoKind
    state: State = "open"
    ended: float | None = None
    generation: int = 1
    tally: Tally = field(default_factory=Tally)
    undone: str | None = None
    """The id of the operation that took it back."""
    owner: Owner
    touched: float

    def running(self, now: float) -> bool:
        """Whether its sqtui is at it, as far as can be told from here."""
        alive = lives(self.owner)
        return self.state == "open" and (now - self.touched < _ELSEWHERE if alive is None else alive)


class Batch(NamedTuple):
    """One batch: its number in the operation, over all generations; `results` has a character an entry, None while
    they are not known; `blob` as `entries.pack`."""

    number: int
    bid: str
    n: int
    blob: bytes | None
    results: str | None = None


class Journal:
    """The journal of one folder. Every method raises `JournalError`; nothing is made before the first that writes."""

    def __init__(
        self,
        folder: Path,
        *,
        size: int,
        window: float,
        clock: Callable[[], float] = time.time,
        owner: Owner | None = None,
    ) -> None:
        """`size`: bytes of undo copies that are kept; `window`: seconds for which they are."""
        self.folder = folder
        self.owner = owner or this_process()
        self._size = size
        self._window = window
        self._clock = clock
        self._connection: sqlite3.Connection | None = None
        self._thread: ThreadPoolExecutor | None = None

    # ---- Writing

    async def begin(self, noted: Noted, rest: bytes | None) -> None:
        """A new operation; `rest`: what it is still to do, for another process that goes on with it."""
        await self._write(lambda db: _insert(db, noted, rest))

    async def reopen(self, id: str) -> None:
        """An operation that is gone on with under its id is open again, and ours."""
        owner = self.owner
        await self._write(
            lambda db: db.execute(
                "UPDATE op SET state='open', ended=NULL, pid=?, started=?, host=?, touched=? WHERE id=?",
                (owner.pid, owner.started, owner.host, self._clock(), id),
            )
        )

    async def add(
        self, id: str, batches: Sequence[Batch] | Callable[[], Sequence[Batch]], results: Mapping[int, str]
    ) -> None:
        """Keeps batches that will be sent, and what became of earlier ones, by number.

        `batches` may be what makes them: the thread that writes does it then.
        """

        def store(db: sqlite3.Connection) -> None:
            db.executemany("INSERT INTO batch (op, number, bid, n, blob, results) VALUES (?,?,?,?,?,?)", rows)
            _set_results(db, id, results)
            db.execute("UPDATE op SET touched=? WHERE id=?", (self._clock(), id))

        rows: list[tuple[object, ...]] = []

        def make() -> None:
            rows.extend((id, *batch) for batch in (batches() if callable(batches) else batches))

        await self._write(store, before=make)

    async def settle(self, id: str, results: Mapping[int, str], generation: int, tally: Tally) -> None:
        """What became of batches, in which generation the operation is, and how far."""

        def store(db: sqlite3.Connection) -> None:
            _set_results(db, id, results)
            db.execute(
                "UPDATE op SET generation=?, tally=?, touched=? WHERE id=?",
                (generation, _tally(tally), self._clock(), id),
            )

        await self._write(store)

    async def end(self, id: str, state: State, tally: Tally, *, undo: str, rest: bool) -> None:
        """The end; `rest`: what was still to do is kept, so that it can be gone on with."""

        def store(db: sqlite3.Connection) -> None:
            now = self._clock()
            db.execute(
                "UPDATE op SET state=?, tally=?, undo=?, ended=?, touched=? WHERE id=?",
                (state, _tally(tally), undo, now, now, id),
            )
            if not rest:
                db.execute("DELETE FROM rest WHERE op=?", (id,))

        await self._write(store)

    async def set_undo(self, id: str, undo: UndoKind) -> None:
        """Where the way back lies, if not where it was meant to."""
        await self._write(lambda db: db.execute("UPDATE op SET undo=? WHERE id=?", (undo, id)))

    async def mark_undone(self, id: str, by: str | None) -> None:
        """Notes which operation took it back; None: it can be taken back again."""
        await self._write(lambda db: db.execute("UPDATE op SET undone=? WHERE id=?", (by, id)))

    async def set_head(self, head: Head) -> None:
        """The end of the audit's chain, unless a later one is known."""
        await self._write(
            lambda db: db.execute(
                "INSERT INTO head VALUES (1, ?, ?) ON CONFLICT (one) DO UPDATE SET n=excluded.n, hash=excluded.hash "
                "WHERE excluded.n > head.n",
                head,
            )
        )

    async def tidy(self) -> None:
        """Forgets what is past the window, then the oldest until the rest fits. Never what is open."""

        def forget(db: sqlite3.Connection) -> None:
            old = self._clock() - self._window
            _forget(db, "state NOT IN ('open', 'unknown') AND at < ?", old)
            sizes = db.execute(
                "SELECT op.id, op.state, SUM(LENGTH(batch.blob)) FROM op JOIN batch ON batch.op = op.id "
                "GROUP BY op.id ORDER BY op.at DESC"
            ).fetchall()
            kept = 0
            for id, state, size in sizes:
                kept += size or 0
                if kept > self._size and state not in ("open", "unknown"):
                    db.execute("DELETE FROM batch WHERE op=?", (id,))
                    db.execute("UPDATE op SET undo='no' WHERE id=? AND undo='journal'", (id,))

        await self._write(forget)

    async def purge(self) -> int:
        """Forgets all that is not open, bytes and all; how many operations that were."""

        def forget(db: sqlite3.Connection) -> int:
            return _forget(db, "state NOT IN ('open', 'unknown') AND at < ?", float("inf"))

        if not (self.folder / NAME).exists():
            return 0
        count = await self._write(forget)
        await self._run(lambda db: db.execute("VACUUM"))
        return count

    # ---- Reading

    async def noted(self, id: str) -> Noted | None:
        """One operation."""
        return await self._read(lambda db: _one(db, id), None)

    async def all_noted(self, server: str | None = None) -> tuple[Noted, ...]:
        """All operations (of one server), the newest first."""
        return await self._read(lambda db: _all(db, server), ())

    def last_noted(self, server: str) -> tuple[Noted, ...]:
        """As `all_noted`, at once: for a key that must not wait."""
        return self._reading(lambda db: _all(db, server), ())

    async def rest(self, id: str) -> bytes | None:
        """What an operation is still to do, as `begin` got it."""

        def read(db: sqlite3.Connection) -> bytes | None:
            row = db.execute("SELECT targets FROM rest WHERE op=?", (id,)).fetchone()
            return None if row is None else row[0]

        return await self._read(read, None)

    async def batches(self, id: str, *, before: int | None = None, limit: int = 20) -> tuple[Batch, ...]:
        """Batches of an operation, the last first, of those before a number."""
        highest = _HIGHEST if before is None else before
        return await self._read(lambda db: _batches(db, "number < ? ORDER BY number DESC", id, highest, limit), ())

    async def batches_after(self, id: str, number: int = -1, *, limit: int = 20) -> tuple[Batch, ...]:
        """Batches of an operation in their order, of those after a number."""
        return await self._read(lambda db: _batches(db, "number > ? ORDER BY number", id, number, limit), ())

    async def head(self) -> Head | None:
        """The end of the audit's chain as last seen."""

        def read(db: sqlite3.Connection) -> Head | None:
            row = db.execute("SELECT n, hash FROM head").fetchone()
            return None if row is None else Head(*row)

        return await self._read(read, None)

    async def close(self) -> None:
        """Waits for what is being written. Never raises."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        connection, self._connection = self._connection, None
        if connection is not None:
            await asyncio.get_running_loop().run_in_executor(thread, connection.close)
        thread.shutdown(wait=False)

    # ---- The thread

    async def _write(self, work: Callable[[sqlite3.Connection], T], *, before: Callable[[], None] | None = None) -> T:
        """`before`: what the thread does first, while others may still write."""

        def transact(db: sqlite3.Connection) -> T:
            if before is not None:
                before()
            db.execute("BEGIN IMMEDIATE")
            try:
                result = work(db)
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
            return result

        return await self._run(transact)

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "journal")

        def call() -> T:
            if self._connection is None:
                self._connection = open_journal(self.folder)
            return work(self._connection)

        # A cancelled task must not leave a transaction whose end nobody hears of.
        future = asyncio.get_running_loop().run_in_executor(self._thread, call)
        try:
            return await asyncio.shield(future)
        except (sqlite3.Error, OSError) as error:
            raise unkept(error, self.folder) from error

    async def _read(self, work: Callable[[sqlite3.Connection], T], nothing: T) -> T:
        return await asyncio.get_running_loop().run_in_executor(None, self._reading, work, nothing)

    def _reading(self, work: Callable[[sqlite3.Connection], T], nothing: T) -> T:
        connection = open_to_read(self.folder)
        if connection is None:
            return nothing
        try:
            return work(connection)
        except (sqlite3.Error, ValueError) as error:
            raise unkept(error, self.folder) from error
        finally:
            connection.close()


def _insert(db: sqlite3.Connection, noted: Noted, rest: bytes | None) -> None:
    row = (
        noted.id, noted.server, noted.mark, noted.kind, _plain(noted.words), noted.who, noted.plan, noted.parameters,
        noted.count, noted.at, noted.ended, noted.state, noted.generation, _tally(noted.tally), noted.undo,
        noted.undone, noted.owner.pid, noted.owner.started, noted.owner.host, noted.touched,
    )  # fmt: skip
    db.execute(f"INSERT INTO op ({_COLUMNS}) VALUES ({', '.join('?' * len(row))})", row)
    if rest is not None:
        db.execute("INSERT INTO rest VALUES (?, ?)", (noted.id, rest))


def _plain(text: str) -> str:
    """Without lone surrogates, which names of queues may have and SQLite takes none of."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _batches(db: sqlite3.Connection, which: str, id: str, number: int, limit: int) -> tuple[Batch, ...]:
    rows = db.execute(
        f"SELECT number, bid, n, blob, results FROM batch WHERE op=? AND {which} LIMIT ?", (id, number, limit)
    )
    return tuple(Batch(*row) for row in rows)


def _set_results(db: sqlite3.Connection, id: str, results: Mapping[int, str]) -> None:
    db.executemany(
        "UPDATE batch SET results=? WHERE op=? AND number=?",
        [(said, id, number) for number, said in results.items()],
    )


def _forget(db: sqlite3.Connection, which: str, *values: object) -> int:
    ids = [row[0] for row in db.execute(f"SELECT id FROM op WHERE {which}", values)]
    for table, column in (("batch", "op"), ("rest", "op"), ("op", "id")):
        db.executemany(f"DELETE FROM {table} WHERE {column}=?", [(id,) for id in ids])
    return len(ids)


def _one(db: sqlite3.Connection, id: str) -> Noted | None:
    row = db.execute(f"SELECT {_COLUMNS} FROM op WHERE id=?", (id,)).fetchone()
    return None if row is None else _noted(row)


def _all(db: sqlite3.Connection, server: str | None) -> tuple[Noted, ...]:
    rows: Iterable[tuple[Any, ...]] = db.execute(
        f"SELECT {_COLUMNS} FROM op WHERE ? IS NULL OR server = ? ORDER BY at DESC, id", (server, server)
    )
    return tuple(_noted(row) for row in rows)


def _noted(row: tuple[Any, ...]) -> Noted:
    names = _COLUMNS.split(", ")
    fields = dict(zip(names, row, strict=True))
    owner = Owner(fields.pop("pid"), fields.pop("started"), fields.pop("host"))
    tally = Tally(**json.loads(fields.pop("tally")))
    return Noted(**fields, tally=tally, owner=owner)


def _tally(tally: Tally) -> str:
    return json.dumps(asdict(tally))


__all__ = ["Batch", "Journal", "JournalError", "Noted", "State", "UndoKind"]
