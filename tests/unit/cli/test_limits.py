"""What passes a limit of ``check``."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

import pytest

from sidekiq_tui.cli.limits import Finding, Limit, duration, enqueued_limit, judge, latency_limit
from sidekiq_tui.sidekiq.overview import Overview, QueueSummary
from sidekiq_tui.sidekiq.redis_info import RedisInfo


def queue(name: str, size: int | None, latency: float | None) -> QueueSummary:
    return QueueSummary(name=name, size=size, latency=latency, oldest_at=None, paused=False, processes=1)


def overview(*queues: QueueSummary, denied: Mapping[str, str] | None = None, **fields: Any) -> Overview:
    known: dict[str, Any] = {
        "read_at": 1000.0,
        "rtt": 0.001,
        "processed": 10,
        "failed": 1,
        "retries": 3,
        "scheduled": 4,
        "dead": 5,
        "overdue_retries": 0,
        "overdue_scheduled": 0,
        "processes": (),
        "leader": None,
        "redis": RedisInfo(),
        "sidekiq_versions": (),
        "edition_signs": (),
    }
    return Overview(queues=queues, denied=denied or {}, **(known | fields))


def only(limit: Limit, seen: Overview) -> Finding:
    (finding,) = judge([limit], seen)
    return finding


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("60", 60.0),
        ("60s", 60.0),
        ("2m", 120.0),
        ("1h30m", 5400.0),
        ("250ms", 0.25),
        ("1.5", 1.5),
        ("1d", 86400.0),
        ("0", 0.0),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "s", "m2", "2 m", "-1", "1e3", "60x", "1h30"])
def test_no_durations(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        duration(text)


def test_limits_of_one_queue() -> None:
    assert latency_limit("mailers=5m") == Limit("latency", 300.0, "mailers")
    assert latency_limit("a=b=60") == Limit("latency", 60.0, "a=b")
    assert latency_limit("60") == Limit("latency", 60.0)
    assert enqueued_limit("mailers=100") == Limit("enqueued", 100, "mailers")


def test_latency_takes_the_worst_queue_and_names_it() -> None:
    seen = overview(queue("default", 1, 3.0), queue("mailers", 2, 75.0), queue("empty", 0, 0.0))
    finding = only(Limit("latency", 60.0), seen)
    assert (finding.value, finding.queue, finding.passed) == (75.0, "mailers", True)
    assert not only(Limit("latency", 75.0), seen).passed
    assert not only(Limit("latency", 60.0, "default"), seen).passed


def test_an_unknown_queue_is_empty() -> None:
    finding = only(Limit("latency", 0.0, "nowhere"), overview(queue("default", 1, 3.0)))
    assert (finding.value, finding.passed) == (0.0, False)


def test_a_latency_that_cannot_be_known_is_no_sign_of_health() -> None:
    seen = overview(queue("default", 1, 3.0), queue("corrupt", 7, None))
    finding = only(Limit("latency", 60.0), seen)
    assert (finding.value, finding.queue, finding.passed) == (None, "corrupt", True)
    assert only(Limit("latency", 2.0), seen).value == 3.0
    assert not only(Limit("latency", 60.0, "default"), seen).passed


def test_enqueued_of_all_queues_or_one() -> None:
    seen = overview(queue("default", 10, 3.0), queue("mailers", 20, 1.0))
    assert only(Limit("enqueued", 29), seen).passed
    assert not only(Limit("enqueued", 30), seen).passed
    assert only(Limit("enqueued", 19, "mailers"), seen).passed
    assert only(Limit("enqueued", 99), overview(queue("odd", None, None))).passed


@pytest.mark.parametrize(("subject", "value"), [("retries", 3), ("scheduled", 4), ("dead", 5)])
def test_sets(subject: Any, value: int) -> None:
    assert not only(Limit(subject, value), overview()).passed
    assert only(Limit(subject, value - 1), overview()).passed


def test_too_few_processes() -> None:
    assert only(Limit("processes", 1, least=True), overview()).passed
    assert not only(Limit("processes", 0, least=True), overview()).passed


@pytest.mark.parametrize("subject", ["latency", "enqueued"])
def test_what_may_not_be_read_counts_as_passed_and_says_why(subject: Any) -> None:
    finding = only(Limit(subject, 60), overview(denied={"queues": "this user may not run SSCAN"}))
    assert finding.passed
    assert finding.reason == "this user may not run SSCAN"
