"""Jobs for commands that change a server, and what is there afterwards."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import redis

NOW = 1_700_000_000.0


def payload(number: int, klass: str = "Invoice::ChargeJob", queue: str = "default", **more: object) -> bytes:
    """A job that has failed once; all of them differ."""
    return json.dumps(
        {
            "class": klass,
            "jid": f"{number:024x}",
            "queue": queue,
            "args": [number],
            "retry": True,
            "created_at": NOW - 60,
            "retry_count": 1,
            "error_class": "Timeout",
            **more,
        },
        separators=(",", ":"),
    ).encode()


def fill_set(client: redis.Redis, name: str, jobs: list[bytes]) -> list[bytes]:
    """Jobs in a set, one a second; the same list."""
    client.zadd(name, {job: NOW + number for number, job in enumerate(jobs)})
    return jobs


def fill_queue(client: redis.Redis, name: str, jobs: list[bytes]) -> list[bytes]:
    """Jobs in a queue, the first one to run first; the same list."""
    client.sadd("queues", name)
    client.lpush(f"queue:{name}", *jobs)
    return jobs


def job_counts(client: redis.Redis) -> Counter[bytes]:
    """Every payload on the server and how often it is there: in sets, queues and sqtui's own keys."""
    found: Counter[bytes] = Counter()
    for _, members in _lists(client):
        found.update(members)
    return found


def _lists(client: Any) -> Iterator[tuple[bytes, list[bytes]]]:
    own = [key for key in client.keys("sqtui:*") if key not in (b"sqtui:trash", b"sqtui:ops")]
    for key in [b"retry", b"schedule", b"dead", *client.keys("queue:*"), *own]:
        match client.type(key):
            case b"list":
                yield key, client.lrange(key, 0, -1)
            case b"zset":
                yield key, client.zrange(key, 0, -1)
