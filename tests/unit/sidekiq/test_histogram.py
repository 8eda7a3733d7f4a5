"""Percentiles from Sidekiq's histograms: estimates, but never outside of what the buckets say."""

from __future__ import annotations

import json
from bisect import bisect_right
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidekiq_tui.sidekiq.histogram import (
    HISTOGRAM_INTERVALS,
    SLOW,
    add_up,
    bounds,
    decode_histogram,
    percentile,
)
from tests.support.dumps import FIXTURES

BUCKETS = len(HISTOGRAM_INTERVALS)


def counts_of(milliseconds: list[float]) -> tuple[int, ...]:
    counts = [0] * BUCKETS
    for one in milliseconds:
        counts[bisect_right(HISTOGRAM_INTERVALS, one)] += 1
    return tuple(counts)


def test_nothing_is_known_without_runs() -> None:
    assert percentile((0,) * BUCKETS, 0.5) is None
    assert percentile((), 0.5) is None


def test_runs_are_spread_evenly_inside_a_bucket() -> None:
    counts = counts_of([25.0] * 10)
    assert [percentile(counts, share) for share in (0.0, 0.5, 1.0)] == pytest.approx([0.02, 0.025, 0.03])
    assert percentile(counts_of([5.0] * 4), 0.25) == pytest.approx(0.005)


def test_the_slowest_bucket_says_at_least_without_a_mean() -> None:
    counts = counts_of([10.0] * 9 + [900_000.0])
    assert percentile(counts, 0.95) == SLOW == 335.0
    assert percentile(counts, 0.5) < 0.02  # type: ignore[operator]


def test_the_slowest_bucket_thins_out_round_its_mean() -> None:
    counts = counts_of([1000_000.0] * 100)
    middle, late = percentile(counts, 0.5, 1000.0), percentile(counts, 0.95, 1000.0)
    assert middle is not None
    assert late is not None
    assert SLOW < middle < 1000 < late < 1000 * 4
    assert percentile(counts, 1.0, 1000.0) < 10_000  # type: ignore[operator]
    assert percentile(counts, 0.5, 1.0) == SLOW  # a mean that the histogram refutes


@given(st.lists(st.floats(0, 330_000), min_size=1, max_size=200), st.floats(0.01, 1.0))
def test_an_estimate_is_in_the_bucket_of_the_true_value(runs: list[float], share: float) -> None:
    counts = counts_of(runs)
    estimate = percentile(counts, share)
    wanted = share * len(runs)
    true = sorted(runs)[max(0, -int(-wanted // 1) - 1)]
    low, high = bounds(bisect_right(HISTOGRAM_INTERVALS, true))
    assert estimate is not None
    assert low - 1e-9 <= estimate <= high + 1e-9


@given(st.lists(st.integers(0, 65_535), min_size=BUCKETS, max_size=BUCKETS), st.floats(0.1, 5000))
def test_a_higher_share_never_takes_less(counts: list[int], mean: float) -> None:
    estimates = [percentile(counts, share / 20, mean) for share in range(21)]
    known = [estimate for estimate in estimates if estimate is not None]
    assert known == sorted(known)
    assert len(known) == (21 if any(counts) else 0)


def test_histograms_add_up() -> None:
    assert add_up([]) == (0,) * BUCKETS
    assert add_up([counts_of([1.0]), counts_of([1.0, 50.0])]) == counts_of([1.0, 1.0, 50.0])
    assert decode_histogram(b"\x00\x02") == (2, *[0] * 25)


@pytest.mark.parametrize("version", ["7.3.10", "8.1.7"])
def test_percentiles_agree_with_the_means_that_ruby_answers(version: str) -> None:
    """Of a class whose runs Ruby saw: the mean lies between the fastest and the slowest run of its histogram."""
    expected: Any = json.loads((FIXTURES / f"sidekiq-{version}" / "expected.json").read_text("utf-8"))
    seen = 0
    for answer in expected["metrics"]["for_job_60m"].values():
        for result in answer["job_results"].values():
            # Ruby turns each histogram round for its chart.
            counts = add_up([tuple(reversed(minute)) for minute in result["hist"].values()])
            totals = result["totals"]
            if not sum(counts):
                assert totals.get("p", 0) == totals.get("f", 0)
                continue
            assert sum(counts) == totals["p"] - totals.get("f", 0)
            fastest, slowest = percentile(counts, 0.0), percentile(counts, 1.0)
            assert fastest is not None
            assert slowest is not None
            assert fastest <= result["total_avg_s"] <= slowest
            seen += 1
    assert seen
