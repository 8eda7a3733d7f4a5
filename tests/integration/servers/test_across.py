"""Queues, work, errors and metrics of several servers together: what is added up, and what each of them has of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.servers.across import (
    add_histograms,
    known_errors,
    queues_across,
    read_histograms,
    read_job_metrics,
    read_top_metrics,
    read_work,
)
from sidekiq_tui.servers.fleet import Fleet
from sidekiq_tui.sidekiq.error_groups import MINUTES
from sidekiq_tui.sidekiq.keys import Keys
from sidekiq_tui.sidekiq.metrics_merge import merge_metrics
from tests.support.fleets import NOW, client, fill_sets, fleet_of

KEYS = Keys("")


@pytest.fixture
def many(many_databases: EmbeddedRedis) -> EmbeddedRedis:
    fill_sets(many_databases, "retry", ())
    return many_databases


def failed(number: int, error: str, at: float, message: str = "execution expired") -> str:
    return json.dumps(
        {"jid": f"{number:024x}", "class": "Foo", "queue": "low", "args": [number], "failed_at": at, "retry_count": 0}
        | {"error_class": error, "error_message": f"{message} {number}"}
    )


async def read_all(fleet: Fleet) -> None:
    for server in fleet.servers.values():
        async for _ in server.read_errors():
            pass


async def test_errors_of_one_cause_are_one_group(many: EmbeddedRedis) -> None:
    shares = ((0, "Timeout", 3, "retry"), (1, "Timeout", 5, "dead"), (1, "Locked", 2, "retry"), (2, "Gone", 1, "retry"))
    number = 0
    for database, error, count, key in shares:
        with client(many, database) as one:
            for _ in range(count):
                number += 1
                one.zadd(key, {failed(number, error, NOW - 60 * number): NOW + number})
    async with fleet_of(many, 4) as fleet:
        assert known_errors(fleet).missing.keys() == set(fleet.names)
        await read_all(fleet)
        board = known_errors(fleet)
    first = board.groups[0]
    assert [(group.cause.error_class, group.count) for group in board.groups] == [
        ("Timeout", 8),
        ("Locked", 2),
        ("Gone", 1),
    ]
    assert (first.retries, first.dead, first.queues) == (3, 5, (("low", 8),))
    assert board.servers_of(first.cause) == ("s01", "s00")
    assert board.parts[first.cause]["s00"].count == 3
    assert first.last_at == pytest.approx(NOW - 60)
    assert first.first_at == pytest.approx(NOW - 60 * 8)
    assert first.sample_jid == f"{1:024x}"
    assert sum(first.history.minutes(NOW, MINUTES)) == 8
    assert sum(first.history.day(NOW, 12)) == 8
    assert (board.jobs, board.total, board.complete, dict(board.missing)) == (11, 11, True, {})


async def test_new_errors_are_new_since_the_deploy_of_their_own_server(many: EmbeddedRedis) -> None:
    day = datetime.fromtimestamp(NOW, UTC).date()
    for database, deployed in ((0, NOW - 3600), (1, NOW - 60)):
        with client(many, database) as one:
            stamp = datetime.fromtimestamp(deployed, UTC).strftime("%Y-%m-%dT%H:%M:00Z")
            one.hset(KEYS.marks(day), stamp, "v1")
            one.zadd("retry", {failed(database, "OnlyHere" if database else "Both", NOW - 600): NOW})
    with client(many, 1) as one:
        one.zadd("retry", {failed(7, "Both", NOW - 600): NOW})
    async with fleet_of(many, 3) as fleet:
        await read_all(fleet)
        board = known_errors(fleet)
    new = {group.cause.error_class: board.is_new(group) for group in board.groups}
    assert new == {"Both": True, "OnlyHere": False}
    assert len(board.marks) == 2


async def test_metrics_of_both_formats_add_up(many: EmbeddedRedis) -> None:
    minute = NOW // 60 * 60
    when = datetime.fromtimestamp(minute, UTC)
    with client(many, 0) as one:
        one.hset(KEYS.metrics_minute(when), mapping={"Foo|p": 10, "Foo|f": 1, "Foo|ms": 900, "Bar|p": 1})
        one.execute_command("BITFIELD", KEYS.histogram("Foo", when), "INCRBY", "u16", "#2", 4)
    with client(many, 1) as one:
        one.hset(KEYS.metrics_minute_v7(when), mapping={"Foo|p": 5, "Foo|ms": 100})
        one.execute_command("BITFIELD", KEYS.histogram_v7("Foo", when), "INCRBY", "u16", "#2", 3)
    async with fleet_of(many, 3) as fleet:
        top = await read_top_metrics(fleet, minutes=5)
        foo = await read_job_metrics(fleet, "Foo", minutes=5)
        times = await read_histograms(fleet, {"Foo": [minute]})
    assert top.total is not None
    total = top.total.jobs["Foo"]
    assert (total.processed, total.failed, total.ms, total.series["p"]) == (15, 1, 1000, {minute: 15})
    assert set(top.total.jobs) == {"Foo", "Bar"}
    assert top.total.forms == {7, 8}
    assert {name: len(part.jobs) for name, part in top.parts.items()} == {"s00": 2, "s01": 1, "s02": 0}
    assert foo.total is not None
    assert foo.total.jobs["Foo"].histogram[minute][2] == 7
    assert add_histograms(times.values.values())["Foo"][minute][2] == 7


async def test_metrics_of_other_buckets_do_not_add_up(many: EmbeddedRedis) -> None:
    async with fleet_of(many, 1) as fleet:
        minutes = (await read_top_metrics(fleet, minutes=5)).parts["s00"]
        hours = (await read_top_metrics(fleet, hours=5)).parts["s00"]
    with pytest.raises(ValueError, match="do not add up"):
        merge_metrics([minutes, hours])


async def test_work_of_all_servers_is_oldest_first(many: EmbeddedRedis) -> None:
    for database, ages in ((0, (5, 500)), (1, (50,))):
        with client(many, database) as one:
            one.sadd("processes", "host:1:abc")
            one.hset("host:1:abc", mapping={"info": json.dumps({"hostname": "host", "pid": 1}), "beat": NOW, "busy": 1})
            for age in ages:
                said = {"queue": "low", "run_at": int(NOW - age), "payload": failed(age, "", 0)}
                one.hset("host:1:abc:work", f"t{age}", json.dumps(said))
    async with fleet_of(many, 3) as fleet:
        work = await read_work(fleet, {name: ["host:1:abc"] for name in fleet.names})
    expected = [("s00", "t500"), ("s01", "t50"), ("s00", "t5")]
    assert [(row.server, row.work.tid) for row in work.rows] == expected


async def test_queues_stand_side_by_side(many: EmbeddedRedis) -> None:
    wait: Callable[[float], str] = lambda age: json.dumps({"jid": "x", "enqueued_at": NOW - age})  # noqa: E731
    for database, queues in ((0, {"low": 5.0, "mail": 1.0}), (1, {"low": 90.0})):
        with client(many, database) as one:
            for name, age in queues.items():
                one.sadd("queues", name)
                one.lpush(f"queue:{name}", wait(age))
    with client(many, 1) as one:
        one.sadd("paused", "low")
        one.sadd("queues", "empty")
    async with fleet_of(many, 2) as fleet:
        answers = await fleet.ask(lambda server: server.overview())
    rows = {row.name: row for row in queues_across(answers.values)}
    assert list(rows) == ["empty", "low", "mail"]
    assert (rows["low"].size, rows["low"].paused, list(rows["low"].parts)) == (2, ("s01",), ["s00", "s01"])
    assert rows["low"].worst is not None
    assert rows["low"].worst[0] == "s01"
    assert rows["low"].worst[1] == pytest.approx(90.0)
    assert rows["empty"].worst is None
    assert list(rows["mail"].parts) == ["s00"]
