"""Ruby's own API and Web pages read our processes, work and jobs; its answers on the same data are ours."""

from __future__ import annotations

import asyncio
import json
import re
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from sidekiq_tui.sidekiq.client import Client
from sidekiq_tui.sidekiq.client_payload import WrittenTime
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.history import read_history
from sidekiq_tui.sidekiq.job_class import Job
from sidekiq_tui.sidekiq.metrics import for_job, top_jobs
from sidekiq_tui.sidekiq.process import read_processes
from sidekiq_tui.sidekiq.stats import read_stats
from sidekiq_tui.sidekiq.work import read_work
from sidekiq_tui.sidekiq.worker.config import CapsuleConfig, WorkerConfig
from sidekiq_tui.sidekiq.worker.heartbeat import Heartbeat
from sidekiq_tui.sidekiq.worker.launcher import Worker
from sidekiq_tui.sidekiq.worker.processor import Counters
from tests.support.ruby import Ruby
from tests.support.workers import quick, running, until

CAPSULES = (
    CapsuleConfig(concurrency=3, queues=(("critical", 3), ("default", 1))),
    CapsuleConfig("single", 1, (("low", 0),)),
)


class Waits(Job):
    go: asyncio.Event

    async def perform(self, *args: Any) -> None:
        await Waits.go.wait()


class Works(Job):
    async def perform(self, *args: Any) -> None:
        await asyncio.sleep(0.03)


class Fails(Job):
    async def perform(self, *args: Any) -> None:
        raise ValueError("wröng <size>")


@pytest.fixture(autouse=True)
def _fresh() -> None:
    Waits.go = asyncio.Event()


def _form(ruby: Ruby) -> WrittenTime:
    return "milliseconds" if ruby.release >= (8,) else "seconds"


def _config(ruby: Ruby) -> WorkerConfig:
    return quick(version=ruby.version, timeout=0.2, capsules=CAPSULES, tag="shop é", labels=("python", "blue"))


async def _busy_fleet(client: Client, raw: Any, worker: Worker) -> None:
    """Two jobs run, nine have run (three of them failed), one is dead, one waits in a queue, one for its time."""
    for name in ("default", "low"):
        await client.push({"class": "Waits", "args": [name, {"é": 1.5}], "queue": name})
    await client.push_bulk({"class": "Works", "args": [[number] for number in range(6)], "queue": "critical"})
    await client.push_bulk({"class": "Fails", "args": [[number] for number in range(2)], "backtrace": True})
    await client.push({"class": "Fails", "args": ["last"], "retry": 0, "backtrace": True, "tags": ["eu"]})
    await client.push({"class": "Works", "args": [7], "queue": "waiting"})
    await client.push({"class": "Works", "args": [8], "at": time.time() + 3600})
    await until(lambda: _processed(raw, 9))
    await until(lambda: _busy(raw, worker.identity, b"2"))


async def _processed(raw: Any, count: int) -> bool:
    return int(await raw.get("stat:processed") or 0) == count


async def _busy(raw: Any, identity: str, count: bytes) -> bool:
    return bool(await raw.hget(identity, "busy") == count)


READ = """
recent = Sidekiq::VERSION >= "7"
processes = Sidekiq::ProcessSet.new.map { |process|
  newer = recent ? [process.version, process.embedded?, process.stopping?] : []
  [process.identity, process["hostname"], process["pid"], process.tag, process.labels,
   process.respond_to?(:queues) ? process.queues.sort : process["queues"].sort, process["started_at"],
   process["concurrency"].to_i, process["busy"], process["beat"].to_f, process["quiet"], process["rss"].to_i, *newer]
}
weights = recent ? Sidekiq::ProcessSet.new.map { |process| process.weights } : []
capsules = Sidekiq::VERSION >= "8.0.9" ? Sidekiq::ProcessSet.new.map { |process| process.capsules } : []
work = (recent ? Sidekiq::WorkSet : Sidekiq::Workers).new.map { |process, thread, work|
  if recent
    [process, thread, work.queue, work.run_at.to_f, work.job.jid, work.job.klass, work.job.args]
  else
    job = work["payload"]
    [process, thread, work["queue"], work["run_at"], job["jid"], job["class"], job["args"]]
  end
}
stats = Sidekiq::Stats.new
numbers = [stats.processed, stats.failed, stats.scheduled_size, stats.retry_size, stats.dead_size, stats.enqueued,
           stats.processes_size, stats.workers_size]
history = Sidekiq::Stats::History.new(3, Time.at(GIVEN["now"]).utc.to_date)
answer({ processes: processes, weights: weights, capsules: capsules, work: work, stats: numbers, queues: stats.queues,
         latency: stats.default_queue_latency, size: Sidekiq::ProcessSet.new.size,
         total: recent ? [Sidekiq::ProcessSet.new.total_concurrency, Sidekiq::ProcessSet.new.total_rss] : [],
         history: [history.processed, history.failed] })
"""


