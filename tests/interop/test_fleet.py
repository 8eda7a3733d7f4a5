"""One Ruby and one Python process on one Redis: every job is accounted for, whoever runs and retries it."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import Counter
from typing import Any

from sidekiq_tui.sidekiq.client import Client
from sidekiq_tui.sidekiq.database import Database
from tests.support.ruby import Ruby
from tests.support.worker_process import started
from tests.support.workers import until

JOBS = int(os.environ.get("SQTUI_FLEET_JOBS", "600"))

FLEET = """
class FleetJob
  include JOB
  def perform(number, failures)
    raise "ruby" if redis("HINCRBY", "runs", jid, 1) <= failures
    redis("RPUSH", "done", jid)
    redis("INCR", "by ruby")
  end
end
"""


def _failures(number: int) -> int:
    """Of ten jobs one fails once, one twice and one thrice."""
    return max(0, number % 10 - 6)


async def test_a_mixed_fleet_loses_and_doubles_nothing(ruby: Ruby, redis_url: str, raw: Any, db: Database) -> None:
    """SQTUI_FLEET_JOBS is the number of jobs (600)."""
    client = Client(db, time_form="milliseconds" if ruby.release >= (8,) else "seconds")
    lists = [[number, _failures(number)] for number in range(JOBS)]
    times = _Retries(raw)
    with (
        ruby.worker(redis_url, FLEET, concurrency=3, poll=0.3, beat=0.5) as worker,
        started(redis_url, version=ruby.version, concurrency=3, poll_interval=0.3),
    ):
        await worker.until(lambda: _size(raw.scard("processes"), 2))
        jids = {str(jid) for jid in await client.push_bulk({"class": "FleetJob", "args": lists})}
        watching = asyncio.create_task(times.watch())
        deadline = time.monotonic() + 30 + JOBS / 50
        while not await _size(raw.llen("done"), JOBS):
            assert time.monotonic() < deadline, "the fleet does not get on"
            assert worker.process.poll() is None
            await asyncio.sleep(0.1)
        watching.cancel()
        await until(lambda: _counted(raw, JOBS + sum(failures for _, failures in lists)))
    done = Counter(one.decode() for one in await raw.lrange("done", 0, -1))
    assert done == Counter(jids), "each is done once"
    runs = {jid.decode(): int(count) for jid, count in (await raw.hgetall("runs")).items()}
    assert sum(runs.values()) == JOBS + sum(failures for _, failures in lists), "none ran twice"
    assert Counter(runs.values()) == Counter(failures + 1 for _, failures in lists)
    assert [await raw.zcard(name) for name in ("retry", "dead", "schedule")] == [0, 0, 0]
    assert await raw.llen("queue:default") == 0
    assert int(await raw.get("stat:failed")) == sum(failures for _, failures in lists)
    shares = [int(await raw.get(f"by {language}") or 0) for language in ("ruby", "python")]
    assert min(shares) > 0
    times.check(JOBS // 10, ruby.release >= (8,))


class _Retries:
    """Looks at what waits to be retried, and lets it be due at once."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self.delays: dict[tuple[str, int], list[float]] = {}
        self._seen: set[tuple[str, int]] = set()

    async def watch(self) -> None:
        while True:
            waiting = await self._raw.zrangebyscore("retry", 1, "+inf", withscores=True)
            for member, score in waiting:
                self._note(json.loads(member), score)
            if waiting:  # XX: what has been taken meanwhile does not come back
                await self._raw.zadd("retry", {member: 0 for member, _ in waiting}, xx=True)
            await asyncio.sleep(0.05)

    def _note(self, payload: dict[str, Any], score: float) -> None:
        at = payload.get("retried_at") or payload["failed_at"]
        since = at / 1000 if isinstance(at, int) else at
        found = self.delays.setdefault((payload["error_message"], payload["retry_count"]), [])
        assert (payload["jid"], payload["retry_count"]) not in self._seen
        self._seen.add((payload["jid"], payload["retry_count"]))
        found.append(score - since)

    def check(self, least: int, newer: bool) -> None:
        """Both languages wait as long as Sidekiq's formula says: 15, 16, 31 seconds and the jitter."""
        for (language, count), delays in self.delays.items():
            base = count**4 + 15
            assert base - 0.1 < min(delays), (language, count)
            assert max(delays) < base + (10 * (count + 1) if newer else 9 * (count + 1)) + 0.5, (language, count)
        assert {language for language, _ in self.delays} == {"ruby", "python"}
        first = [delays for (_, count), delays in sorted(self.delays.items()) if count == 0]
        assert sum(len(delays) for delays in first) == 3 * least
        means = [sum(delays) / len(delays) for delays in first]
        assert abs(means[0] - means[1]) < 5


async def _size(asked: Any, size: int) -> bool:
    return bool(await asked == size)


async def _counted(raw: Any, runs: int) -> bool:
    return int(await raw.get("stat:processed") or 0) == runs
