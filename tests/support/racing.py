"""Two operators act at random on a server whose workers run, fail and push all the while; then every job is counted."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from sidekiq_tui.operations.catalog import Clear, Delete, Kill, MoveToQueue, OfJobs, Operation, Reschedule, Retry, Undo
from sidekiq_tui.operations.outcome import Outcome
from sidekiq_tui.operations.selection import Matching, Whole
from sidekiq_tui.sidekiq.client import Client
from sidekiq_tui.sidekiq.filter import parse_filter
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.sidekiq.job_class import Job
from tests.support.operating import DEAD, RETRY, Operator

CLASS: Final = "RaceJob"
QUEUES: Final = ("default", "low")
DEFAULT, LOW = (Place("queue", name) for name in QUEUES)
CHILDREN: Final = 1_000_000
"""A job pushes another one whose number is so much higher: each seventh of those that were not pushed so."""
RUN: Final = "ran"
RUNS: Final = "runs"

DEEDS: Final[Mapping[str, Callable[[], Operation]]] = {
    "retry all": lambda: Retry(jobs=Whole(RETRY)),
    "retry dead": lambda: Retry(jobs=Whole(DEAD)),
    "retry a third": lambda: Retry(jobs=_filtered(RETRY, "tag:third")),
    "kill all": lambda: Kill(jobs=Whole(RETRY)),
    "kill from a queue": lambda: Kill(jobs=_filtered(DEFAULT, "tag:third")),
    "move": lambda: MoveToQueue(jobs=_filtered(DEFAULT, "tag:third"), queue="low"),
    "move all": lambda: MoveToQueue(jobs=Whole(LOW), queue="default"),
    "delete from retry": lambda: Delete(jobs=_filtered(RETRY, "tag:third")),
    "delete from a queue": lambda: Delete(jobs=_filtered(DEFAULT, "tag:third")),
    "clear": lambda: Clear(place=Whole(LOW)),
    "clear dead": lambda: Clear(place=Whole(DEAD)),
    "put off": lambda: Reschedule(jobs=Whole(RETRY), by=30.0),
}
"""What the operators do; half of it they take back."""

RUBY: Final = f"""
class RaceJob
  include JOB
  def perform(number)
    turn = redis("HINCRBY", "{RUNS}", number.to_s, 1)
    raise ArgumentError, "not yet" if (number + turn) % 3 == 0
    sleep(0.001)
    if number % 7 == 0 && number < {CHILDREN}
      Sidekiq::Client.push("class" => "RaceJob", "args" => [number + {CHILDREN}], "queue" => "low")
    end
    redis("RPUSH", "{RUN}", number.to_s)
  end
