"""Odd jobs and odd ends of moves: what is malformed, what vanishes from where it was parked, what has a state."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
import redis.asyncio

from sidekiq_tui.operations import transfer_run
from sidekiq_tui.operations.catalog import ReturnStaged, Transfer
from sidekiq_tui.operations.errors import CannotBeDone
from sidekiq_tui.operations.pace import Pace
from sidekiq_tui.operations.selection import Rows, Whole
from sidekiq_tui.sidekiq.job import JobRecord, Place
from tests.support.carrying import SOURCE, TARGET, Carrier, own_keys, payloads
from tests.support.fault_link import FaultLink
from tests.support.operating import DEAD, MAIL, fill, jid, job
from tests.support.two_servers import Trouble

LARGE: Final = 32_000_000 if os.environ.get("SQTUI_TRANSFER_MATRIX") == "full" else 3_000_000
MALFORMED: Final = (b"", b"null", b"{", b"\xff\x00", b'{"args":[]}')


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five jobs a batch."""
    monkeypatch.setattr(Pace, "entries", property(lambda pace: 5))


@pytest.fixture
async def there(redis_url: str) -> AsyncIterator[Any]:
    client = redis.asyncio.Redis.from_url(redis_url.replace("db=0", "db=1"), protocol=2, legacy_responses=False)
    yield client
    await client.aclose()


@pytest.fixture
async def link(redis_url: str, tmp_path: Path) -> AsyncIterator[FaultLink]:
    """The way to the source."""
    (tmp_path / "l").mkdir()
    async with FaultLink(redis_url.removeprefix("unix://").partition("?")[0], tmp_path / "l") as found:
        yield found


@pytest.fixture
async def carrier(link: FaultLink, redis_url: str, tmp_path: Path) -> AsyncIterator[Carrier]:
    found = Carrier(link.url, redis_url.replace("db=0", "db=1"), tmp_path / "state", timeout=2.0)
    yield found
    await found.close()


async def noted(carrier: Carrier, id: str, count: int) -> None:
    """Waits until the journal has so many batches, if there are any more."""
    for _ in range(20):
        if len(await carrier.operations._desk.journal.batches(id, limit=50)) >= count:
            return
        await asyncio.sleep(0.01)


async def cut_off(carrier: Carrier, link: FaultLink, operation: Transfer, step: str, turn: int) -> str:
    """A move whose source is away from the n-th command of a step on; it is killed."""
    dying = asyncio.Event()

    def strike() -> None:
        link.down = True
        dying.set()
        raise ConnectionError

    link.on_command = Trouble(step, turn, strike)
    run = carrier.start(await carrier.plan(operation))
    await asyncio.wait_for(dying.wait(), 10)
    await asyncio.wait_for(noted(carrier, run.id, turn + 3), 10)
    assert run._task is not None
    carrier.operations._runs.clear()
    run._task.cancel()
    await asyncio.gather(run._task, return_exceptions=True)
    link.down, link.on_command = False, None
    return run.id


@pytest.mark.parametrize("known", [True, False], ids=["to the target", "to neither"])
async def test_a_move_that_was_killed_before_its_source_knew_of_it_has_an_end(
    raw: Any, there: Any, carrier: Carrier, link: FaultLink, known: bool
) -> None:
    jobs = await fill(raw, MAIL, 5)
    id = await cut_off(carrier, link, Transfer(jobs=Whole(MAIL), target=TARGET), "begin", 1)
    if not known:
        await there.flushdb()
    assert [one.id for one in await carrier.operations.unfinished(SOURCE)] == [id]
    with pytest.raises(CannotBeDone, match="its source does not know it: moved 0, 5 untouched"):
        await carrier.operations.resume(SOURCE, id)
    assert await carrier.operations.unfinished(SOURCE) == ()
    assert await payloads(raw) == Counter(jobs)
    outcome = await carrier.do(Transfer(jobs=Whole(MAIL), target=TARGET))
    assert (outcome.ending, outcome.tally.done) == ("done", 5), outcome


