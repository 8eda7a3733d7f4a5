"""Errors that cannot all be read: bounds, wrong types, missing rights, hostile payloads."""

from __future__ import annotations

import pytest
import redis.asyncio

from sidekiq_tui.servers.error_book import ErrorBook
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.error_groups import UNDECODABLE, Cause
from sidekiq_tui.sidekiq.error_reading import Changes
from sidekiq_tui.sidekiq.errors import Forbidden, WrongType
from tests.support.error_reading import NOW, TIMEOUT, Clock, counts, failed, fill, group_of, read
from tests.support.hostile import HOSTILE_PAYLOADS


async def test_the_first_entries_of_each_set(db: Database, raw: redis.asyncio.Redis) -> None:
    await fill(raw, 1500)
    await raw.zadd("dead", {failed(n, 25, "Died", at=NOW - n): NOW - n for n in range(1500)})
    book = ErrorBook(Clock())
    await read(book, db, 700)
    board = book.board
    assert board is not None
    assert (board.retries, board.dead, board.total, board.complete, board.first) == (700, 700, 3000, False, 700)
    assert group_of(book, Cause("Foo", "Died", "after Ns")).last_at == NOW  # the last ones to die
    runs = book.next_runs(TIMEOUT, 300)
    assert runs == (NOW + 60, NOW + 7050, 25)  # the next ones to run


async def test_a_set_of_another_type_leaves_the_other(db: Database, raw: redis.asyncio.Redis) -> None:
    await raw.set("retry", "text")
    await raw.zadd("dead", {failed(1, 25): NOW})
    book = ErrorBook(Clock())
    await read(book, db)
    board = book.board
    assert board is not None
    assert (counts(book), list(board.denied)) == ({"Timeout": (0, 1)}, ["retry"])
    assert "WRONGTYPE" in board.denied["retry"]
    await raw.zadd("dead", {failed(2, 25): NOW})
    assert (await book.refresh(db)).came == 1
    await raw.delete("dead")
    await raw.set("dead", "text")
    with pytest.raises(WrongType):
        await read(ErrorBook(Clock()), db)


async def test_a_user_without_keys_learns_why(raw: redis.asyncio.Redis, redis_url: str) -> None:
    await raw.acl_setuser("viewer", enabled=True, nopass=True, keys=["queue:*"], categories=["+@read", "+@connection"])
    client = redis.asyncio.Redis.from_url(
        redis_url, username="viewer", password="x", protocol=2, legacy_responses=False
    )
    try:
        with pytest.raises(Forbidden):
            await read(ErrorBook(Clock()), Database(client))
    finally:
        await client.aclose()


async def test_hostile_payloads_come_and_go(db: Database, raw: redis.asyncio.Redis) -> None:
    await fill(raw, 10)
    book = ErrorBook(Clock())
    await read(book, db)
    unique = set(HOSTILE_PAYLOADS)
    await raw.zadd("dead", {payload: NOW + n for n, payload in enumerate(unique)})
    assert (await book.refresh(db)).came == len(unique)
    assert book.board is not None
    assert book.board.dead == len(unique)
    assert group_of(book, UNDECODABLE).dead > 10
    await raw.delete("dead")
    assert (await book.refresh(db)).left == len(unique)
    assert counts(book) == {"Timeout": (10, 0)}


async def test_scores_without_end(db: Database, raw: redis.asyncio.Redis) -> None:
    await raw.zadd("dead", {failed(n): "-inf" for n in range(100)})
    await raw.zadd("dead", {failed(n): "inf" for n in range(100, 200)})
    await raw.zadd("dead", {failed(n): float(n) for n in range(200, 300)})
    book = ErrorBook(Clock())
    await read(book, db)
    assert await book.refresh(db) == Changes()
    await raw.zadd("dead", {failed(999): "-inf", failed(998): "inf"})
    changes = await book.refresh(db)
    assert (changes.came, changes.left, counts(book)) == (2, 0, {"Timeout": (0, 302)})
    assert await book.refresh(db) == Changes()
