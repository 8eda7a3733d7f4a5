"""INFO of the servers that Sidekiq runs on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidekiq_tui.sidekiq.errors import Forbidden
from sidekiq_tui.sidekiq.redis_info import RedisInfo, parse_info

REDIS_7 = b"""# Server\r
redis_version:7.0.15\r
redis_mode:standalone\r
run_id:8e19ade9\r
uptime_in_seconds:86400\r
\r
# Clients\r
connected_clients:12\r
maxclients:10000\r
blocked_clients:3\r
# Memory\r
used_memory:1048576\r
used_memory_peak:2097152\r
maxmemory:0\r
maxmemory_policy:noeviction\r
mem_fragmentation_ratio:1.25\r
# Persistence\r
loading:0\r
rdb_changes_since_last_save:5\r
rdb_last_save_time:1795314142\r
rdb_last_bgsave_status:ok\r
aof_enabled:1\r
aof_last_bgrewrite_status:ok\r
aof_last_write_status:err\r
# Stats\r
rejected_connections:0\r
evicted_keys:7\r
# Replication\r
role:slave\r
master_link_status:down\r
connected_slaves:0\r
# Keyspace\r
db0:keys=120,expires=3,avg_ttl=0\r
db3:keys=1,expires=0,avg_ttl=0\r
"""


def test_redis() -> None:
    assert parse_info(REDIS_7) == RedisInfo(
        version="7.0.15",
        server="redis",
        mode="standalone",
        role="slave",
        run_id="8e19ade9",
        uptime=86400,
        loading=False,
        used_memory=1048576,
        used_memory_peak=2097152,
        maxmemory=0,
        maxmemory_policy="noeviction",
        fragmentation=1.25,
        clients=12,
        blocked_clients=3,
        maxclients=10000,
        rejected_connections=0,
        evicted_keys=7,
        rdb_last_bgsave_ok=True,
        rdb_last_save_at=1795314142.0,
        rdb_changes=5,
        aof_enabled=True,
        aof_ok=False,
        master_link_up=False,
        replicas=0,
        databases={0: 120, 3: 1},
    )


def test_valkey_claims_an_old_redis_version() -> None:
    info = parse_info(b"redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.1\r\nserver_mode:cluster\r\n")
    assert (info.server, info.version, info.mode) == ("valkey", "8.1.1", "cluster")


def test_dragonfly() -> None:
    info = parse_info(b"redis_version:7.4.0\r\ndragonfly_version:df-v1.27.1\r\n")
    assert (info.server, info.version) == ("dragonfly", "1.27.1")


def test_a_cluster_without_a_mode() -> None:
    assert parse_info(b"cluster_enabled:1").mode == "cluster"
    assert parse_info(b"cluster_enabled:0").mode is None


def test_an_empty_policy_is_unknown() -> None:
    assert parse_info(b"maxmemory_policy:\r\n").maxmemory_policy is None


@pytest.mark.parametrize(
    "reply", [None, b"", 5, [], Forbidden("no", command="INFO"), b"\xff\xfe:\x00\r\nused_memory:lots\r\ndbx:keys=1"]
)
def test_what_is_no_info_says_nothing(reply: object) -> None:
    assert parse_info(reply) == RedisInfo()


@given(st.binary())
def test_any_bytes(reply: bytes) -> None:
    parse_info(reply)