@pytest.mark.parametrize("same", [5, 12, 60])
async def test_good_jobs_behind_many_equal_malformed_ones_go(raw: Any, there: Any, carrier: Carrier, same: int) -> None:
    await raw.sadd("queues", "mail")
    await raw.lpush("queue:mail", *[b"null"] * same)
    jobs = await fill(raw, MAIL, 8)
    await raw.lpush("queue:mail", *[b"null"] * same)
    outcome = await asyncio.wait_for(carrier.do(Transfer(jobs=Whole(MAIL), target=TARGET)), 20)
    assert (outcome.ending, outcome.tally.done) == ("done", 8), outcome
    assert outcome.tally.malformed + outcome.tally.refused == 2 * same, outcome
    assert await there.lrange("queue:mail", 0, -1) == jobs[::-1]
    assert await payloads(raw) == {b"null": 2 * same}


async def test_good_jobs_behind_malformed_ones_of_a_set_go(raw: Any, there: Any, carrier: Carrier) -> None:
    await raw.zadd("dead", {b"bad %d" % at: float(at) for at in range(12)})
    jobs = await fill(raw, DEAD, 8)
    await raw.zadd("dead", {b"late %d" % at: 2_000_000_000.0 + at for at in range(3)})
    outcome = await asyncio.wait_for(carrier.do(Transfer(jobs=Whole(DEAD), target=TARGET)), 20)
    assert (outcome.ending, outcome.tally.done, outcome.tally.malformed) == ("done", 8, 15), outcome
    assert await there.zrange("dead", 0, -1) == jobs
    assert await raw.zcard("dead") == 15
    assert await own_keys(raw) == set()


@pytest.mark.parametrize("turn", [3, 4])
async def test_a_job_that_comes_to_the_low_end_of_a_set_meanwhile_goes(
    raw: Any, there: Any, carrier: Carrier, link: FaultLink, turn: int
) -> None:
    await raw.zadd("dead", {b"bad %d" % at: float(at) for at in range(5)})
    jobs = await fill(raw, DEAD, 3)
    client = redis.Redis(unix_socket_path=link.target, protocol=2)
    link.on_command = Trouble("take", turn, lambda: client.zadd("dead", {job(77): -5.0}))
    outcome = await asyncio.wait_for(carrier.do(Transfer(jobs=Whole(DEAD), target=TARGET)), 20)
    client.close()
    assert (outcome.ending, outcome.tally.done, outcome.tally.malformed) == ("done", 4, 5), outcome
    assert await there.zrange("dead", 0, -1) == [job(77), *jobs]


@pytest.mark.parametrize("place", [MAIL, DEAD], ids=["queue", "set"])
async def test_chosen_jobs_of_what_is_empty_by_now_are_gone(
    raw: Any, there: Any, carrier: Carrier, place: Place
) -> None:
    jobs = [JobRecord(one, place, None if place is MAIL else 1.0) for one in await fill(raw, place, 12)]
    plan = await carrier.plan(Transfer(jobs=Rows(tuple(jobs)), target=TARGET))
    await raw.delete("queue:mail", "dead")
    outcome = await carrier.start(plan).wait()
    assert (outcome.ending, outcome.tally.gone, outcome.tally.untouched) == ("done", 12, 0), outcome


async def test_chosen_jobs_are_parked_within_bounds(raw: Any, there: Any, carrier: Carrier, link: FaultLink) -> None:
    jobs = await fill(raw, MAIL, 5, filling="x" * 300_000)
    rows = tuple(JobRecord(one, MAIL) for one in jobs)
    outcome = await carrier.do(Transfer(jobs=Rows(rows), target=TARGET))
    assert (outcome.ending, outcome.tally.done) == ("done", 5), outcome
    assert max(sum(map(len, command)) for command in link.seen) < 800_000
    assert await there.lrange("queue:mail", 0, -1) == jobs[::-1]


@pytest.mark.parametrize("place", [MAIL, DEAD], ids=["queue", "set"])
async def test_malformed_jobs_are_not_destroyed_by_a_return(
    raw: Any, there: Any, carrier: Carrier, link: FaultLink, place: Place
) -> None:
    jobs = await fill(raw, place, 3)
    if place is MAIL:
        await raw.lpush("queue:mail", *MALFORMED)
    else:
        await raw.zadd("dead", {one: 1_750_000_100.0 + at for at, one in enumerate(MALFORMED)})
    jobs += await fill(raw, place, 3, first=50)
    id = await cut_off(carrier, link, Transfer(jobs=Whole(place), target=TARGET), "ack", 1)
    assert (await payloads(there)).total() >= 2
    outcome = await carrier.do(ReturnStaged(operation=id))
    assert outcome.ending == "done", outcome
    assert await payloads(raw) + await payloads(there) == Counter([*jobs, *MALFORMED])
    assert not set(MALFORMED) & set(await payloads(there))
    assert await own_keys(raw) == set()


