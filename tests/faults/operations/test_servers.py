"""Servers that fail over, restart, forget, refuse or stall in the middle of an operation: told as it is, sums whole."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.operations.catalog import Copy, Delete, Retry, Undo
from sidekiq_tui.operations.outcome import Outcome
from sidekiq_tui.operations.selection import Whole
from tests.conftest import StartRedis
from tests.faults.operations.runs import carried_out
from tests.support.fault_link import Command, Fault, FaultLink
from tests.support.operating import DEAD, MAIL, RETRY, Operator, fill, reaches
from tests.support.proof import check_sum, open_records, payloads, snapshot, strays
from tests.support.workers import until

JOBS = 60
pytestmark = pytest.mark.usefixtures("small_batches")


def is_batch(command: Command) -> bool:
    """Whether a command carries entries of ours."""
    return any(b'"jid":' in part for part in command)


class Trouble:
    """Calls something once, synchronously from the link, just before the n-th batch arrives."""

    def __init__(self, link: FaultLink, batch: int, what: Callable[[], Any]) -> None:
        self.left, self.what, self.link = batch, what, link
        link.on_command = self

    def __call__(self, number: int, command: Command) -> None:
        if not is_batch(command) or self.left == 0:
            return
        self.left -= 1
        if self.left == 0:
            self.what()


@asynccontextmanager
async def operator_at(socket: Path, folder: Path, **options: Any) -> AsyncIterator[tuple[FaultLink, Operator]]:
    async with FaultLink(str(socket), folder) as link:
        operator = Operator(link.url, folder / "state", **options)
        try:
            yield link, operator
        finally:
            await operator.close()


def blocking(server_socket: Path) -> Any:
    """A client for the moment between two commands."""
    return redis.Redis(unix_socket_path=str(server_socket), protocol=2)


@pytest.fixture
async def here(redis_server: EmbeddedRedis, raw: Any, tmp_path: Path) -> AsyncIterator[tuple[FaultLink, Operator]]:
    async with operator_at(redis_server.socket, tmp_path) as both:
        yield both


async def _copies(client: Any) -> bool:
    return bool((await client.info("replication"))["master_link_status"] == "up")


class TestFailover:
    @pytest.mark.parametrize("deed", ["delete", "retry"])
    @pytest.mark.parametrize("cut", [True, False], ids=["cut", "at-once"])
    async def test_to_a_replica_that_lags(
        self, embedded: StartRedis, unused_tcp_port: int, tmp_path: Path, deed: str, cut: bool
    ) -> None:
        master = embedded("m", tcp_port=unused_tcp_port)
        replica = embedded("r", config=[f"replicaof 127.0.0.1 {unused_tcp_port}"])
        raw = redis.asyncio.Redis(unix_socket_path=str(master.socket), protocol=2, legacy_responses=False)
        behind = redis.asyncio.Redis(unix_socket_path=str(replica.socket), protocol=2, legacy_responses=False)
        place = DEAD if deed == "delete" else RETRY
        await fill(raw, place, JOBS)
        before = await snapshot(raw)
        await until(lambda: _copies(behind))
        async with operator_at(master.socket, tmp_path) as (link, anna):
            counted = 0

            def happen(number: int, command: Command) -> None:
                nonlocal counted
                counted += is_batch(command)
                if is_batch(command) and counted == 3:  # two batches are copied; the replica stands still from here on
                    with blocking(replica.socket) as client, blocking(master.socket) as first:
                        first.wait(1, 1000)
                        client.replicaof("NO", "ONE")
                if is_batch(command) and counted == 5:  # two more are lost with the master
                    master.process.kill()
                    master.process.wait()
                    link.target = str(replica.socket)

            link.on_command = happen
            operation = Delete(jobs=Whole(place)) if deed == "delete" else Retry(jobs=Whole(place))
            outcome = await anna.do(operation)
            after = await snapshot(behind)
            assert outcome.ending == "failed", outcome
            assert "went back in time" in outcome.words
            assert outcome.details["lost_batches"] == 2
            assert outcome.tally.done == 20, outcome
            assert outcome.tally.untouched == 40
            if deed == "delete":
                check_sum(before, after)
            else:
                assert (len(after["retry"]), len(after["queue:mail"])) == (40, 20)
            # Another go finds what is left, and the way back of the first part is its own.
            again = await carried_out(anna, operation)
            assert (again.ending, again.tally.done) == ("done", 40)
            for one in (again, outcome):
                assert (await anna.undo(one)).ending == "done"
            assert payloads(await snapshot(behind), ours=False) == payloads(before, ours=False)
        await raw.aclose()
        await behind.aclose()


class TestRestart:
    async def test_with_an_append_only_file_it_goes_on(self, embedded: StartRedis, tmp_path: Path) -> None:
        config = ["appendonly yes", "appendfsync always"]
        folder = tmp_path / "r"
        server = EmbeddedRedis.start(folder, config=config)
        raw = redis.asyncio.Redis(unix_socket_path=str(server.socket), protocol=2, legacy_responses=False)
        await fill(raw, RETRY, JOBS)
        before = await snapshot(raw)
        started: list[EmbeddedRedis] = []

        def restart() -> None:
            server.process.kill()
            server.process.wait()
            server.socket.unlink()
            started.append(EmbeddedRedis.start(folder, config=config))

        try:
            async with operator_at(server.socket, tmp_path) as (link, anna):
                Trouble(link, 3, restart)
                outcome = await anna.do(Retry(jobs=Whole(RETRY)))
                await raw.connection_pool.disconnect()
                assert (outcome.ending, outcome.tally.done) == ("done", JOBS), outcome
                assert len((await snapshot(raw))["queue:mail"]) == JOBS
                undone = await carried_out(anna, Undo(operation=outcome.id))
                assert undone.tally.done == JOBS
                assert payloads(await snapshot(raw), ours=False) == payloads(before, ours=False)
            await raw.aclose()
        finally:
            for one in [server, *started]:
                one.stop()

    @pytest.mark.parametrize("began", [True, False], ids=["in-the-middle", "before-it-began"])
    async def test_with_what_was_saved_before(self, tmp_path: Path, began: bool) -> None:
        folder = tmp_path / "r"
        server = EmbeddedRedis.start(folder)
        raw = redis.asyncio.Redis(unix_socket_path=str(server.socket), protocol=2, legacy_responses=False)
        await fill(raw, RETRY, JOBS)
        await raw.save()
        started: list[EmbeddedRedis] = []
        try:
            async with operator_at(server.socket, tmp_path) as (link, anna):

                def save() -> None:
                    with blocking(server.socket) as client:
                        client.save()

                def restart() -> None:
                    server.process.kill()
                    server.process.wait()
                    server.socket.unlink()
                    started.append(EmbeddedRedis.start(folder))

                counted = 0

                def happen(number: int, command: Command) -> None:
                    nonlocal counted
                    counted += is_batch(command)
                    if counted == 3 and began:
                        save()
                    if counted == 5 and not started:
                        restart()

                link.on_command = happen
                outcome = await anna.do(Retry(jobs=Whole(RETRY)))
                await raw.connection_pool.disconnect()
                found = await snapshot(raw)
                if began:
                    assert outcome.ending == "failed"
                    assert "went back in time" in outcome.words
                    assert (outcome.tally.done, outcome.tally.untouched) == (len(found["queue:mail"]), 40)
                else:
                    assert outcome.ending == "unknown", outcome
                    assert "no longer knows this operation" in outcome.words
                    assert outcome.tally.unknown == 10
                    assert len(found["retry"]) == JOBS
            await raw.aclose()
        finally:
            for one in [server, *started]:
                one.stop()


class TestRecord:
    """What the server knows of the operation is gone, older, or somebody else's: no blind continuation (17.3)."""

    @pytest.mark.parametrize("fault", [None, Fault.LOSE, Fault.DROP], ids=["answered", "lost", "dropped"])
    @pytest.mark.parametrize("what", ["deleted", "flushed", "older", "other", "ended"])
    async def test_is_not_as_it_should_be(
        self, here: tuple[FaultLink, Operator], redis_server: EmbeddedRedis, raw: Any, what: str, fault: Fault | None
    ) -> None:
        link, anna = here
        await fill(raw, RETRY, JOBS)
        link.faults = faults = {}

        def happen() -> None:
            if fault is not None:
                faults[len(link.seen)] = fault
            with blocking(redis_server.socket) as client:
                [record] = client.keys("sqtui:op:*")
                match what:
                    case "deleted":
                        client.delete(record)
                    case "flushed":
                        client.flushdb()
                    case "older":
                        client.hset(record, "next", 1)
                    case "other":
                        client.hset(record, mapping={"next": 3, "r2": "abcdefabcdef:1111111111"})
                    case "ended":
                        client.rename(record, record + b":closed")

        Trouble(link, 3, happen)
        outcome = await anna.do(Retry(jobs=Whole(RETRY)))
        found = await snapshot(raw)
        if what == "ended" and fault is not None:  # by whom cannot be told then: it goes on
            assert (outcome.ending, outcome.tally.done) == ("done", JOBS)
            return
        assert outcome.ending in ("failed", "unknown"), outcome
        moved = len(found.get("queue:mail", []))
        tally = outcome.tally
        if what == "flushed":
            assert tally.done == 20
            assert moved == 0
            assert "no longer knows" in outcome.words
        elif what == "older":
            assert "went back in time" in outcome.words
            assert tally.done == 10  # of what was put back by nobody here nothing is claimed
        else:
            assert moved <= tally.done + tally.unknown
            assert tally.done == 20
        assert moved + len(found.get("retry", [])) == (0 if what == "flushed" else JOBS)
        was = payloads(found, ours=False)
        for command in link.seen:
            if is_batch(command):
                await link.deliver(command)
        assert payloads(await snapshot(raw), ours=False) == was