async def test_rubys_api_answers_what_ours_does(ruby: Ruby, redis_url: str, raw: Any, db: Database) -> None:
    now = time.time()
    async with running(redis_url, Waits, Works, Fails, config=_config(ruby)) as worker:
        await _busy_fleet(Client(db, time_form=_form(ruby)), raw, worker)
        said = await asyncio.to_thread(ruby.run, redis_url, READ, now=now)
        (ours,) = await read_processes(db, time.time())
        ((*names, started_at, concurrency, busy, beat, quiet, rss),) = [one[:12] for one in said["processes"]]
        assert names == [ours.identity, ours.hostname, ours.pid, ours.tag, list(ours.labels), sorted(ours.queues)]
        assert (started_at, concurrency, busy, quiet) == (ours.started_at, 4, 2, "false")
        assert ours.concurrency == 4
        assert abs(beat - (ours.beat or 0)) < 30
        assert rss * 1024 == pytest.approx(ours.rss, rel=0.5)
        if ruby.release >= (7,):
            assert said["processes"][0][12:] == [ruby.version, False, False]
            one_each = [{"critical": 3, "default": 1}, {"low": 0}]
            assert said["weights"] == [one_each if ruby.release < (8,) else {"critical": 3, "default": 1, "low": 0}]
            assert said["total"][0] == 4
        if ruby.release >= (8, 0, 9):
            assert said["capsules"] == [
                {
                    "default": {"concurrency": 3, "mode": "weighted", "weights": {"critical": 3, "default": 1}},
                    "single": {"concurrency": 1, "mode": "strict", "weights": {"low": 0}},
                }
            ]
            assert [(one.name, one.concurrency, one.mode) for one in ours.capsules] == [
                ("default", 3, "weighted"),
                ("single", 1, "strict"),
            ]
        work = await read_work(db, [worker.identity])
        assert len(work) == 2
        assert sorted(said["work"]) == sorted(
            [one.identity, one.tid, one.queue, one.run_at, one.job.jid, one.job.klass, one.job.args] for one in work
        )
        stats = await read_stats(db, now)
        assert said["stats"] == [9, 3, 1, 2, 1, 1, 1, 2]
        assert said["stats"] == [
            *(stats.processed, stats.failed, stats.scheduled_size, stats.retry_size),
            *(stats.dead_size, stats.enqueued, stats.processes_size, stats.workers_size),
        ]
        assert said["queues"] == dict(stats.queues)
        assert said["size"] == 1
        history = await read_history(db, 3, datetime.fromtimestamp(now, UTC).date())
        assert said["history"] == [
            {str(day.date): day.processed for day in history.days},
            {str(day.date): day.failed for day in history.days},
        ]
        assert sum(said["history"][0].values()) in (0, 9)  # 0 if midnight has come
        Waits.go.set()
    gone = ruby.run(redis_url, READ, now=now)
    assert (gone["processes"], gone["work"], gone["stats"][:2]) == ([], [], [11, 3])


METRICS = """
require "sidekiq/metrics/query"
query = Sidekiq::Metrics::Query.new(now: Time.at(GIVEN["now"]))
top = query.top_jobs(minutes: 60)
one = query.for_job("Works", minutes: 60).job_results["Works"]
answer([top.job_results.to_h { |name, found| [name, [found.totals["p"], found.totals["f"], found.totals["ms"].to_i]] },
        [one.totals["p"], one.totals["f"].to_i, one.totals["ms"].to_i],
        one.series["p"].values.sum, one.hist.values.reduce { |a, b| a.zip(b).map(&:sum) }])
"""


async def test_rubys_metrics_are_ours(ruby: Ruby, redis_url: str, raw: Any, db: Database) -> None:
    if ruby.release < (7,):
        pytest.skip(f"Sidekiq {ruby.version} has no metrics")
    client = Client(db, time_form=_form(ruby))
    async with running(redis_url, Works, Fails, config=_config(ruby)):
        await client.push_bulk({"class": "Works", "args": [[number] for number in range(6)]})
        await client.push_bulk({"class": "Fails", "args": [[number] for number in range(2)], "backtrace": True})
        await until(lambda: _processed(raw, 8))
    now = time.time()
    top, (processed, failed, ms), in_series, histogram = ruby.run(redis_url, METRICS, now=now)
    ours, one = await top_jobs(db, now, minutes=60), (await for_job(db, "Works", now, minutes=60)).jobs["Works"]
    assert top == {name: [job.processed, job.failed, job.ms] for name, job in ours.jobs.items()}
    assert {name: counts[:2] for name, counts in top.items()} == {"Works": [6, 0], "Fails": [2, 2]}
    assert (processed, failed, ms, in_series) == (one.processed, one.failed, one.ms, 6)
    assert 6 * 30 <= ms < 6 * 2000
    assert histogram == [sum(counts) for counts in zip(*one.histogram.values(), strict=True)][::-1]
    assert sum(histogram) == 6


