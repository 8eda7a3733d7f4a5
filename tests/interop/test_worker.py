"""Our worker runs what Ruby pushed, and what it leaves behind is what Ruby's would have left."""

from __future__ import annotations

import asyncio
import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from sidekiq_tui.sidekiq.client import Client
from sidekiq_tui.sidekiq.client_payload import WrittenTime
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.job_class import Job, ServerChain
from sidekiq_tui.sidekiq.worker.config import CapsuleConfig, WorkerConfig
from tests.support.ruby import Ruby
from tests.support.workers import quick, running, until

JID = "0123456789abcdef01234567"
ARGS: list[Any] = [1, 2.5, -0.0, "ü/<>\u2028", None, True, {"a": [1, {}], "b": []}, 12345678901234567890, 1e100, ""]


class ArgumentError(Exception):
    """Named as in Ruby."""


class ReportJob(Job):
    """Keeps what it was given."""

    ran: list[tuple[str, str]] = []  # noqa: RUF012  # jid and repr of the arguments, which tells 1 from 1.0 and True

    async def perform(self, *args: Any) -> None:
        ReportJob.ran.append((self.jid, repr(list(args))))


class FailsJob(Job):
    def perform(self, *args: Any) -> None:
        raise ArgumentError("wröng\nsize")


class Wrapper(ReportJob):
    sidekiq_class = "Sidekiq::ActiveJob::Wrapper"


@pytest.fixture(autouse=True)
def _fresh() -> None:
    ReportJob.ran.clear()


def _form(ruby: Ruby) -> WrittenTime:
    return "milliseconds" if ruby.release >= (8,) else "seconds"


def _config(ruby: Ruby, **changes: Any) -> WorkerConfig:
    return quick(version=ruby.version, **changes)


REPORT = """
class ReportJob
  include JOB
  sidekiq_options tags: ["eu", "été"], retry: 7
end
arguments = [{ "job_class" => "MailJob", "job_id" => "x", "queue_name" => "default", "arguments" => GIVEN["args"],
               "executions" => 0, "locale" => "en", "timezone" => "UTC", "enqueued_at" => "2026-11-22T07:00:00.123Z" }]
jids = [ReportJob.perform_async(*GIVEN["args"]),
        ReportJob.perform_in(0.5, *GIVEN["args"]),
        ReportJob.set(queue: "low").perform_async(*GIVEN["args"]),
        *(Sidekiq::VERSION < "6.3" ? [] : ReportJob.perform_bulk([GIVEN["args"]] * 3))]
active = Sidekiq::Client.push("class" => "Sidekiq::ActiveJob::Wrapper", "wrapped" => "MailJob", "args" => arguments)
answer([jids, active, arguments])
"""


async def test_python_runs_what_ruby_pushed(ruby: Ruby, redis_url: str, raw: Any) -> None:
    jids, active, arguments = ruby.run(redis_url, REPORT, args=ARGS)
    seen: dict[str, Mapping[str, Any]] = {}

    async def keep(job: Job, payload: Mapping[str, Any], queue: str, call_next: Any) -> object:
        seen[job.jid] = payload
        assert payload["queue"] == queue
        return await call_next()

    config = _config(ruby, capsules=_capsule("default", "low"))
    async with running(redis_url, ReportJob, Wrapper, config=config, middleware=ServerChain(keep)):
        await until(lambda: len(ReportJob.ran) == len(jids) + 1)
    assert dict(ReportJob.ran) == {**dict.fromkeys(jids, repr(ARGS)), active: repr(arguments)}
    assert len(ReportJob.ran) == len(jids) + 1
    assert await raw.zcard("retry") == await raw.zcard("dead") == 0
    times = int if ruby.release >= (8,) else float
    for jid in jids:
        assert [type(seen[jid][name]) for name in ("created_at", "enqueued_at")] == [times, times]
        assert (seen[jid]["tags"], seen[jid]["retry"]) == (["eu", "été"], 7)
        assert "at" not in seen[jid]