ODD_ONES: Final[dict[str, tuple[bytes, dict[str, Any]]]] = {
    "encrypted": (job(9, encrypt=True), {"fields": {"args": [0]}}),
    "cannot be redacted": (job(9, note="a@b.example?").replace(b"?", b"\xff"), {"redact": ("email",)}),
    "cannot be redacted, withheld": (
        job(9, note="a@b.example?").replace(b"?", b"\xff"),
        {"redact": ("email",), "fields": {"tags": ["moved"]}},
    ),
    "mended": (job(9).replace(b'"class":"Invoice"', b'"class":5'), {"fields": {"class": "Invoice"}}),
    "args mended": (job(9, args="none"), {"fields": {"args": [0]}}),
    "tags mended": (job(9, tags="none"), {"fields": {"tags": ["moved"]}}),
    "tags dropped": (job(9, tags="none"), {"drop": ("tags",)}),
}
"""Jobs that stay, or do not, only because of what is asked for."""


@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "elsewhere"])
@pytest.mark.parametrize("name", ODD_ONES)
async def test_a_return_keeps_what_stayed_of_a_batch_that_arrived(
    raw: Any, there: Any, carrier: Carrier, link: FaultLink, redis_url: str, tmp_path: Path, name: str, elsewhere: bool
) -> None:
    odd, changes = ODD_ONES[name]
    await fill(raw, MAIL, 3)
    await raw.lpush("queue:mail", odd)
    await fill(raw, MAIL, 3, first=3)
    id = await cut_off(carrier, link, Transfer(jobs=Whole(MAIL), target=TARGET, **changes), "ack", 1)
    assert len(await payloads(there)) >= 4
    other = Carrier(redis_url, redis_url.replace("db=0", "db=1"), tmp_path / "other") if elsewhere else carrier
    outcome = await other.do(ReturnStaged(operation=id))
    assert outcome.ending == "done", outcome
    found = Counter(JobRecord(one, MAIL).jid for one in (*await payloads(raw), *await payloads(there)))
    assert found == Counter(jid(number) for number in (*range(6), 9))
    if name.partition(" ")[0] in ("encrypted", "cannot"):
        assert (await payloads(raw))[odd] == 1
    else:
        assert odd not in await payloads(raw)
    assert await own_keys(raw) == set()
    await other.close()


@pytest.mark.parametrize("way", ["resume", "return"])
async def test_parked_jobs_that_vanish_are_told_and_can_be_pushed_again(
    raw: Any, there: Any, carrier: Carrier, link: FaultLink, way: str
) -> None:
    """A server may evict them under `allkeys-lru`, or somebody deletes the key."""
    jobs = await fill(raw, MAIL, 30)

    id = await cut_off(carrier, link, Transfer(jobs=Whole(MAIL), target=TARGET), "ack", 2)
    arrived = await payloads(there)
    await raw.delete(*await raw.keys("sqtui:stage:*"))
    lost = Counter(jobs) - await payloads(raw) - arrived
    assert lost
    back = await carrier.operations.setback(SOURCE, id)
    assert back is not None
    assert (back.side, Counter(one.old for one in back.entries)) == ("parked", lost)
    plan = await carrier.operations.resume(SOURCE, id)
    assert "prod has lost" in "\n".join(plan.notes)
    if way == "return":
        plan = await carrier.plan(ReturnStaged(operation=id))
    remedies = await carrier.operations.remedies(SOURCE, id)
    outcome = await asyncio.wait_for(carrier.start(plan).wait(), 10)
    assert outcome.ending == "done", outcome
    (again,) = remedies
    assert (again.server, again.count) == (TARGET, lost.total())
    assert (await carrier.start(again).wait()).ending == "done"
    assert await payloads(raw) + await payloads(there) == Counter(jobs)
    assert await own_keys(raw) == set()


async def test_parked_jobs_that_vanish_after_the_plan_are_told(
    raw: Any, there: Any, carrier: Carrier, link: FaultLink
) -> None:
    """What was not known when it was confirmed is not struck out."""
    jobs = await fill(raw, MAIL, 30)
    id = await cut_off(carrier, link, Transfer(jobs=Whole(MAIL), target=TARGET), "ack", 2)
    plan = await carrier.operations.resume(SOURCE, id)
    assert "prod has lost" not in "\n".join(plan.notes)
    arrived = await payloads(there)
    await raw.delete(*await raw.keys("sqtui:stage:*"))
    lost = Counter(jobs) - await payloads(raw) - arrived
    assert lost
    outcome = await asyncio.wait_for(carrier.start(plan).wait(), 10)
    assert outcome.ending == "failed", outcome
    assert "prod has lost jobs that were parked there" in outcome.words
    back = await carrier.operations.setback(SOURCE, id)
    assert back is not None
    assert (back.side, Counter(one.old for one in back.entries)) == ("parked", lost)