class TestRefusals:
    @pytest.mark.parametrize("what", ["OOM", "READONLY", "NOPERM", "MISCONF", "WRONGTYPE"])
    async def test_in_the_middle_and_again_when_it_has_passed(
        self, here: tuple[FaultLink, Operator], redis_server: EmbeddedRedis, raw: Any, what: str
    ) -> None:
        link, anna = here
        await fill(raw, RETRY, JOBS)
        before = await snapshot(raw)
        await raw.execute_command("ACL", "SETUSER", "ops", "reset", "on", "nopass", "~*", "+@all")
        anna.change(username="ops")
        on: dict[str, tuple[Any, ...]] = {
            "OOM": ("CONFIG", "SET", "maxmemory", "1"),
            "READONLY": ("REPLICAOF", "127.0.0.1", "1"),
            "NOPERM": ("ACL", "SETUSER", "ops", "-zrem"),
            "MISCONF": ("CONFIG", "SET", "min-replicas-to-write", "1"),
            "WRONGTYPE": ("EVAL", "redis.call('RENAME','queue:mail','kept') redis.call('SET','queue:mail','x')", 0),
        }
        off: dict[str, tuple[Any, ...]] = {
            "OOM": ("CONFIG", "SET", "maxmemory", "1gb"),
            "READONLY": ("REPLICAOF", "NO", "ONE"),
            "NOPERM": ("ACL", "SETUSER", "ops", "+zrem"),
            "MISCONF": ("CONFIG", "SET", "min-replicas-to-write", "0"),
            "WRONGTYPE": ("EVAL", "redis.call('RENAME','kept','queue:mail')", 0),
        }

        def happen() -> None:
            with blocking(redis_server.socket) as client:
                client.execute_command(*on[what])

        Trouble(link, 3, happen)
        try:
            outcome = await anna.do(Retry(jobs=Whole(RETRY)))
        finally:
            await raw.execute_command(*off[what])
        assert (outcome.ending, outcome.tally.done, outcome.tally.untouched) == ("failed", 20, 40), outcome
        found = await snapshot(raw)
        assert (len(found["retry"]), len(found["queue:mail"])) == (40, 20)
        assert strays(found) == []
        for left in await anna.operations.unfinished("prod"):  # where even its end was refused
            await anna.operations.leave("prod", left.id)
        assert open_records(await snapshot(raw)) == []
        again = await anna.do(Retry(jobs=Whole(RETRY)))
        assert (again.ending, again.tally.done) == ("done", 40), again
        for one in (again, outcome):
            assert (await anna.undo(one)).ending == "done"
        assert payloads(await snapshot(raw), ours=False) == payloads(before, ours=False)

    @pytest.mark.parametrize("what", ["OOM", "READONLY"])
    async def test_an_undo_that_was_refused_half_way_can_be_ended(
        self, here: tuple[FaultLink, Operator], redis_server: EmbeddedRedis, raw: Any, what: str
    ) -> None:
        link, anna = here
        await fill(raw, RETRY, JOBS)
        before = await snapshot(raw)
        done = await anna.do(Retry(jobs=Whole(RETRY)))
        on = ("CONFIG", "SET", "maxmemory", "1") if what == "OOM" else ("REPLICAOF", "127.0.0.1", "1")
        off = ("CONFIG", "SET", "maxmemory", "1gb") if what == "OOM" else ("REPLICAOF", "NO", "ONE")

        def happen() -> None:
            with blocking(redis_server.socket) as client:
                client.execute_command(*on)

        Trouble(link, 3, happen)
        try:
            half = await anna.undo(done)
        finally:
            await raw.execute_command(*off)
        assert (half.ending, half.tally.done) == ("failed", 20), half
        await _ended(anna, half)
        assert payloads(await snapshot(raw), ours=False) == payloads(before, ours=False)

    async def test_scripts_are_flushed_before_each_command(
        self, here: tuple[FaultLink, Operator], redis_server: EmbeddedRedis, raw: Any
    ) -> None:
        link, anna = here
        await fill(raw, RETRY, JOBS)

        def flush(number: int, command: Command) -> None:
            with blocking(redis_server.socket) as client:
                client.script_flush()

        link.on_command = flush
        outcome = await anna.do(Retry(jobs=Whole(RETRY)))
        assert (outcome.ending, outcome.tally.done) == ("done", JOBS)

    async def test_somebodys_long_script_is_waited_for(
        self, here: tuple[FaultLink, Operator], redis_server: EmbeddedRedis, raw: Any
    ) -> None:
        link, anna = here
        await fill(raw, RETRY, JOBS)
        await raw.config_set("lua-time-limit", 10)
        threads: list[threading.Thread] = []

        def occupy() -> None:
            def run() -> None:
                with blocking(redis_server.socket) as client:
                    client.eval(
                        "local t = redis.call('TIME') local s = t[1] * 1000000 + t[2] "
                        "repeat t = redis.call('TIME') until t[1] * 1000000 + t[2] - s > 700000 return 1",
                        0,
                    )

            threads.append(threading.Thread(target=run))
            threads[0].start()
            with blocking(redis_server.socket) as client:
                while True:
                    try:
                        client.get("x")
                    except redis.exceptions.ResponseError:
                        return

        try:
            Trouble(link, 3, occupy)
            outcome = await anna.do(Retry(jobs=Whole(RETRY)))
            assert (outcome.ending, outcome.tally.done) == ("done", JOBS), outcome
        finally:
            for thread in threads:
                thread.join()
            await raw.config_set("lua-time-limit", 5000)