UNKNOWN = "a class that nobody has"
FAILURES: dict[str, dict[str, Any]] = {
    "the first failure": {"backtrace": 2, "tags": ["eu"]},
    "no backtrace is kept": {},
    "the second failure": {"retry_count": 0, "failed_at": 0, "error_class": "Old", "error_message": "old"},
    "the last failure": {"retry": 3, "retry_count": 2, "failed_at": 0, "retried_at": 0, "backtrace": True},
    "no retries": {"retry": 0},
    "another queue for retries": {"retry_queue": "low"},
    UNKNOWN: {"class": "No::Such"},
    "a class that wraps another": {"wrapped": "MailJob", "args": [{"job_class": "MailJob", "arguments": []}]},
}

FAILS = """
class FailsJob
  include JOB
  def perform(*) = raise(ArgumentError, "wröng\\nsize")
end
"""
READ = """
def read(set)
  set.map { |entry|
    trace = entry.error_backtrace
    [entry.klass, entry.args, entry.display_class, entry.display_args, entry.queue, entry.jid, entry.at.to_f,
     entry["error_class"], entry["error_message"], trace, entry["retry_count"],
     (entry.created_at || entry.enqueued_at).to_f, entry["failed_at"], entry["retried_at"]]
  }
end
answer([read(Sidekiq::RetrySet.new), read(Sidekiq::DeadSet.new)])
"""


async def _failed(raw: Any, count: int = 1) -> dict[str, tuple[str, dict[str, Any], float]] | None:
    """By jid where each failed job is, its payload and its score; None until all are there."""
    found = [(name, one) for name in ("retry", "dead") for one in await raw.zrange(name, 0, -1, withscores=True)]
    read = {(payload := json.loads(one))["jid"]: (name, payload, score) for name, (one, score) in found}
    assert len(read) == len(found) <= count
    return read if len(read) == count else None


def _since(payload: Mapping[str, Any], score: float) -> float:
    at = payload.get("retried_at") or payload["failed_at"]
    return score - (at / 1000 if isinstance(at, int) else float(at))


async def test_what_fails_is_left_as_ruby_leaves_it(ruby: Ruby, redis_url: str, raw: Any, db: Database) -> None:
    form = _form(ruby)
    items = []
    for number, given in enumerate(FAILURES.values()):
        item = {"class": "FailsJob", "args": ARGS, "jid": f"{number:024x}", **given}
        for name in ("failed_at", "retried_at"):
            if name in item:
                item[name] = 1_795_314_150_250 if form == "milliseconds" else 1_795_314_150.25
        items.append(item)
    client = Client(db, time_form=form)
    await _push_all(client, items)
    with ruby.worker(redis_url, FAILS) as worker:
        theirs = await worker.until(lambda: _failed(raw, len(items)))
    await raw.flushall()
    await _push_all(client, items)
    async with running(redis_url, FailsJob, config=_config(ruby)):
        ours = await until(lambda: _failed(raw, len(items)))
    retries, dead = ruby.run(redis_url, READ)
    read = {entry[5]: entry for entry in retries + dead}
    assert {entry[5] for entry in dead} == {jid for jid, (place, _, _) in ours.items() if place == "dead"}
    for case, item in zip(FAILURES, items, strict=True):
        jid = str(item["jid"])
        _compare(case, ours[jid], theirs[jid])
        _compare_read(item, read[jid], ours[jid], theirs[jid])


async def _push_all(client: Client, items: Sequence[Mapping[str, Any]]) -> None:
    for item in items:
        await client.push(item)


def _compare(case: str, ours: tuple[str, dict[str, Any], float], theirs: tuple[str, dict[str, Any], float]) -> None:
    assert ours[0] == theirs[0], case
    assert list(ours[1]) == list(theirs[1]), f"{case}: the same keys in the same order"
    for key, value in theirs[1].items():
        assert type(ours[1][key]) is type(value), (case, key)
        if key not in ("created_at", "enqueued_at", "failed_at", "retried_at", "error_backtrace"):
            assert ours[1][key] == value or (case, key) == (UNKNOWN, "error_message"), (case, key)
    assert ours[1]["error_message"].startswith(theirs[1]["error_message"].splitlines()[0][:30])
    if ours[0] == "retry":
        least, most = (15, 25) if ours[1]["retry_count"] == 0 else (16, 36)
        assert all(least - 1 < _since(*one[1:]) < most + 1 for one in (ours, theirs)), case


