"""Each check of a server's health, in the words an operator reads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sidekiq_tui.errors import SecretError
from sidekiq_tui.servers.health import Health, assess, assess_loss, assess_waiting
from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.servers.series import Series
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.errors import AuthenticationFailed, ServerTimeout, ServerUnreachable
from sidekiq_tui.sidekiq.overview import Overview, QueueSummary
from sidekiq_tui.sidekiq.process import Process
from sidekiq_tui.sidekiq.redis_info import RedisInfo

NOW = 1_700_000_000.0
PROFILE = Profile(name="a")
RUNNING = Process(
    identity="app:1:x", hostname="app", pid=1, tag=None, labels=(), queues=("default",), capsules=(), weights={},
    concurrency=5, busy=1, rss=None, rtt=0.001, started_at=NOW - 99, beat=NOW - 3, quiet=False, status="running",
    stale=False, version="8.1.7", embedded=False, signals=(), leader=False,
)  # fmt: skip
HEALTHY = Overview(
    read_at=NOW, rtt=0.001, processed=100, failed=1, retries=0, scheduled=0, dead=0, overdue_retries=0,
    overdue_scheduled=0, queues=(), processes=(RUNNING,), leader=None,
    redis=RedisInfo(version="8.2.1", server="redis", mode="standalone", role="master", used_memory=50, maxmemory=1000,
                    maxmemory_policy="noeviction", clients=5, maxclients=100, evicted_keys=0),
    sidekiq_versions=("8.1.7",), edition_signs=(), denied={},
)  # fmt: skip


def queue(name: str, size: int | None, latency: float | None = 1.0) -> QueueSummary:
    return QueueSummary(name, size, latency, None, False, None)


def redis(**changes: Any) -> dict[str, Any]:
    return {"redis": replace(HEALTHY.redis, **changes)}


def test_all_well() -> None:
    assert assess(HEALTHY, PROFILE, NOW) == Health("ok")


def test_nothing_known_about_redis_is_no_warning() -> None:
    assert assess(replace(HEALTHY, redis=RedisInfo()), PROFILE, NOW) == Health("ok")
    assert assess(replace(HEALTHY, **redis(maxmemory_policy=None)), PROFILE, NOW).state == "ok"


@pytest.mark.parametrize(
    ("changes", "state", "said"),
    [
        ({"processes": (), "queues": (queue("q", 1),)}, "bad", "no process: is alive while 1 job waits"),
        (
            {"processes": (replace(RUNNING, stale=True),), "queues": (queue("q", 1200),)},
            "bad",
            "no process: is alive while 1,200 jobs wait",
        ),
        ({"processes": (replace(RUNNING, quiet=True),)}, "warn", "all quiet: 1 process, none takes new jobs"),
        ({"processes": (replace(RUNNING, quiet=True),), "queues": (queue("q", 1),)}, "bad", "all quiet: 1 process"),
        (
            {"queues": (queue("a", 5), queue("b", 700), queue("default", 1), queue("empty", 0))},
            "warn",
            "not served: b, a: 705 jobs that no process takes",
        ),
        (
            {
                "processes": (RUNNING, replace(RUNNING, queues=("a",), quiet=True)),
                "queues": (queue("a", 5), queue("default", 1)),
            },
            "warn",
            "not served: a: 5 jobs",
        ),
        ({"overdue_scheduled": 12}, "warn", "overdue: 12 scheduled are past their time"),
        ({"overdue_retries": 3}, "warn", "overdue: 3 retries are past their time"),
        ({"dead": 9912}, "warn", "dead set: 9,912 of 10,000: the oldest are lost next"),
        ({"dead": 10000}, "warn", "dead set: 10,000 of 10,000: the oldest are being lost"),
        (redis(used_memory=850), "warn", "memory: 85% of 1K, at the limit pushes fail"),
        (
            redis(used_memory=970 * 2**22, maxmemory=1000 * 2**22, maxmemory_policy="allkeys-lru"),
            "bad",
            "memory: 97% of 3.9G, allkeys-lru: jobs can be dropped",
        ),
        (redis(maxmemory_policy="volatile-lru"), "warn", "policy: volatile-lru: jobs can be dropped"),
        (redis(evicted_keys=7), "bad", "eviction: 7 keys dropped by noeviction"),
        (redis(rdb_last_bgsave_ok=False), "bad", "persistence: the last background save failed"),
        (redis(aof_enabled=True, aof_ok=False), "bad", "persistence: the append-only file"),
        (redis(role="slave", master_link_up=False), "bad", "replica: the link to its primary is down"),
        (redis(role="slave", master_link_up=True), "warn", "replica: this is a copy"),
        (redis(mode="cluster"), "warn", "cluster: Sidekiq does not support"),
        (redis(clients=95), "bad", "clients: 95 of 100"),
        (redis(loading=True), "warn", "loading: "),
        ({"sidekiq_versions": ("7.3.10", "8.1.7")}, "warn", "versions: processes run 7.3.10, 8.1.7"),
        (redis(version="6.2.6"), "warn", "redis: 6.2.6 is older than the 7.0 that Sidekiq 8.1.7 needs"),
        ({"processes": (RUNNING, replace(RUNNING, stale=True))}, "warn", "ghosts: 1 process has no heartbeat"),
        ({"processes": (replace(RUNNING, beat=NOW + 90),)}, "warn", "clock: a heartbeat is 1m ahead"),
        (
            {"processes": (replace(RUNNING, rtt=0.081),)},
            "warn",
            "process rtt: 1 process over 50ms to Redis, worst 81ms",
        ),
        ({"rtt": 0.312}, "slow", "round trip: 312ms from here"),
    ],
)
def test_each_check(changes: dict[str, Any], state: str, said: str) -> None:
    health = assess(replace(HEALTHY, **changes), PROFILE, NOW)
    assert health.state == state
    assert any(line.startswith(said) for line in health.warnings), health.warnings


@pytest.mark.parametrize(
    "changes",
    [
        {"processes": ()},
        {
            "processes": (replace(RUNNING, stale=True), RUNNING),
            "processed": None,
            "queues": (queue("q", None, None),),
        },
        {"dead": None, "retries": None, "scheduled": None, "overdue_retries": None, "overdue_scheduled": None},
        {"dead": 8000},
        redis(version="6.2.6", server="keydb"),
        redis(version="unstable"),
        redis(maxmemory=0, used_memory=10**12),
    ],
)
def test_no_false_alarm(changes: dict[str, Any]) -> None:
    health = assess(replace(HEALTHY, **changes), PROFILE, NOW)
    assert [reason for reason in health.reasons if reason.subject != "ghosts"] == []


def test_failures_are_judged_by_share_and_number() -> None:
    assert assess(HEALTHY, PROFILE, NOW, recent=(19, 19)).state == "ok"
    assert assess(HEALTHY, PROFILE, NOW, recent=(1000, 49)).state == "ok"
    assert assess(HEALTHY, PROFILE, NOW, recent=(1000, 91)).warnings == ("failures: 9.1% of the last jobs",)
    assert assess(HEALTHY, PROFILE, NOW, recent=(1000, 300)).state == "bad"


def test_the_users_limits_count() -> None:
    busy = replace(RUNNING, queues=("a", "b"))
    late = replace(HEALTHY, processes=(busy,), queues=(queue("a", 1, 900.0), queue("b", 1, 11520.0)), dead=95)
    assert assess(late, PROFILE, NOW).state == "ok"
    strict = replace(PROFILE, max_latency=600.0, dead_max_jobs=100)
    said = assess(late, strict, NOW).warnings
    assert "latency: b 3h12m, limit 10m, and 1 more" in said
    assert "dead set: 95 of 100: the oldest are lost next" in said


def test_the_worst_comes_first() -> None:
    sick = replace(HEALTHY, dead=10000, rtt=1.0, **redis(evicted_keys=1, maxmemory_policy="allkeys-lru"))
    health = assess(sick, PROFILE, NOW, recent=(100, 50))
    assert [reason.severity for reason in health.reasons] == sorted(r.severity for r in health.reasons)
    assert health.state == "bad"
    assert health.reasons[-1].subject == "round trip"


def test_the_own_round_trip_is_judged_over_several_polls() -> None:
    assert assess(replace(HEALTHY, rtt=0.9), PROFILE, NOW, rtt=0.01).state == "ok"
    assert assess(HEALTHY, PROFILE, NOW, rtt=0.3).state == "slow"


def test_a_server_that_tells_nothing_is_forbidden() -> None:
    closed = replace(HEALTHY, queues=(), denied={"counters": "no", "queues": "this user may not run SSCAN"})
    assert assess(closed, PROFILE, NOW).state == "forbidden"
    assert "SSCAN" in assess(closed, PROFILE, NOW).warnings[0]
    partly = replace(HEALTHY, denied={"redis": "this user may not run INFO"})
    assert assess(partly, PROFILE, NOW).state == "ok"
    one_odd = QueueSummary("odd", None, None, None, False, 1)
    partly = replace(HEALTHY, queues=(one_odd,), denied={"counters": "no", "queues": "1 of 1 queues: WRONGTYPE"})
    assert assess(partly, PROFILE, NOW).state == "ok"


def test_losses() -> None:
    assert assess_loss(ServerUnreachable("Connection refused"), 1, "h:1") == assess_loss(
        ServerUnreachable("Connection refused (h:1)"), 5, "h:1"
    )
    assert assess_loss(ServerUnreachable("Connection refused"), 1, "h:1").warnings == (
        "offline: Connection refused (h:1)",
    )
    assert [assess_loss(ServerTimeout("no answer"), attempt, "h:1").state for attempt in (1, 2, 3)] == [
        "slow",
        "slow",
        "offline",
    ]
    for refused in (AuthenticationFailed("wrong password"), SecretError("no keyring")):
        assert assess_loss(refused, 1, "h:1").state == "forbidden"
    assert assess_waiting(4.2).warnings == ("no answer: for 4s",)


def test_a_snapshot_grows_stale() -> None:
    fresh = ServerSnapshot("a", PROFILE, Health("ok"), NOW, Series().view, taken_at=NOW, overview=HEALTHY)
    assert not fresh.stale(NOW + 4)
    assert fresh.stale(NOW + 4.1)
    assert fresh.age(NOW - 5) == 0.0
    assert replace(fresh, error=ServerUnreachable("gone")).stale(NOW)
    never = ServerSnapshot("a", PROFILE, Health("connecting"), NOW, Series().view)
    assert never.age(NOW) is None
    assert not never.stale(NOW)


@pytest.mark.parametrize("version", ["².1", "9" * 5_000 + ".1", "-1.0", "8", ""])
def test_a_version_that_is_none_is_compared_with_nothing(version: str) -> None:
    for changed in ({"sidekiq_versions": (version,)}, redis(version=version)):
        assert assess(replace(HEALTHY, **changed), PROFILE, NOW).state == "ok"