end
"""


def _filtered(place: Place, text: str) -> Matching:
    return Matching((place,), parse_filter(text))


def race_job(raw: Any, client: Client) -> type[Job]:
    """The same job in Python: some turns fail, some push another one; what ran is listed in Redis."""

    class RaceJob(Job):
        async def perform(self, number: int) -> None:
            turn = await raw.hincrby(RUNS, str(number), 1)
            if (number + turn) % 3 == 0:
                raise ValueError("not yet")
            await asyncio.sleep(0.001)
            if number % 7 == 0 and number < CHILDREN:
                await client.push(item(number + CHILDREN, "low"))
            await raw.rpush(RUN, str(number))

    return RaceJob


def item(number: int, queue: str = "default") -> dict[str, Any]:
    """A job to push."""
    return {"class": CLASS, "args": [number], "queue": queue, "tags": ["third"] if number % 3 == 0 else ["other"]}


@dataclass
class Race:
    """One round. `pushed`: the numbers of all jobs that were pushed from here."""

    raw: Any
    client: Client
    dice: random.Random
    pushed: set[int] = field(default_factory=set)
    ended: list[tuple[str, Outcome]] = field(default_factory=list)

    async def start(self, count: int) -> None:
        """Fills queues, retries (due from now to in a few seconds) and the dead."""
        numbers = range(count)
        self.pushed.update(numbers)
        for number in numbers:
            await self.client.push(item(number, QUEUES[number % 2]))
        seconds, _ = await self.raw.time()
        for name, ahead in (("default", 4.0), ("low", 0.0)):
            taken = await self.raw.rpop(f"queue:{name}", count // 4)
            failed = [_failed(one, seconds) for one in taken]
            target = "retry" if ahead else "dead"
            await self.raw.zadd(target, {one: seconds + ahead * at / len(failed) for at, one in enumerate(failed)})

    @asynccontextmanager
    async def pushing(self, first: int) -> AsyncIterator[None]:
        """Pushes one job after another meanwhile."""
        stop = asyncio.Event()
        task = asyncio.create_task(self._push(stop, first))
        try:
            yield
        finally:
            stop.set()
            await task

    async def _push(self, stop: asyncio.Event, first: int) -> None:
        while not stop.is_set():
            await self.client.push(item(first, QUEUES[first % 2]))
            self.pushed.add(first)
            first += 1
            await asyncio.sleep(self.dice.random() * 0.01)

    async def act(self, operator: Operator, deeds: int) -> None:
        """One operator: deeds at random, of which some are taken back at once."""
        for _ in range(deeds):
            name = self.dice.choice(list(DEEDS))
            outcome = await self.one(operator, name, DEEDS[name]())
            if outcome is not None and outcome.undo_id is not None and self.dice.random() < 0.5:
                await self.one(operator, f"undo of {name}", Undo(operation=outcome.undo_id))

    async def one(self, operator: Operator, name: str, operation: Operation) -> Outcome | None:
        """One deed from plan to outcome, whose counts make up the plan; None when there was nothing to do."""
        plan = await operator.operations.plan("prod", operation)
        if plan.refused:
            assert plan.nothing or isinstance(operation, Undo), (name, plan.refused)
            return None
        outcome = await operator.operations.start(plan, operator.operations.question(plan).expected).wait()
        self.ended.append((name, outcome))
        grown = isinstance(operation, Clear) and outcome.ending == "failed" and "has grown" in outcome.words
        tally = outcome.tally
        assert outcome.ending == "done" or grown, (name, outcome)
        assert tally.unknown == tally.duplicated == 0, (name, outcome)
        if isinstance(operation, OfJobs):
            assert tally.settled == plan.count, (name, outcome, plan.count)
        return outcome

    async def check(self) -> Counter[str]:
        """Every job ran, or lies in one place: none in none, none in two. How many where."""
        ran = Counter(int(one) for one in await self.raw.lrange(RUN, 0, -1))
        expected = self.pushed | {one + CHILDREN for one in ran if one % 7 == 0 and one < CHILDREN}
        lying: dict[str, Counter[int]] = {}
        for key in map(bytes.decode, await self.raw.keys("*")):
            name = ":".join(key.split(":")[:2])
            if key.startswith(("queue:", "sqtui:trash:", "sqtui:stage:", "sqtui:old:")) or key in ("retry", "dead"):
                lying.setdefault(name, Counter()).update(await self._numbers(key))
        assert not {"sqtui:stage", "sqtui:old"} & lying.keys(), lying.keys()
        found = sum(lying.values(), ran)
        lost = sorted(one for one in expected if not found[one])
        twice = {one: [name for name, seen in lying.items() if seen[one]] for one in found if found[one] > 1}
        story = [(name, outcome.words) for name, outcome in self.ended]
        assert not lost, (lost[:10], len(lost), story)
        assert not twice, (list(twice.items())[:10], len(twice), story)
        assert found.keys() == expected
        return Counter({"ran": ran.total(), **{name: seen.total() for name, seen in lying.items()}})

    async def _numbers(self, key: str) -> list[int]:
        entries = await (self.raw.lrange if await self.raw.type(key) == b"list" else self.raw.zrange)(key, 0, -1)
        return [json.loads(one)["args"][0] for one in entries]


def _failed(raw: bytes, now: int) -> bytes:
    failure = {"error_message": "not yet", "error_class": "ArgumentError", "failed_at": now - 60.5, "retry_count": 0}
    return json.dumps({**json.loads(raw), **failure}, separators=(",", ":")).encode()
