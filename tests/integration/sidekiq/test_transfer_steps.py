"""Jobs between two servers: each exactly once, in order, whatever calls are lost, late or repeated."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import AsyncIterator
from random import Random
from typing import Any, Final

import pytest
import redis.asyncio

from sidekiq_tui.operations.prepared import new_bid
from sidekiq_tui.sidekiq import transfer_steps as steps
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import ServerTimeout
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.sidekiq.operation_record import RecordKeys, begin, close, finish
from sidekiq_tui.sidekiq.transfer_steps import Chosen, Staged
from tests.support.lossy import LossyDatabase
from tests.support.operating import job

MAIL: Final = Place("queue", "mail")
DEAD: Final = Place("dead")
SEEDS: Final = int(os.environ.get("SQTUI_TRANSFER_SEEDS", "12"))


@pytest.fixture
async def there(redis_url: str) -> AsyncIterator[Any]:
    """The other server: another database of the same one, with records and keys of its own."""
    client = redis.asyncio.Redis.from_url(redis_url.replace("db=0", "db=1"), protocol=2, legacy_responses=False)
    yield client
    await client.aclose()


def record(db: Database) -> RecordKeys:
    return RecordKeys(db.keys, "f0")


async def both(raw: Any, there: Any) -> tuple[Database, Database]:
    source, target = Database(raw), Database(there)
    for db in (target, source):
        assert await begin(db, record(db), {"kind": "transfer"}, 1.0) == "ok"
    return source, target


async def test_a_queue_goes_in_its_order(raw: Any, there: Any) -> None:
    source, target = await both(raw, there)
    jobs = [job(number) for number in range(5)]
    await raw.lpush("queue:mail", *jobs)
    await there.lpush("queue:mail", b"here before")
    taken = await steps.take_end(source, record(source), 0, "b0", MAIL, expected=0, count=3)
    assert (taken.status, taken.results, taken.next) == ("ok", "111", 1)
    staged = await steps.read_stage(source, record(source), "b0", MAIL)
    assert [one.raw for one in staged] == jobs[:3]
    assert await raw.lrange("queue:mail", 0, -1) == [jobs[4], jobs[3]]
    done = await steps.put(target, record(target), 0, "b0", MAIL, staged, expected=0)
    assert (done.status, done.results, done.next) == ("ok", "111", 1)
    assert await there.lrange("queue:mail", 0, -1) == [jobs[2], jobs[1], jobs[0], b"here before"]
    assert await there.smembers("queues") == {b"mail"}
    assert await steps.acknowledge(source, record(source), 0, "b0", MAIL, gone=3) == ("ok", "")
    state = await steps.transfer_state(source, record(source))
    assert state is not None
    assert (state.stages, state.acked, state.moved, state.next) == ((), 1, 3, 1)
    assert await raw.exists("sqtui:stage:f0:b0") == 0
    assert await steps.end_transfer(source, record(source)) == "ok"
    assert await raw.ttl("sqtui:op:f0:1") > 0


async def test_every_step_answers_the_same_again_and_changes_nothing(raw: Any, there: Any) -> None:
    source, target = await both(raw, there)
    await raw.lpush("queue:mail", *[job(number) for number in range(4)])

    async def take() -> steps.Taken:
        return await steps.take_end(source, record(source), 0, "b0", MAIL, expected=0, count=2)

    assert ((await take()).status, (await take()).status) == ("ok", "done")
    assert await raw.llen("queue:mail") == 2
    staged = await steps.read_stage(source, record(source), "b0", MAIL)
    for status in ("ok", "done"):
        assert (await steps.put(target, record(target), 0, "b0", MAIL, staged, expected=0)).status == status
    assert await there.llen("queue:mail") == 2
    other = await steps.put(target, record(target), 0, "b1", MAIL, staged, expected=0)
    assert other.status == "old"
    for status in ("ok", "old"):
        assert (await steps.acknowledge(source, record(source), 0, "b0", MAIL, gone=2))[0] == status
    assert (await take()).status == "moved"
    assert await raw.llen("queue:mail") == 2


@pytest.mark.parametrize("place", [MAIL, DEAD], ids=["queue", "set"])
async def test_chosen_jobs_go_and_what_is_gone_is_told(raw: Any, there: Any, place: Place) -> None:
    source, target = await both(raw, there)
    jobs = [job(number) for number in range(4)]
    if place is MAIL:
        await raw.lpush("queue:mail", *jobs)
    else:
        await raw.zadd("dead", {one: 1_750_000_000.123456 + at for at, one in enumerate(jobs)})
    chosen = [Chosen(jobs[0], tail=True), Chosen(b"gone"), Chosen(jobs[2])]
    taken = await steps.take_these(source, record(source), 0, "b0", place, chosen, expected=0)
    assert (taken.status, taken.results) == ("ok", "101")
    staged = await steps.read_stage(source, record(source), "b0", place)
    assert [one.raw for one in staged] == [jobs[0], jobs[2]]
    done = await steps.put(target, record(target), 0, "b0", place, staged, expected=0)
    assert done.results == "11"
    if place is DEAD:
        assert await there.zrange("dead", 0, -1, withscores=True) == [
            [jobs[0], 1_750_000_000.123456],
            [jobs[2], 1_750_000_002.123456],
        ]
    assert (await steps.take_these(source, record(source), 1, "b1", place, [Chosen(b"x")], expected=1)).results == "0"
    state = await steps.transfer_state(source, record(source))
    assert [one.seq for one in state.stages] == [0] if state is not None else False


async def test_a_member_that_is_there_already_is_told_and_keeps_its_score(raw: Any, there: Any) -> None:
    _, target = await both(raw, there)
    await there.zadd("dead", {job(1): 5.0})
    jobs = [Staged(job(0), 1.0), Staged(job(1), 2.0)]
    assert (await steps.put(target, record(target), 0, "b0", DEAD, jobs, expected=0)).results == "1x"
    assert (await steps.put(target, record(target), 0, "b0", DEAD, jobs, expected=0)).results == "1x"
    assert await there.zscore("dead", job(1)) == 5.0


@pytest.mark.parametrize("place", [MAIL, DEAD], ids=["queue", "set"])
async def test_a_stage_returns_to_where_it_was(raw: Any, there: Any, place: Place) -> None:
    source, target = await both(raw, there)
    jobs = [job(number) for number in range(4)]
    if place is MAIL:
        await raw.lpush("queue:mail", *jobs)
        before = await raw.lrange("queue:mail", 0, -1)
    else:
        await raw.zadd("dead", {one: 7.25 for one in jobs})
        before = await raw.zrange("dead", 0, -1, withscores=True)
    await steps.take_end(source, record(source), 0, "b0", place, expected=0, count=4)
    assert await raw.exists("queue:mail", "dead") == 0
    staged = await steps.read_stage(source, record(source), "b0", place)
    await close(target, record(target))
    assert (await steps.put(target, record(target), 0, "b0", place, staged, expected=0)).status == "closed"
    assert await steps.end_transfer(source, record(source)) == "open"
    back = await steps.give_back(source, record(source), 0, "b0", place)
    assert (back.status, back.restored) == ("ok", 4)
    assert (await steps.give_back(source, record(source), 0, "b0", place)).status == "old"
    after = raw.lrange("queue:mail", 0, -1) if place is MAIL else raw.zrange("dead", 0, -1, withscores=True)
    assert await after == before


async def test_what_the_other_side_does_not_take_returns_with_the_acknowledgement(raw: Any, there: Any) -> None:
    source, _ = await both(raw, there)
    jobs = [job(number) for number in range(5)]
    await raw.lpush("queue:mail", *jobs)
    await steps.take_end(source, record(source), 0, "b0", MAIL, expected=0, count=4)
    await steps.acknowledge(source, record(source), 0, "b0", MAIL, gone=2, back=[0, 2])
    assert await raw.lrange("queue:mail", 0, -1) == [jobs[4], jobs[2], jobs[0]]
    await steps.take_end(source, record(source), 1, "b1", MAIL, expected=1, count=2)
    await steps.acknowledge(source, record(source), 1, "b1", MAIL, gone=0, back=[0, 1], to_head=True)
    assert await raw.lrange("queue:mail", 0, -1) == [jobs[2], jobs[0], jobs[4]]


async def test_the_state_of_an_iterable_job_goes_along(raw: Any, there: Any) -> None:
    source, target = await both(raw, there)
    await raw.hset("it-a", mapping={"ex": 3, "c": b'"\xff"', "rt": "1.5"})
    await raw.expire("it-a", 1000)
    await raw.hset("it-b", "ex", 1)
    await there.hset("it-b", "ex", 9)
    states = await steps.read_iterations(source, ["a", "b", "none"])
    assert [one.jid for one in states] == ["a", "b"]
    await steps.put(target, record(target), 0, "b0", MAIL, [Staged(b"{}")], expected=0, iterations=states)
    assert await there.hgetall("it-a") == {b"ex": b"3", b"c": b'"\xff"', b"rt": b"1.5"}
    assert 900 < await there.ttl("it-a") <= 1000
    assert await there.hgetall("it-b") == {b"ex": b"9"}


async def test_records_that_went_back_are_not_believed(raw: Any, there: Any) -> None:
    source, target = await both(raw, there)
    await raw.lpush("queue:mail", job(1))
    assert (await steps.take_end(source, record(source), 5, "b5", MAIL, expected=5, count=1)).status == "moved"
    jump = await steps.take_end(source, record(source), 5, "b5", MAIL, expected=0, count=1)
    assert (jump.status, jump.next) == ("ok", 6)
    assert (await steps.put(target, record(target), 5, "b5", MAIL, [Staged(b"{}")], expected=3)).status == "back"
    assert await there.exists("queue:mail") == 0


async def test_at_most_four_stages_are_open(raw: Any, there: Any) -> None:
    source, _ = await both(raw, there)
    await raw.lpush("queue:mail", *[job(number) for number in range(9)])
    for seq in range(4):
        assert (
            await steps.take_end(source, record(source), seq, f"b{seq}", MAIL, expected=seq, count=1)
        ).status == "ok"
    assert (await steps.take_end(source, record(source), 4, "b4", MAIL, expected=4, count=1)).status == "full"
    assert await raw.llen("queue:mail") == 5


async def test_a_wrong_type_is_told_before_anything_is_written(raw: Any, there: Any) -> None:
    source, target = await both(raw, there)
    await raw.set("queue:mail", "text")
    await there.set("queue:mail", "text")
    taken = await steps.take_end(source, record(source), 0, "b0", MAIL, expected=0, count=1)
    assert (taken.status, taken.error) == ("type", "queue:mail")
    done = await steps.put(target, record(target), 0, "b0", MAIL, [Staged(b"{}")], expected=0)
    assert (done.status, done.error) == ("type", "queue:mail")
    for db in (source, target):
        state = await steps.transfer_state(db, record(db))
        assert state is not None
        assert (state.next, state.ids) == (0, {})


async def test_what_cannot_come_back_stays_parked(raw: Any, there: Any) -> None:
    """Something else has taken the place of the queue: neither an acknowledgement nor a return destroys a job."""
    source, _ = await both(raw, there)
    keys = record(source)
    jobs = [job(number) for number in range(4)]
    await raw.lpush("queue:mail", *jobs)
    await steps.take_end(source, keys, 0, "b0", MAIL, expected=0, count=4)
    await raw.set("queue:mail", "text")
    assert (await steps.acknowledge(source, keys, 0, "b0", MAIL, gone=3, back=[1]))[0] == "refused"
    assert (await steps.give_back(source, keys, 0, "b0", MAIL)).status == "type"
    assert [one.raw for one in await steps.read_stage(source, keys, "b0", MAIL)] == jobs
    await raw.delete("queue:mail")
    assert await steps.acknowledge(source, keys, 0, "b0", MAIL, gone=3, back=[1]) == ("ok", "")
    assert await raw.lrange("queue:mail", 0, -1) == [jobs[1]]


async def test_what_is_there_again_keeps_its_score(raw: Any, there: Any) -> None:
    source, _ = await both(raw, there)
    keys = record(source)
    for seq, how in enumerate(("acknowledged", "given back")):
        await raw.zadd("dead", {job(number): float(number) for number in range(3)})
        await steps.take_end(source, keys, seq, f"b{seq}", DEAD, expected=seq, count=3)
        await raw.zadd("dead", {job(1): 77.0})
        if how == "acknowledged":
            await steps.acknowledge(source, keys, seq, "b0", DEAD, gone=0, back=[0, 1, 2])
        else:
            back = await steps.give_back(source, keys, seq, "b1", DEAD)
            assert (back.restored, back.existing) == (2, 1)
        assert await raw.zrange("dead", 0, -1, withscores=True) == [[job(0), 0.0], [job(2), 2.0], [job(1), 77.0]]
        await raw.delete("dead")


async def test_a_put_that_failed_is_not_remembered_as_done(raw: Any, there: Any) -> None:
    _, target = await both(raw, there)
    broken = await steps.put(target, record(target), 0, "b0", DEAD, [Staged(job(0), float("nan"))], expected=0)
    assert (broken.status, await there.exists("dead")) == ("refused", 0)
    state = await steps.transfer_state(target, record(target))
    assert state is not None
    assert (state.ids, state.put) == ({}, 0)
    again = await steps.put(target, record(target), 0, "b0", DEAD, [Staged(job(0), 1.0)], expected=0)
    assert (again.status, again.results) == ("ok", "1")


async def test_what_was_taken_is_told_as_it_lies_there(raw: Any, there: Any) -> None:
    source, _ = await both(raw, there)
    keys = record(source)
    await raw.zadd("dead", {job(number): 1_750_000_000.123456 + number for number in range(3)})
    await raw.lpush("queue:mail", *[job(number) for number in range(3)])
    for seq, place in enumerate((DEAD, MAIL)):
        taken = await steps.take_end(source, keys, seq, f"b{seq}", place, expected=seq, count=2)
        assert taken.staged == await steps.read_stage(source, keys, f"b{seq}", place) != ()
        again = await steps.take_end(source, keys, seq, f"b{seq}", place, expected=seq, count=2)
        assert (again.status, again.staged) == ("done", None)


async def test_a_stage_takes_no_more_than_it_should_hold(raw: Any, there: Any) -> None:
    source, _ = await both(raw, there)
    await raw.lpush("queue:mail", *[job(number, filling="x" * 300_000) for number in range(5)])
    taken = await steps.take_end(source, record(source), 0, "b0", MAIL, expected=0, count=5)
    assert (taken.results, await raw.llen("queue:mail")) == ("11", 3)


class _Runner:
    """One who moves a queue or set in batches of three and sends each step until it is answered."""

    def __init__(self, source: Database, target: Database, place: Place) -> None:
        self.source, self.target, self.place = source, target, place

    async def step(self) -> bool:
        """One batch, or what somebody left open; False when nothing is left."""
        source, keys = self.source, record(self.source)
        state = await self.until(lambda: steps.transfer_state(source, keys))
        for stage in state.stages:
            await self.deliver(stage.seq, stage.bid)
        bid = new_bid()
        seq = state.next
        taken = await self.until(lambda: steps.take_end(source, keys, seq, bid, self.place, expected=seq, count=3))
        if taken.status in ("ok", "done"):
            await self.deliver(seq, bid)
        return taken.status != "empty" or bool(state.stages)

    async def deliver(self, seq: int, bid: str) -> None:
        source, target, place = self.source, self.target, self.place
        staged = await self.until(lambda: steps.read_stage(source, record(source), bid, place))
        if not staged:
            return
        done = await self.until(lambda: steps.put(target, record(target), seq, bid, place, staged, expected=0))
        if done.status in ("ok", "done"):
            await self.until(lambda: steps.acknowledge(source, record(source), seq, bid, place, gone=len(staged)))

    async def until(self, call: Any) -> Any:
        while True:
            try:
                return await call()
            except ServerTimeout:
                continue


@pytest.mark.parametrize("place", [MAIL, DEAD], ids=["queue", "set"])
@pytest.mark.parametrize("seed", range(SEEDS))
async def test_exactly_once_whatever_is_lost_late_or_repeated(raw: Any, there: Any, seed: int, place: Place) -> None:
    random = Random(seed)
    real_source, real_target = await both(raw, there)
    jobs = [job(number) for number in range(40)]
    if place is MAIL:
        await raw.lpush("queue:mail", *jobs)
    else:
        await raw.zadd("dead", {one: float(at) for at, one in enumerate(jobs)})
    links = [LossyDatabase(real, random) for real in (real_source, real_target) for _ in range(2)]
    runners = [_Runner(links[0], links[2], place), _Runner(links[1], links[3], place)][: 1 + seed % 2]
    ran: list[bytes] = []
    going = list(runners)
    while going:
        runner = random.choice(going)
        if not await runner.step():
            going.remove(runner)
        if place is MAIL and random.random() < 0.3:
            for side in (raw, there):
                if (one := await side.rpop("queue:mail")) is not None:
                    ran.append(one)
    for link in links:
        await link.replay()
    arrived = await there.lrange("queue:mail", 0, -1) if place is MAIL else await there.zrange("dead", 0, -1)
    assert Counter([*ran, *arrived]) == Counter(jobs)
    if len(runners) == 1:
        assert arrived == [one for one in (reversed(jobs) if place is MAIL else jobs) if one in set(arrived)]
    assert await raw.exists("queue:mail", "dead") == 0
    assert await raw.keys("sqtui:stage:*") == []
    await finish(real_target, record(real_target))
    assert await steps.end_transfer(real_source, record(real_source)) == "ok"
