"""Servers that restart, fail over, are restored or flushed while jobs go between them: exact, or each job is told."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from sidekiq_tui.operations.catalog import Transfer
from sidekiq_tui.operations.pace import Pace
from sidekiq_tui.operations.patience import patiently
from sidekiq_tui.operations.selection import Whole
from sidekiq_tui.sidekiq.job import Place
from tests.support.carrying import Carrier
from tests.support.fault_link import Command
from tests.support.operating import DEAD, MAIL, fill
from tests.support.two_servers import ALWAYS, EVERY_SECOND, SOURCE, TARGET, Box, Pair, Side, Trouble, ended, told
from tests.support.workers import until

JOBS: Final = 40
FULL: Final = bool(os.environ.get("SQTUI_TRANSFER_MATRIX") == "full")
TURNS: Final = range(1, 9) if FULL else (4,)
STEPS: Final[tuple[tuple[Side, str], ...]] = (("source", "take"), ("source", "ack"), ("target", "put"))


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five jobs a batch."""
    monkeypatch.setattr(Pace, "entries", property(lambda pace: 5))


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize(("at", "step"), STEPS, ids=[step for _, step in STEPS])
@pytest.mark.parametrize("dies", ["source", "target"])
@pytest.mark.parametrize("config", [ALWAYS, EVERY_SECOND], ids=["always", "everysec"])
async def test_a_restart_with_an_append_only_file_is_exact(
    tmp_path: Path, dies: Side, at: Side, step: str, turn: int, config: tuple[str, ...]
) -> None:
    async with Pair(tmp_path, source=config, target=config) as pair:
        jobs = await fill(pair.raw("source"), MAIL, JOBS)
        carrier = pair.carrier()
        trouble = pair.links[at].on_command = Trouble(step, turn, pair.boxes[dies].restart)
        outcome = await asyncio.wait_for(carrier.do(Transfer(jobs=Whole(MAIL), target=TARGET)), 15)
        assert trouble.came or FULL
        assert (outcome.ending, outcome.tally.done) == ("done", JOBS), outcome
        assert await pair.raw("target").lrange("queue:mail", 0, -1) == jobs[::-1]
        found = await pair.found()
        assert (found.source, found.parked) == (Counter(), Counter())


@pytest.mark.parametrize("place", [MAIL, DEAD], ids=["queue", "set"])
@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize(("at", "step"), STEPS, ids=[step for _, step in STEPS])
@pytest.mark.parametrize("when", ["before it began", "on the way"])
@pytest.mark.parametrize("side", ["source", "target"])
async def test_a_server_that_is_restored_is_never_silent(
    tmp_path: Path, side: Side, when: str, at: Side, step: str, turn: int, place: Place
) -> None:
    async with Pair(tmp_path) as pair:
        jobs = await fill(pair.raw("source"), place, JOBS)
        box = pair.boxes[side]

        def save() -> None:
            with box.client() as client:
                client.save()
            box.saved()

        if when == "before it began":
            save()
        first, second = Trouble("put", 2, save), Trouble(step, turn + 2 * (when != "before it began"), box.restored)

        def happen(number: int, command: Command) -> None:
            if when != "before it began":
                first(number, command)
            second(number, command)

        for one in {"target", at}:
            pair.links[one].on_command = happen
        carrier = pair.carrier()
        plan = await carrier.plan(Transfer(jobs=Whole(place), target=TARGET))
        run = carrier.start(plan)
        outcome = await asyncio.wait_for(run.wait(), 15)
        if FULL and not second.came:
            return
        assert second.came
        pair.heal()
        found = await told(pair, carrier, run.id, outcome, jobs)
        if outcome.ending == "done":
            assert found.target == Counter(jobs)
        await put_right(pair, carrier, run.id, jobs)


