"""What our client writes is what Ruby's writes, and Ruby runs it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from sidekiq_tui.sidekiq.client import Client
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import InvalidJob
from tests.support.ruby import Ruby

ITEMS: list[dict[str, Any]] = [
    {"class": "PlainJob", "args": []},
    {"class": "PlainJob", "args": [1, 2.5, "ü/<>", None, True, {"a": [1]}, 12345678901234567890]},
    {"class": "PlainJob", "args": [1], "queue": "low", "retry": 3, "tags": ["eu"], "dead": False, "backtrace": 5},
    {"class": "PlainJob", "args": [], "retry": False, "jid": "0123456789abcdef01234567"},
    {"class": "PlainJob", "args": [], "custom": {"deep": [None]}, "queue": "with space"},
    {"class": "PlainJob", "args": [], "at": 4_000_000_000.25},
    {"class": "PlainJob", "args": [], "at": 4_000_000_000},
]
REFUSED: list[dict[str, Any]] = [
    {"args": []},
    {"class": "PlainJob"},
    {"class": "PlainJob", "args": 5},
    {"class": 5, "args": []},
    {"class": "PlainJob", "args": [], "at": None},
    {"class": "PlainJob", "args": [], "at": "tomorrow"},
    {"class": "PlainJob", "args": [], "tags": "eu"},
    {"class": "PlainJob", "args": [], "queue": ""},
]
TIMES = ("created_at", "enqueued_at")

PUSH = """
class PlainJob
  Sidekiq::VERSION < "6.3" ? include(Sidekiq::Worker) : include(Sidekiq::Job)
end
answer(GIVEN["items"].map { |item|
  begin
    Sidekiq::Client.push(item)
  rescue ArgumentError => error
    "refused"
  end
})
"""


def _client(db: Database, ruby: Ruby) -> Client:
    return Client(db, time_form="milliseconds" if ruby.release >= (8,) else "seconds")


async def _stored(raw: Any) -> list[tuple[str, bytes, float | None]]:
    found = []
    for name in sorted(await raw.smembers("queues")):
        found += [(name.decode(), one, None) for one in await raw.lrange(b"queue:" + name, 0, -1)]
    return found + [("schedule", one, score) for one, score in await raw.zrange("schedule", 0, -1, withscores=True)]


@pytest.mark.parametrize("item", ITEMS, ids=str)
async def test_the_same_item_is_stored_alike(
    ruby: Ruby, redis_url: str, raw: Any, db: Database, item: dict[str, Any]
) -> None:
    ruby.run(redis_url, PUSH, items=[item])
    (place, theirs, score), *none = await _stored(raw)
    assert not none
    await raw.flushall()
    await _client(db, ruby).push(item)
    ((our_place, ours, our_score),) = await _stored(raw)
    expected, written = json.loads(theirs), json.loads(ours)
    assert (our_place, our_score) == (place, score)
    assert list(written) == list(expected), "the same keys in the same order"
    for key, value in expected.items():
        if key in TIMES:
            assert type(written[key]) is type(value)
            assert abs(written[key] / value - 1) < 1e-6
        elif key != "jid" or "jid" in item:
            assert (type(written[key]), written[key]) == (type(value), value)
    assert len(written["jid"]) == len(expected["jid"]) == 24


@pytest.mark.parametrize("item", REFUSED, ids=str)
async def test_what_ruby_refuses_is_refused(
    ruby: Ruby, redis_url: str, raw: Any, db: Database, item: dict[str, Any]
) -> None:
    assert ruby.run(redis_url, PUSH, items=[item]) == ["refused"]
    with pytest.raises(InvalidJob):
        await _client(db, ruby).push(item)
    assert await _stored(raw) == []


async def test_a_bulk_push_is_stored_alike(ruby: Ruby, redis_url: str, raw: Any, db: Database) -> None:
    item = {"class": "PlainJob", "queue": "low", "args": [[number] for number in range(25)]}
    ruby.run(redis_url, 'Sidekiq::Client.push_bulk(GIVEN["item"])', item=item)
    theirs = [json.loads(one) for _, one, _ in await _stored(raw)]
    await raw.flushall()
    jids = await _client(db, ruby).push_bulk(item)
    ours = [json.loads(one) for _, one, _ in await _stored(raw)]
    assert [one["args"] for one in ours] == [one["args"] for one in theirs]
    assert [list(one) for one in ours] == [list(one) for one in theirs]
    assert [one["jid"] for one in reversed(ours)] == jids


WORKS = """
class ReportJob
  Sidekiq::VERSION < "6.3" ? include(Sidekiq::Worker) : include(Sidekiq::Job)
  def perform(*args)
    Sidekiq.redis { |redis| redis.call("LPUSH", "ran", JSON.generate([jid, args])) } if Sidekiq::VERSION >= "7"
    Sidekiq.redis { |redis| redis.lpush("ran", JSON.generate([jid, args])) } if Sidekiq::VERSION < "7"
  end