def _compare_read(item: Mapping[str, Any], read: list[Any], ours: Any, theirs: Any) -> None:
    """What Ruby's API says of our entry."""
    _, payload, score = ours
    assert read[:2] == [item["class"], item["args"]]
    assert read[4:9] == [payload["queue"], item["jid"], score, theirs[1]["error_class"], payload["error_message"]]
    assert read[10] == payload["retry_count"]
    assert read[9] == (json.loads(_inflated(payload["error_backtrace"])) if "error_backtrace" in payload else None)
    if item.get("backtrace") is not None:
        assert __file__ in read[9][0]


def _inflated(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))


RETRIED = """
class SharedJob
  include JOB
  def perform(failures)
    ran = redis("LLEN", "ran")
    redis("RPUSH", "ran", "ruby")
    raise ArgumentError, "ruby" if ran < failures
  end
end
"""


async def test_one_language_retries_what_failed_in_the_other(
    ruby: Ruby, redis_url: str, raw: Any, db: Database
) -> None:
    await Client(db, time_form=_form(ruby)).push({"class": "SharedJob", "args": [3], "jid": JID})
    order = ["python", "ruby", "python", "ruby"]
    stamps: list[Any] = []
    for turn, language in enumerate(order):
        if language == "ruby":
            with ruby.worker(redis_url, RETRIED, poll=0.2) as worker:
                await worker.until(lambda turn=turn: _ran(raw, turn))
        else:
            async with running(redis_url, _shared_job(raw), config=_config(ruby)):
                await until(lambda turn=turn: _ran(raw, turn))  # type: ignore[misc]
        if turn < 3:
            place, payload, _ = (await until(lambda: _failed(raw)))[JID]
            assert (place, payload["retry_count"], payload["error_message"]) == ("retry", turn, language)
            stamps.append((payload["failed_at"], payload["created_at"]))
            (member,) = await raw.zrange("retry", 0, -1)
            await raw.zadd("retry", {member: 0})
    assert await _failed(raw, 0) == {}
    assert await raw.lrange("ran", 0, -1) == [language.encode() for language in order]
    assert len(set(stamps)) == 1, "the first failure stays what it was"


async def _ran(raw: Any, turn: int) -> bool:
    """Its turn is over: it ran, and has its next place if it needs one."""
    return await raw.llen("ran") > turn and (turn == 3 or await _failed(raw) is not None)


def _shared_job(raw: Any) -> type[Job]:
    class SharedJob(Job):
        async def perform(self, failures: int) -> None:
            ran = await raw.rpush("ran", "python")
            if ran <= failures:
                raise ArgumentError("python")

    return SharedJob


RUNS = """
class LongJob
  include JOB
  def perform(number) = redis("RPUSH", "done", number.to_s)
end
"""


async def test_what_a_stopped_python_gives_back_runs_in_ruby(ruby: Ruby, redis_url: str, raw: Any) -> None:
    started = asyncio.Event()

    class LongJob(Job):
        async def perform(self, number: int) -> None:
            started.set()
            await asyncio.sleep(60)

    ruby.run(redis_url, RUNS + "3.times { |number| LongJob.perform_async(number) }")
    before = await raw.lrange("queue:default", 0, -1)
    async with running(redis_url, LongJob, config=_config(ruby, timeout=0.1, capsules=_capsule(concurrency=2))):
        await started.wait()
        await until(lambda: _size(raw, "queue:default", 1))
    assert await raw.lrange("queue:default", 0, -1) == before, "byte for byte, in order"
    with ruby.worker(redis_url, RUNS, concurrency=1) as worker:
        await worker.until(lambda: _size(raw, "done", 3))
    assert await raw.lrange("done", 0, -1) == [b"0", b"1", b"2"]


async def _size(raw: Any, key: str, size: int) -> bool:
    return bool(await raw.llen(key) == size)


def _capsule(*queues: str, concurrency: int = 5) -> Any:
    return (CapsuleConfig(concurrency=concurrency, queues=tuple((name, 0) for name in queues or ("default",))),)
