"""Sums and worst cases over what a poll found."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidekiq_tui.sidekiq.overview import Overview, QueueSummary
from sidekiq_tui.sidekiq.polling import QueueState
from sidekiq_tui.sidekiq.process import Process
from sidekiq_tui.sidekiq.redis_info import RedisInfo
from sidekiq_tui.sidekiq.stats import oldest_at, waited

NOW = 1_795_314_142.0

NOTHING = Overview(
    read_at=NOW,
    rtt=0.001,
    processed=0,
    failed=0,
    retries=0,
    scheduled=0,
    dead=0,
    overdue_retries=0,
    overdue_scheduled=0,
    queues=(),
    processes=(),
    leader=None,
    redis=RedisInfo(),
    sidekiq_versions=(),
    edition_signs=(),
    denied={},
)
PROCESS = Process(
    identity="a",
    hostname=None,
    pid=None,
    tag=None,
    labels=(),
    queues=(),
    capsules=(),
    weights={},
    concurrency=5,
    busy=2,
    rss=100,
    rtt=None,
    started_at=None,
    beat=None,
    quiet=False,
    status="running",
    stale=False,
    version=None,
    embedded=False,
    signals=(),
    leader=False,
)


def queue(name: str, size: int | None, latency: float | None) -> QueueSummary:
    return QueueSummary(name, size, latency, None, False, 0)


def test_an_empty_server() -> None:
    assert (NOTHING.busy, NOTHING.concurrency, NOTHING.rss, NOTHING.enqueued, NOTHING.live_processes) == (0, 0, 0, 0, 0)
    assert (NOTHING.latency, NOTHING.utilization, NOTHING.worst_queue) == (0.0, None, None)


def test_sums() -> None:
    overview = replace(NOTHING, processes=(PROCESS, replace(PROCESS, identity="b", busy=3, rss=None)))
    assert (overview.busy, overview.concurrency, overview.rss, overview.live_processes) == (5, 10, 100, 2)
    assert overview.utilization == pytest.approx(0.5)


def test_what_nobody_says_is_unknown() -> None:
    overview = replace(NOTHING, processes=(replace(PROCESS, busy=None, concurrency=None, rss=None),))
    assert (overview.busy, overview.concurrency, overview.rss, overview.utilization) == (None, None, None, None)


def test_what_may_not_be_read_is_unknown() -> None:
    overview = replace(NOTHING, denied={"processes": "no", "queues": "no"}, unlisted_latency=None)
    assert (overview.busy, overview.live_processes, overview.enqueued, overview.latency) == (None, None, None, None)


def test_the_worst_queue_has_waited_longest() -> None:
    queues = (
        queue("a", 1, 5.0),
        queue("b", 0, 0.0),
        queue("default", 9, 60.0),
        queue("d", 5, None),
        queue("e", None, None),
    )
    overview = replace(NOTHING, queues=queues, denied={"queues": "1 of 5 queues: no"})
    assert overview.worst_queue == queues[2]
    assert (overview.latency, overview.enqueued) == (60.0, 15)
    assert replace(NOTHING, queues=queues[3:]).worst_queue is None


@pytest.mark.parametrize(
    ("tail", "seconds"),
    [
        (None, 0.0),
        (b'{"enqueued_at":1795314132.0}', 10.0),
        (b'{"enqueued_at":1795314132000,"created_at":5}', 10.0),
        (b'{"created_at":1795314132.0}', 10.0),
        (b'{"enqueued_at":1795314192.0}', 0.0),
        (b'{"enqueued_at":"2026-11-22T02:22:12Z"}', 10.0),
        (b'{"enqueued_at":[]}', None),
        (b"{}", None),
        (b"not json", None),
    ],
)
def test_latency_of_a_tail(tail: bytes | None, seconds: float | None) -> None:
    assert waited(tail, NOW) == seconds
    assert QueueState(size=0 if tail is None else 1, oldest_at=oldest_at(tail)).latency(NOW) == seconds


@given(st.binary(), st.floats(0, 1e10))
def test_any_tail(tail: bytes, now: float) -> None:
    assert (waited(tail, now) or 0.0) >= 0.0
