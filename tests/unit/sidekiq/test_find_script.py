"""What the server is told to look for: never more than a payload that matches must have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidekiq_tui.sidekiq.filter import parse_filter
from sidekiq_tui.sidekiq.find_script import _seeds, find_arguments

NEEDLE = st.text("abcdefghijklmnopqrstuvwxyz0123456789 _:.-", min_size=1, max_size=12).map(str.encode)


@given(NEEDLE, st.data())
def test_a_seed_is_in_every_spelling_of_its_needle(needle: bytes, data: st.DataObject) -> None:
    flips = data.draw(st.lists(st.booleans(), min_size=len(needle), max_size=len(needle)))
    spelled = bytes(ord(chr(byte).upper()) if flip else byte for byte, flip in zip(needle, flips, strict=True))
    assert any(seed in b"[" + spelled + b"]" for seed in _seeds(needle))


@given(NEEDLE)
def test_a_letter_that_has_an_odd_capital_is_looked_for_in_that_too(needle: bytes) -> None:
    text = needle.decode().replace("k", "\u212a").replace("i", "\u0130")
    assert any(seed in text.encode() for seed in _seeds(needle))


@pytest.mark.parametrize(
    ("needle", "seeds"),
    [
        (b"00000000000000000001869f", {b"1869"}),
        (b"a0000b", {b"0000"}),
        (b"hardjob", {b"dj", b"dJ", b"Dj", b"DJ"}),
        (b"2026", {b"2026"}),
        (b"x", {b"x", b"X"}),
        (b"k", {b"k", b"K", b"\xe2\x84\xaa"}),
    ],
)
def test_seeds_are_few_and_rare(needle: bytes, seeds: set[bytes]) -> None:
    assert set(_seeds(needle)) == seeds


def test_what_tells_most_is_looked_for_first() -> None:
    arguments = find_arguments(parse_filter("queue class:Aardvark,Zebra jid:2026").needles)
    assert arguments[:3] == [3, 1, b"2026"]
    assert arguments.index(b"queue") > arguments.index(b"zebra")
