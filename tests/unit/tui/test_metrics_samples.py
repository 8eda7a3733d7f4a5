"""What the metrics' charts draw of a class, and what they leave out."""

from __future__ import annotations

import pytest

from sidekiq_tui.sidekiq.metrics import JobMetrics, Metrics
from sidekiq_tui.tui.screens.metrics_samples import mean_times, rates

START = 1_795_300_020.0


@pytest.mark.parametrize(("late", "last"), [(14, None), (15, 6.0), (59, 6.0)])
def test_a_minute_that_may_still_be_written_to_is_a_hole(late: int, last: float | None) -> None:
    job = JobMetrics()
    for minute in range(3):
        job.add("p", START + 60 * minute, 6)
        job.add("ms", START + 60 * minute, 1500)
    now = START + 120 + late
    metrics = Metrics("minutely", START, now, (START, START + 60, START + 120), (), {"A": job}, False)
    assert rates(metrics, job, "p") == [6.0, last]
    assert mean_times(metrics, job, 2) == [0.25, None if last is None else 0.25]
