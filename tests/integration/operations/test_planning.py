"""Plans say exactly what would happen, warn of what it brings, and change nothing: not even on the wire."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.operations import census, guard
from sidekiq_tui.operations.catalog import (
    CancelJobs,
    Clear,
    Copy,
    Delete,
    DeleteProfiles,
    Edit,
    Enlist,
    Enqueue,
    Kill,
    MoveToQueue,
    Operation,
    Pause,
    PruneProcesses,
    Reschedule,
    ResetStatistics,
    Retry,
    SignalProcesses,
    ToFront,
)
from sidekiq_tui.operations.errors import GuardRefused
from sidekiq_tui.operations.planning import make_plan
from sidekiq_tui.operations.price import price_of_jobs, rebuilds
from sidekiq_tui.operations.selection import Matching, Rows, Whole
from sidekiq_tui.operations.survey import payload_context
from sidekiq_tui.operations.targets import digest
from sidekiq_tui.servers.profile import Profile, Secret
from sidekiq_tui.servers.read_only import ALLOWED
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import InvalidJob
from sidekiq_tui.sidekiq.filter import parse_filter
from sidekiq_tui.sidekiq.job import JobRecord, Place
from tests.support.batch_cases import seen
from tests.support.proxy import FaultProxy

RETRY, SCHEDULE, DEAD, DEFAULT = Place("retry"), Place("schedule"), Place("dead"), Place("queue", "default")
NOW = time.time()


@pytest.fixture
async def server(redis_url: str) -> AsyncIterator[Server]:
    server = Server(Profile(name="prod", socket=Profile.from_url(redis_url).socket, label="staging"))
    yield server
    await server.close()


def payload(number: int = 0, **fields: object) -> bytes:
    plain = {"class": f"Job{number % 3}", "args": [number], "jid": f"{number:024x}", "queue": "default", "retry": True}
    return json.dumps({**plain, "created_at": 1.5, "retry_count": 1, **fields}).encode()


async def live(raw: Any, *, name: str = "app", queues: tuple[str, ...] = ("default",), **said: Any) -> str:
    """A process as Sidekiq 8 writes it, that beats now."""
    identity = f"{name}:1:aa"
    info = {"hostname": name, "pid": 1, "queues": queues, "version": said.get("version", "8.1.7"), "labels": []}
    info |= {"embedded": said.get("embedded", False), "concurrency": 5}
    beat = {"beat": repr(time.time()), "busy": said.get("busy", 0), "quiet": said.get("quiet", "false")}
    await raw.sadd("processes", identity)
    await raw.hset(identity, mapping={"info": json.dumps(info), **beat})
    await raw.expire(identity, 60)
    return identity


async def plan(server: Server, operation: Operation, **more: Any) -> Any:
    return await make_plan(server, operation, now=time.time(), **more)


def rows(*jobs: bytes, place: Place = RETRY) -> Rows:
    return Rows(tuple(JobRecord(raw, place, None if place.kind == "queue" else 1.0) for raw in jobs))


async def test_counts_are_exact_and_the_rest_is_said_to_stay(server: Server, raw: Any) -> None:
    jobs = [payload(number, queue="low" if number % 2 else "default") for number in range(10)]
    await raw.zadd("retry", {job: number for number, job in enumerate(jobs)})
    await raw.zadd("retry", {b"junk": 3, b"{}": 4, b'{"class":"A"}': 5})
    made = await plan(server, Retry(jobs=Whole(RETRY)))
    assert (made.count, made.places, made.read, made.total) == (10, {"retry": 10}, 13, 13)
    assert dict(made.classes) == {"Job0": 4, "Job1": 3, "Job2": 3}
    assert dict(made.queues) == {"default": 5, "low": 5}
    assert dict(made.stays) == {"malformed: no JSON object": 1, "invalid: no class": 1, "invalid: args are no list": 1}
    assert (made.server, made.label, made.mode, made.refused) == ("prod", "staging", "A", "")
    assert [job.raw for job in made.targets.jobs] == jobs
    assert made.targets.digests == {RETRY: dict.fromkeys(map(digest, jobs), 1)}
    assert await raw.zcard("retry") == 13


async def test_a_filter_over_several_places(server: Server, raw: Any) -> None:
    await raw.zadd("retry", {payload(number): number for number in range(9)})
    await raw.zadd("dead", {payload(number): number for number in range(3)})
    await raw.lpush("queue:default", *(payload(number) for number in range(4)), b"junk")
    await raw.sadd("queues", "default")
    heard: list[tuple[int, int]] = []
    made = await plan(
        server,
        Delete(jobs=Matching((RETRY, DEAD, DEFAULT), parse_filter("class:Job1"))),
        progress=lambda read, total: heard.append((read, total)),
    )
    assert made.places == {"retry": 3, "dead": 1, "queue default": 1}
    assert (made.count, made.read, made.total) == (5, 17, 17)
    assert heard[-1] == (17, 17)
    assert "front" in made.undo
    all_of_it = await plan(server, Delete(jobs=Whole(DEFAULT)))
    assert all_of_it.count == 5
    assert any("malformed" in note for note in all_of_it.notes)


async def test_the_same_bytes_twice(server: Server, raw: Any) -> None:
    await raw.lpush("queue:default", payload(1), payload(1), payload(2))
    made = await plan(server, Delete(jobs=Whole(DEFAULT)))
    assert (made.count, sorted(made.targets.digests[DEFAULT].values())) == (3, [1, 2])
    assert (await plan(server, Delete(jobs=rows(payload(1), payload(1), place=DEFAULT)))).count == 2
    assert (await plan(server, Delete(jobs=rows(payload(1), payload(1))))).count == 1


async def test_many_entries_are_kept_as_digests_only(server: Server, raw: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(census, "KEPT_JOBS", 4)
    await raw.zadd("retry", {payload(number): number for number in range(5)})
    made = await plan(server, Kill(jobs=Whole(RETRY)))
    assert (made.count, made.targets.count, made.targets.jobs) == (5, 5, None)
    assert made.price.received > 0


async def test_jobs_larger_than_can_be_moved_stay(server: Server, raw: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(census, "LARGEST", 1000)
    monkeypatch.setattr(census, "LARGE", 500)
    await raw.zadd("retry", {payload(1, x="x" * 1000): 1, payload(2, x="x" * 500): 2, payload(3): 3})
    made = await plan(server, Kill(jobs=Whole(RETRY)))
    assert (made.count, dict(made.stays)) == (2, {"over 64 MiB": 1})
    assert any("holds up the server" in note for note in made.notes)


@pytest.mark.parametrize(
    ("operation", "fields", "words"),
    [
        (Delete(jobs=Whole(RETRY)), {"bid": "b"}, "1 belongs to a batch, which will stay pending"),
        (Delete(jobs=Whole(RETRY)), {"lock_digest": "d"}, "unique lock"),
        (Kill(jobs=Whole(RETRY)), {"bid": "b"}, "no Ruby code runs: batch callbacks and unique locks of 1 job are not"),
        (Kill(jobs=Whole(RETRY)), {"unique_for": 600}, "no Ruby code runs"),
        (Kill(jobs=Whole(RETRY)), {"dead": False}, "dead: false"),
        (Edit(jobs=Whole(RETRY), fields={"args": []}), {"unique_for": 600}, "old arguments"),
        (Copy(jobs=Whole(RETRY)), {"bid": "b"}, "their copies will not"),
        (Retry(jobs=Whole(RETRY)), {"retry": False}, "gone if they fail"),
        (Reschedule(jobs=Whole(RETRY), at=5.0), {}, "due in the past"),
        (Reschedule(jobs=Whole(RETRY), by=3600.0), {}, "nobody looks for jobs"),
        (Retry(jobs=Whole(RETRY)), {}, "no live process takes jobs from default"),
        (MoveToQueue(jobs=Whole(RETRY), queue="low"), {}, "no live process takes jobs from low"),
    ],
    ids=range(12),
)
async def test_warnings(server: Server, raw: Any, operation: Operation, fields: dict[str, object], words: str) -> None:
    await raw.zadd("retry", {payload(1, **fields): 1.0})
    made = await plan(server, operation)
    assert made.count == 1
    assert [note for note in made.notes if words in note]
    await raw.delete("retry")
    await raw.zadd("retry", {payload(1): time.time()})
    await live(raw, queues=("default", "low"))
    calm = await plan(server, type(operation)(**{**_fields(operation), **_later(operation)}))
    assert not [note for note in calm.notes if words in note]


def _fields(operation: Operation) -> dict[str, Any]:
    return {field.name: getattr(operation, field.name) for field in fields(operation)}


def _later(operation: Operation) -> dict[str, Any]:
    return {"at": time.time() + 60, "by": None} if isinstance(operation, Reschedule) else {}


async def test_kills_beyond_what_dead_holds(server: Server, raw: Any) -> None:
    await raw.zadd("retry", {payload(number): number for number in range(5)})
    await raw.zadd("dead", {payload(number, dead=1): number for number in range(4)})
    assert not [note for note in (await plan(server, Kill(jobs=Whole(RETRY)))).notes if "drops" in note]
    limited = Server(Profile(name="prod", socket=server.profile.socket, dead_max_jobs=7))
    assert (
        "dead holds 7: Sidekiq drops the oldest 2 at its next death"
        in (await plan(limited, Kill(jobs=Whole(RETRY)))).notes
    )
    await limited.close()


async def test_who_serves_the_queues(server: Server, raw: Any) -> None:
    await raw.zadd("retry", {payload(1): 1, payload(2, queue="low"): 2})
    await live(raw, name="quiet", queues=("default",), quiet="true")
    made = await plan(server, Retry(jobs=Whole(RETRY)))
    assert "all processes that serve default are quiet" in made.notes
    assert "no live process takes jobs from low" in made.notes
    await live(raw, name="busy", queues=("default", "low"))
    await raw.sadd("queues", "low")
    await raw.sadd("paused", "low")
    made = await plan(server, Retry(jobs=Whole(RETRY)))
    assert [note for note in made.notes if "low" in note] == ["paused: low (only workers of Sidekiq Pro obey)"]


async def test_what_the_server_makes_uncertain(server: Server, raw: Any) -> None:
    await raw.zadd("retry", {payload(number): 1 for number in range(100)})

    async def told(operation: Operation) -> bool:
        return any("append-only" in note for note in (await plan(server, operation)).notes)

    assert not await told(Retry(jobs=Whole(RETRY)))
    assert not await told(Delete(jobs=Whole(RETRY)))
    assert await told(Delete(jobs=Whole(RETRY), keep=False))
    assert await told(Clear(place=Whole(RETRY)))
    await raw.zadd("retry", {payload(100): 1})
    assert await told(Retry(jobs=Whole(RETRY)))
    await raw.config_set("maxmemory-policy", "allkeys-lru")
    try:
        other = Server(server.profile)
        assert any("needs the room" in note for note in (await plan(other, Delete(jobs=Whole(RETRY)))).notes)
        assert not any("needs the room" in note for note in (await plan(other, Kill(jobs=Whole(RETRY)))).notes)
        await other.close()
    finally:
        await raw.config_set("maxmemory-policy", "noeviction")


@pytest.mark.parametrize(("skew", "warned", "refused"), [(0, False, False), (20, True, False), (-200, True, True)])
async def test_a_wrong_clock(redis_url: str, raw: Any, skew: int, warned: bool, refused: bool) -> None:
    await raw.zadd("retry", {payload(1): 1})
    profile = Profile(name="prod", socket=Profile.from_url(redis_url).socket)
    server = Server(profile, clock=lambda: time.time() + skew)
    for operation in (Kill(jobs=Whole(RETRY)), Reschedule(jobs=Whole(RETRY), by=60.0), Retry(jobs=Whole(RETRY))):
        made = await make_plan(server, operation, now=time.time() + skew)
        assert any("clock" in note for note in made.notes) == warned
        assert ("clock" in made.refused) == (refused and not isinstance(operation, Retry))
    await server.close()


async def test_nothing_to_do_is_refused(server: Server, raw: Any) -> None:
    assert (await plan(server, Retry(jobs=Whole(RETRY)))).refused == "there is nothing in it"
    everywhere = Matching((RETRY,), parse_filter("class:Nobody"))
    assert (await plan(server, Retry(jobs=everywhere))).refused == "there is no such job"
    await raw.zadd("retry", {b"junk": 1})
    assert (await plan(server, Retry(jobs=Whole(RETRY)))).refused == "there is nothing to do"
    assert (await plan(server, Clear(place=Whole(DEFAULT)))).refused == "there is nothing in default"


async def test_new_queues_have_names_that_sidekiq_can_show(server: Server, raw: Any) -> None:
    await raw.zadd("retry", {payload(1): 1})
    refused = (await plan(server, MoveToQueue(jobs=Whole(RETRY), queue="a b"))).refused
    assert "could not show a queue" in refused
    await raw.sadd("queues", "a b")
    assert (await plan(server, MoveToQueue(jobs=Whole(RETRY), queue="a b"))).refused == ""
    with pytest.raises(InvalidJob):
        await plan(server, MoveToQueue(jobs=Whole(RETRY), queue=""))


async def test_the_fingerprint_is_that_of_what_would_be_done(server: Server, raw: Any, redis_url: str) -> None:
    await raw.zadd("retry", {payload(number): number for number in range(5)})
    first = await plan(server, Retry(jobs=Whole(RETRY)))
    assert (await plan(server, Retry(jobs=Whole(RETRY)))).fingerprint == first.fingerprint
    again = Server(server.profile)
    assert (await plan(again, Retry(jobs=Whole(RETRY)))).fingerprint == first.fingerprint
    await again.close()
    others = [Retry(jobs=Whole(RETRY), reset=True), Kill(jobs=Whole(RETRY)), Retry(jobs=rows(payload(1)))]
    found = {(await plan(server, other)).fingerprint for other in others}
    await raw.zadd("retry", {payload(9): 9})
    found.add((await plan(server, Retry(jobs=Whole(RETRY)))).fingerprint)
    await raw.zrem("retry", payload(8), payload(9))
    await raw.zrem("retry", payload(4))
    await raw.zadd("retry", {payload(5): 4})
    found.add((await plan(server, Retry(jobs=Whole(RETRY)))).fingerprint)
    renamed = Server(Profile(name="other", socket=server.profile.socket))
    found.add((await plan(renamed, Retry(jobs=Whole(RETRY)))).fingerprint)
    await renamed.close()
    assert len(found | {first.fingerprint}) == 7


async def test_new_jobs_are_the_same_plan_though_their_ids_are_new(server: Server) -> None:
    made = [Enlist(payloads=((payload(1, jid=jid), "default", None),)) for jid in ("a", "b")]
    assert len({(await plan(server, one)).fingerprint for one in made}) == 1
    imported = [Enlist(payloads=one.payloads, imported=True) for one in made]
    assert len({(await plan(server, one)).fingerprint for one in imported}) == 2
    found = await plan(server, Enlist(payloads=((payload(1), "low", None), (payload(2), "low", 5.0))))
    assert (found.count, found.places) == (2, {"queue low": 1, "schedule": 1})
    assert any("due in the past" in note for note in found.notes)
    assert (await plan(server, Enlist(payloads=((b"junk", "low", None),)))).refused


async def test_clearing(server: Server, raw: Any, monkeypatch: Any) -> None:
    await raw.lpush("queue:default", *(payload(number) for number in range(30)), b"junk")
    await raw.zadd("dead", {payload(number, bid="b"): number for number in range(3)})
    await raw.sadd("queues", "default")
    made = await plan(server, Clear(place=Whole(DEFAULT)))
    assert (made.count, made.places, made.targets, made.estimated) == (31, {"queue default": 31}, None, False)
    assert dict(made.classes) == {"Job0": 10, "Job1": 10, "Job2": 10, census.NAMELESS: 1}
    assert made.undo == "yes, for 7 days, in their exact order"
    dead = await plan(server, Clear(place=Whole(DEAD), keep=False))
    assert (dead.count, "batch" in dead.notes[0], dead.undo[:17]) == (3, True, "cannot be undone:")
    monkeypatch.setattr("sidekiq_tui.operations.planning_others.COUNTED", 5)
    sampled = await plan(server, Clear(place=Whole(DEFAULT)))
    assert (sampled.count, sampled.total) == (31, 31)
    with pytest.raises(ValueError, match="whole"):
        await plan(server, Clear(place=rows(payload(1))))


async def test_a_pause_that_nobody_obeys_is_refused(server: Server, raw: Any) -> None:
    await raw.lpush("queue:default", payload(1))
    await raw.sadd("queues", "default", "low")
    assert "nobody here obeys" in (await plan(server, Pause(queues=("default",)))).refused
    await raw.zadd("batches", {"b": 1})
    other = Server(server.profile)
    made = await plan(other, Pause(queues=("default", "low")))
    assert (made.refused, made.count, dict(made.queues)) == ("", 2, {"default": 1, "low": 0})
    await raw.sadd("paused", "low")
    made = await plan(other, Pause(queues=("default", "low")))
    assert (dict(made.stays), made.operation) == ({"already so": 1}, Pause(queues=("default",)))
    assert (await plan(other, Pause(queues=("default", "low"), paused=False))).count == 1
    await other.close()


async def test_signals(server: Server, raw: Any) -> None:
    one = await live(raw, name="one", queues=("default", "low"), busy=3)
    two = await live(raw, name="two", queues=("default",))
    inside = await live(raw, name="rails", embedded=True)
    quiet = await live(raw, name="quiet", quiet="true")
    asked = await live(raw, name="asked")
    await raw.lpush(f"{asked}-signals", "TSTP")
    made = await plan(server, SignalProcesses(signal="TSTP", identities=(one, inside, quiet, asked, "gone:1:a")))
    assert made.count == 1
    assert made.operation == SignalProcesses(signal="TSTP", identities=(one,)), "the plan is for what it counts"
    assert dict(made.stays) == {
        "gone, or without a heartbeat": 1,
        "embedded in another program: signals do nothing": 1,
        "has it waiting already": 1,
        "quiet already": 1,
    }
    assert "nobody else serves low" in made.notes
    assert made.undo == "cannot be undone"
    stop = await plan(server, SignalProcesses(signal="TERM", identities=(one, two, inside, asked)))
    assert any("3 jobs running" in note for note in stop.notes)
    both = await plan(server, SignalProcesses(signal="TTIN", identities=(one, two)))
    assert both.count == 2
    assert both.fingerprint != (await plan(server, SignalProcesses(signal="TTIN", identities=(one,)))).fingerprint


async def test_the_rest(server: Server, raw: Any) -> None:
    ghost = "gone:1:aa"
    await raw.sadd("processes", ghost)
    identity = await live(raw)
    pruned = await plan(server, PruneProcesses(identities=(ghost, identity)))
    assert (pruned.count, dict(pruned.stays)) == (1, {"live, or forgotten already": 1})
    assert pruned.operation == PruneProcesses(identities=(ghost,))
    await raw.set("stat:processed", 5)
    await raw.set("stat:failed", 0)
    reset = await plan(server, ResetStatistics())
    assert (reset.count, dict(reset.stays)) == (1, {"already 0": 1})
    assert "processed: 5 becomes 0" in reset.notes
    assert (await plan(server, CancelJobs(jids=("a", "b", "a")))).count == 2
    assert (await plan(server, DeleteProfiles(profiles=("p",)))).refused == "there is nothing to do"


ALL: tuple[Operation, ...] = (
    Retry(jobs=Whole(RETRY)),
    Enqueue(jobs=Matching((SCHEDULE,), parse_filter("Job1"))),
    Kill(jobs=Whole(DEFAULT)),
    Delete(jobs=Whole(DEAD)),
    Reschedule(jobs=Whole(RETRY), by=5.0),
    Edit(jobs=Whole(RETRY), fields={"args": []}),
    MoveToQueue(jobs=Whole(DEFAULT), queue="low"),
    ToFront(jobs=Whole(DEFAULT)),
    Copy(jobs=Whole(DEAD)),
    Enlist(payloads=((payload(1), "default", None),)),
    Clear(place=Whole(DEFAULT)),
    Pause(queues=("default",)),
    SignalProcesses(signal="TSTP", identities=("a",)),
    PruneProcesses(identities=("a",)),
    CancelJobs(jids=("a",)),
    ResetStatistics(),
    DeleteProfiles(profiles=("a",)),
)


@pytest.mark.parametrize("started_so", [True, False], ids=["--read-only", "profile"])
async def test_a_read_only_server_sees_reads_only(
    redis_server: EmbeddedRedis, load_dump: Any, tmp_path: Path, started_so: bool
) -> None:
    load_dump("8.1.7", ttl=True)
    async with FaultProxy(redis_server.socket, tmp_path) as proxy:
        profile = Profile(name="prod", socket=str(proxy.socket), access="full" if started_so else "read-only")
        server = Server(profile)
        for operation in ALL:
            made = await plan(server, operation, read_only=started_so)
            assert made.refused
            with pytest.raises(GuardRefused):
                guard.admit(made, profile, "prod", time.time(), read_only=started_so)
        sent = {name.encode() for name in proxy.wire.names}
        assert sent <= ALLOWED
        await server.close()


async def test_planning_changes_nothing_and_names_no_key_of_ours(
    redis_server: EmbeddedRedis, db: Database, raw: Any, load_dump: Any, tmp_path: Path
) -> None:
    load_dump("8.1.7", ttl=True)
    before, keys = await seen(db), set(await raw.keys("*"))
    async with FaultProxy(redis_server.socket, tmp_path) as proxy:
        server = Server(Profile(name="prod", socket=str(proxy.socket)))
        for operation in ALL:
            await plan(server, operation)
        await server.close()
        wrote = set(proxy.wire.names) - {name.decode() for name in ALLOWED}
        assert wrote <= {"ACL", "TIME", "EVAL", "EVAL_RO", "MULTI", "DISCARD", "ZREM", "SREM"}
        assert proxy.wire.names.count("EVAL") <= 2
    assert (await seen(db), set(await raw.keys("*"))) == (before, keys)


@pytest.mark.parametrize(
    ("rules", "operation", "words"),
    [
        ("+@all -lpush", Retry(jobs=Whole(RETRY)), "may not LPUSH"),
        ("+@all -zrem", Kill(jobs=Whole(RETRY)), "may not ZREM"),
        ("+@all -lrem", Delete(jobs=Whole(DEFAULT)), "may not LREM"),
        ("+@all -lset", Edit(jobs=Whole(DEFAULT), fields={"args": [9]}), "may not LSET"),
        ("+@all -srem", Clear(place=Whole(DEFAULT)), "may not SREM"),
        ("+@all -rename", Clear(place=Whole(DEFAULT)), ""),
        ("+@all -eval -evalsha", Delete(jobs=Whole(DEFAULT)), "single jobs of a queue"),
        ("+@all -eval -evalsha", Delete(jobs=Whole(RETRY)), ""),
        ("+@all -eval -evalsha", SignalProcesses(signal="TSTP", identities=("a",)), "may not run scripts"),
        ("+@all -eval -evalsha", Enlist(payloads=((payload(1), "default", None),)), ""),
        ("+@read +@connection +info", Delete(jobs=Whole(RETRY)), "may not run scripts"),
    ],
    ids=range(11),
)
async def test_missing_rights(redis_url: str, raw: Any, rules: str, operation: Operation, words: str) -> None:
    await raw.zadd("retry", {payload(1): 1})
    await raw.lpush("queue:default", payload(1))
    await raw.execute_command("ACL", "SETUSER", "ops", "reset", "on", ">secret", "~*", *rules.split())
    socket = Profile.from_url(redis_url).socket
    server = Server(Profile(name="prod", socket=socket, username="ops", password=Secret("secret")))
    made = await plan(server, operation)
    assert words in made.refused
    assert (made.refused == "") == (words == "")
    await server.close()


async def test_times_are_written_as_the_fleet_reads_them(server: Server, raw: Any) -> None:
    assert (await payload_context(server, 5.0)).form is None
    await raw.sadd("queues", "default")
    await raw.lpush("queue:default", payload(1, created_at=1_795_313_144_000))
    assert (await payload_context(server, 5.0)).fallback == "milliseconds"
    await live(raw, name="new")
    assert (await payload_context(server, 5.0)).form == "milliseconds"
    await live(raw, name="old", version="7.3.10")
    assert (await payload_context(server, 5.0)).form == "seconds"


def test_prices() -> None:
    few = price_of_jobs(Delete(jobs=Whole(DEFAULT)), {DEFAULT: 10}, {DEFAULT: 1000}, 300, read_again=False, rtt=0.001)
    assert (few.calls, few.memory, few.received) == (3, 0, 0)
    assert few.sent == 3000
    many = {DEFAULT: 100_000}
    big = price_of_jobs(Delete(jobs=Whole(DEFAULT)), many, {DEFAULT: 1_000_000}, 300, read_again=True, rtt=0.001)
    assert big.memory == pytest.approx(360e6)
    assert 5 < big.seconds < 60
    assert big.received == 300_000_000
    assert rebuilds(Delete(jobs=Whole(DEFAULT)), 100, 1_000_000)
    assert not rebuilds(Delete(jobs=Whole(DEFAULT)), 1, 1_000_000)
    assert not rebuilds(Delete(jobs=Whole(DEFAULT)), 1000, 10_000)
    large = price_of_jobs(Retry(jobs=Whole(RETRY)), {RETRY: 10}, {RETRY: 10}, 1 << 20, read_again=False, rtt=0.0)
    assert large.calls == 12
