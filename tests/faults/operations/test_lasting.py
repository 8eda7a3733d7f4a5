"""Whether what was done lasts: a master that was demoted, a replica or a disk that confirms nothing."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.operations import sender
from sidekiq_tui.operations.catalog import Clear, Delete
from sidekiq_tui.operations.selection import Whole
from tests.conftest import StartRedis
from tests.support.operating import DEAD, MAIL, Operator, fill, lies, reaches
from tests.support.workers import until

JOBS = 60
pytestmark = pytest.mark.usefixtures("small_batches")


def client_of(server: EmbeddedRedis) -> Any:
    return redis.asyncio.Redis(unix_socket_path=str(server.socket), protocol=2, legacy_responses=False)


@pytest.fixture
async def pair(
    embedded: StartRedis, unused_tcp_port: int, tmp_path: Path
) -> AsyncIterator[tuple[Operator, Any, EmbeddedRedis]]:
    """A person at a server with one replica, whose profile asks for that one's word."""
    master = embedded("m", tcp_port=unused_tcp_port)
    replica = embedded("r", config=[f"replicaof 127.0.0.1 {unused_tcp_port}"])
    raw, behind = client_of(master), client_of(replica)

    async def copies() -> bool:
        return bool((await behind.info("replication"))["master_link_status"] == "up")

    await until(copies)
    anna = Operator(f"unix://{master.socket}?db=0", tmp_path / "state")
    anna.change(durability="replica")
    yield anna, raw, replica
    await anna.close()
    await raw.aclose()
    await behind.aclose()


async def test_a_replica_that_confirms_lets_it_run(pair: tuple[Operator, Any, EmbeddedRedis]) -> None:
    anna, raw, replica = pair
    await fill(raw, DEAD, JOBS)
    plan = await anna.operations.plan("prod", Delete(jobs=Whole(DEAD)))
    assert "stops where a replica does not confirm a batch in time (durability)" in plan.notes
    assert (await anna.do(Delete(jobs=Whole(DEAD)))).ending == "done"
    behind = client_of(replica)
    assert await behind.zcard("dead") == 0
    await behind.aclose()


async def test_a_replica_that_is_frozen_stops_it(pair: tuple[Operator, Any, EmbeddedRedis]) -> None:
    anna, raw, replica = pair
    await fill(raw, DEAD, JOBS)
    run = await anna.start(Delete(jobs=Whole(DEAD)), rate=100.0)
    await reaches(run, lambda run: run.progress.tally.done >= 20)
    replica.process.send_signal(signal.SIGSTOP)
    try:
        outcome = await run.wait()
        assert outcome.ending == "failed", outcome
        assert "no replica has confirmed the last batch in time" in outcome.words
        assert 20 <= outcome.tally.done < JOBS
        assert outcome.tally.done + outcome.tally.untouched == JOBS
        assert await raw.zcard("dead") == outcome.tally.untouched
        again = await anna.do(Delete(jobs=Whole(DEAD)))
        assert (again.ending, again.tally.done) == ("failed", 0), "it begins only where a replica confirms that"
    finally:
        replica.process.send_signal(signal.SIGCONT)
    assert (await anna.do(Delete(jobs=Whole(DEAD)))).ending == "done"


async def test_without_a_replica_nothing_is_begun(pair: tuple[Operator, Any, EmbeddedRedis], tmp_path: Path) -> None:
    anna, raw, replica = pair
    await fill(raw, MAIL, JOBS)
    run = await anna.start(Clear(place=Whole(MAIL)))
    assert (await run.wait()).ending == "done"
    replica.process.send_signal(signal.SIGKILL)
    replica.process.wait()

    async def alone() -> bool:
        return bool((await raw.info("replication"))["connected_slaves"] == 0)

    await until(alone)
    bob = Operator(f"unix://{anna.profile.socket}?db=0", tmp_path / "bob")
    bob.change(durability="replica")
    plan = await bob.operations.plan("prod", Delete(jobs=Whole(DEAD)))
    await bob.close()
    assert plan.refused == "prod has no replica now, and its profile wants changes confirmed by one (durability)"


@pytest.mark.parametrize("kept", ["yes", "no"])
async def test_the_disk(embedded: StartRedis, tmp_path: Path, kept: str) -> None:
    server = embedded("f", config=[f"appendonly {kept}", "appendfsync everysec"])
    raw, anna = client_of(server), Operator(f"unix://{server.socket}?db=0", tmp_path / "state")
    anna.change(durability="fsync")
    try:
        await fill(raw, DEAD, JOBS)
        plan = await anna.operations.plan("prod", Delete(jobs=Whole(DEAD)))
        version = (await raw.info("server"))["redis_version"]
        if version.startswith(("6.", "7.0")):
            assert "that takes Redis 7.2" in plan.refused
            return
        if kept == "no":
            assert "no append-only file, and its profile" in plan.refused
            return
        assert (await anna.do(Delete(jobs=Whole(DEAD)))).ending == "done"
        asked = (await raw.info("commandstats"))["cmdstat_waitaof"]
        assert (asked["calls"], asked["failed_calls"]) == (2, 0), "at the beginning and at the end"
    finally:
        await anna.close()
        await raw.aclose()


async def test_a_master_that_was_demoted_is_left_alone(
    embedded: StartRedis, unused_tcp_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that takes writes all the same, which are lost as soon as it finds its new master."""
    monkeypatch.setattr(sender, "ROLE_EVERY", 0.2)
    server = embedded("d", config=["replica-read-only no"])
    raw, anna = client_of(server), Operator(f"unix://{server.socket}?db=0", tmp_path / "state")
    try:
        await fill(raw, DEAD, JOBS)
        run = await anna.start(Delete(jobs=Whole(DEAD)), rate=40.0)
        await reaches(run, lambda run: run.progress.tally.done >= 10)
        await raw.replicaof("127.0.0.1", unused_tcp_port)
        outcome = await asyncio.wait_for(run.wait(), 20)
        assert outcome.ending == "failed", outcome
        assert "prod is no longer the master" in outcome.words
        assert 10 <= outcome.tally.done < JOBS
        assert await raw.zcard("dead") == outcome.tally.untouched == JOBS - outcome.tally.done
        assert sum((await lies(raw)).values()) == outcome.tally.untouched
    finally:
        await anna.close()
        await raw.aclose()


async def test_one_that_was_demoted_at_the_very_end_is_told(
    embedded: StartRedis, unused_tcp_port: int, tmp_path: Path
) -> None:
    server = embedded("e", config=["replica-read-only no"])
    raw, anna = client_of(server), Operator(f"unix://{server.socket}?db=0", tmp_path / "state")
    try:
        await fill(raw, DEAD, JOBS)
        run = await anna.start(Delete(jobs=Whole(DEAD)), rate=100.0)
        await reaches(run, lambda run: run.progress.tally.done >= 30)
        await raw.replicaof("127.0.0.1", unused_tcp_port)
        outcome = await run.wait()
        assert (outcome.ending, outcome.tally.done) == ("failed", JOBS), outcome
        assert "prod is no longer the master" in outcome.words
    finally:
        await anna.close()
        await raw.aclose()
