"""What is left of operations that had ended: forgotten by a server, failed, or with only their end lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio

from sidekiq_tui.operations.catalog import Clear, Delete, Operation, Retry
from sidekiq_tui.operations.errors import CannotBeDone
from sidekiq_tui.operations.selection import Whole
from sidekiq_tui.servers.mark import ServerMark
from tests.conftest import StartRedis
from tests.support.fault_link import Fault, FaultLink
from tests.support.operating import DEAD, MAIL, RETRY, Operator, everywhere, fill
from tests.support.workers import until

JOBS = 60
pytestmark = pytest.mark.usefixtures("small_batches")
FailOver = Callable[[], Awaitable[Any]]


@pytest.fixture
async def pair(
    embedded: StartRedis, unused_tcp_port: int, tmp_path: Path
) -> AsyncIterator[tuple[FaultLink, Operator, Any, FailOver]]:
    """A person at a master with a replica, the master's client, and what makes the replica take over."""
    master = embedded("m", tcp_port=unused_tcp_port)
    replica = embedded("r", config=[f"replicaof 127.0.0.1 {unused_tcp_port}"])
    raw: Any = redis.asyncio.Redis(unix_socket_path=str(master.socket), protocol=2, legacy_responses=False)
    behind = redis.asyncio.Redis(unix_socket_path=str(replica.socket), protocol=2, legacy_responses=False)

    async def copies() -> bool:
        return bool((await behind.info("replication"))["master_link_status"] == "up")

    await until(copies)
    async with FaultLink(str(master.socket), tmp_path) as link:
        anna = Operator(link.url, tmp_path / "state")

        async def fail_over() -> Any:
            master.process.kill()
            master.process.wait()
            link.target = str(replica.socket)

            async def answers() -> bool:
                # Each connection to the one that is dead fails once.
                marks = await asyncio.gather(*(anna.server.mark() for _ in range(4)), return_exceptions=True)
                return all(isinstance(mark, ServerMark) and mark.role == "master" for mark in marks)

            await until(answers)
            return behind

        async def stand_still() -> None:
            await raw.wait(1, 1000)
            await behind.replicaof("NO", "ONE")

        raw.stand_still = stand_still
        yield link, anna, raw, fail_over
        await anna.close()
    await raw.aclose()
    await behind.aclose()


@pytest.mark.parametrize("deed", ["delete", "retry"])
async def test_what_was_forgotten_is_offered_and_done_again(
    pair: tuple[FaultLink, Operator, Any, FailOver], deed: str
) -> None:
    _, anna, raw, fail_over = pair
    place = DEAD if deed == "delete" else RETRY
    operation: Operation = Delete(jobs=Whole(place)) if deed == "delete" else Retry(jobs=Whole(place))
    await fill(raw, place, JOBS)
    run = await anna.start(operation, rate=50.0)
    while run.progress.tally.done < 20 and run.outcome is None:
        await run.rest(0.01)
    run.pause()
    while not run.paused or run.progress.state != "paused":
        await run.rest(0.01)
    await raw.stand_still()
    kept = run.progress.tally.done
    run.resume()
    outcome = await run.wait()
    assert (outcome.ending, outcome.tally.done) == ("done", JOBS), outcome
    assert await anna.operations.unfinished("prod") == ()
    now = await fail_over()
    [entry] = await anna.operations.unfinished("prod")
    there = await now.zcard(place.kind)
    assert (entry.id, entry.forgotten, entry.can_continue) == (outcome.id, there, True)
    assert 0 < there <= JOBS - kept
    plan = await anna.operations.resume("prod", entry.id)
    assert plan.count == there
    assert plan.notes[0].startswith(f"prod went back in time and has forgotten {there} of these")
    assert ("runs twice" in plan.notes[0]) is (deed == "retry")
    [again] = await anna.operations.unfinished("prod")
    assert again.failed, "it is offered until it is done, or left"
    rest = await anna.operations.start(plan, anna.operations.question(plan).expected).wait()
    assert (rest.ending, rest.tally.done) == ("done", there), rest
    assert await now.zcard(place.kind) == 0
    assert await anna.operations.unfinished("prod") == ()
    assert not (await anna.operations.verify_audit(["prod"])).broken


