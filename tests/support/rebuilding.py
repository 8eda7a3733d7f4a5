"""Queues to rebuild, and rebuilding them: every third job is to be taken out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import Any, Final

from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.shadow import Chooser, Rebuild, Rebuilt, rebuild
from tests.support.records import open_record

QUEUE: Final = "queue:big"


def entry(number: int, kind: str = "Keep") -> bytes:
    return b'{"class":"%s","args":[%d],"jid":"%024x"}' % (kind.encode(), number, number)


def mixed(numbers: Iterable[int]) -> list[bytes]:
    """Every third one is to be taken out."""
    return [entry(one, "Drop" if one % 3 == 0 else "Keep") for one in numbers]


def drop(raws: Sequence[bytes]) -> list[bytes]:
    return [raw for raw in raws if b'"Drop"' in raw]


def keep(raws: Sequence[bytes]) -> list[bytes]:
    return [raw for raw in raws if b'"Drop"' not in raw]


def by_class() -> Chooser:
    def choose(window: Sequence[bytes]) -> Collection[int]:
        return [at for at, raw in enumerate(window) if b'"Drop"' in raw]

    return choose


async def fill(raw: Any, raws: Sequence[bytes]) -> list[bytes]:
    """Pushes the last one first, so that they lie in this order."""
    for start in range(len(raws), 0, -1000):
        await raw.lpush(QUEUE, *raws[max(0, start - 1000) : start][::-1])
    return list(raws)


async def content(raw: Any) -> list[bytes]:
    return list(await raw.lrange(QUEUE, 0, -1))


async def go_on(read: int, total: int, found: int) -> bool:
    return True


async def run(
    db: Database,
    id: str = "op",
    *,
    chooser: Callable[[], Chooser] = by_class,
    between: Callable[[int, int, int], Awaitable[bool]] = go_on,
    window: int = 20,
    trash: bool = True,
    record: bytes | None = None,
) -> Rebuilt:
    into = db.keys.trash(id) if trash else db.keys.stage(id, "b0")
    opened = await open_record(db, id) if record is None else record
    what = Rebuild(id, opened, "big", into, trash, "ann@ws3", 1_000.0, window)
    return await rebuild(db, what, chooser, between)


async def leftovers(raw: Any) -> set[bytes]:
    """Our keys, but for the registry, records, and results."""
    kept = (b"sqtui:op", b"sqtui:trash", b"sqtui:stage")
    return {key for key in await raw.keys("sqtui:*") if not key.startswith(kept)}
