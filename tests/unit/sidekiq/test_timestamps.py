"""Times in payloads (protocol 4.4)."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidekiq_tui.sidekiq.timestamps import parse_time, time_form

AT = 1795313144.5


@pytest.mark.parametrize(
    ("value", "seconds", "form"),
    [
        (1795313144.5, AT, "float seconds"),
        (1795313144, 1795313144.0, "integer seconds"),
        (1795313144500, AT, "integer milliseconds"),
        (1795313144500.0, AT, "float milliseconds"),
        ("1795313144.5", AT, "text"),
        ("1795313144500", AT, "text"),
        (" 1795313144.5 ", AT, "text"),
        ("1.7953131445e9", AT, "text"),
        ("2026-11-22T02:05:44.500Z", AT, "text"),
        ("2026-11-22T02:05:44.500000000Z", AT, "text"),
        ("2026-11-22T03:05:44.5+01:00", AT, "text"),
        ("2026-11-22 02:05:44.5", AT, "text"),
        ("2026-11-22 02:05:44.5 UTC", AT, "text"),
        ("2026-11-22 03:05:44.5 +0100", AT, "text"),
        (0, 0.0, "integer seconds"),
        (0.0, 0.0, "float seconds"),
        (-1.5, -1.5, "float seconds"),
        (99_999_999_999, 99_999_999_999.0, "integer seconds"),
        (100_000_000_000, 100_000_000.0, "integer milliseconds"),
    ],
)
def test_every_form_reads_as_unix_seconds(value: object, seconds: float, form: str) -> None:
    assert parse_time(value) == seconds
    assert time_form(value) == form


@pytest.mark.parametrize(
    "value",
    [
        *(
            None,
            True,
            False,
            "",
            "soon",
            "nan",
            "inf",
            "1_000",
            "0x10",
            "１２３",
            [],
            {},
            [1795313144.5],
            b"1795313144",
        ),
        *(math.nan, math.inf, -math.inf, 10**400, 1e300, 10**18, "9" * 400, "2026-13-01", "2026-11-22T25:00"),
    ],
)
def test_what_is_no_time_is_unknown(value: object) -> None:
    assert parse_time(value) is None
    assert time_form(value) is None


@given(st.one_of(st.text(), st.floats(), st.integers(), st.none(), st.booleans(), st.datetimes().map(str)))
def test_anything_is_a_finite_time_or_unknown(value: object) -> None:
    seconds = parse_time(value)
    assert seconds is None or math.isfinite(seconds)
    assert (time_form(value) is None) == (seconds is None)