async def test_one_of_which_nothing_is_known_any_more(pair: tuple[FaultLink, Operator, Any, FailOver]) -> None:
    _, anna, raw, fail_over = pair
    await fill(raw, DEAD, JOBS)
    await fill(raw, MAIL, JOBS)
    await raw.stand_still()
    deleted = await anna.do(Delete(jobs=Whole(DEAD)))
    cleared = await anna.do(Clear(place=Whole(MAIL)))
    now = await fail_over()
    before = await everywhere(now)
    found = {one.id: one for one in await anna.operations.unfinished("prod")}
    assert {id: one.forgotten for id, one in found.items()} == {deleted.id: JOBS, cleared.id: JOBS}
    said = await anna.operations.leave("prod", deleted.id)
    assert "prod went back in time and has forgotten 60 of these" in said
    with pytest.raises(CannotBeDone, match="has forgotten 60 of these"):
        await anna.operations.resume("prod", cleared.id)
    assert await anna.operations.unfinished("prod") == ()
    assert await everywhere(now) == before


async def test_what_failed_waits_until_it_is_gone_on_with_or_left(embedded: StartRedis, tmp_path: Path) -> None:
    server = embedded("f")
    raw = redis.asyncio.Redis(unix_socket_path=str(server.socket), protocol=2, legacy_responses=False)
    anna = Operator(f"unix://{server.socket}?db=0", tmp_path / "state")
    try:
        await fill(raw, RETRY, JOBS)
        run = await anna.start(Retry(jobs=Whole(RETRY)), rate=50.0)
        while run.progress.tally.done < 20:
            await run.rest(0.01)
        await raw.rename("queue:mail", "elsewhere")
        await raw.set("queue:mail", "x")
        outcome = await run.wait()
        assert (outcome.ending, outcome.tally.untouched) == ("failed", JOBS - outcome.tally.done), outcome
        [entry] = await anna.operations.unfinished("prod")
        assert (entry.id, entry.failed, entry.untouched) == (outcome.id, True, outcome.tally.untouched)
        await raw.delete("queue:mail")
        await raw.rename("elsewhere", "queue:mail")
        plan = await anna.operations.resume("prod", entry.id)
        assert plan.count == outcome.tally.untouched
        lines = len(list(anna.operations.audit_lines()))
        plan = await anna.operations.resume("prod", entry.id)
        assert len(list(anna.operations.audit_lines())) == lines, "its end is told already"
        assert (await anna.operations.start(plan, "y").wait()).ending == "done"
        assert await anna.operations.unfinished("prod") == ()
        assert (await raw.llen("queue:mail"), await raw.zcard("retry")) == (JOBS, 0)
    finally:
        await anna.close()
        await raw.aclose()


async def open_again(raw: Any, id: str) -> str:
    """The record as it is where FINISH was lost."""
    key = f"sqtui:op:{id}:1"
    await raw.hset(key, "state", "open")
    await raw.persist(key)
    return key


async def test_a_lost_end_is_nobodys_business(embedded: StartRedis, tmp_path: Path) -> None:
    server = embedded("l")
    url = f"unix://{server.socket}?db=0"
    raw = redis.asyncio.Redis(unix_socket_path=str(server.socket), protocol=2, legacy_responses=False)
    anna, bob = Operator(url, tmp_path / "anna"), Operator(url, tmp_path / "bob")
    try:
        await fill(raw, DEAD, 20)
        await fill(raw, MAIL, 5)
        keys = [
            await open_again(raw, (await anna.do(one)).id)
            for one in (Delete(jobs=Whole(DEAD)), Clear(place=Whole(MAIL)))
        ]
        assert await bob.operations.unfinished("prod") == ()
        assert await anna.operations.unfinished("prod") == ()
        await raw.hset(keys[0], "n", 21)
        [found] = await bob.operations.unfinished("prod")
        assert found.id in keys[0]
        await raw.hset(keys[0], "n", 20)
        await raw.zadd("sqtui:ops", {key.split(":")[2]: 1.0 for key in keys})
        await fill(raw, DEAD, 1)
        await bob.do(Delete(jobs=Whole(DEAD)))
        assert [await raw.hget(key, "state") for key in keys] == [b"done", b"done"]
        assert all([await raw.ttl(key) > 0 for key in keys])
    finally:
        await anna.close()
        await bob.close()
        await raw.aclose()


