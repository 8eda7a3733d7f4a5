"""Errors read from a real Redis: all of them once, then what has changed, at the price of what has changed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Generator
from typing import Any

import pytest
import redis.asyncio

from sidekiq_tui.servers.error_book import ErrorBook
from sidekiq_tui.sidekiq import error_reading
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.error_groups import UNDECODABLE, Cause
from sidekiq_tui.sidekiq.error_index import ErrorIndex, Found
from sidekiq_tui.sidekiq.error_reading import Changes, read_all
from tests.conftest import LoadDump
from tests.support.error_reading import NOW, TIMEOUT, Clock, counts, failed, fill, group_of, outcome, read


async def test_both_sets_are_read_in_slices(db: Database, raw: redis.asyncio.Redis) -> None:
    await fill(raw, 1200)
    await raw.zadd("dead", {failed(7, 25, "Died"): NOW - 5, b"oops": NOW - 9})
    book = ErrorBook(Clock())
    assert book.board is None
    await read(book, db)
    board = book.board
    assert board is not None
    assert counts(book) == {"Timeout": (1200, 0), "Died": (0, 1), None: (0, 1)}
    assert (board.retries, board.dead, board.total, board.complete) == (1200, 2, 1202, True)
    assert db.trips == 1 + 1 + 3 + 1  # deploys, sizes, slices of each


async def test_fixtures_of_every_version(db: Database, load_dump: LoadDump, expected: Callable[[str], Any]) -> None:
    for version in ("6.4.1", "7.3.10", "8.1.7"):
        load_dump(version)
        book = ErrorBook(Clock())
        await read(book, db)
        sizes = [await db.command("ZCARD", db.keys.job_set(name)) for name in ("retry", "dead")]
        assert book.board is not None
        assert [book.board.retries, book.board.dead] == sizes
        assert book.board.complete


async def test_nothing_new_costs_one_trip_and_no_payload(db: Database, raw: redis.asyncio.Redis) -> None:
    await fill(raw, 20_000)
    book = ErrorBook(Clock())
    await read(book, db)
    trips, sent = db.trips, await outcome(raw)
    changes = await book.refresh(db)
    assert (changes, db.trips - trips) == (Changes(), 1)
    assert await outcome(raw) - sent < 10_000


async def test_new_failures_cost_what_they_are(db: Database, raw: redis.asyncio.Redis) -> None:
    await fill(raw, 20_000)
    clock = Clock()
    book = ErrorBook(clock)
    await read(book, db)
    clock.now += 5
    await raw.zadd("retry", {failed(90_000 + n, at=clock.now - 1): clock.now + 15 + n for n in range(10)})
    trips, sent = db.trips, await outcome(raw)
    changes = await book.refresh(db)
    assert (changes.came, changes.left) == (10, 0)
    assert db.trips - trips == 2
    assert await outcome(raw) - sent < 200_000  # reading all sends 5 MB
    group = group_of(book)
    assert (group.count, group.last_at) == (20_010, clock.now - 1)
    assert sum(group.history.minutes(clock.now)[-1:]) == 10
    assert book.board is not None
    assert book.board.as_of == clock.now


async def test_a_job_that_fails_again_is_one_job_and_one_more_failure(db: Database, raw: redis.asyncio.Redis) -> None:
    await fill(raw, 300)
    clock = Clock()
    book = ErrorBook(clock)
    await read(book, db)
    before = sum(group_of(book).history.minutes(clock.now))
    clock.now += 60
    await raw.zrem("retry", failed(0))  # the poller took it, a worker ran it
    await raw.zadd("retry", {failed(0, 1, at=clock.now - 2): clock.now + 17})
    changes = await book.refresh(db)
    assert (changes.came, changes.left) == (1, 1)
    group = group_of(book)
    assert (group.count, group.last_at) == (300, clock.now - 2)
    assert sum(group.history.minutes(clock.now)) == before + 1
    assert group.sample_jid == f"{0:024x}"


async def test_a_job_that_dies_changes_its_set(db: Database, raw: redis.asyncio.Redis) -> None:
    await fill(raw, 100)
    clock = Clock()
    book = ErrorBook(clock)
    await read(book, db)
    before = sum(group_of(book).history.minutes(clock.now))
    await raw.zrem("retry", failed(0))
    await raw.zadd("dead", {failed(0, 25, at=clock.now): clock.now + 0.01})
    await book.refresh(db)
    assert counts(book) == {"Timeout": (99, 1)}
    assert sum(group_of(book).history.minutes(clock.now)) == before + 1


async def test_a_killed_or_rescheduled_job_has_not_failed_again(db: Database, raw: redis.asyncio.Redis) -> None:
    await fill(raw, 100)
    clock = Clock()
    book = ErrorBook(clock)
    await read(book, db)
    before = sum(group_of(book).history.minutes(clock.now))
    await raw.zrem("retry", failed(5))
    await raw.zadd("dead", {failed(5): clock.now})
    await raw.zadd("retry", {failed(6): NOW + 50_000})
    changes = await book.refresh(db)
    assert (changes.came, changes.left) == (0, 0)
    assert counts(book) == {"Timeout": (99, 1)}
    assert sum(group_of(book).history.minutes(clock.now)) == before
    runs = book.next_runs(TIMEOUT, 300)
    assert runs is not None
    assert runs[1] == NOW + 50_000


async def test_what_was_deleted_is_no_longer_counted(db: Database, raw: redis.asyncio.Redis) -> None:
    await fill(raw, 500)
    await raw.zadd("dead", {failed(n, 25, "Died"): NOW - n for n in range(200)})
    book = ErrorBook(Clock())
    await read(book, db)
    await raw.zremrangebyrank("retry", 100, 199)
    await raw.delete("dead")
    changes = await book.refresh(db)
    assert (changes.came, changes.left) == (0, 300)
    assert counts(book) == {"Timeout": (400, 0)}
    await raw.delete("retry")
    await book.refresh(db)
    assert counts(book) == {}
    assert book.board is not None
    assert book.board.total == 0


async def test_a_big_set_takes_three_trips_and_no_more(db: Database, raw: redis.asyncio.Redis) -> None:
    await fill(raw, 40_000)
    book = ErrorBook(Clock())
    await read(book, db)
    await raw.zadd("retry", {failed(90_000 + n): NOW + 17.5 + 31_000 * n for n in range(10)})
    trips, sent = db.trips, await outcome(raw)
    changes = await book.refresh(db)
    assert (changes.came, db.trips - trips) == (10, 3)
    assert await outcome(raw) - sent < 500_000  # ten blocks


async def test_many_of_one_score_are_read_in_slices(db: Database, raw: redis.asyncio.Redis) -> None:
    await raw.zadd("dead", {failed(n, 25): NOW for n in range(1500)})
    book = ErrorBook(Clock())
    await read(book, db)
    await raw.zadd("dead", {failed(n, 25): NOW for n in range(1500, 1700)})
    changes = await book.refresh(db)
    assert (changes.came, counts(book)) == (200, {"Timeout": (0, 1700)})


async def test_too_much_is_not_read_by_a_refresh(
    db: Database, raw: redis.asyncio.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(error_reading, "MOST_AGAIN", 100)
    await fill(raw, 200)
    clock = Clock()
    book = ErrorBook(clock)
    await read(book, db)
    clock.now += 5
    await fill(raw, 300, first=1000)
    trips = db.trips
    changes = await book.refresh(db)
    board = book.board
    assert board is not None
    assert (changes.skipped >= 300, board.skipped, board.as_of) == (True, changes.skipped, NOW)
    assert (counts(book), db.trips - trips) == ({"Timeout": (200, 0)}, 1)
    await read(book, db)
    assert counts(book) == {"Timeout": (500, 0)}


async def test_after_any_changes_the_index_is_what_a_full_read_gives(db: Database, raw: redis.asyncio.Redis) -> None:
    """Jobs that run, fail again, die; others killed, deleted, moved by hand: in random numbers, many times."""
    dice = random.Random(5)
    clock = Clock()
    live = {number: (failed(number, 0, f"E{number % 7}"), NOW + dice.random() * 90_000) for number in range(2000)}
    await raw.zadd("retry", dict(live.values()))
    book = ErrorBook(clock)
    await read(book, db)
    for turn in range(40):
        clock.now += dice.choice((4, 60, 1800))
        for number in [number for number, (_, score) in live.items() if score <= clock.now]:
            await raw.zrem("retry", live.pop(number)[0])
            error, count = f"E{dice.randint(0, 9)}", dice.randint(1, 9)
            if dice.random() < 0.2:
                await raw.zadd("dead", {failed(number, 25, error, clock.now): clock.now + dice.random()})
            elif dice.random() < 0.7:
                delay = 15 + count**4 + dice.random() * 10 * (count + 1)
                live[number] = failed(number, count, error, clock.now), clock.now + delay
                await raw.zadd("retry", {live[number][0]: live[number][1]})
        if turn % 2:
            await book.refresh(db)
            for number in dice.sample(sorted(live), 10):
                await raw.zrem("retry", live[number][0])
                if number % 2:
                    await raw.zadd("dead", {live[number][0]: clock.now})
                del live[number]
        await book.refresh(db)
        if turn % 3:
            number = dice.choice(sorted(live))
            live[number] = live[number][0], live[number][1] + dice.randint(1, 5000)
            await raw.zadd("retry", {live[number][0]: live[number][1]})
            await book.refresh(db)
        anew = ErrorBook(clock)
        await read(anew, db)
        assert counts(book) == counts(anew), turn
        assert book.board is not None
        assert anew.board is not None
        assert book.board.total == anew.board.total


async def test_a_job_that_fails_again_is_seen_in_the_smallest_set(db: Database, raw: redis.asyncio.Redis) -> None:
    """One leaves and one comes: no count changes but those on both sides of now."""
    clock = Clock()
    await raw.zadd("retry", {failed(1, 0, "First"): NOW + 10, failed(2, 5, "Other"): NOW + 5000})
    book = ErrorBook(clock)
    await read(book, db)
    for turn in range(1, 4):
        clock.now += 30
        await raw.zremrangebyscore("retry", "-inf", clock.now)
        await raw.zadd("retry", {failed(1, turn, f"E{turn}", clock.now): clock.now + 20})
        changes = await book.refresh(db)
        assert (changes.came, changes.left) == (1, 1)
        assert counts(book) == {f"E{turn}": (1, 0), "Other": (1, 0)}


async def test_what_is_due_is_read_again_though_its_number_is_the_same(db: Database, raw: redis.asyncio.Redis) -> None:
    clock = Clock()
    await raw.zadd("retry", {failed(1, 0, "First"): NOW + 10})
    book = ErrorBook(clock)
    await read(book, db)
    clock.now += 600
    await raw.zrem("retry", failed(1, 0, "First"))
    await raw.zadd("retry", {failed(1, 1, "Second", NOW + 400): NOW + 590})  # which is due by now, too
    changes = await book.refresh(db)
    assert (changes.came, changes.left, counts(book)) == (1, 1, {"Second": (1, 0)})


async def test_a_job_killed_by_hand_from_a_queue_has_not_failed_now(db: Database, raw: redis.asyncio.Redis) -> None:
    await fill(raw, 10)
    clock = Clock()
    book = ErrorBook(clock)
    await read(book, db)
    before = group_of(book).history.minutes(clock.now)
    await raw.zadd("dead", {failed(77, 3, at=NOW - 1800): clock.now})
    assert (await book.refresh(db)).came == 1
    assert counts(book) == {"Timeout": (10, 1)}
    assert group_of(book).history.minutes(clock.now) == before


async def test_jobs_that_nobody_takes_are_not_read_again_and_again(db: Database, raw: redis.asyncio.Redis) -> None:
    await fill(raw, 2000)
    clock = Clock()
    book = ErrorBook(clock)
    await read(book, db)
    clock.now += 10_000
    trips = db.trips
    assert await book.refresh(db) == Changes()
    assert db.trips - trips == 1
    await raw.zremrangebyrank("retry", 0, 9)
    assert (await book.refresh(db)).left == 10


async def test_stopping_keeps_what_was_read_of_a_first_read_alone(db: Database, raw: redis.asyncio.Redis) -> None:
    await fill(raw, 2000)
    book = ErrorBook(Clock())
    slices = book.read(db, None)
    await anext(slices)
    await anext(slices)
    await slices.aclose()
    board = book.board
    assert board is not None
    assert (500 < board.jobs < 1500, board.total, board.complete) == (True, 2000, False)
    assert await book.refresh(db) == Changes()  # of a part nothing can be said
    assert await book.job(db, TIMEOUT) is not None

    await read(book, db)
    slices = book.read(db, None)
    await anext(slices)
    await slices.aclose()
    assert book.board is not None
    assert (book.board.jobs, book.board.complete) == (2000, True)


async def test_deploys(db: Database, raw: redis.asyncio.Redis) -> None:
    def mark(at: float) -> tuple[bytes, str]:
        from datetime import UTC, datetime

        day = datetime.fromtimestamp(at, UTC)
        return f"{day:%Y%m%d}-marks".encode(), f"{day:%Y-%m-%dT%H:%M:00Z}"

    key, minute = mark(NOW - 7200 - 600)
    await raw.hset(key, minute, "v1")
    await fill(raw, 3)
    clock = Clock()
    book = ErrorBook(clock)
    await read(book, db)
    board = book.board
    assert board is not None
    old = group_of(book)
    assert board.is_new(old) is True  # nothing failed before v1
    before = board.deploy_before(old.first_at)
    assert before is not None
    assert before.label == "v1"

    key, minute = mark(clock.now)
    await raw.hset(key, minute, "v2")
    clock.now += 120
    await raw.zadd("retry", {failed(9, 0, "New", at=clock.now): clock.now + 20})
    await book.refresh(db)
    board = book.board
    assert board is not None
    assert [one.label for one in board.marks] == ["v1", "v2"]
    assert board.is_new(group_of(book)) is False
    assert board.is_new(group_of(book, Cause("Foo", "New", "after Ns"))) is True


async def test_the_job_that_failed_last_is_read_when_asked_for(db: Database, raw: redis.asyncio.Redis) -> None:
    await fill(raw, 50)
    newest = failed(99, 2, at=NOW - 1)
    await raw.zadd("retry", {newest: NOW + 1})
    book = ErrorBook(Clock())
    await read(book, db)
    trips = db.trips
    job = await book.job(db, TIMEOUT)
    assert job is not None
    assert (job.raw, db.trips - trips) == (newest, 1)
    await raw.zrem("retry", newest)
    job = await book.job(db, TIMEOUT)
    assert job is not None  # the next best
    await raw.delete("retry")
    assert await book.job(db, TIMEOUT) is None
    assert await book.job(db, UNDECODABLE) is None


async def test_a_walk_sees_what_changes_under_it_put_right(db: Database, raw: redis.asyncio.Redis) -> None:
    """What comes and goes behind a full read is found by the refresh after it."""
    await fill(raw, 1500)
    index = ErrorIndex()
    slices = read_all(db, index, {}, now=NOW)
    await anext(slices)
    await raw.zremrangebyrank("retry", 0, 99)
    await raw.zadd("retry", {failed(90_000 + n): NOW + 0.5 + n for n in range(30)})
    last = [progress async for progress in slices][-1]
    assert last.complete
    await error_reading.refresh(db, index, ("retry", "dead"), now=NOW)
    assert sum(group.count for group in index.groups()) == 1500 - 100 + 30


async def test_whoever_stops_a_refresh_while_it_counts_finds_all_counted(
    db: Database, raw: redis.asyncio.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a storm brings is put in place with pauses, in which a screen draws, or is left."""
    clock = Clock()
    await fill(raw, 100)
    book = ErrorBook(clock)
    await read(book, db)
    await fill(raw, 1000, first=100)
    real, pauses = ErrorIndex.replacing, 0

    def replacing(self: ErrorIndex, found: Found, now: float) -> Generator[None, None, tuple[int, int]]:
        nonlocal pauses
        steps = real(self, found, now)
        while True:
            try:
                next(steps)
            except StopIteration as ended:
                came, left = ended.value
                return came, left
            pauses += 1
            if pauses == 1:
                running.cancel()
            yield

    monkeypatch.setattr(ErrorIndex, "replacing", replacing)
    running = asyncio.create_task(book.refresh(db))
    with pytest.raises(asyncio.CancelledError):
        await running
    assert pauses >= 10
    clock.now += 5
    assert await book.refresh(db) == Changes()
    assert counts(book) == {"Timeout": (1100, 0)}