async def _ended(anna: Operator, half: Outcome) -> None:
    """Goes on with an undo that stopped in the middle, as `sqtui resume` or as another undo does."""
    left = [one.id for one in await anna.operations.unfinished("prod")]
    if half.id in left:
        plan = await anna.operations.resume("prod", half.id)
    else:
        plan = await anna.operations.plan("prod", Undo(operation=half.id.partition("u")[0]))
    rest = await anna.operations.start(plan, anna.operations.question(plan).expected).wait()
    assert rest.ending == "done", rest


async def test_nothing_open_is_left_when_reads_fail_in_the_middle(here: tuple[FaultLink, Operator], raw: Any) -> None:
    """The link is gone for good while batches are under way, and nobody stops it: once it is back all is settled."""
    link, anna = here
    await fill(raw, MAIL, JOBS)
    before = await snapshot(raw)
    link.faults = faults = {}

    def break_down() -> None:
        link.down = True
        faults[len(link.seen)] = Fault.LOSE

    Trouble(link, 3, break_down)
    run = await anna.start(Delete(jobs=Whole(MAIL)))
    await asyncio.sleep(0.5)
    link.down = False
    outcome = await run.wait()
    assert outcome.ending == "done", outcome
    found = await snapshot(raw)
    check_sum(before, found)
    assert open_records(found) == []


async def test_what_was_carried_out_is_never_done_again_though_nobody_knows_its_results(
    here: tuple[FaultLink, Operator], raw: Any, tmp_path: Path
) -> None:
    """The journal was killed before it heard of batches that the record no longer tells of: copies are not doubled."""
    _, anna = here
    await fill(raw, DEAD, JOBS)
    run = await anna.start(Copy(jobs=Whole(DEAD)), rate=40.0)
    await reaches(run, lambda run: run.progress.tally.done >= 30)
    run.leave()
    done = (await run.wait()).tally.done
    with closing(sqlite3.connect(tmp_path / "state" / "journal.db")) as journal, journal:
        journal.execute("UPDATE batch SET results=NULL WHERE number < 2")
    await raw.hdel(f"sqtui:op:{run.id}:1", "r0", "r1")
    plan = await anna.operations.resume("prod", run.id)
    assert plan.count == JOBS - done
    await anna.operations.start(plan, anna.operations.question(plan).expected).wait()
    assert await raw.llen("queue:mail") == JOBS
