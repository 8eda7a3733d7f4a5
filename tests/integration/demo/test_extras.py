"""What the demo shows besides jobs reads as what it stands for."""

from __future__ import annotations

import gzip
import json

import pytest
import redis.asyncio

from sidekiq_tui.demo.dataset import Dataset
from sidekiq_tui.demo.extras import join, part
from sidekiq_tui.demo.plans import plans
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


async def test_there_are_signs_of_everything_that_is_known(
    dataset: Dataset, db: Database, raw: redis.asyncio.Redis
) -> None:
    identity, queues = "shop-app-1:7:abcdef", ("critical", "mailers")
    await raw.set(db.keys.leader, identity)
    await raw.hset(db.keys.process(identity), "beat", repr(NOW))
    await db.pipeline(list(join(db.keys, identity, queues, [("mailers", b"{}"), ("elsewhere", b"{}")])))
    found = await read_extras(db, NOW, {identity: queues})
    assert found.edition == ("Enterprise", "likely")
    assert found.leader == identity
    assert len(found.batches) == found.batch_count == 5
    assert all(batch.done is not None and batch.created_at is not None for batch in found.batches)
    assert found.died_count == 1
    assert [(one.alive, one.held) for one in found.super_processes] == [(True, 1)]
    assert all(one.last_at is not None and one.enabled is not None for one in found.cron)
    await db.pipeline(list(part(db.keys, identity, queues)))
    found = await read_extras(db, NOW, {identity: queues})
    assert not found.super_processes
    assert [key async for key in raw.scan_iter(f"queue:sq|{identity}|*")] == []
