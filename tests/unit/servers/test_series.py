"""Rates from counters that come in lumps, and histories that stay small."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from sidekiq_tui.servers.series import MAX_QUEUES, RateMeter, Rates, Series

T0 = 1_700_000_000.0


def test_no_rate_is_known_at_first() -> None:
    meter = RateMeter()
    assert meter.rates() is None
    meter.add(T0, 100, 1)
    assert meter.rates() is None
    meter.add(T0 + 2, 150, 1)
    assert meter.rates() is None
    meter.add(T0 + 4, 150, 1)
    meter.add(T0 + 6, 150, 1)
    meter.add(T0 + 8, 150, 1)
    assert meter.rates() is None
    meter.add(T0 + 10, 150, 1)
    assert meter.rates() == Rates(5.0, 0.0)


def test_counters_that_move_at_each_poll_give_a_rate_sooner() -> None:
    meter = RateMeter()
    for step in range(4):
        meter.add(T0 + 2 * step, 100 + 20 * step, step)
    assert meter.rates() == Rates(10.0, 0.5)


@pytest.mark.parametrize("processes", [1, 5])
def test_lumps_every_ten_seconds_are_smoothed(processes: int) -> None:
    """Each process adds 100 jobs at each heartbeat; polled every 2 s with jitter, the rate stays near the truth."""
    noise = random.Random(1)
    meter, now, rates = RateMeter(), T0, []
    phases = [noise.uniform(0, 10) for _ in range(processes)]
    while now < T0 + 300:
        total = sum(100 * int((now - T0 + phase) // 10) for phase in phases)
        meter.add(now, total, 0)
        found = meter.rates()
        if found is not None and now > T0 + 40:
            assert found.processed is not None
            rates.append(found.processed)
        now += 2 * noise.uniform(0.9, 1.1)
    truth = 10.0 * processes
    assert rates
    assert all(0.6 * truth <= rate <= 1.4 * truth for rate in rates)


def test_a_counter_that_falls_starts_afresh_and_no_rate_is_negative() -> None:
    meter = RateMeter()
    for step in range(10):
        meter.add(T0 + 2 * step, 1000 + step, 5)
    meter.add(T0 + 20, 3, 0)
    assert meter.rates() is None
    assert meter.recent() is None
    for step in range(6):
        meter.add(T0 + 22 + 2 * step, 3 + 20 * step, 0)
    assert meter.rates() == Rates(100 / 12, 0.0)


def test_a_clock_that_goes_back_and_counters_that_vanish() -> None:
    meter = RateMeter()
    for step in range(10):
        meter.add(T0 + 2 * step, step, 0)
    meter.add(T0, 50, 0)
    assert meter.rates() is None
    meter.add(T0 + 100, None, 0)
    meter.add(T0 + 102, 60, 0)
    assert meter.rates() is None


def test_recent_counts_of_the_last_minutes() -> None:
    meter = RateMeter()
    for second in range(0, 1000, 10):
        meter.add(T0 + second, second, second // 10)
    processed, failed = meter.recent() or (0, 0)
    assert (processed, failed) == (300, 30)
    assert Rates(10.0, 1.0).failure_share == 0.1
    assert Rates(0.0, 0.0).failure_share is None
    assert Rates(1.0, 2.0).failure_share == 1.0


def filled(seconds: int, step: float = 2.0) -> tuple[Series, float]:
    series, now = Series(), T0
    series.hold = 3 * step
    while now < T0 + seconds:
        series.add(now, "busy", now - T0)
        now += step
    return series, now - step


@pytest.mark.parametrize("period", [60, 300, 1800, 7200, 86400])
@pytest.mark.parametrize("columns", [1, 10, 47, 120])
def test_points_fill_exactly_the_columns_and_rise(period: int, columns: int) -> None:
    series, now = filled(4000)
    points = series.view.points("busy", period, columns, now)
    assert len(points) == columns
    known = [value for value in points if value is not None]
    assert known[-1] > 0
    assert all(earlier <= later for earlier, later in pairwise(known))
    assert None not in points[-max(1, columns * min(period, 3000) // period) :]


def test_what_was_before_the_first_sample_and_an_outage_are_holes() -> None:
    series, now = filled(20)
    points = series.view.points("busy", 60, 30, now)
    assert points[:18] == [None] * 18
    series.add(now + 30, "busy", 5.0)
    points = series.view.points("busy", 60, 30, now + 30)
    assert points[-1] == 5.0
    assert points[-14:-1] == [None] * 13
    assert series.view.points("busy", 60, 30, now + 3600) == [None] * 30


def test_the_time_since_the_last_sample_is_no_hole_while_it_holds() -> None:
    series, now = filled(600)
    assert None not in series.view.points("busy", 60, 120, now + 5.9)  # half a second a column
    assert series.view.points("busy", 60, 120, now + 6.1)[-5:] == [None] * 5


def test_columns_keep_still_while_time_passes() -> None:
    series, now = filled(600)
    before = series.view.points("busy", 300, 60, now)
    assert series.view.points("busy", 300, 60, now + 0.5)[:-2] == before[:-2]


def test_an_unknown_metric_and_no_room() -> None:
    series, now = filled(10)
    assert series.view.points("dead", 60, 3, now) == [None] * 3
    assert series.view.points("busy", 60, 0, now) == []
    assert series.view.last("dead") is None
    assert series.view.change("dead", 60) is None
    series.add(now, "dead", None)
    assert series.view.last("dead") is None


def test_change_over_a_period() -> None:
    series, _ = filled(400)
    assert series.view.change("busy", 300) == pytest.approx(300, abs=5)
    assert series.view.change("busy", 3000) is None


def test_memory_is_bounded() -> None:
    series = Series()
    for poll in range(30):
        names = [f"q{number + poll * 50}" for number in range(MAX_QUEUES + 300)]
        series.add_queues(T0 + 2 * poll, ((name, 1.0, 0.5) for name in names))
    assert len(series.queues) <= 2 * MAX_QUEUES
    names = [f"q{number + 29 * 50}" for number in range(3)]
    assert series.view.queue_points(names[0], "size", 600, 1, T0 + 58) == [1.0]
    assert series.view.queue_points("q0", "size", 600, 1, T0 + 58) == [None]
    assert series.view.queue_change(names[0], "size", 3600) is None
