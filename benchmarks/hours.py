"""How much memory does the terminal take after hours of polling? Time runs fast: a poll is two seconds after the last.

Run: python -m benchmarks.hours [HOURS]
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
import tracemalloc

from redis.asyncio import Redis

from benchmarks.common import private_server, resident_bytes
from tests.support.live import Live, live_app

POLL_SECONDS = 2.0
VIEWS = ("g v", "g d", "g q", "g r", "g w", "g e", "g m")
REPORTS = 6


async def measure(url: str, hours: float) -> None:
    """Polls through so many hours of moving data, going from view to view, and prints what it takes."""
    now = time.time()
    client = Redis.from_url(url)
    async with live_app(url, clock=lambda: now) as live:
        polls = int(hours * 3600 / POLL_SECONDS)
        tracemalloc.start()
        print(f"{'hours':>6} {'polls':>7} {'resident':>10} {'Python objects':>15}")
        for number in range(polls + 1):
            if number % (polls // REPORTS) == 0:
                _report(number)
            now += POLL_SECONDS
            await _traffic(client, number, now)
            await live.polled()
            if number % 20 == 0:
                await _walk(live, number // 20)
    await client.aclose()


async def _walk(live: Live, turn: int) -> None:
    await live.pilot.press(*VIEWS[turn % len(VIEWS)].split())
    await live.pilot.pause()


async def _traffic(client: Redis, number: int, now: float) -> None:
    """New jobs, failures, processes that come and go."""
    job = json.dumps({"class": f"Job{number % 50}", "args": [number], "jid": f"{number:024x}", "enqueued_at": now})
    failed = json.dumps({"class": "A", "args": [], "error_class": f"E{number % 30}", "error_message": str(number)})
    identity = f"app-{number // 100}:1:a"
    info = {"hostname": identity, "pid": 1, "concurrency": 5, "queues": ["default"], "version": "8.1.7"}
    pipe = client.pipeline(transaction=False)
    pipe.incrby("stat:processed", 100 + number % 70)
    pipe.incrby("stat:failed", number % 3)
    pipe.sadd("queues", f"queue{number // 50 % 40}")
    pipe.lpush(f"queue:queue{number // 50 % 40}", job)
    pipe.zadd("retry", {failed: now + 60})
    pipe.sadd("processes", identity)
    pipe.hset(identity, mapping={"info": json.dumps(info), "beat": repr(now), "busy": 1, "quiet": "false"})
    pipe.expire(identity, 60)
    pipe.srem("processes", f"app-{number // 100 - 3}:1:a")
    await pipe.execute()


def _report(polls: int) -> None:
    gc.collect()
    objects, _ = tracemalloc.get_traced_memory()
    hours = polls * POLL_SECONDS / 3600
    print(f"{hours:6.2f} {polls:7,} {resident_bytes(os.getpid()) / 1e6:7.0f} MB {objects / 1e6:12.1f} MB", flush=True)


def main() -> None:
    """An hour, or as many as asked for."""
    hours = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    with private_server() as server:
        asyncio.run(measure(f"unix://{server.socket}?db=0", hours))


if __name__ == "__main__":
    main()
