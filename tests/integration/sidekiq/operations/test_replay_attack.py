"""Seeded attacks (operations-safety 5.2): a fifth of all calls lost, any earlier call again at any time, a live poller
and worker in between, one or two runners. Every job stays one job, and the runner knows what became of each.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Final

import pytest

from sidekiq_tui.sidekiq.batch_items import (
    DeleteFromQueue,
    DeleteFromSet,
    EditInQueue,
    Item,
    Move,
    MoveFromQueue,
    MoveInSets,
    Push,
    Reschedule,
    RestoreToQueue,
    RestoreToSet,
    TakeBack,
)
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.operation_record import (
    BatchReply,
    RecordKeys,
    begin,
    close,
    finish,
    run_batch,
    run_batches,
)
from sidekiq_tui.sidekiq.replies import payloads
from tests.support.batch_cases import KEYS, NOW, TRASH, State, Value, put, seen
from tests.support.lossy import LossyDatabase

JOBS: Final = 40
SIZE: Final = 6
ROUNDS: Final = 12
"""Attacks of each kind with one runner, and as many with two."""

OLD: Final = [b'{"jid":"%d","old":1}' % number for number in range(JOBS)]
NEW: Final = [b'{"jid":"%d","new":1}' % number for number in range(JOBS)]
IN_RETRY: Final[State] = {b"retry": {job: float(at) for at, job in enumerate(OLD)}}
IN_QUEUE: Final[State] = {b"queue:mail": OLD[::-1]}
LATER: Final = 9999.5


@dataclass(frozen=True, slots=True)
class Attack:
    """An operation on all jobs. `done`: whether it was carried out on a job, by where and as what that is found."""

    before: State
    item: Callable[[int], Item]
    done: Callable[[bytes, bytes, float | None], bool]


def _is_new(place: bytes, job: bytes, score: float | None) -> bool:
    return b"new" in job


def _at(wanted: bytes) -> Callable[[bytes, bytes, float | None], bool]:
    return lambda place, job, score: place == wanted


ATTACKS: Final[Mapping[str, Attack]] = {
    "move": Attack(IN_RETRY, lambda n: Move("retry", OLD[n], "low", NEW[n]), _is_new),
    "kill": Attack(IN_RETRY, lambda n: MoveInSets("retry", OLD[n], "dead", OLD[n], LATER), _at(b"dead")),
    "edit in a set": Attack(IN_RETRY, lambda n: MoveInSets("retry", OLD[n], "retry", NEW[n], float(n)), _is_new),
    "reschedule": Attack(
        IN_RETRY,
        lambda n: Reschedule("retry", OLD[n], float(n), LATER + n),
        lambda place, job, score: score is not None and score >= LATER,
    ),
    "delete from a set": Attack(IN_RETRY, lambda n: DeleteFromSet("retry", OLD[n], TRASH), _at(TRASH)),
    "delete from a queue": Attack(IN_QUEUE, lambda n: DeleteFromQueue("mail", OLD[n], TRASH, n % 2 == 0), _at(TRASH)),
    "move to a queue": Attack(
        IN_QUEUE, lambda n: MoveFromQueue("mail", OLD[n], NEW[n], target_queue="low", front=n % 2 == 0), _is_new
    ),
    "kill from a queue": Attack(
        IN_QUEUE,
        lambda n: MoveFromQueue("mail", OLD[n], OLD[n], target_set="dead", score=LATER, tail=True),
        _at(b"dead"),
    ),
    "edit in a queue": Attack(IN_QUEUE, lambda n: EditInQueue("mail", OLD[n], NEW[n], n % 2 == 0), _is_new),
    "take back": Attack(
        IN_QUEUE, lambda n: TakeBack("mail", OLD[n], NEW[n], "dead", float(n)), lambda place, job, score: b"new" in job
    ),
    "restore to a set": Attack(
        {TRASH: IN_RETRY[b"retry"]}, lambda n: RestoreToSet(TRASH, OLD[n], "dead", float(n)), _at(b"dead")
    ),
    "restore to a queue": Attack(
        {TRASH: OLD}, lambda n: RestoreToQueue(TRASH, OLD[n], "low"), lambda place, job, score: place != TRASH
    ),
    "push": Attack({}, lambda n: Push(NEW[n], queue="low"), _is_new),
    "push for later": Attack({}, lambda n: Push(NEW[n], score=float(n)), _is_new),
}


@dataclass
class World:
    """The server with its poller and worker, who go on as if nothing were."""

    db: Database
    random: Random
    ran: list[bytes] = field(default_factory=list)

    async def live(self) -> None:
        """Something happens by itself, or not."""
        match self.random.randrange(4):
            case 0:
                due = payloads(await self.db.command("ZRANGE", "retry", 0, JOBS, "BYSCORE", "LIMIT", 0, 1))
                for job in due:
                    await self.db.read([("ZREM", "retry", job), ("LPUSH", "queue:polled", job)])
            case 1:
                queue = self.random.choice(("queue:low", "queue:mail", "queue:polled"))
                fetched = await self.db.command("RPOP", queue)
                if isinstance(fetched, bytes):
                    self.ran.append(fetched)

    async def found(self) -> dict[int, list[tuple[bytes, bytes, float | None]]]:
        """By the number of a job: everywhere that it is, or was run."""
        places: dict[int, list[tuple[bytes, bytes, float | None]]] = {number: [] for number in range(JOBS)}
        for job in self.ran:
            places[number_of(job)].append((b"", job, None))
        for place, value in (await seen(self.db)).items():
            for job, score in _jobs(place, value):
                places[number_of(job)].append((place, job, score))
        return places


def _jobs(place: bytes, value: Value) -> list[tuple[bytes, float | None]]:
    if isinstance(value, list):
        return [(job, None) for job in value]
    if isinstance(value, Mapping):
        return [(job, score) for job, score in value.items() if isinstance(score, float)]
    assert place == KEYS.queues
    return []


def number_of(job: bytes) -> int:
    return int(job.split(b'"')[3])


class Runner:
    """Carries an operation out over a connection that loses calls, as operations-safety 5 says."""

    def __init__(self, link: LossyDatabase, random: Random, id: str, item: Callable[[int], Item]) -> None:
        self.link, self.random, self.id, self.item = link, random, id, item
        self.results: dict[int, str] = {}
        self.next = 0
        self.generation = 1
        self.joins = False
        """Whether to go on where another runner is, instead of beginning."""
        self.pairs = False
        """Whether two batches may be under way."""

    async def run(self) -> AsyncIterator[None]:
        """Yields between calls, for others to do something."""
        while self.next < JOBS:
            keys = RecordKeys(KEYS, self.id, self.generation)
            try:
                begun = await begin(self.link, keys, {"kind": "attack", "who": self.id}, NOW)
            except SidekiqError:
                self.id, self.generation = f"{self.random.getrandbits(80):020x}", 1
                continue
            yield
            if begun == "exists" and not (self.joins and self.generation == 1):
                return
            async for _ in self._batches(keys):
                yield
            if self.generation == 0:
                return
        while True:
            try:
                await finish(self.link, RecordKeys(KEYS, self.id, self.generation))
                return
            except SidekiqError:
                yield

    async def _batches(self, keys: RecordKeys) -> AsyncIterator[None]:
        seq, first = 0, self.next
        while self.next < JOBS:
            batch = range(self.next, min(self.next + SIZE, JOBS))
            bid = f"{self.random.getrandbits(48):012x}"
            if self.pairs and batch.stop < JOBS and self.random.random() < 0.7:
                if not await self._pair(keys, first, seq):
                    return
                seq = (self.next - first) // SIZE
                yield
                continue
            try:
                items = [self.item(number) for number in batch]
                reply = await run_batch(self.link, keys, seq, bid, items, now=NOW)
            except SidekiqError:
                await self._settle(keys, first, seq, bid)
                yield
                return
            yield
            if reply.status not in ("ok", "done"):
                assert self.joins, "only another runner may be in the way"
                self.generation = 0
                return
            self._know(batch.start, reply.results)
            self.next = batch.stop
            seq += 1

    async def _pair(self, keys: RecordKeys, first: int, seq: int) -> bool:
        """Two batches in one trip; False when the generation ended with them."""
        starts = [self.next, self.next + SIZE]
        bids = [f"{self.random.getrandbits(48):012x}" for _ in starts]
        parts = [[self.item(number) for number in range(start, min(start + SIZE, JOBS))] for start in starts]
        numbered = [(seq + at, bid, items) for at, (bid, items) in enumerate(zip(bids, parts, strict=True))]
        try:
            replies = await run_batches(self.link, keys, numbered, now=NOW)
        except SidekiqError:
            await self._settle(keys, first, seq, *bids)
            return False
        for start, reply in zip(starts, replies or (), strict=False):
            assert isinstance(reply, BatchReply)
            assert reply.status in ("ok", "done")
            self._know(start, reply.results)
            self.next = min(start + SIZE, JOBS)
        if replies is None:  # nothing was sent: one alone brings the script over
            items = parts[0]
            try:
                reply = await run_batch(self.link, keys, seq, bids[0], items, now=NOW)
            except SidekiqError:
                await self._settle(keys, first, seq, bids[0])
                return False
            self._know(starts[0], reply.results)
            self.next = starts[1]
        return True

    async def _settle(self, keys: RecordKeys, first: int, seq: int, *bids: str) -> None:
        while True:
            try:
                closed = await close(self.link, keys)
                break
            except SidekiqError:
                continue
        assert closed is not None
        for number, result in closed.results.items():
            if not seq <= number < seq + len(bids) or result.bid == bids[number - seq] or self.joins:
                self._know(first + number * SIZE, result.results)
        self.next = min(first + closed.next * SIZE, JOBS)
        self.generation += 1

    def _know(self, start: int, results: str) -> None:
        for number, result in enumerate(results, start):
            assert result in "10x"
            assert self.results.setdefault(number, result) == result


async def attack(db: Database, kind: str, seed: int, runners: int, *, pairs: bool = False) -> None:
    """One attack, and all its checks. `pairs`: with two batches under way."""
    random, chosen = Random(seed), ATTACKS[kind]
    await put(db, chosen.before)
    link, world = LossyDatabase(db, random), World(db, random)
    crew = [Runner(link, random, "0123456789abcdef0123", chosen.item) for _ in range(runners)]
    for runner in crew:
        runner.joins = runners > 1
        runner.pairs = pairs
    steps = [runner.run() for runner in crew]
    while steps:
        step = random.choice(steps)
        try:
            await anext(step)
        except StopAsyncIteration:
            steps.remove(step)
        await world.live()
    check(chosen, crew, await world.found())
    await check_replays(db, chosen, link)


def check(chosen: Attack, crew: list[Runner], found: Mapping[int, list[tuple[bytes, bytes, float | None]]]) -> None:
    """Every job is in one place, and in the state that the runners know."""
    known: dict[int, str] = {}
    for runner in crew:
        for number, result in runner.results.items():
            known[number] = max(known.get(number, "0"), result, key="0x1".index)
    for number, places in found.items():
        assert len(places) == (1 if chosen.before or known.get(number) == "1" else 0), (number, places)
        carried_out = any(chosen.done(*place) for place in places)
        assert carried_out == (known.get(number) == "1"), (number, places, known.get(number))
    if len(crew) == 1:
        assert len(known) == JOBS, "the outcome of every entry is known"


async def check_replays(db: Database, chosen: Attack, link: LossyDatabase) -> None:
    """Somebody puts everything back; then every command that was ever sent arrives again, late."""
    for key in await seen(db):
        await db.command("DEL", key)
    for key, value in chosen.before.items():
        if isinstance(value, Mapping):
            await db.read([("ZADD", key, score, job) for job, score in value.items()])
        elif isinstance(value, list):
            await db.command("RPUSH", key, *value)
    before = await seen(db)
    await link.replay()
    assert await seen(db) == before


@pytest.mark.parametrize("kind", ATTACKS)
async def test_every_job_stays_one_job_and_its_fate_is_known(db: Database, kind: str) -> None:
    for seed in range(ROUNDS):
        await attack(db, kind, seed, runners=1)


@pytest.mark.parametrize("kind", ATTACKS)
async def test_two_batches_under_way_act_once_and_in_their_order(db: Database, kind: str) -> None:
    for seed in range(ROUNDS):
        await attack(db, kind, 2000 + seed, runners=1, pairs=True)


@pytest.mark.parametrize("kind", [kind for kind in ATTACKS if kind != "push"])
async def test_two_runners_of_one_operation_do_each_job_once(db: Database, kind: str) -> None:
    for seed in range(ROUNDS):
        await attack(db, kind, 1000 + seed, runners=2)
