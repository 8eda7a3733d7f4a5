"""Puts recorded Sidekiq data into a server."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, Final

import redis

FIXTURES: Final = Path(__file__).parent.parent / "fixtures"
VERSIONS: Final = ("6.4.1", "7.3.10", "8.1.7")


def load(dump: Path, client: redis.Redis, *, ttl: bool = False, prefix: str = "") -> int:
    """Loads a dump.json; `ttl` restores expirations, `prefix` is a redis-namespace. Returns the number of keys."""
    keys: dict[str, Any] = json.loads(dump.read_text("utf-8"))["keys"]
    pipe = client.pipeline(transaction=False)
    namespace = f"{prefix}:" if prefix else ""
    for name, item in keys.items():
        key = (namespace + name).encode()
        _queue_writes(pipe, key, item["type"], item["value"])
        if ttl and item["ttl_ms"] > 0:
            pipe.pexpire(key, item["ttl_ms"])
    pipe.execute()
    return len(keys)


def _queue_writes(pipe: Any, key: bytes, kind: str, value: Any) -> None:
    if kind == "string":
        pipe.set(key, _bytes(value))
    elif kind == "list":
        for start in range(0, len(value), 500):
            pipe.rpush(key, *[_bytes(entry) for entry in value[start : start + 500]])
    elif kind == "set":
        pipe.sadd(key, *[_bytes(entry) for entry in value])
    elif kind == "zset":
        for member, score in value:
            pipe.execute_command("ZADD", key, score, _bytes(member))
    elif kind == "hash":
        pairs = [part for field, entry in value.items() for part in (field.encode(), _bytes(entry))]
        pipe.execute_command("HSET", key, *pairs)
    else:
        raise ValueError(f"unknown type {kind!r} in the dump")


def _bytes(value: Any) -> bytes:
    return base64.b64decode(value["base64"]) if isinstance(value, dict) else str(value).encode()
