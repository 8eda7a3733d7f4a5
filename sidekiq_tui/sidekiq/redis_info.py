"""The state of the Redis server itself, from the text of INFO (protocol 13.3, 17.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


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
    uptime: int | None = None
    loading: bool | None = None
    used_memory: int | None = None
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
