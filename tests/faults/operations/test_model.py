"""Any order of operations of two people, their undoing, a worker's taking and faults, beside a model of the jobs."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any, Final

import hypothesis.strategies as st
import pytest
import redis.asyncio
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.operations.catalog import (
    Clear,
    Delete,
    Edit,
    Enqueue,
    Kill,
    MoveToQueue,
    OfJobs,
    Operation,
    Reschedule,
    Retry,
    Undo,
)
from sidekiq_tui.operations.outcome import Outcome
from sidekiq_tui.operations.selection import Matching, Whole
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.filter import parse_filter
from sidekiq_tui.sidekiq.job import Place
from tests.faults.operations.runs import ALL
from tests.support.fault_link import Fault, FaultLink
from tests.support.operating import DEAD, MAIL, RETRY, SCHEDULE, SET_PLACES, Operator, job
from tests.support.proof import open_records, payloads, snapshot, strays

LOW: Final = Place("queue", "low")
PLACES: Final = (*SET_PLACES, MAIL, LOW)
CLASSES: Final = ("Invoice", "Refund")
FAULTS: Final = (Fault.DROP, Fault.LOSE, Fault.TEAR, Fault.HOLD)
Spot = tuple[Place, bytes, float | None]
Jobs = dict[str, Spot]


async def seen(raw: Any) -> Jobs:
    """Each job by its jid; none may be twice."""
    found: Jobs = {}
    for place in PLACES:
        if place.kind == "queue":
            spots = [(one, None) for one in await raw.lrange(f"queue:{place.queue}", 0, -1)]
        else:
            spots = await raw.zrange(place.kind, 0, -1, withscores=True)
        for payload, score in spots:
            jid = payload.partition(b'"jid":"')[2][:24].decode()
            assert jid not in found, (jid, "is twice")
            found[jid] = (place, payload, score)
    return found


class Model(RuleBasedStateMachine):
    """Where each job is, and what each operation has changed."""

    def __init__(self, socket: Path, folder: Path) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.socket = socket
        self.folder = folder
        self.made = 0
        self.jobs: Jobs = {}
        self.gone: set[str] = set()
        """Taken by a worker."""
        self.done: list[tuple[str, int, Jobs, Jobs]] = []
        """Operations that can be undone: id, who, what their jobs were and became (nothing: they are in the trash)."""
        self.runner.run(self._open())

    async def _open(self) -> None:
        self.raw = redis.asyncio.Redis(unix_socket_path=str(self.socket), protocol=2, legacy_responses=False)
        await self.raw.flushall()
        self.link = FaultLink(str(self.socket), self.folder)
        await self.link.__aenter__()
        self.number = len(list(self.folder.iterdir()))
        self.people = [Operator(self.link.url, self.folder / f"{self.number}-{name}") for name in ("anna", "bob")]

    def teardown(self) -> None:
        """Ends it all."""
        self.runner.run(self._shut())
        self.runner.close()

    async def _shut(self) -> None:
        for one in self.people:
            await one.close()
        await self.link.__aexit__(None, None, None)
        await self.raw.aclose()

    @initialize()
    def begin(self) -> None:
        """Something is everywhere."""
        for place in PLACES:
            for name in CLASSES:
                self.come(place, 6, name)

    @rule(place=st.sampled_from(PLACES), count=st.integers(1, 25), name=st.sampled_from(CLASSES))
    def come(self, place: Place, count: int, name: str) -> None:
        """Jobs of a class come to a place."""
        self.runner.run(self._come(place, count, name))

    async def _come(self, place: Place, count: int, name: str) -> None:
        for _ in range(count):
            self.made += 1
            payload = job(self.made, **{"class": name, "queue": place.queue or "mail"})
            if place.kind == "queue":
                await self.raw.lpush(f"queue:{place.queue}", payload)
                await self.raw.sadd("queues", place.queue or "")
                self.jobs[f"{self.made:024x}"] = (place, payload, None)
            else:
                score = 1_750_000_000.25 + self.made
                await self.raw.zadd(place.kind, {payload: score})
                self.jobs[f"{self.made:024x}"] = (place, payload, score)

    @rule(place=st.sampled_from((MAIL, LOW)), count=st.integers(1, 8))
    def take(self, place: Place, count: int) -> None:
        """A worker takes jobs of a queue."""
        self.runner.run(self._take(place, count))

    async def _take(self, place: Place, count: int) -> None:
        taken: Any = await self.raw.rpop(f"queue:{place.queue}", count)
        for payload in taken or []:
            jid = payload.partition(b'"jid":"')[2][:24].decode()
            assert self.jobs.pop(jid)[1] == payload
            self.gone.add(jid)

    @rule(
        deed=st.sampled_from(("retry", "enqueue", "kill", "delete", "reschedule", "edit", "move", "clear")),
        place=st.sampled_from(PLACES),
        name=st.sampled_from((*CLASSES, "")),
        who=st.integers(0, 1),
        fault=st.none() | st.tuples(st.integers(1, 6), st.sampled_from(FAULTS)),
    )
    def operate(self, deed: str, place: Place, name: str, who: int, fault: tuple[int, Fault] | None) -> None:
        """Somebody changes all jobs of a class in a place, or all, over a link that fails somewhere."""
        operation, target = made(deed, place, name)
        if operation is None:
            return
        chosen = {
            jid: spot
            for jid, spot in self.jobs.items()
            if spot[0] == place
            and (not name or deed == "clear" or f'"class":"{name}"'.encode() in spot[1])
            and not (deed == "edit" and b'"args":[0]' in spot[1])  # it is so already: it stays
        }
        outcome = self.carried_out(who, operation, fault)
        if outcome is None:
            assert not chosen
            return
        assert (outcome.ending, outcome.tally.done) == ("done", len(chosen)), (outcome, len(chosen))
        here = self.runner.run(seen(self.raw))
        became: Jobs = {}
        for jid, spot in chosen.items():
            if target is None:
                assert jid not in here
                del self.jobs[jid]
                continue
            assert here[jid][0] == (own_queue(spot[1]) if deed in ("retry", "enqueue") else target), (jid, deed)
            if deed in ("kill", "reschedule"):
                assert here[jid][1] == spot[1], "the bytes stay"
            became[jid] = self.jobs[jid] = here[jid]
        if outcome.undo_id is not None:
            self.done.append((outcome.undo_id, who, chosen, became))

    @precondition(lambda self: self.done)
    @rule(which=st.integers(0, 50), fault=st.none() | st.tuples(st.integers(1, 6), st.sampled_from(FAULTS)))
    def undo(self, which: int, fault: tuple[int, Fault] | None) -> None:
        """Somebody takes an operation back, in whatever order."""
        id, who, was, became = self.done.pop(which % len(self.done))
        back = {jid: back for jid, spot in was.items() if (back := self.undone(jid, spot, became.get(jid))) is not None}
        outcome = self.carried_out(who, Undo(operation=id), fault)
        assert outcome is not None
        assert (outcome.ending, outcome.tally.done) == ("done", len(back)), (outcome, len(back))
        self.jobs |= back

    def undone(self, jid: str, was: Spot, became: Spot | None) -> Spot | None:
        """What comes back of a job; None where somebody has changed it since. An edit leaves other times alone."""
        now = self.jobs.get(jid)
        if became is None or now == became:
            return was
        if now is not None and was[0] == became[0] == now[0] and was[1] != became[1] == now[1]:
            return (was[0], was[1], now[2])
        return None

    def carried_out(self, who: int, operation: Operation, fault: tuple[int, Fault] | None) -> Outcome | None:
        """None: there was nothing to do. Afterwards what was held, and much of what was sent, arrives (again)."""
        return self.runner.run(self._carried_out(self.people[who], operation, fault))

    async def _carried_out(
        self, person: Operator, operation: Operation, fault: tuple[int, Fault] | None
    ) -> Outcome | None:
        self.link.faults = {} if fault is None else {len(self.link.seen) + fault[0]: fault[1]}
        for _ in range(3):  # a plan may fail, and the connection that it was made on
            try:
                plan = await person.operations.plan("prod", operation)
            except SidekiqError:
                continue
            break
        if plan.nothing:
            return None
        outcome = await person.operations.start(plan, person.operations.question(plan).expected).wait()
        self.link.faults = {}
        await self.link.release()
        for command in self.link.seen[-40:]:
            await self.link.deliver(command)
        return outcome

    @invariant()
    def every_job_is_where_the_model_has_it(self) -> None:
        """To the byte and the score; all else is in the trash or with a worker; nothing of ours is astray."""
        here = self.runner.run(seen(self.raw))
        assert here == self.jobs
        found = self.runner.run(snapshot(self.raw))
        assert (strays(found), open_records(found)) == ([], [])
        assert sum(payloads(found, ours=True).values()) == self.made - len(self.jobs) - len(self.gone)
        assert max(Counter(payloads(found, ours=True)).values(), default=1) == 1


def made(deed: str, place: Place, name: str) -> tuple[Operation | None, Place | None]:
    """The operation, and where its jobs are afterwards (None: in the trash); no operation where there is none."""
    jobs = Matching((place,), parse_filter(f"class:{name}")) if name else Whole(place)
    choices: dict[str, tuple[OfJobs | Clear | None, Place | None]] = {
        "retry": (Retry(jobs=jobs) if place in (RETRY, DEAD) else None, MAIL),
        "enqueue": (Enqueue(jobs=jobs) if place == SCHEDULE else None, MAIL),
        "kill": (Kill(jobs=jobs) if place != DEAD else None, DEAD),
        "delete": (Delete(jobs=jobs), None),
        "reschedule": (Reschedule(jobs=jobs, by=60.5) if place in (RETRY, SCHEDULE) else None, place),
        "edit": (Edit(jobs=jobs, fields={"args": [0]}), place),
        "move": (MoveToQueue(jobs=jobs, queue="low") if place == MAIL else None, LOW),
        "clear": (Clear(place=Whole(place)), None),
    }
    return choices[deed]


def own_queue(payload: bytes) -> Place:
    """Where a job goes that is retried, as its payload says."""
    return LOW if b'"queue":"low"' in payload else MAIL


@pytest.mark.usefixtures("redis_url", "small_batches")
def test_a_model_of_all_jobs(redis_server: EmbeddedRedis, tmp_path: Path) -> None:
    run_state_machine_as_test(
        lambda: Model(redis_server.socket, tmp_path),  # type: ignore[arg-type]
        settings=settings(
            max_examples=300 if ALL else 12,
            stateful_step_count=20 if ALL else 12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