end
"""


async def test_ruby_runs_what_python_pushed(ruby: Ruby, redis_url: str, raw: Any, db: Database) -> None:
    client = _client(db, ruby)
    args = [1, 2.5, "ü", None, True, {"a": [1, {}]}, 12345678901234567890]
    pushed = {
        await client.push({"class": "ReportJob", "args": args}),
        await client.push({"class": "ReportJob", "args": args, "at": time.time() + 1}),
        *await client.push_bulk({"class": "ReportJob", "args": [args] * 3}),
    }
    with ruby.worker(redis_url, WORKS, poll=0.3) as worker:
        ran: set[str] = set()
        while ran != pushed:
            jid, came = json.loads(await worker.until(lambda: raw.rpop("ran")))
            assert came == args
            ran.add(jid)


@pytest.mark.parametrize("ran_before", [False, True])
async def test_a_cancelled_iterable_job_ends_in_ruby(
    ruby: Ruby, redis_url: str, raw: Any, db: Database, ran_before: bool
) -> None:
    if ruby.release < (7, 3, 3):
        pytest.skip(f"Sidekiq {ruby.version} cannot be told to cancel")
    client = _client(db, ruby)
    jid = "0123456789abcdef01234567"
    if ran_before:
        await raw.hset(f"it-{jid}", mapping={"ex": "1", "c": "5", "rt": "1.5"})
    asked = await client.cancel(jid)
    assert abs(asked - time.time()) < 60
    assert await client.cancel(jid) == asked, "the first time stays"
    await client.push({"class": "LongJob", "args": [], "jid": jid})
    with ruby.worker(redis_url, _LONG) as worker:
        assert await worker.until(lambda: raw.rpop("over")) == b"cancelled"
    assert await raw.zcard("retry") == 0


_LONG = """
class LongJob
  include Sidekiq::IterableJob
  def build_enumerator(cursor:) = array_enumerator((1..1000).to_a, cursor: cursor)
  def each_iteration(number) = sleep(0.05)
  def on_cancel
    Sidekiq.redis { |redis| redis.call("LPUSH", "over", "cancelled") }
  end
end
"""


async def test_marks_of_deploys_are_rubys(ruby: Ruby, redis_url: str, db: Database) -> None:
    if ruby.release < (7,):
        pytest.skip(f"Sidekiq {ruby.version} knows no marks")
    at = time.time()
    client = _client(db, ruby)
    assert await client.mark_deploy("v1.2 é", at)
    assert not await client.mark_deploy("v1.2 é", at)
    found = ruby.run(
        redis_url,
        """
        require "sidekiq/metrics/query"
        marks = Sidekiq::Metrics::Query.new(now: Time.at(GIVEN["at"])).top_jobs.marks
        answer(marks.map { |mark| [mark.time.to_i, mark.label] })
        """,
        at=at,
    )
    assert found == [[int(at // 60 * 60), "v1.2 é"]]
