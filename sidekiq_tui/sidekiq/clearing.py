"""Empties a whole queue or set at once, and puts it back (operations-safety 9).

`record` is the key of an operation's open record: it keeps the answer, so that a call whose reply was lost may be sent
again, and a late one changes nothing. Everything raises SidekiqError when the conversation fails.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, cast

from sidekiq_tui.sidekiq.database import Argument, Database
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.sidekiq.replies import natural, payloads, scored, text
from sidekiq_tui.sidekiq.scripts import script
from sidekiq_tui.sidekiq.walk import Entry

TRASH_REAPED: Final = 7 * 86_400
"""Seconds after which sqtui frees trash."""
TRASH_EXPIRES: Final = 9 * 86_400
"""Seconds after which Redis does, should nobody open sqtui."""
QUEUE_ARRIVALS: Final = 2_000
"""So many jobs may have come to a cleared queue for it to come back in one step (7 ms, operations-safety 18)."""
SET_ARRIVALS: Final = 1_000
"""The same for a set."""
LATEST: Final = 10
"""Seconds of the server's time that a command without a record has to arrive in."""

Cleaning = Literal["ok", "none", "type", "exists", "grown", "closed", "refused"]
"""Done; nothing was there; the key is none of Sidekiq's; the trash key is taken; more is there than was confirmed; the
record is fenced, done or gone; the server refused (`error`)."""
Restoring = Literal["ok", "gone", "type", "many", "closed", "refused"]
"""As above; `gone`: the trash is; `many`: so much came meanwhile that it takes steps (`trash.restore_step`)."""
Taking = Literal["ok", "done", "taken", "closed", "gap", "type", "refused"]
"""As a batch answers (operations-safety 5.3)."""


@dataclass(frozen=True, slots=True)
class Cleared:
    """What clearing came to; `count`: the entries cleared, or those there when they were too many."""

    status: Cleaning
    count: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Restored:
    """What undoing it came to: entries put back, and members of a set that were there again."""

    status: Restoring
    restored: int = 0
    existing: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the entries of one `take_out`, a character each as in `batch_items.Result`."""

    status: Taking
    results: str = ""
    error: str = ""


def place_key(db: Database, place: Place) -> bytes:
    """The key of a queue or set. Raises ValueError for jobs in progress, which lie in none."""
    if place.kind == "work":
        raise ValueError("jobs in progress lie in no list")
    return db.keys.queue(place.queue or "") if place.kind == "queue" else db.keys.job_set(place.kind)


def redis_type(place: Place) -> str:
    """What Redis calls the type of its key."""
    return "list" if place.kind == "queue" else "zset"


async def clear(db: Database, record: bytes, place: Place, *, bound: int, trash: bytes | None, now: float) -> Cleared:
    """Empties a queue or set of at most `bound` entries into the key `trash`, or frees it when that is None.

    O(1) for the server (0.4 ms for a million). `now`: Unix seconds, from which the trash counts its days.
    """
    keys = [record, place_key(db, place), db.keys.queues, db.keys.trash_index, *([trash] if trash else [])]
    arguments = (redis_type(place), bound, place.queue or "", int(now) + TRASH_REAPED, TRASH_EXPIRES)
    status, count, error = await _run(db, "clear", keys, arguments)
    return Cleared(cast(Cleaning, text(status)), natural(count) or 0, text(error) or "")


async def clear_when_full(db: Database, place: Place, *, bound: int) -> Cleared:
    """Frees a queue or set on a server without memory for a record: it cannot be undone.

    It does nothing when it arrives after LATEST seconds: after a lost reply wait so long, then look.
    """
    arguments = (redis_type(place), bound, place.queue or "", await latest(db))
    status, count, error = await _run(db, "clear_when_full", [place_key(db, place), db.keys.queues], arguments)
    return Cleared(cast(Cleaning, text(status)), natural(count) or 0, text(error) or "")


async def undo_clear(db: Database, record: bytes, place: Place, trash: bytes) -> Restored:
    """Puts back what was cleared, in exact order and with exact scores, if little came since; else `many`.

    What came since runs after what was cleared; of a set's member that is there again the present score stays.
    """
    limit = QUEUE_ARRIVALS if place.kind == "queue" else SET_ARRIVALS
    keys = [record, place_key(db, place), trash, db.keys.queues, db.keys.trash_index]
    reply = await _run(db, "undo_clear", keys, (redis_type(place), limit, place.queue or ""))
    status, restored, existing, error = reply
    return Restored(cast(Restoring, text(status)), natural(restored) or 0, natural(existing) or 0, text(error) or "")


# ---- Bit by bit, with a copy kept on this machine


async def latest(db: Database) -> int:
    """The last second (of the server's clock) in which a command without a record may arrive."""
    reply = await db.command("TIME")
    return (natural(reply[0]) or 0 if isinstance(reply, list) else 0) + LATEST


async def read_end(db: Database, place: Place, size: int) -> list[Entry]:
    """The next entries for `take_out`: of a queue those that run next, in its order; of a set those of lowest score."""
    if place.kind == "queue":
        return [(raw, None) for raw in payloads(await db.command("LRANGE", place_key(db, place), -size, -1))]
    return list(scored(await db.command("ZRANGE", place_key(db, place), 0, size - 1, "WITHSCORES")))


async def take_out(
    db: Database, record: bytes | None, seq: int, bid: str, place: Place, entries: Sequence[Entry], *, last: int = 0
) -> Taken:
    """Removes entries as `read_end` gave them, after they were written to disk: a batch, and `0` where one has changed.

    Of a queue all or none. Without a record (no rights on our keys) `last` is the second from `latest`: the outcome of
    a lost reply cannot be known then.
    """
    arguments: list[Argument] = [seq, bid, last, redis_type(place)]
    if place.kind == "queue":
        joined = b"".join(b"%d:%s" % (len(raw), raw) for raw, _ in entries)
        arguments += [len(entries), hashlib.sha1(joined, usedforsecurity=False).hexdigest()]
    else:
        for raw, score in entries:
            arguments += [repr(score), raw]
    keys = [place_key(db, place), *([record] if record else [])]
    status, results, error = await _run(db, "remove_end", keys, arguments)
    return Taken(cast(Taking, text(status)), text(results) or "", text(error) or "")


async def _run(db: Database, name: str, keys: Sequence[bytes], arguments: Sequence[Argument]) -> list[object]:
    reply = await db.command("EVAL", script(name), len(keys), *keys, *arguments)
    return list(reply) if isinstance(reply, list) else []