async def test_a_stage_that_vanishes_while_jobs_move_ends_the_move(
    raw: Any, there: Any, carrier: Carrier, link: FaultLink, redis_url: str
) -> None:
    jobs = await fill(raw, MAIL, 30)
    client = redis.Redis(unix_socket_path=link.target, protocol=2)

    def evict() -> None:
        """The stage that was just made, before anybody read it."""
        keys = client.keys("sqtui:stage:*")
        client.delete(*keys)

    link.on_command = Trouble("ack", 2, evict)
    run = carrier.start(await carrier.plan(Transfer(jobs=Whole(MAIL), target=TARGET)))
    outcome = await asyncio.wait_for(run.wait(), 10)
    client.close()
    lost = Counter(jobs) - await payloads(raw) - await payloads(there)
    if not lost:
        assert outcome.ending == "done"
        return
    assert outcome.ending == "failed", outcome
    assert outcome.details["affected"] == lost.total()
    back = await carrier.operations.setback(SOURCE, run.id)
    assert back is not None
    assert Counter(one.old for one in back.entries) == lost


@pytest.mark.parametrize("side", [TARGET, SOURCE])
async def test_a_state_that_could_not_be_brought_along_stays(
    raw: Any, there: Any, carrier: Carrier, redis_url: str, side: str
) -> None:
    """It may not be written there, or not be read here."""
    await fill(raw, MAIL, 3)
    await raw.hset(f"it-{jid(1)}", mapping={"ex": 2, "c": "5"})
    await raw.execute_command("ACL", "SETUSER", "ops", "on", "nopass", "+@all", "~queue:*", "~queues", "~sqtui:*",
                              "~retry", "~schedule", "~dead", "~processes", "~stat:*")  # fmt: skip
    carrier.change(side, username="ops")
    outcome = await carrier.do(Transfer(jobs=Whole(MAIL), target=TARGET))
    assert (outcome.ending, outcome.tally.done) == ("done", 3), outcome
    assert "states of iterable jobs were not taken along" in outcome.words
    assert await raw.hgetall(f"it-{jid(1)}") == {b"ex": b"2", b"c": b"5"}
    assert await there.llen("queue:mail") == 3
    assert await there.keys("it-*") == []


async def test_a_state_that_must_not_be_freed_stays_and_goes_along(
    raw: Any, there: Any, carrier: Carrier, redis_url: str
) -> None:
    await fill(raw, MAIL, 3)
    await raw.hset(f"it-{jid(1)}", mapping={"ex": 2, "c": "5"})
    await raw.execute_command("ACL", "SETUSER", "ops", "on", "nopass", "+@all", "~queue:*", "~queues", "~sqtui:*",
                              "~retry", "~schedule", "~dead", "~processes", "~stat:*", "%R~it-*")  # fmt: skip
    carrier.change(SOURCE, username="ops")
    outcome = await carrier.do(Transfer(jobs=Whole(MAIL), target=TARGET))
    assert (outcome.ending, outcome.tally.done) == ("done", 3), outcome
    for side in (raw, there):
        assert await side.hgetall(f"it-{jid(1)}") == {b"ex": b"2", b"c": b"5"}
    assert await own_keys(raw) == set()


@pytest.mark.parametrize(
    "name", ["", "a:b", "b\nc", "\udcff\udcfe", "x" * 4000, "ünï ☃", "queue:x", "{slot}", "'\"\\", "\x00", "-"]
)
async def test_hostile_names_of_queues(raw: Any, there: Any, carrier: Carrier, link: FaultLink, name: str) -> None:
    place, key = Place("queue", name), b"queue:" + name.encode("utf-8", "surrogateescape")
    jobs = [job(number) for number in range(12)]
    await raw.sadd("queues", key[6:])
    await raw.lpush(key, *jobs)
    id = await cut_off(carrier, link, Transfer(jobs=Whole(place), target=TARGET), "ack", 1)
    plan = await carrier.operations.resume(SOURCE, id)
    outcome = await carrier.start(plan).wait()
    assert (outcome.ending, outcome.tally.done) == ("done", 12), outcome
    assert await there.lrange(key, 0, -1) == jobs[::-1]
    assert await there.smembers("queues") == {key[6:]}
    assert await raw.exists(key) == 0
    assert await own_keys(raw) == set()


