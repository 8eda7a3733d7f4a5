"""Values out of replies of any shape."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidekiq_tui.sidekiq.replies import fields, json_value, members, moment, natural, real, scanned, text, texts, whole

ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.lists(st.binary() | st.integers())
)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (b"12", 12),
        (b" -12 ", -12),
        ("12", 12),
        (12, 12),
        (12.9, 12),
        (True, None),
        (None, None),
        (b"1_000", None),
        ("٣", None),
        (b"1e3", None),
        (b"\xff", None),
        (10**400, None),
        (math.inf, None),
        (math.nan, None),
        (b"9" * 5000, None),
    ],
)
def test_whole(value: object, number: int | None) -> None:
    assert whole(value) == number


def test_a_count_below_zero_is_unknown() -> None:
    assert (natural(b"-1"), natural(b"0"), natural(3)) == (None, 0, 3)


@pytest.mark.parametrize(
    ("value", "number"),
    [(b"1.5", 1.5), ("1e3", 1000.0), (2, 2.0), (b"nan", None), (b"inf", None), (b"x", None), (True, None), ([], None)],
)
def test_real(value: object, number: float | None) -> None:
    assert real(value) == number


def test_moments_are_seconds() -> None:
    assert moment(b"1795314142196") == pytest.approx(1795314142.196)
    assert moment(1795314142) == 1795314142
    assert moment(b"soon") is None


def test_texts_leave_out_what_is_none() -> None:
    assert texts([b"a", "b", 1, None, ["c"]]) == ("a", "b")
    assert texts("ab") == ()
    assert text(b"\xff") == "\udcff"


def test_hashes_sets_and_cursors() -> None:
    assert fields([b"a", b"1", b"\xff", b"2", b"odd"]) == {"a": b"1", "\udcff": b"2"}
    assert fields(None) == {}
    assert scanned([b"7", [b"b", b"a", b"b"]]) == (7, [b"b", b"a", b"b"])
    assert members([b"0", [b"b", b"a", b"b"]]) == ("a", "b")
    assert members(None) is None
    assert scanned([b"1"]) is None


def test_json_values() -> None:
    assert json_value(b'{"a":[1]}') == {"a": [1]}
    assert json_value(b"nonsense") is None
    assert json_value(None) is None
    assert json_value(b"[" * 100_000) is None


@given(ANYTHING)
def test_nothing_raises(value: object) -> None:
    for read in (whole, natural, real, moment, text, texts, fields, members, scanned):
        read(value)