async def test_our_own_lost_ends_are_ended_by_the_next_operation(embedded: StartRedis, tmp_path: Path) -> None:
    server = embedded("o")
    url = f"unix://{server.socket}?db=0"
    raw = redis.asyncio.Redis(unix_socket_path=str(server.socket), protocol=2, legacy_responses=False)
    anna = Operator(url, tmp_path / "anna")
    try:
        await fill(raw, DEAD, JOBS * 2)
        key = await open_again(raw, (await anna.do(Delete(jobs=Whole(DEAD)))).id)
        assert await raw.hget(key, "next") == b"12", "more than the record knows the results of"
        await anna.close()
        anna = Operator(url, tmp_path / "anna")
        await fill(raw, DEAD, 1)
        await anna.do(Delete(jobs=Whole(DEAD)))
        assert (await raw.hget(key, "state"), await raw.ttl(key) > 0) == (b"done", True)
    finally:
        await anna.close()
        await raw.aclose()


async def test_only_a_server_that_was_started_anew_has_forgotten_and_only_lately(
    embedded: StartRedis, tmp_path: Path
) -> None:
    server = embedded("s")
    raw = redis.asyncio.Redis(unix_socket_path=str(server.socket), protocol=2, legacy_responses=False)
    anna = Operator(f"unix://{server.socket}?db=0", tmp_path / "anna")

    async def note(change: str) -> None:
        await anna.operations._desk.journal._write(lambda db: db.execute(f"UPDATE op SET {change}"))

    try:
        await fill(raw, DEAD, 20)
        await anna.do(Delete(jobs=Whole(DEAD)))
        await raw.delete(*await raw.keys("sqtui:*"))  # evicted, say
        assert await anna.operations.unfinished("prod") == ()
        await note("mark='another'")
        assert [one.forgotten for one in await anna.operations.unfinished("prod")] == [20]
        await note("ended=ended-90000")
        assert await anna.operations.unfinished("prod") == ()
    finally:
        await anna.close()
        await raw.aclose()


async def test_what_another_machine_ends_while_the_link_is_broken_stays_ended(
    embedded: StartRedis, tmp_path: Path
) -> None:
    server = embedded("w")
    raw = redis.asyncio.Redis(unix_socket_path=str(server.socket), protocol=2, legacy_responses=False)
    bob = Operator(f"unix://{server.socket}?db=0", tmp_path / "bob")
    async with FaultLink(str(server.socket), tmp_path) as link:
        anna = Operator(link.url, tmp_path / "anna")
        try:
            await fill(raw, DEAD, JOBS)
            run = await anna.start(Delete(jobs=Whole(DEAD)), rate=50.0)
            while run.progress.tally.done < 20:
                await run.rest(0.01)
            target, link.target = link.target, str(tmp_path / "nowhere")
            link.faults = {number: Fault.DROP for number in range(len(link.seen), len(link.seen) + 50)}
            while run.progress.state not in ("checking", "ended"):
                await run.rest(0.01)
            said = await bob.operations.leave("prod", run.id)
            assert "ended after" in said
            link.faults, link.target = {}, target
            outcome = await run.wait()
            assert outcome.ending == "failed", outcome
            assert "it was ended elsewhere, by anna@ws3" in outcome.words
            assert await raw.zcard("dead") == outcome.tally.untouched == JOBS - outcome.tally.done
        finally:
            await anna.close()
            await bob.close()
            await raw.aclose()
