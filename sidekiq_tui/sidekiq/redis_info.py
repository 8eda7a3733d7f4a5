"""The state of the Redis server itself, from the text of INFO (protocol 13.3, 17.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sidekiq_tui.sidekiq.replies import natural, real, text


@dataclass(frozen=True, slots=True)
class RedisInfo:
    """What INFO says; None where the server says nothing. Sizes in bytes, times in seconds."""

    version: str | None = None
    server: str | None = None
    """redis, valkey, dragonfly, keydb."""
    mode: str | None = None
    """standalone, sentinel, cluster."""
    role: str | None = None
    """master or slave (as Redis says it)."""
    run_id: str | None = None
    replication_ids: tuple[str, ...] = ()
    """Of its data's history: the present one, then the one before a failover."""
    uptime: int | None = None
    loading: bool | None = None
    used_memory: int | None = None
    used_memory_peak: int | None = None
    maxmemory: int | None = None
    """0: no limit."""
    maxmemory_policy: str | None = None
    fragmentation: float | None = None
    clients: int | None = None
    blocked_clients: int | None = None
    maxclients: int | None = None
    rejected_connections: int | None = None
    evicted_keys: int | None = None
    rdb_last_bgsave_ok: bool | None = None
    rdb_last_save_at: float | None = None
    rdb_changes: int | None = None
    """Writes since the last snapshot."""
    aof_enabled: bool | None = None
    aof_ok: bool | None = None
    """Last write and last rewrite of the append-only file."""
    master_link_up: bool | None = None
    """On a replica: is its link to the master up."""
    replicas: int | None = None
    databases: Mapping[int, int] = field(default_factory=dict)
    """Keys of each database number that has any."""


def parse_info(reply: object) -> RedisInfo:
    """Reads the text of INFO (all sections or the default ones); lines that make no sense are left out."""
    return _build(_pairs(reply))


def _pairs(reply: object) -> dict[str, str]:
    lines = (text(reply) or "").splitlines()
    pairs = (line.partition(":") for line in lines if not line.startswith("#"))
    return {name.strip(): value.strip() for name, separator, value in pairs if separator}


def _build(said: Mapping[str, str]) -> RedisInfo:
    version, server = _product(said)
    return RedisInfo(
        version=version,
        server=server,
        mode=said.get("redis_mode") or said.get("server_mode") or _cluster_mode(said),
        role=said.get("role") or None,
        run_id=said.get("run_id") or None,
        replication_ids=_replication_ids(said),
        uptime=natural(said.get("uptime_in_seconds")),
        loading=_flag(said.get("loading")),
        used_memory=natural(said.get("used_memory")),
        used_memory_peak=natural(said.get("used_memory_peak")),
        maxmemory=natural(said.get("maxmemory")),
        maxmemory_policy=said.get("maxmemory_policy") or None,
        fragmentation=real(said.get("mem_fragmentation_ratio")),
        clients=natural(said.get("connected_clients")),
        blocked_clients=natural(said.get("blocked_clients")),
        maxclients=natural(said.get("maxclients")),
        rejected_connections=natural(said.get("rejected_connections")),
        evicted_keys=natural(said.get("evicted_keys")),
        rdb_last_bgsave_ok=_is_ok(said.get("rdb_last_bgsave_status")),
        rdb_last_save_at=real(said.get("rdb_last_save_time")),
        rdb_changes=natural(said.get("rdb_changes_since_last_save")),
        aof_enabled=_flag(said.get("aof_enabled")),
        aof_ok=_all_ok(said.get("aof_last_write_status"), said.get("aof_last_bgrewrite_status")),
        master_link_up=_is_up(said.get("master_link_status")),
        replicas=natural(said.get("connected_slaves")),
        databases=_databases(said),
    )


def _product(said: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Version and kind; Valkey and Dragonfly also claim a `redis_version` for old clients (protocol 13.3)."""
    for server in ("valkey", "dragonfly"):
        if version := said.get(f"{server}_version"):
            return version.removeprefix("df-v"), server
    version = said.get("redis_version") or None
    name = said.get("server_name", "").lower()
    return version, name or ("redis" if version else None)


def _cluster_mode(said: Mapping[str, str]) -> str | None:
    return "cluster" if said.get("cluster_enabled") == "1" else None


def _databases(said: Mapping[str, str]) -> dict[int, int]:
    """Key counts from `db0:keys=12,expires=3,...`."""
    found: dict[int, int] = {}
    for name, value in said.items():
        number = natural(name.removeprefix("db")) if name.startswith("db") else None
        keys = natural(value.split(",")[0].removeprefix("keys="))
        if number is not None and keys is not None:
            found[number] = keys
    return found


def _replication_ids(said: Mapping[str, str]) -> tuple[str, ...]:
    """A second one of zeros means that there was no failover."""
    ids = (said.get("master_replid", ""), said.get("master_replid2", ""))
    return tuple(one for one in ids if one.strip("0"))


def _flag(value: str | None) -> bool | None:
    return {"0": False, "1": True}.get(value or "")


def _is_ok(value: str | None) -> bool | None:
    return value == "ok" if value else None


def _all_ok(*values: str | None) -> bool | None:
    known = [value for value in values if value]
    return all(value == "ok" for value in known) if known else None


def _is_up(value: str | None) -> bool | None:
    return value == "up" if value else None
