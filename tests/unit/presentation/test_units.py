from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidekiq_tui.presentation import units

K, M, G = 1024, 1024**2, 1024**3
MINUTE, HOUR, DAY = 60, 3600, 86400


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (4211, "4,211"),
        (9999, "9,999"),
        (10_000, "10.0k"),
        (12_199, "12.1k"),
        (99_999, "99.9k"),
        (100_000, "100k"),
        (932_999, "932k"),
        (999_999, "999k"),
        (1_000_000, "1.00M"),
        (1_249_999, "1.24M"),
        (12_100_000, "12.1M"),
        (999_999_999, "999M"),
        (1_500_000_000, "1.50G"),
        (999 * 10**12, "999T"),
        (10**15, ">999T"),
        (10**400, ">999T"),
        (999.5, "999"),
        (-7, "-7"),
        (-20_100, "-20.1k"),
        (None, "–"),
        (float("nan"), "–"),
        (float("inf"), "–"),
    ],
)
def test_count(value: float | None, shown: str) -> None:
    assert units.count(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(310, "+310"), (20_100, "+20.1k"), (0, "0"), (0.4, "0"), (-310, "-310"), (None, "–")]
)
def test_delta(value: float | None, shown: str) -> None:
    assert units.delta(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (-3, "0"),
        (0.09, "<0.1"),
        (0.1, "0.1"),
        (3.1, "3.1"),
        (4.1, "4.1"),
        (3.0, "3.0"),
        (9.99, "9.9"),
        (10, "10"),
        (812.9, "812"),
        (3240, "3,240"),
        (12_100, "12.1k"),
        (None, "–"),
        (float("inf"), "–"),
    ],
)
def test_rate(value: float | None, shown: str) -> None:
    assert units.rate(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0%"),
        (0.0009, "<0.1%"),
        (0.001, "0.1%"),
        (0.004, "0.4%"),
        (0.091, "9.1%"),
        (0.0996, "10%"),
        (118 / 150, "79%"),
        (0.999, "99%"),
        (1, "100%"),
        (1.2, "120%"),
        (10**9, "9999%"),
        (None, "–"),
        (float("nan"), "–"),
    ],
)
def test_share(value: float | None, shown: str) -> None:
    assert units.share(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (-5, "0"),
        (0.0004, "<1ms"),
        (0.001, "1ms"),
        (0.038, "38ms"),
        (0.4, "400ms"),
        (0.9999, "999ms"),
        (1, "1.0s"),
        (9.0, "9.0s"),
        (9.99, "9.9s"),
        (10, "10s"),
        (42.9, "42s"),
        (59.9, "59s"),
        (60, "1m00s"),
        (125, "2m05s"),
        (599, "9m59s"),
        (600, "10m"),
        (14 * MINUTE + 59, "14m"),
        (59 * MINUTE + 59, "59m"),
        (HOUR, "1h00m"),
        (3 * HOUR + 12 * MINUTE, "3h12m"),
        (10 * HOUR - 1, "9h59m"),
        (23 * HOUR + 59 * MINUTE, "23h"),
        (DAY, "1d00h"),
        (6 * DAY + 5 * HOUR, "6d05h"),
        (10 * DAY, "10d"),
        (31 * DAY, "31d"),
        (9999 * DAY, "9999d"),
        (20_500 * DAY, "56y"),
        (1e300, "9999y"),
        (None, "–"),
        (float("inf"), "–"),
    ],
)
def test_duration(value: float | None, shown: str) -> None:
    assert units.duration(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0s"), (-1, "0s"), (0.9, "0s"), (2.7, "2s"), (9.99, "9s"), (42, "42s"), (84, "1m24s"), (None, "–")],
)
def test_age(value: float | None, shown: str) -> None:
    assert units.age(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (214, "214B"),
        (1023, "1023B"),
        (K, "1.0K"),
        (9.85 * K, "9.8K"),
        (10 * K - 1, "9.9K"),
        (10 * K, "10K"),
        (480 * M, "480M"),
        (1023 * M + M - 1, "1023M"),
        (1.25 * G, "1.2G"),
        (4 * G, "4.0G"),
        (5 * 1024**4, "5.0T"),
        (1024**6, ">999P"),
        (None, "–"),
    ],
)
def test_size(value: float | None, shown: str) -> None:
    assert units.size(value) == shown


@given(st.floats(min_value=0) | st.integers(min_value=0) | st.none())
def test_nothing_is_wider_than_five_cells(value: float | None) -> None:
    for show in (units.count, units.rate, units.share, units.duration, units.age, units.size):
        assert 1 <= len(show(value)) <= 5, show


@given(st.floats(min_value=0, max_value=1e7), st.floats(min_value=0, max_value=1e7))
def test_a_longer_time_never_reads_shorter(one: float, other: float) -> None:
    scale = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

    def read(shown: str) -> float:
        if shown in ("0", "<1ms"):
            return 0.0
        total, number = 0.0, ""
        for part in shown.replace("ms", "µ"):
            if part.isdigit() or part == ".":
                number += part
            else:
                total, number = total + float(number) * scale["ms" if part == "µ" else part], ""
        return total

    low, high = sorted((one, other))
    assert read(units.duration(low)) <= read(units.duration(high)) <= high + 1e-6


NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC).timestamp()


def test_clock_in_utc() -> None:
    def at(*when: int) -> str:
        return units.clock(datetime(*when, tzinfo=UTC).timestamp(), NOW, utc=True)  # type: ignore[misc,arg-type]

    assert at(2026, 11, 22, 3, 15, 2) == "03:15:02Z"
    assert at(2026, 11, 21, 3, 15, 2) == "11-21 03:15Z"
    assert at(2025, 11, 21, 3, 15, 2) == "2025-11-21Z"


def test_clock_is_local_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Etc/GMT-5")
    time.tzset()
    try:
        assert units.clock(NOW - 60, NOW) == "16:59:00"
        assert units.clock(NOW - 18 * HOUR, NOW) == "11-21 23:00"
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("hostile", [1e300, -1e300, float("nan"), float("inf"), 10**30, -(10**12)])
def test_times_out_of_any_calendar_do_not_raise(hostile: float) -> None:
    modes: tuple[units.TimeMode, ...] = ("relative", "local", "utc")
    for mode in modes:
        assert units.time_cell(hostile, NOW, mode)
        assert units.time_at(hostile, NOW, mode)
    assert units.clock(1e300, NOW, utc=True) == "–"


def test_relative_times() -> None:
    assert units.time_at(NOW + 48, NOW) == "in 48s"
    assert units.time_at(NOW - 312, NOW) == "5m12s ago"
    assert units.time_at(NOW - 1, NOW, upcoming=True) == "due"
    assert units.time_at(None, NOW) == "–"
    assert units.time_cell(NOW + 125, NOW, upcoming=True) == "2m05s"
    assert units.time_cell(NOW - 1, NOW, upcoming=True) == "due"
    assert units.time_cell(NOW, NOW, upcoming=True) == "due"
    assert units.time_cell(NOW - 290, NOW) == "4m50s"
    assert units.time_cell(NOW + 290, NOW) == "0s", "a clock that is ahead: now, not a negative age"
    assert units.time_at(NOW - 3600, NOW, "utc") == "11:00:00Z"
