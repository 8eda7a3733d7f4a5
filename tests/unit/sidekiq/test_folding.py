"""Folding error messages: one cause, one text; whatever the message, and however long."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidekiq_tui.sidekiq.folding import CONSIDERED, LONGEST, fold
from tests.support.hostile import HOSTILE_TEXTS


@pytest.mark.parametrize(
    ("message", "folded"),
    [
        ("504 from acquirer after 30s (request 9f2c-11, mid 4411)", "N from acquirer after Ns (request N-N, mid N)"),
        ("execution expired", "execution expired"),
        ("undefined method 'charge' for nil", "undefined method '…' for nil"),
        ("undefined method `foo' for nil:NilClass", "undefined method `…' for nil:NilClass"),
        ("Couldn't find Order with 'id'=123", "Couldn't find Order with '…'=N"),
        ("can't open file 'a b' it isn't there", "can't open file '…' it isn't there"),
        ('key "idx_1" DETAIL: Key (id)=(12)', 'key "…" DETAIL: Key (id)=(N)'),
        ("said “no” 3 times", "said “…” N times"),
        ("job 0123456789abcdef01234567 failed", "job N failed"),
        ("id 123e4567-e89b-12d3-a456-426614174000", "id N"),
        ("#<Foo:0x000055d0c0ffee>", "#<Foo:N>"),
        ("#<TCPSocket:(closed)>", "#<TCPSocket:(closed)>"),
        ("connect(2) for 10.0.0.7:6379", "connect(N) for N"),
        ("at 1,234.5 or -5 or 30%", "at N or N or N%"),
        ("user17 of sha256", "userN of shaN"),
        ("  two\n lines\tand  blanks ", "two lines and blanks"),
        ("", ""),
    ],
)
def test_what_differs_from_job_to_job_goes(message: str, folded: str) -> None:
    assert fold(message) == folded


def test_a_jid_of_letters_alone_differs_as_a_word_does() -> None:
    assert fold("deadbeef") == "deadbeef"
    assert fold("deadbee1") == "N"


@given(st.text())
def test_folding_twice_changes_nothing(message: str) -> None:
    assert fold(fold(message)) == fold(message)


@given(st.text(alphabet="'\"`“”aN0 1.,x…-_5F\n", max_size=1200))
def test_folding_twice_changes_nothing_where_quotes_and_numbers_meet(message: str) -> None:
    folded = fold(message)
    assert fold(folded) == folded
    assert len(folded) <= LONGEST
    assert not any(digit in folded for digit in "0123456789")


@pytest.mark.parametrize("message", [*HOSTILE_TEXTS, "\ud800 lone", "\x00" * 5000, "'" * 5000, "9" * 5000])
def test_no_message_is_too_odd(message: str) -> None:
    assert fold(fold(message)) == fold(message)


@pytest.mark.parametrize(
    "piece", ["a", "1", "1,", "'a ", "\"'", "' `", "'a \"b'c\" d' ", "a'b ", "0x", "-1", "1_", "“", "ab-", "x9"]
)
def test_a_megabyte_costs_no_more_than_what_is_considered(piece: str) -> None:
    message = piece * (1_000_000 // len(piece))
    assert fold(message) == fold(message[:CONSIDERED])
    started = time.perf_counter()
    for number in range(50):
        fold(f"{number} {message}")
    assert time.perf_counter() - started < 2.5  # it takes 0.05
