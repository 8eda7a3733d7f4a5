"""What the demo shows besides jobs reads as what it stands for."""

from __future__ import annotations

import gzip
import json

import pytest
import redis.asyncio

from sidekiq_tui.demo.dataset import Dataset
from sidekiq_tui.demo.plans import plans
from sidekiq_tui.demo.traffic import Traffic
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.extras import read_extras
from sidekiq_tui.sidekiq.profiling import read_profile_data, read_profiles

NOW = 1_795_314_142.25


@pytest.fixture
async def dataset(raw: redis.asyncio.Redis) -> Dataset:
    made = Dataset(plans(1)[0], "7", NOW)
    for group in (made.base(), made.more()):
        pipe = raw.pipeline(transaction=False)
        for command in group:
            if command[0] != "EXPIRE":  # the demo's time is not the clock's
                pipe.execute_command(*command)
        await pipe.execute()
    return made


async def test_profiles_can_be_listed_and_opened(dataset: Dataset, db: Database) -> None:
    profiles = await read_profiles(db, NOW)
    assert len(profiles) > 3
    assert any(profile.sid for profile in profiles)
    for profile in profiles:
        assert None not in (profile.jid, profile.type, profile.token, profile.elapsed, profile.started_at)
        data = await read_profile_data(db, profile.key)
        assert data is not None
        assert len(data) == profile.size
        assert json.loads(gzip.decompress(data))["threads"]


async def test_there_are_signs_of_everything_that_is_known(dataset: Dataset, db: Database) -> None:
    queues = {worker.identity: worker.plan.queues for worker in dataset.workers}
    found = await read_extras(db, NOW, queues)
    assert found.edition == ("Enterprise", "likely")
    assert found.leader in queues
    assert len(found.batches) == found.batch_count == 5
    assert all(batch.done is not None and batch.created_at is not None for batch in found.batches)
    assert found.died_count == 1
    assert {one.alive for one in found.super_processes} == {True}
    assert sum(one.held or 0 for one in found.super_processes) > 0
    assert all(one.last_at is not None and one.enabled is not None for one in found.cron)


async def test_private_lists_come_and_go_with_their_process(
    dataset: Dataset, db: Database, raw: redis.asyncio.Redis
) -> None:
    traffic, now = Traffic(dataset), NOW
    reliable = next(worker for worker in dataset.workers if "reliable" in worker.plan.labels)
    reliable.ends_at = NOW + 15
    for _ in range(20):
        now += 1
        for command, handler in traffic.tick(now):
            reply = await raw.execute_command(*command)  # type: ignore[no-untyped-call]
            if handler is not None:
                handler(reply)
    found = await read_extras(db, now, {})
    assert reliable.identity not in {one.identity for one in found.super_processes}
    assert [key async for key in raw.scan_iter(f"queue:sq|{reliable.identity}|*")] == []
