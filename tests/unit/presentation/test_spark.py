from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidekiq_tui.presentation.spark import area, keep_top, meter, scale_top, spark

SAMPLES = st.lists(st.none() | st.floats() | st.integers(-5, 10**6), max_size=40)


@pytest.mark.parametrize(
    ("values", "width", "shown"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 7], 8, "·▂▃▄▅▆▇▇"),
        ([1000, 1001], 2, "▇▇"),
        ([0, 0, 0], 3, "···"),
        ([None, 3, None, 3], 4, " ▇ ▇"),
        ([5], 4, "   ▇"),
        ([9, 9, 0, 7], 2, "·▇"),
        ([0.001, 1000], 2, "▁▇"),
        ([float("nan"), float("inf"), 1], 3, "  ▇"),
        ([-4, 2], 2, "·▇"),
        ([], 3, "   "),
        ([1, 2], 0, ""),
    ],
)
def test_spark(values: list[float | None], width: int, shown: str) -> None:
    assert spark(values, width) == shown


def test_spark_in_ascii() -> None:
    assert spark([0, 1, 7, None], 4, ascii=True) == "_:# "


def test_area() -> None:
    assert area([8, 4, 0, None, 1], 5, 2, 8) == [
        "█    ",
        "██· ▂",
    ]
    assert area([16], 3, 2, 8) == ["  █", "  █"], "above the scale: full, not broken"
    assert area([0.001], 1, 2, 1000) == [" ", "▁"], "a little is not nothing"
    assert area([1, 2, 3], 2, 1, 4) == ["▄▆"], "the newest stay"
    assert area([3], 4, 0, 4) == []
    assert area([4, 0], 2, 1, 4, ascii=True) == ["@_"]


@given(SAMPLES, st.integers(0, 30), st.integers(0, 6), st.floats(allow_nan=False))
def test_charts_have_exactly_their_size(values: list[float | None], width: int, height: int, top: float) -> None:
    assert len(spark(values, width)) == width
    rows = area(values, width, height, top)
    assert len(rows) == height
    assert all(len(row) == width for row in rows)


@pytest.mark.parametrize(
    ("highest", "top"),
    [
        (0, 1),
        (-1, 1),
        (float("nan"), 1),
        (0.3, 0.3),
        (0.31, 0.4),
        (1, 1),
        (1.01, 1.5),
        (7, 8),
        (8.1, 10),
        (13, 15),
        (812, 1000),
        (1004, 1500),
        (88_100, 100_000),
        (1.41e6, 1.5e6),
        (1000, 1000),
    ],
)
def test_scale_top(highest: float, top: float) -> None:
    assert scale_top(highest) == top


@given(st.floats(min_value=1e-9, max_value=1e15))
def test_the_scale_reaches_the_highest_and_wastes_at_most_half(highest: float) -> None:
    top = scale_top(highest)
    assert highest <= top <= highest * 1.6


def test_the_scale_grows_at_once_and_shrinks_late() -> None:
    assert keep_top(None, [700], 3) == 800
    assert keep_top(800, [900], 3) == 1000
    assert keep_top(1000, [600, 300, 300], 3) == 1000, "one column is above half"
    assert keep_top(1000, [300, 300], 3) == 1000, "not yet a full width"
    assert keep_top(1000, [None, 300, 300], 3) == 1000, "a hole is not a low sample"
    assert keep_top(1000, [900, 300, 300, 300], 3) == 300
    assert keep_top(1000, [], 3) == 1000


@pytest.mark.parametrize(
    ("value", "width", "full"),
    [
        (0, 10, 0),
        (0.001, 10, 1),
        (0.75, 5, 4),
        (0.2, 5, 1),
        (0.79, 12, 9),
        (0.999, 10, 9),
        (1, 10, 10),
        (1.5, 10, 10),
        (None, 10, 0),
        (float("nan"), 10, 0),
        (-1, 10, 0),
        (0.5, 1, 1),
        (0.5, 0, 0),
    ],
)
def test_meter(value: float | None, width: int, full: int) -> None:
    assert meter(value, width) == ("━" * full, "─" * (width - full))


def test_meter_in_ascii() -> None:
    assert meter(0.5, 4, ascii=True) == ("==", "--")