@pytest.mark.parametrize("place", [MAIL, DEAD], ids=["queue", "set"])
async def test_one_byte_beside_the_largest(
    raw: Any, there: Any, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: Place
) -> None:
    """Much and what is next to nothing go in their order; one byte, and what is too large, stay."""
    monkeypatch.setattr(transfer_run, "LARGEST_ITEM", LARGE + 1_000_000)
    carrier = Carrier(redis_url, redis_url.replace("db=0", "db=1"), tmp_path / "big")
    least = b'{"class":"A","args":[],"queue":"mail","jid":"1"}'
    jobs = [least, job(1, filling="x" * LARGE), job(2), job(3, filling="y" * (LARGE // 4))]
    await raw.sadd("queues", "mail")
    if place is MAIL:
        for one in (*jobs, b"1", job(4, filling="z" * (LARGE + 1_000_000))):
            await raw.lpush("queue:mail", one)
    else:
        for at, one in enumerate(jobs):
            await raw.zadd("dead", {one: float(at)})
    outcome = await asyncio.wait_for(carrier.do(Transfer(jobs=Whole(place), target=TARGET)), 120)
    assert (outcome.ending, outcome.tally.done) == ("done", 4), outcome
    if place is MAIL:
        assert await there.lrange("queue:mail", 0, -1) == jobs[::-1]
        assert outcome.tally.refused + outcome.tally.malformed == 2
        assert await raw.llen("queue:mail") == 2
    else:
        assert await there.zrange("dead", 0, -1) == jobs
    assert await own_keys(raw) == set()
    await carrier.close()


async def test_a_move_that_runs_here_is_not_gone_on_with(
    raw: Any, there: Any, carrier: Carrier, link: FaultLink
) -> None:
    begun = asyncio.Event()
    link.on_command = Trouble("begin", 1, begun.set)
    jobs = await fill(raw, MAIL, 12)
    run = carrier.start(await carrier.plan(Transfer(jobs=Whole(MAIL), target=TARGET)))
    run.pause()
    await asyncio.wait_for(begun.wait(), 10)
    with pytest.raises(CannotBeDone, match="running here"):
        await carrier.operations.resume(SOURCE, run.id)
    with pytest.raises(CannotBeDone, match="running here"):
        await carrier.plan(ReturnStaged(operation=run.id))
    run.resume()
    assert (await run.wait()).tally.done == 12
    assert await there.lrange("queue:mail", 0, -1) == jobs[::-1]


async def test_parked_jobs_stay_parked_until_they_have_arrived(
    raw: Any, there: Any, carrier: Carrier, link: FaultLink
) -> None:
    jobs = await fill(raw, MAIL, 30)
    id = await cut_off(carrier, link, Transfer(jobs=Whole(MAIL), target=TARGET), "ack", 2)
    await there.rename("queue:mail", "queue:kept")
    await there.set("queue:mail", "in the way")
    outcome = await carrier.start(await carrier.operations.resume(SOURCE, id)).wait()
    assert outcome.ending == "failed", outcome
    parked = [one for key in await raw.keys("sqtui:stage:*") for one in await raw.lrange(key, 0, -1)]
    arrived = await there.lrange("queue:kept", 0, -1)
    assert set(parked) - set(arrived)
    assert set(jobs) == {*await payloads(raw), *parked, *arrived}


async def test_the_state_of_a_job_that_stays_stays_with_it(raw: Any, there: Any, carrier: Carrier) -> None:
    await fill(raw, MAIL, 2)
    await raw.lpush("queue:mail", job(9, tags="no list"))
    for number in (1, 9):
        await raw.hset(f"it-{jid(number)}", "ex", number)
    outcome = await carrier.do(Transfer(jobs=Whole(MAIL), target=TARGET))
    assert (outcome.ending, outcome.tally.done, outcome.tally.refused) == ("done", 2, 1), outcome
    assert await raw.keys("it-*") == [f"it-{jid(9)}".encode()]
    assert await there.keys("it-*") == [f"it-{jid(1)}".encode()]
