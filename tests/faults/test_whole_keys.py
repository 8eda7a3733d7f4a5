"""Clearing, restoring and rebuilding over a link that fails at every single command: settled by asking again, exact."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.sidekiq.clearing import QUEUE_ARRIVALS, clear, undo_clear
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.sidekiq.shadow import Chooser, Rebuild, Rebuilt, rebuild
from sidekiq_tui.sidekiq.trash import restore_step
from tests.support.fault_link import Fault, FaultLink
from tests.support.proxy import FaultProxy
from tests.support.records import open_record

QUEUE = "queue:big"
PLACE = Place("queue", "big")
FAULTS = pytest.mark.parametrize("fault", [Fault.DROP, Fault.LOSE, Fault.TEAR, Fault.HOLD])


def entry(number: int) -> bytes:
    return b'{"class":"%s","args":[%d]}' % (b"Drop" if number % 3 == 0 else b"Keep", number)


def keep(raws: Sequence[bytes]) -> list[bytes]:
    return [raw for raw in raws if b"Drop" not in raw]


def drop(raws: Sequence[bytes]) -> list[bytes]:
    return [raw for raw in raws if b"Drop" in raw]


def by_class() -> Chooser:
    def choose(window: Sequence[bytes]) -> Collection[int]:
        return [at for at, raw in enumerate(window) if b"Drop" in raw]

    return choose


async def fill(raw: Any, numbers: range) -> list[bytes]:
    raws = [entry(one) for one in numbers]
    for start in range(0, len(raws), 1000):
        await raw.lpush(QUEUE, *raws[start : start + 1000])
    return raws[::-1]


async def content(raw: Any) -> list[bytes]:
    return list(await raw.lrange(QUEUE, 0, -1))


async def go_on(read: int, total: int, found: int) -> bool:
    return True


@pytest.fixture
async def link(redis_server: EmbeddedRedis, raw: Any, tmp_path: Path) -> AsyncIterator[FaultLink]:
    async with FaultLink(str(redis_server.socket), tmp_path) as opened:
        yield opened


async def client_of(url: str) -> Any:
    return redis.asyncio.Redis.from_url(url, protocol=2)


async def asked_again(call: Callable[[], Awaitable[Any]]) -> Any:
    """The answer of a call that may be sent again."""
    while True:
        try:
            return await call()
        except SidekiqError:
            continue


async def sweep(db: Database, record: bytes, **options: Any) -> Rebuilt:
    what = Rebuild("op", record, "big", db.keys.trash("op"), True, "ann", 1_000.0, options.pop("window", 20))
    return await rebuild(db, what, by_class, options.pop("between", go_on))


# A queue of 100 in windows of 20 takes BEGIN, five steps, CUT and END.
@FAULTS
@pytest.mark.parametrize("number", range(1, 9))
async def test_a_rebuild_with_one_fault_at_each_command(
    raw: Any, db: Database, link: FaultLink, fault: Fault, number: int
) -> None:
    link.faults = {number: fault}
    before = await fill(raw, range(100))
    record = await open_record(db, "op")
    client = await client_of(link.url)
    result = await sweep(Database(client), record)
    await link.release()
    out = await raw.lrange("sqtui:trash:op", 0, -1)
    assert link.happened == [(number, fault)]
    assert result == Rebuilt("ok", len(drop(before)))
    assert (await content(raw), out) == (keep(before), drop(before))
    # A week later an undo has put everything back, and all that was ever sent arrives again.
    await raw.delete(QUEUE)
    again = await fill(raw, range(100))
    for command in random.Random(number).sample(link.seen, len(link.seen)) * 2:
        await link.deliver(command)
    assert await content(raw) == again
    await client.aclose()


@FAULTS
async def test_a_rebuild_whose_every_cut_fails_is_told_and_the_record_knows(
    raw: Any, db: Database, link: FaultLink, fault: Fault
) -> None:
    before = await fill(raw, range(40))
    record = await open_record(db, "op")

    class AtCuts(dict[int, Fault]):
        def get(self, number: int, default: Any = None) -> Any:
            return fault if b"'cut', out" in link.seen[number - 1][1] else default

    link.faults = AtCuts()
    client = await client_of(link.url)
    try:
        result: Rebuilt | None = await sweep(Database(client), record)
    except SidekiqError:
        result = None
    cut = await raw.hget(record, "cut")
    assert (cut is not None) == (fault is Fault.LOSE)
    assert await content(raw) == (before if cut is None else keep(before))
    if fault is Fault.LOSE:  # the next attempt finds that it happened
        assert result == Rebuilt("ok", len(drop(before)))
    await raw.rename(record, db.keys.operation_closed("op"))
    await link.release()
    assert await content(raw) == (before if cut is None else keep(before))
    await client.aclose()


@FAULTS
@pytest.mark.parametrize("number", range(1, 4))
async def test_clearing_and_undoing_with_one_fault_at_each_command(
    raw: Any, db: Database, link: FaultLink, fault: Fault, number: int
) -> None:
    link.faults = {number: fault}
    before = await fill(raw, range(50))
    record, undo = await open_record(db, "op"), await open_record(db, "opu")
    client = await client_of(link.url)
    far = Database(client)
    trash = db.keys.trash("op")
    cleared = await asked_again(lambda: clear(far, record, PLACE, bound=99, trash=trash, now=5.0))
    assert (cleared.status, cleared.count) == ("ok", 50)
    assert await content(raw) == []
    restored = await asked_again(lambda: undo_clear(far, undo, PLACE, trash))
    assert (restored.status, restored.restored) == ("ok", 50)
    await link.release()
    for command in link.seen * 2:
        await link.deliver(command)
    assert await content(raw) == before
    await client.aclose()


@FAULTS
@pytest.mark.parametrize("number", range(1, 5))
async def test_restoring_in_steps_with_one_fault_at_each_command(
    raw: Any, db: Database, link: FaultLink, fault: Fault, number: int
) -> None:
    before = await fill(raw, range(500))
    trash = db.keys.trash("op")
    await clear(db, await open_record(db, "op"), PLACE, bound=999, trash=trash, now=5.0)
    came = await fill(raw, range(1_000, 1_000 + QUEUE_ARRIVALS + 1))
    undo = await open_record(db, "opu")
    link.faults = {number: fault}
    client = await client_of(link.url)
    far = Database(client)
    assert (await asked_again(lambda: undo_clear(far, undo, PLACE, trash))).status == "many"
    seq, left = 0, 1
    while left:
        step = await asked_again(partial(restore_step, far, undo, seq, f"b{seq}", trash, PLACE))
        assert step.status in ("ok", "done")
        seq, left = seq + 1, step.left
        await link.release()
    for command in link.seen * 2:
        await link.deliver(command)
    assert await content(raw) == came + before
    assert await raw.exists(trash, "sqtui:trash") == 0
    await client.aclose()


async def test_a_slow_line_and_fetches_faster_than_the_sweep(
    raw: Any, db: Database, redis_server: EmbeddedRedis, tmp_path: Path
) -> None:
    start = await fill(raw, range(3_000))
    record = await open_record(db, "op")
    fetched: list[bytes] = []
    came: list[bytes] = []
    stop = asyncio.Event()

    async def worker() -> None:
        while not stop.is_set():
            fetched.extend(await raw.rpop(QUEUE, 30) or [])
            await asyncio.sleep(0.01)

    async def pusher() -> None:
        while not stop.is_set():
            new = [entry(3 * one) for one in range(10_000 + len(came), 10_020 + len(came))]
            await raw.lpush(QUEUE, *new)
            came.extend(new)
            await asyncio.sleep(0.01)

    async with FaultProxy(str(redis_server.socket), tmp_path) as proxy:
        proxy.delay = 0.2
        client = await client_of(proxy.url)
        tasks = [asyncio.create_task(worker()), asyncio.create_task(pusher())]
        result = await sweep(Database(client), record, window=200)
        stop.set()
        await asyncio.gather(*tasks)
        await client.aclose()
    out = await raw.lrange("sqtui:trash:op", 0, -1)
    left = await content(raw)
    assert result.status in ("ok", "nothing")
    assert Counter(fetched + out + left) == Counter(start + came)
    assert out == [one for one in drop(start) if one not in set(fetched)][: len(out)]
    assert left == [one for one in came[::-1] + keep(start) if one not in set(fetched)]
