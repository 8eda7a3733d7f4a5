"""What an iterable job began in one language goes on in the other."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import Any

import pytest

from sidekiq_tui.sidekiq.client import Client
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.worker.iterable import IterableJob, array_enumerator
from tests.support.ruby import Ruby
from tests.support.workers import quick, running, until

JID = "0123456789abcdef01234567"
STEPS = 60

JOBS = """
class StepsJob
  include Sidekiq::IterableJob
  def build_enumerator(count, cursor:) = array_enumerator((0...count).to_a, cursor: cursor)
  def each_iteration(number, count)
    redis("RPUSH", "steps", "ruby #{number}")
    sleep(0.03)
  end
  def on_start = redis("RPUSH", "hooks", "ruby start")
  def on_resume = redis("RPUSH", "hooks", "ruby resume")
  def on_stop = redis("RPUSH", "hooks", "ruby stop")
  def on_complete = redis("RPUSH", "hooks", "ruby complete")
end
"""


def _steps_job(raw: Any) -> type[IterableJob]:
    class StepsJob(IterableJob):
        def build_enumerator(self, count: int, *, cursor: Any) -> Any:
            return array_enumerator(range(count), cursor)

        async def each_iteration(self, number: int, count: int) -> None:
            await raw.rpush("steps", f"python {number}")
            await asyncio.sleep(0.03)

        async def on_start(self) -> None:
            await raw.rpush("hooks", "python start")

        async def on_resume(self) -> None:
            await raw.rpush("hooks", "python resume")

        async def on_stop(self) -> None:
            await raw.rpush("hooks", "python stop")

        async def on_complete(self) -> None:
            await raw.rpush("hooks", "python complete")

    return StepsJob


async def _steps(raw: Any, count: int) -> bool:
    return bool(await raw.llen("steps") >= count)


@pytest.mark.parametrize(
    "order", [("python", "ruby", "python"), ("ruby", "python", "ruby")], ids=lambda order: order[0]
)
async def test_each_goes_on_where_the_other_stopped(
    ruby: Ruby, redis_url: str, raw: Any, db: Database, order: tuple[str, ...]
) -> None:
    if ruby.release < (7, 3):
        pytest.skip(f"Sidekiq {ruby.version} has no iterable jobs")
    client = Client(db, time_form="milliseconds" if ruby.release >= (8,) else "seconds")
    await client.push({"class": "StepsJob", "args": [STEPS], "jid": JID})
    for turn, language in enumerate(order):
        ready = partial(_steps, raw, 20 * (turn + 1)) if turn < 2 else partial(_complete, raw)
        if language == "ruby":
            with ruby.worker(redis_url, JOBS) as worker:
                await worker.until(ready)
                worker.process.terminate()
                await until(lambda worker=worker: worker.process.poll() is not None)  # type: ignore[misc]
        else:
            async with running(redis_url, _steps_job(raw), config=quick(version=ruby.version)):
                await until(ready)
        if turn < 2:
            await _is_interrupted(raw, turn + 1)
    steps = [step.decode().split() for step in await raw.lrange("steps", 0, -1)]
    assert [int(number) for _, number in steps] == list(range(STEPS)), "each step once, in order"
    assert list(dict.fromkeys(language for language, _ in steps)) == list(dict.fromkeys(order))
    hooks = [hook.decode() for hook in await raw.lrange("hooks", 0, -1)]
    expected = [f"{order[0]} start", f"{order[0]} stop"]
    expected += [f"{language} {hook}" for language in order[1:] for hook in ("resume", "stop")]
    assert hooks == [*expected, f"{order[2]} complete"]
    assert await raw.exists(f"it-{JID}", "retry", "dead", "queue:default") == 0


async def _is_interrupted(raw: Any, executions: int) -> None:
    """It waits in its queue again, with a state that either language reads."""
    (waiting,) = await raw.lrange("queue:default", 0, -1)
    assert json.loads(waiting)["jid"] == JID
    state = await raw.hgetall(f"it-{JID}")
    done = [int(step.split()[1]) for step in await raw.lrange("steps", 0, -1)]
    assert (state[b"ex"], json.loads(state[b"c"])) == (b"%d" % executions, done[-1] + 1)
    assert float(state[b"rt"]) > 0


async def _complete(raw: Any) -> bool:
    return any(hook.endswith(b"complete") for hook in await raw.lrange("hooks", 0, -1))


async def test_ruby_cancels_what_python_iterates(ruby: Ruby, redis_url: str, raw: Any, db: Database) -> None:
    if ruby.release < (7, 3, 3):
        pytest.skip(f"Sidekiq {ruby.version} cannot be told to cancel")
    client = Client(db, time_form="milliseconds")
    await client.push({"class": "StepsJob", "args": [10_000], "jid": JID})
    async with running(redis_url, _steps_job(raw), config=quick(version=ruby.version)):
        await until(partial(_steps, raw, 3))
        await asyncio.to_thread(ruby.run, redis_url, f'Sidekiq::Client.new.cancel!("{JID}")')
        await until(partial(_complete, raw))
    assert await raw.exists(f"it-{JID}", "retry", "dead", "queue:default") == 0