async def put_right(pair: Pair, carrier: Carrier, id: str, jobs: list[bytes]) -> None:
    """A person answers what is asked: after that each job is on one server, once, and nothing is parked."""
    back = await patiently(lambda: carrier.operations.setback(SOURCE, id))
    remedies = await carrier.operations.remedies(SOURCE, id) if back is not None else ()
    await ended(carrier, id)
    assert all(not left.parked for left in await carrier.operations.unfinished(SOURCE))
    again = await carrier.operations.setback(SOURCE, id)
    assert (again is None) == (back is None)  # it stays known
    if remedies:  # those that are on both leave the target
        outcome = await carrier.start(remedies[-1]).wait()
        assert outcome.ending == "done", outcome
        assert back is not None
        assert outcome.tally.done == len(back.entries)
    found = await pair.found()
    assert found.source + found.target == Counter(jobs)
    assert found.parked == Counter()


@pytest.mark.parametrize("lag", [2, 5] if FULL else [3])
@pytest.mark.parametrize("side", ["source", "target"])
async def test_a_failover_to_a_replica_that_lags_is_never_silent(
    tmp_path: Path, unused_tcp_port: int, side: Side, lag: int
) -> None:
    async with Pair(tmp_path, **{side: (f"port {unused_tcp_port}",)}) as pair:
        jobs = await fill(pair.raw("source"), MAIL, JOBS)
        replica = Box(tmp_path / "r", [f"replicaof 127.0.0.1 {unused_tcp_port}"])
        pair.spare.append(replica)
        link, master = pair.links[side], pair.boxes[side]
        await until(lambda: copies(replica))

        def stands_still() -> None:
            with replica.client() as client, master.client() as first:
                first.wait(1, 1000)
                client.replicaof("NO", "ONE")

        def dies() -> None:
            master.kill()
            link.target = str(replica.socket)

        step = "put" if side == "target" else "ack"
        first, second = Trouble(step, 2, stands_still), Trouble(step, 2 + lag, dies)

        def happen(number: int, command: Command) -> None:
            first(number, command)
            second(number, command)

        link.on_command = happen
        carrier = pair.carrier()
        plan = await carrier.plan(Transfer(jobs=Whole(MAIL), target=TARGET))
        run = carrier.start(plan)
        outcome = await asyncio.wait_for(run.wait(), 15)
        if FULL and not second.came:
            return
        assert second.came
        pair.heal()
        assert outcome.ending == "failed", outcome
        assert "went back in time" in outcome.words or "no longer knows this move" in outcome.words
        assert outcome.details["went_back"] == side
        found = await told(pair, carrier, run.id, outcome, jobs)
        assert len(found.twice if side == "source" else found.lost(jobs)) > 0
        await put_right(pair, carrier, run.id, jobs)


async def copies(box: Box) -> bool:
    """Whether a replica has all of its master."""
    with box.client() as client:
        return bool(client.info("replication")["master_link_status"] == "up")


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize(("at", "step"), STEPS, ids=[step for _, step in STEPS])
@pytest.mark.parametrize("side", ["source", "target"])
async def test_a_flush_is_never_silent(tmp_path: Path, side: Side, at: Side, step: str, turn: int) -> None:
    async with Pair(tmp_path) as pair:
        jobs = await fill(pair.raw("source"), MAIL, JOBS)

        def flush() -> None:
            with pair.boxes[side].client() as client:
                client.flushdb()

        pair.links[at].on_command = Trouble(step, turn, flush)
        carrier = pair.carrier()
        plan = await carrier.plan(Transfer(jobs=Whole(MAIL), target=TARGET))
        run = carrier.start(plan)
        outcome = await asyncio.wait_for(run.wait(), 15)
        pair.heal()
        assert outcome.ending == "failed", outcome
        assert "no longer knows this move" in outcome.words
        found = await pair.found()
        back = await patiently(lambda: carrier.operations.setback(SOURCE, run.id))
        if side == "target":
            lost = found.lost(jobs)
            listed = Counter() if back is None else Counter(entry.old for entry in back.entries)
            assert listed == lost
            assert outcome.details.get("affected", 0) == lost.total()
            assert back is None or back.side == "target"
            await put_right(pair, carrier, run.id, jobs)
            return
        # What lay there is lost with all else; of what was parked it is told.
        assert found.twice == Counter()
        if back is not None:
            assert back.side == "parked"
            assert not Counter(entry.old for entry in back.entries) & found.target
        await ended(carrier, run.id)
        assert await carrier.operations.unfinished(SOURCE) == ()