PAGES = """
begin
  require "rack"
  require "rack/mock"
  require "sidekiq/web"
rescue LoadError => error
  answer("no Web here: " + error.message)
  exit
end
answer(GIVEN["paths"].to_h { |path|
  asked = Rack::MockRequest.env_for(path, "rack.session" => { csrf: "x" * 32 })
  status, _, body = Sidekiq::Web.call(asked)
  page = +""
  body.each { |part| page << part }
  [path, [status, page.force_encoding("UTF-8")]]
})
"""


async def test_rubys_web_shows_us(ruby: Ruby, redis_url: str, raw: Any, db: Database) -> None:
    async with running(redis_url, Waits, Works, Fails, config=_config(ruby)) as worker:
        await _busy_fleet(Client(db, time_form=_form(ruby)), raw, worker)
        (ours,) = await read_processes(db, time.time())
        jids = {str(one.job.jid) for one in await read_work(db, [worker.identity])}
        keys = {name: await _web_key(raw, name) for name in ("retry", "schedule", "dead")}
        expected: dict[str, list[str]] = {
            "/": ["9", "3"],
            "/busy": [ours.identity, "shop é", "critical", "python", *jids, "Waits"],
            "/queues": ["critical", "default", "low"],
            "/queues/waiting": ["waiting", "Works", "7"],
            "/retries": ["Fails", "ValueError: wröng &lt;size&gt;", "default"],
            f"/retries/{keys['retry']}": ["Fails", "ValueError", "test_api.py", "wröng &lt;size&gt;"],
            "/scheduled": ["Works", "8"],
            f"/scheduled/{keys['schedule']}": ["Works"],
            "/morgue": ["Fails", "ValueError", "eu"],
            f"/morgue/{keys['dead']}": ["ValueError", "test_api.py"],
            "/stats": ['"processed":9', '"failed":3', '"busy":2', '"retries":2'],
        }
        if ruby.release >= (7,):
            expected["/metrics"] = ["Works", "Fails"]
            expected["/metrics/Works"] = ["Works"]
        said = await asyncio.to_thread(ruby.run, redis_url, PAGES, paths=list(expected))
        Waits.go.set()
    if isinstance(said, str):
        pytest.skip(said)
    for path, words in expected.items():
        status, page = said[path]
        assert status == 200, (path, page[:300])
        shown = page.replace("&quot;", '"').replace("&#39;", "'")
        assert [word for word in words if word not in shown] == [], path


async def _web_key(raw: Any, name: str) -> str:
    """How Web's addresses name an entry: its score, a dash, its jid."""
    ((member, score), *_) = await raw.zrange(name, 0, 0, withscores=True)
    found = re.search(rb'"jid":"(\w+)"', member)
    assert found is not None
    return f"{score!r}-{found[1].decode()}"


async def test_ruby_obeys_our_signals(ruby: Ruby, redis_url: str, raw: Any, db: Database) -> None:
    with ruby.worker(redis_url, "", beat=0.2) as worker:
        (process,) = await worker.until(lambda: read_processes(db, time.time()))
        theirs = json.loads(await raw.hget(process.identity, "info"))
        ours = json.loads(Heartbeat(_config(ruby), db, "a:1:b", Counters(), quiet=bool)._info)
        assert theirs.keys() <= ours.keys()
        assert {name: type(value) for name, value in theirs.items()} == {name: type(ours[name]) for name in theirs}
        await raw.lpush(db.keys.signals(process.identity), "TSTP")
        await worker.until(lambda: _quiet(db))
        await raw.lpush(db.keys.signals(process.identity), "TERM")
        await until(lambda: worker.process.poll() is not None)
    assert await raw.smembers("processes") == set()


async def _quiet(db: Database) -> bool:
    return [process.quiet for process in await read_processes(db, time.time())] == [True]


async def test_we_obey_rubys_signals(ruby: Ruby, redis_url: str, raw: Any, db: Database) -> None:
    async with running(redis_url, Waits, config=_config(ruby)) as worker:
        await until(lambda: read_processes(db, time.time()))
        await asyncio.to_thread(ruby.run, redis_url, "Sidekiq::ProcessSet.new.each(&:dump_threads)")
        await asyncio.to_thread(ruby.run, redis_url, "Sidekiq::ProcessSet.new.each(&:quiet!)")
        await until(lambda: _quiet(db))
        said = await asyncio.to_thread(
            ruby.run, redis_url, "answer(Sidekiq::ProcessSet.new.map { |process| process.stopping? })"
        )
        assert said == [True]
        await asyncio.to_thread(ruby.run, redis_url, "Sidekiq::ProcessSet.new.each(&:stop!)")
        await until(lambda: worker._stop.is_set())
        await until(lambda: _gone(raw))


async def _gone(raw: Any) -> bool:
    return not await raw.exists("processes")
