"""What the demo's newest server has besides jobs: profiles of runs, and the traces of a paid edition and of gems.

Only what is publicly known of Pro's and Enterprise's keys is written (protocol sections 9 and 11).
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Final

from sidekiq_tui.demo.jobs import JobKind
from sidekiq_tui.demo.measures import Command, Word
from sidekiq_tui.demo.payloads import dumps, jid
from sidekiq_tui.sidekiq.keys import Keys

RELIABLE: Final = "reliable"
"""The label of processes with Pro's super_fetch."""
_DAY: Final = 86_400.0  # seconds
_BATCH_TTL: Final = 30 * _DAY
_TOKENS: Final = ("slow", "perf", "anna", "before-deploy", "after-deploy", "perf")
_FRAMES: Final = ("perform", "charge!", "post", "request", "read", "parse", "render", "find_each", "save!", "commit")
_SAMPLES: Final = 4_000
_BATCHES: Final = (
    ("Newsletter 2026-11", 48_000, 12_310, 0, False),
    ("Import of ACME's catalogue", 310, 57, 2, True),
    ("Month-end invoices", 1_204, 0, 0, False),
    ("Reindex of products", 9_400, 9_391, 0, False),
    ("", 12, 3, 0, False),
)
_SCHEDULES: Final = (
    ("nightly-report", "Reports::NightlyJob", "15 3 * * *", "enabled", 14_000),
    ("expire-carts", "Carts::ExpireJob", "*/10 * * * *", "enabled", 240),
    ("sync-stock", "Stock::SyncJob", "*/5 * * * *", "disabled", 400_000),
)


def profiles(keys: Keys, kinds: Sequence[JobKind], rng: Random, now: float) -> Iterator[Command]:
    """A few profiles of the last hours, as Sidekiq 8 stores them."""
    for number, token in enumerate(_TOKENS):
        kind, run = kinds[number % len(kinds)], jid(rng)
        age = 600 + number * rng.uniform(3_000, 9_000)
        elapsed = kind.mean * rng.uniform(1.5, 6)
        data = gzip.compress(dumps(_profile(kind.metric, elapsed, now - age, rng)), mtime=0)
        key = f"{token}-{run}"
        yield ("ZADD", keys.profiles, repr(now - age + _DAY), key)
        fields: list[Word] = ["started_at", int(now - age), "token", token, "type", kind.metric, "jid", run]
        fields += ["filename", f"{key}.json.gz", "elapsed", repr(round(elapsed, 3)), "size", len(data), "data", data]
        if number == 1:
            fields += ["sid", base64.urlsafe_b64encode(rng.randbytes(18)).decode()]
        yield ("HSET", keys.profile(key), *fields)
        yield ("EXPIRE", keys.profile(key), int(_DAY - age))


def _profile(name: str, elapsed: float, began: float, rng: Random) -> dict[str, object]:
    """A small profile in the form that the Firefox Profiler reads: one thread, stacks of random depth."""
    names = [f"{name}#perform", *_FRAMES]
    depth = len(_FRAMES)
    samples = [min(depth - 1, int(rng.expovariate(0.4))) for _ in range(_SAMPLES)]
    times = [round(elapsed * 1000 * index / _SAMPLES, 3) for index in range(_SAMPLES)]
    stacks = {
        "schema": {"prefix": 0, "frame": 1},
        "data": [[None if frame == 0 else frame - 1, frame] for frame in range(depth)],
    }
    return {
        "meta": {"version": 24, "product": "sidekiq", "interval": 1, "startTime": int(began * 1000), "stackwalk": 1},
        "libs": [],
        "threads": [
            {
                "name": name,
                "tid": 1,
                "pid": 1,
                "processType": "default",
                "stringTable": names,
                "frameTable": {"schema": {"location": 0}, "data": [[frame] for frame in range(depth)]},
                "stackTable": stacks,
                "samples": {
                    "schema": {"stack": 0, "time": 1},
                    "data": [list(pair) for pair in zip(samples, times, strict=True)],
                },
                "markers": {"schema": {"name": 0, "time": 1, "data": 2}, "data": []},
            }
        ],
    }


def traces(keys: Keys, rng: Random, now: float) -> Iterator[Command]:
    """Batches as Pro leaves them, and the schedule of sidekiq-cron."""
    for number, (description, total, pending, died, stuck) in enumerate(_BATCHES):
        bid = base64.urlsafe_b64encode(rng.randbytes(10)).decode().rstrip("=")
        created = now - 900 - number * 7_000
        fields: list[Word] = ["created_at", int(created * 1000), "total", total, "pending", pending, "kids", 0]
        fields += ["callbacks", dumps({"success": [{"Done": {}}]} if number % 2 else {"complete": [{"Done": {}}]})]
        if description:
            fields += ["description", description]
        yield ("HSET", keys.batch(bid), *fields)
        yield ("EXPIRE", keys.batch(bid), int(_BATCH_TTL))
        yield ("ZADD", keys.batches, repr(created + _BATCH_TTL), bid)
        if stuck or died:
            yield ("SADD", keys.died_batches, bid)
    for name, klass, cron, status, age in _SCHEDULES:
        key = f"cron_job:default:{name}"
        yield ("SADD", keys.cron_jobs[0], key)
        stamp = _stamp(now - age)
        yield (
            "HSET", keys.cron_job(key), "name", name, "namespace", "default", "klass", klass, "cron", cron,
            "status", status, "last_enqueue_time", stamp,
        )  # fmt: skip


def join(keys: Keys, identity: str, queues: Sequence[str], held: Sequence[tuple[str, bytes]]) -> Iterator[Command]:
    """What a process with super_fetch says of itself, and the jobs it holds: (queue, payload)."""
    yield ("SADD", keys.super_processes, identity)
    lists = {queue: keys.private_queue(identity, queue) for queue in queues}
    yield ("SADD", keys.super_queues(identity), *lists.values())
    yield ("UNLINK", *lists.values())
    for queue, payload in held:
        if queue in lists:
            yield ("LPUSH", lists[queue], payload)


def part(keys: Keys, identity: str, queues: Sequence[str]) -> Iterator[Command]:
    """Takes that away again at a graceful stop."""
    lists = (keys.private_queue(identity, queue) for queue in queues)
    yield ("UNLINK", keys.super_queues(identity), *lists)
    yield ("SREM", keys.super_processes, identity)


def _stamp(at: float) -> str:
    """A time as sidekiq-cron writes it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S +0000")
