"""Metrics, histograms, deploy marks, against Sidekiq's `Metrics::Query` and `Deploy`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sidekiq_tui.sidekiq.deploy import read_marks
from sidekiq_tui.sidekiq.histogram import HISTOGRAM_INTERVALS, HISTOGRAM_LABELS
from sidekiq_tui.sidekiq.metrics import JobMetrics, Metrics, for_job, top_jobs
from tests.conformance.values import Recording, close

COVERS = ("metrics", "deploys")

_QUERY = re.compile(r"(top_jobs|filter|for_job)_(\d+)([mh])")


async def test_every_query(recording: Recording) -> None:
    asked = 0
    for name, answer in recording.answer("metrics").items():
        if not (query := _QUERY.fullmatch(name)):
            continue
        period: dict[str, Any] = {"minutes" if query[3] == "m" else "hours": int(query[2])}
        if query[1] == "top_jobs":
            _compare(recording, await top_jobs(recording.db, recording.now, **period), answer)
        elif query[1] == "filter":
            assert answer["ignorecase"], "the filter of the Web UI ignores case"
            ours = await top_jobs(recording.db, recording.now, contains=answer["regexp"], **period)
            _compare(recording, ours, answer["result"])
        else:
            for class_name, result in answer.items():
                _compare(recording, await for_job(recording.db, class_name, recording.now, **period), result)
        asked += 1
    assert asked


def test_no_answer_is_left_out(recording: Recording) -> None:
    for name, value in recording.answer("metrics").items():
        if name == "histogram_bucket_labels":
            assert list(HISTOGRAM_LABELS) == value
        elif name == "histogram_bucket_intervals":
            assert list(HISTOGRAM_INTERVALS) == value
        elif name == "hours":
            assert str(value).startswith("not in this version")
        else:
            assert _QUERY.fullmatch(name), f"{name} is compared nowhere"


async def test_deploys(recording: Recording) -> None:
    for day, answer in recording.answer("deploys").items():
        start = datetime.fromisoformat(day).replace(tzinfo=UTC)
        marks = await read_marks(recording.db, start.timestamp(), (start + timedelta(days=1)).timestamp() - 1)
        ours = {_iso(mark.at): mark.label for mark in marks}
        assert ours == answer


def _compare(recording: Recording, ours: Metrics, theirs: Mapping[str, Any]) -> None:
    assert theirs.keys() == {"granularity", "buckets", "starts_at", "ends_at", "marks", "job_results"}
    # 7.x knows minutes only, and doesn't name them.
    assert theirs["granularity"] in (ours.granularity, None)
    assert ours.ends_at == close(theirs["ends_at"])
    # 7.x says when the first bucket was asked for, 8.x when the period begins.
    assert ours.starts_at + (60 if recording.major < 8 else 0) == close(theirs["starts_at"])
    if theirs["buckets"] is not None:
        assert [_label(recording, at) for at in ours.buckets] == theirs["buckets"]
    _compare_marks(recording, ours, theirs["marks"])
    assert ours.jobs.keys() == theirs["job_results"].keys()
    assert not ours.truncated
    for class_name, result in theirs["job_results"].items():
        _compare_job(recording, ours, ours.jobs[class_name], result)


def _compare_marks(recording: Recording, ours: Metrics, theirs: list[dict[str, Any]]) -> None:
    # 7.x looks at the deploys of today (UTC) only; we show those of the whole period.
    since = recording.now // 86_400 * 86_400 if recording.major < 8 else ours.starts_at
    marks = [
        {"time": mark.at, "label": mark.label, "bucket": _label(recording, ours.bucket(mark.at))}
        for mark in ours.marks
        if mark.at >= since
    ]
    assert marks == theirs


def _compare_job(recording: Recording, query: Metrics, ours: JobMetrics, theirs: Mapping[str, Any]) -> None:
    totals = {"p": ours.processed, "f": ours.failed, "ms": ours.ms, "s": ours.ms / 1000}
    for name, value in totals.items():
        # What was never written is missing in Ruby, and 0 with us.
        assert value == close(theirs["totals"].get(name, 0)), name
    assert theirs["totals"].keys() <= totals.keys()
    series = dict(ours.series) | {"s": {at: ms / 1000 for at, ms in ours.series["ms"].items()}}
    assert theirs["series"].keys() <= series.keys()
    for name, values in series.items():
        assert _labelled(recording, values) == close(theirs["series"].get(name, {})), name
    # Ruby turns each histogram round for its chart, and has none for hours.
    kept = ours.histogram if query.granularity == "minutely" else {}
    histogram = {_label(recording, at): list(reversed(counts)) for at, counts in kept.items()}
    assert histogram == theirs["hist"]
    zero_buckets = len(query.buckets) - len(histogram) if theirs["hist_zero_buckets"] else 0
    assert theirs["hist_zero_buckets"] == zero_buckets
    assert ours.average == close(theirs["total_avg_ms"])
    assert ours.average / 1000 == close(theirs["total_avg_s"])
    averages = {at: ms / 1000 for at, ms in ours.averages().items()}
    assert _labelled(recording, averages) == close(theirs["series_avg_s"])
    assert theirs.keys() == {
        *("totals", "series", "hist", "hist_zero_buckets", "total_avg_ms", "total_avg_s", "series_avg_s")
    }


def _labelled(recording: Recording, values: Mapping[float, float]) -> dict[str, float]:
    return {_label(recording, at): value for at, value in values.items()}


def _label(recording: Recording, at: float) -> str:
    """How that version names a bucket."""
    return _iso(at) if recording.major >= 8 else f"{datetime.fromtimestamp(at, UTC):%H:%M}"


def _iso(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
