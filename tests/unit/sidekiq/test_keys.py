"""Redis keys: exact spelling, for every version."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from sidekiq_tui.sidekiq.keys import Keys

AT = datetime(2026, 11, 2, 2, 6, 59, tzinfo=UTC)
LATE = datetime(2026, 11, 22, 13, 46, tzinfo=UTC)


def test_keys_of_jobs_processes_and_signs() -> None:
    keys = Keys()
    assert keys.queues == b"queues"
    assert keys.queue("reports:weekly-2.0") == b"queue:reports:weekly-2.0"
    assert [keys.job_set(name) for name in ("retry", "schedule", "dead")] == [keys.retry, keys.schedule, keys.dead]
    assert (keys.retry, keys.schedule, keys.dead) == (b"retry", b"schedule", b"dead")
    assert (keys.processes, keys.process("a:1:b")) == (b"processes", b"a:1:b")
    assert (keys.work("a:1:b"), keys.workers_v6("a:1:b")) == (b"a:1:b:work", b"a:1:b:workers")
    assert (keys.signals("a:1:b"), keys.leader, keys.paused) == (b"a:1:b-signals", b"dear-leader", b"paused")
    assert (keys.iteration("00ff"), keys.profiles, keys.profile("t-00ff")) == (b"it-00ff", b"profiles", b"t-00ff")
    assert (keys.batches, keys.super_processes) == (b"batches", b"super_processes")


def test_keys_of_statistics() -> None:
    keys = Keys()
    assert (keys.stat_processed, keys.stat_failed) == (b"stat:processed", b"stat:failed")
    assert keys.stat_day("failed", date(2026, 1, 2)) == b"stat:failed:2026-01-02"
    assert keys.marks(date(2026, 1, 2)) == b"20260102-marks"


@pytest.mark.parametrize(
    ("at", "minute_v7", "minute", "ten_minutes", "histogram_v7", "histogram"),
    [
        (AT, b"j|20261102|2:6", b"j|261102|2:06", b"j|261102|2:0", b"A::B-02-02:6", b"h|A::B-2-2:6"),
        (LATE, b"j|20261122|13:46", b"j|261122|13:46", b"j|261122|13:4", b"A::B-22-13:46", b"h|A::B-22-13:46"),
    ],
)
def test_keys_of_metrics(
    at: datetime, minute_v7: bytes, minute: bytes, ten_minutes: bytes, histogram_v7: bytes, histogram: bytes
) -> None:
    keys = Keys()
    for same in (at, at.astimezone(timezone(timedelta(hours=-9, minutes=-30)))):
        assert keys.metrics_minute_v7(same) == minute_v7
        assert keys.metrics_minute(same) == minute
        assert keys.metrics_ten_minutes(same) == ten_minutes
        assert keys.histogram_v7("A::B", same) == histogram_v7
        assert keys.histogram("A::B", same) == histogram


def test_a_namespace_stands_before_every_key() -> None:
    keys = Keys("my app")
    names = [name for name in dir(Keys) if isinstance(getattr(Keys, name), property)]
    assert len(names) == 21
    for name in names:
        found, plain = getattr(keys, name), getattr(Keys(), name)
        if isinstance(found, tuple):
            assert found == tuple(b"my app:" + one for one in plain)
        else:
            assert found == b"my app:" + plain
    assert keys.queue("default") == b"my app:queue:default"
    assert keys.process("a:1:b") == b"my app:a:1:b"
    assert keys.histogram("A", AT) == b"my app:h|A-2-2:6"


def test_names_that_are_not_utf8_come_back_to_their_bytes() -> None:
    name = b"q\xff\xc3\xb3".decode("utf-8", "surrogateescape")
    assert Keys().queue(name) == b"queue:q\xff\xc3\xb3"
    assert Keys().queue("\ud800") == b"queue:\xed\xa0\x80"
