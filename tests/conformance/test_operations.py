"""Every operation changes a server as Ruby's own API does: key for key, field for field (recorded in fixtures).

The differences are deliberate: a payload keeps its bytes apart from the fields that change; reschedule finds an entry
by its bytes, where Ruby may add a second one; nothing trims the dead set; pruning takes no lock, as one script does
it; cancelling seeds the state that Ruby then fails to find; dead jobs are not killed again, nor rescheduled.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

import pytest

from sidekiq_tui.operations.catalog import Delete, Enqueue, Kill, OfJobs, Reschedule, Retry
from sidekiq_tui.operations.making import Maker
from sidekiq_tui.operations.payloads import PayloadContext, refusal
from sidekiq_tui.operations.selection import Rows
from sidekiq_tui.sidekiq.batch_items import CancelIteration, Item, Prune, ResetCounter, SendSignal, Signal
from sidekiq_tui.sidekiq.batch_wire import batches
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.keys import SetName
from sidekiq_tui.sidekiq.operation_record import BatchReply, RecordKeys, begin, run_batch
from sidekiq_tui.sidekiq.replies import payloads, scored, whole
from tests.conformance.values import Recording
from tests.support.batch_cases import Value, seen
from tests.support.effects import comparable, effects_between, more, recorded, timeless

ONE: Final = ("One entry of retry", "One entry of schedule", "One entry of dead")
LIMITS: Final = (60, 2592000)
"""Seconds that signals and states of iterations live."""
MOMENT: Final = 30
_NOTHING: Final = Rows(())


def effects_of(recording: Recording, section: str, title: str) -> list[str]:
    """What Ruby did; skips where nothing else was recorded than for another version."""
    effects = recorded(recording.version).get(section, {}).get(title)
    if effects is None:
        pytest.skip(f"recorded once for all versions, or not in {recording.version}")
    return effects


def now_of(effects: Iterable[str]) -> float:
    """The moment of the recording, in Unix seconds."""
    for effect in effects:
        if found := re.search(r"enqueued_at: \S+ → (\d+)(\.\d+)?", effect):
            text = found.group(1) + (found.group(2) or "")
            return float(text) if found.group(2) else (int(text) + 0.5) / 1000
        if found := re.search(r"(?:to dead \(score |score of 1 changed \(\S+ → )([\d.]+)\)", effect):
            return float(found.group(1))
    return 1795314600.0


async def jobs_of(db: Database, place: Place) -> list[JobRecord]:
    if place.queue is not None:
        return [
            JobRecord(raw, place) for raw in payloads(await db.command("LRANGE", db.keys.queue(place.queue), 0, -1))
        ]
    return [
        JobRecord(raw, place, score)
        for raw, score in scored(await db.command("ZRANGE", place.kind, 0, -1, "WITHSCORES"))
    ]


async def carry_out(db: Database, items: Iterable[Item], now: float) -> str:
    """The items, in batches; all their results."""
    keys, results = RecordKeys(db.keys, "0123456789abcdef0123"), ""
    assert await begin(db, keys, {}, now) == "ok"
    for seq, batch in enumerate(batches(items)):
        reply = await run_batch(db, keys, seq, "0123456789ab", batch, now=now)
        assert reply == BatchReply("ok", reply.results)
        results += reply.results
    return results


def made(recording: Recording, operation: OfJobs, jobs: Iterable[JobRecord], now: float) -> list[Item]:
    """The items of the jobs that are not left as they are."""
    form = "milliseconds" if recording.major >= 8 else "seconds"
    chosen = [job for job in jobs if not refusal(job, operation)]
    maker = Maker(operation, PayloadContext(now, form), total=len(chosen))  # type: ignore[arg-type]
    return [maker.make(job)[0] for job in chosen]


async def seen_effects(db: Database, before: Mapping[bytes, Value]) -> list[str]:
    after = await seen(db)
    fresh = sorted(after.keys() - before.keys())
    lives = await db.read([("TTL", key) for key in fresh])
    limits = {
        key: limit_of(life) for key, life in zip(fresh, lives, strict=True) if isinstance(life, int) and life >= 0
    }
    return effects_between(before, after, limits)


def limit_of(life: int) -> int:
    """The limit that was set a moment ago."""
    return next((limit for limit in LIMITS if limit - MOMENT <= life <= limit), life)


def chosen_by(effects: Iterable[str], jobs: list[JobRecord]) -> JobRecord:
    """The entry that Ruby acted on: the recording names its score; without, it was any."""
    for effect in effects:
        if found := re.search(r"(?:from \w+ \(score |changed \()([\d.]+)", effect):
            (job,) = [job for job in jobs if job.score == float(found.group(1))]
            return job
    return jobs[len(jobs) // 2]


@pytest.mark.parametrize("section", ONE)
@pytest.mark.parametrize(
    ("title", "operation"),
    [
        ("SortedEntry#retry", Retry(jobs=_NOTHING)),
        ("SortedEntry#add_to_queue", Enqueue(jobs=_NOTHING)),
        ("SortedEntry#kill", Kill(jobs=_NOTHING)),
        ("SortedEntry#delete", Delete(jobs=_NOTHING, keep=False)),
        ("SortedEntry#reschedule(now + 3600)", None),
    ],
    ids=["retry", "enqueue", "kill", "delete", "reschedule"],
)
async def test_one_entry(recording: Recording, section: str, title: str, operation: OfJobs | None) -> None:
    effects = effects_of(recording, section, title)
    kind: SetName = section.rpartition(" ")[2]  # type: ignore[assignment]
    now = now_of(effects)
    if operation is None:
        operation = Reschedule(jobs=_NOTHING, at=now)
    elif isinstance(operation, Retry) and kind == "schedule":
        operation = Enqueue(jobs=_NOTHING)
    db = recording.db
    jobs = await jobs_of(db, Place(kind))
    if all(refusal(job, operation) for job in jobs):
        pytest.skip("not offered for dead jobs")
    job = chosen_by(effects, [job for job in jobs if not refusal(job, operation)])
    before = await seen(db)
    assert await carry_out(db, made(recording, operation, [job], now), now) == "1"
    assert comparable(await seen_effects(db, before)) == comparable(effects)


@pytest.mark.parametrize(
    ("title", "operation", "kind"),
    [
        ("SortedEntry#retry of one of several entries with an equal score", Retry(jobs=_NOTHING), "retry"),
        (
            "SortedEntry#add_to_queue of one of several scheduled entries with an equal score",
            Enqueue(jobs=_NOTHING),
            "schedule",
        ),
        ("SortedEntry#retry of that entry", Retry(jobs=_NOTHING), "retry"),
        ("SortedEntry#retry of an ActiveJob-wrapped job", Retry(jobs=_NOTHING), "retry"),
    ],
    ids=["retry among equals", "enqueue among equals", "odd bytes", "ActiveJob"],
)
async def test_edge_cases(recording: Recording, title: str, operation: OfJobs, kind: SetName) -> None:
    effects = effects_of(recording, "Edge cases", title)
    db, now = recording.db, now_of(effects)
    jobs = await jobs_of(db, Place(kind))
    # Of several with the score, any: they lead to the same words but for the time of their last push.
    score = re.search(r"from \w+ \(score ([\d.]+)\)", " ".join(effects))
    assert score is not None
    equal = [job for job in jobs if job.score == float(score.group(1))]
    pushed = re.search(r"enqueued_at: (\S+) →", " ".join(effects))
    assert pushed is not None
    job = next(job for job in equal if pushed.group(1) in (str(job.item.get("enqueued_at")), "(absent)"))
    before = await seen(db)
    assert await carry_out(db, made(recording, operation, [job], now), now) == "1"
    assert comparable(await seen_effects(db, before)) == comparable(effects)


@pytest.mark.parametrize(
    ("title", "operation", "kind"),
    [
        ("RetrySet#retry_all", Retry(jobs=_NOTHING), "retry"),
        ("RetrySet#kill_all", Kill(jobs=_NOTHING), "retry"),
        ("DeadSet#retry_all", Retry(jobs=_NOTHING), "dead"),
        ("ScheduledSet: each(&:add_to_queue)", Enqueue(jobs=_NOTHING), "schedule"),
        ("ScheduledSet: each(&:delete)", Delete(jobs=_NOTHING, keep=False), "schedule"),
    ],
    ids=["retry all", "kill all", "retry all dead", "enqueue all", "delete all"],
)
async def test_whole_sets(recording: Recording, title: str, operation: OfJobs, kind: SetName) -> None:
    effects = effects_of(recording, "Whole sets", title)
    db, now = recording.db, 1795314700.25
    jobs = await jobs_of(db, Place(kind))
    if "schedule` removed" not in " ".join(effects) and kind == "schedule":
        pytest.skip("Ruby before 8.1.2 leaves half of them behind")
    before = await seen(db)
    items = made(recording, operation, jobs, now)
    assert await carry_out(db, items, now) == "1" * len(items)
    ours, theirs = timeless(comparable(await seen_effects(db, before))), timeless(comparable(effects))
    listed = [effect for effect in theirs if "likewise" not in effect]
    assert [effect for effect in listed if effect not in ours] == []
    assert len(ours) == len(listed) + more(effects)


async def test_a_job_of_a_queue_and_one_of_its_twins(recording: Recording) -> None:
    db = recording.db
    for queue, title in (
        ("backlog", "JobRecord#delete (one job of a queue)"),
        ("reports:weekly-2.0", "JobRecord#delete when the identical payload is in the queue twice"),
    ):
        effects = effects_of(recording, "Queues", title)
        jobs = await jobs_of(db, Place("queue", queue))
        twins = [job for job in jobs if sum(job.raw == other.raw for other in jobs) == 2]
        before = await seen(db)
        items = made(recording, Delete(jobs=_NOTHING, keep=False), (twins or jobs)[:1], recording.now)
        await db.command("DEL", "sqtui:op:0123456789abcdef0123:1")
        assert await carry_out(db, items, recording.now) == "1"
        assert comparable(await seen_effects(db, before)) == comparable(effects)


@pytest.mark.parametrize(
    ("title", "signal"),
    [("Process#quiet!", "TSTP"), ("Process#stop!", "TERM"), ("Process#dump_threads", "TTIN")],
    ids=["quiet", "stop", "dump"],
)
async def test_signals(recording: Recording, title: str, signal: Signal) -> None:
    effects = effects_of(recording, "Processes", title)
    db = recording.db
    found = re.search(r"`(.*)-signals`", effects[0])
    assert found is not None
    before = await seen(db)
    assert await carry_out(db, [SendSignal(found.group(1), signal)], recording.now) == "1"
    assert await seen_effects(db, before) == effects
    assert await db.command("LRANGE", f"{found.group(1)}-signals", 0, -1) == [signal.encode()]


async def test_pruning_forgets_the_same_processes(recording: Recording) -> None:
    effects = effects_of(recording, "Processes", "ProcessSet.new (with clean-up of dead ones) + each")
    db = recording.db
    identities = [name.decode() for name in payloads(await db.command("SMEMBERS", "processes"))]
    before = await seen(db)
    await carry_out(db, [Prune(identity) for identity in identities], recording.now)
    assert await seen_effects(db, before) == [effect for effect in effects if "process_cleanup" not in effect]


@pytest.mark.parametrize("title", ["Stats#reset", "Stats#reset(failed)"])
async def test_statistics(recording: Recording, title: str) -> None:
    effects = effects_of(recording, "Statistics", title)
    db = recording.db
    before = await seen(db)
    items: list[Item] = []
    for counter in ("processed", "failed"):
        if counter == "failed" or title == "Stats#reset":
            known = whole(await db.command("GET", f"stat:{counter}"))
            assert known is not None
            items.append(ResetCounter(counter, known))
    assert await carry_out(db, items, recording.now) == "1" * len(items)
    assert await seen_effects(db, before) == effects


async def test_cancelling_seeds_what_ruby_would_miss(recording: Recording) -> None:
    (effect,) = effects_of(recording, "Client", "cancel!(jid) of an iterable job")
    found = re.fullmatch(r"hash `it-(\w+)` created: cancelled: \(absent\) → (\d+) \(ttl 2592000 s\)", effect)
    assert found is not None
    db = recording.db
    before = await seen(db)
    assert await carry_out(db, [CancelIteration(found.group(1), int(found.group(2)))], recording.now) == "1"
    (ours,) = await seen_effects(db, before)
    for seeded in ("; c: (absent) → null", "; ex: (absent) → 0", "; rt: (absent) → 0"):
        assert seeded in ours
        ours = ours.replace(seeded, "")
    assert ours == effect
