"""The shares of a queue's classes from a sample: exact where all was read, and as wrong as they say otherwise."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidekiq_tui.sidekiq.composition import (
    FEWEST_JOBS,
    MOST_CLASSES,
    PIECES,
    SAMPLE_BYTES,
    SAMPLE_JOBS,
    WALK_LIMIT,
    Composition,
    compose,
    margin,
    sample_ranges,
)

SHARES = {"MailJob": 0.62, "ChargeJob": 0.25, "SearchJob": 0.1, "ReportJob": 0.03}


def payload(name: str | None) -> bytes:
    return json.dumps({"class": name, "args": []}).encode()


def pieces_of(queue: list[bytes]) -> list[list[bytes]]:
    return [[raw for first, last in part for raw in queue[first : last + 1]] for part in sample_ranges(len(queue))]


def sampled(names: list[str]) -> Composition:
    known = {name: payload(name) for name in set(names)}
    return compose(pieces_of([known[name] for name in names]), len(names))


def mixed(size: int, random: Random) -> list[str]:
    """Every job drawn alone."""
    return random.choices(list(SHARES), list(SHARES.values()), k=size)


def bursts(size: int, random: Random) -> list[str]:
    """Jobs of one class come hundreds at a time."""
    names: list[str] = []
    while len(names) < size:
        names += random.choices(list(SHARES), list(SHARES.values())) * int(random.expovariate(1 / 200) + 1)
    return names[:size]


def sorted_by_class(size: int, random: Random) -> list[str]:
    """One class after the other."""
    return sorted(mixed(size, random))


def alternating(size: int, random: Random) -> list[str]:
    """A pattern whose period is the distance of the pieces."""
    period = size // PIECES
    return ["MailJob" if index % period < period // 3 else "ChargeJob" for index in range(size)]


@pytest.mark.parametrize("make", [mixed, bursts, sorted_by_class, alternating])
@pytest.mark.parametrize("size", [1_500, 9_000, 60_000])
def test_the_margin_covers_the_truth_as_often_as_it_says(make: object, size: int) -> None:
    assert callable(make)
    covered: list[bool] = []
    for trial in range(40):
        names = make(size + trial, Random(trial))
        truth = Counter(names)
        for one in sampled(names).classes:
            assert one.name is not None
            assert one.margin is not None
            covered.append(abs(truth[one.name] / len(names) - one.share) <= one.margin)
    assert sum(covered) / len(covered) >= 0.93


def test_a_margin_is_not_wider_than_it_must_be() -> None:
    """Of a thousand jobs drawn alone the textbook's 3.1% is the widest; bursts tell less, and more is not said."""
    single = [sampled(mixed(50_000, Random(trial))).margin or 9 for trial in range(20)]
    assert 0.028 < sum(single) / 20 < 0.045
    lumps = [sampled(bursts(50_000, Random(trial))).margin or 9 for trial in range(20)]
    assert 0.08 < sum(lumps) / 20 < 0.25


def test_a_margin_is_no_more_than_what_was_not_read_could_change() -> None:
    halves = [(50, 100), (50, 100)]
    assert margin(halves, 200) == 0.0
    assert margin(halves, 202) == pytest.approx(2 / 202 / 2)  # both of the other two are of the class, or none
    assert margin([(90, 100), (90, 100)], 202) == pytest.approx(2 / 202 * 0.9)
    apart = [margin([(40, 100), (60, 100)], size) or 0.0 for size in (202, 220, 400, 100_000)]
    assert apart == sorted(apart)
    assert apart[0] < apart[1] < apart[2]
    alike = [margin(halves, size) or 0.0 for size in (250, 400, 1_000, 100_000)]
    assert alike == sorted(set(alike)), "of pieces that are alike, the more is left the wider"


@given(st.lists(st.sampled_from([*SHARES, None]), max_size=SAMPLE_JOBS))
def test_what_was_read_whole_is_counted(names: list[str | None]) -> None:
    found = compose(pieces_of([payload(name) for name in names]), len(names))
    assert found.complete
    assert found.size == found.read == len(names)
    assert {one.name: one.jobs for one in found.classes} == Counter(names)
    assert all(one.margin == 0.0 for one in found.classes)
    assert sum(one.share for one in found.classes) == pytest.approx(1.0 if names else 0.0)


@given(st.integers(0, 50_000_000), st.one_of(st.none(), st.floats(1, 1e9)))
def test_a_sample_is_bounded_and_even(size: int, mean_bytes: float | None) -> None:
    parts = sample_ranges(size, mean_bytes)
    ranges = [one for part in parts for one in part]
    read = sum(last - first + 1 for first, last in ranges)
    assert read <= SAMPLE_JOBS
    if mean_bytes:
        assert read * mean_bytes <= max(SAMPLE_BYTES, FEWEST_JOBS * mean_bytes)
    assert all(first <= last for first, last in ranges)
    assert all(before[1] < after[0] for before, after in pairwise(ranges))
    if len(parts) == 1:
        assert size <= read
        return
    assert ranges[-1][1] < size
    assert len(parts) == PIECES or len(parts) * size <= max(WALK_LIMIT, 10 * size)
    assert len({sum(last - first + 1 for first, last in part) for part in parts}) == 1
    for number, part in enumerate(parts):
        assert number * size // len(parts) <= part[0][0] <= part[-1][1] < (number + 1) * size // len(parts)


@given(st.lists(st.tuples(st.integers(0, 25), st.just(25)), min_size=2, max_size=PIECES), st.integers(1000, 10**9))
def test_a_margin_is_always_a_part_of_one(parts: list[tuple[int, int]], size: int) -> None:
    off = margin(parts, size)
    assert off is not None
    assert 0.0 <= off <= 1.0


def test_one_piece_says_nothing_about_the_rest() -> None:
    assert margin([(5, 10)], 100) is None
    assert margin([(5, 10)], 10) == 0.0
    assert compose([[payload("A")] * 10], 1000).margin is None


def test_a_queue_that_grew_between_the_trips_is_not_called_complete() -> None:
    found = compose([[payload("A")] * 900], 901)
    assert not found.complete
    assert not found.even


def test_what_is_no_job_has_a_place_of_its_own() -> None:
    found = compose([[b"\x80\x04", b"[]", payload(None), payload(""), payload("A")]], 5)
    assert {(one.malformed, one.name): one.jobs for one in found.classes} == {
        (True, None): 2,
        (False, None): 1,
        (False, ""): 1,
        (False, "A"): 1,
    }


def test_more_classes_than_anybody_reads_are_put_together() -> None:
    jobs = [payload(f"Class{number}") for number in range(MOST_CLASSES + 100)] + [payload("Usual")] * 50
    found = compose([jobs], len(jobs))
    assert len(found.classes) == MOST_CLASSES
    assert found.classes[0].name == "Usual"
    assert found.others == 101
    assert found.read == len(jobs)


def test_no_queue_has_no_classes() -> None:
    found = compose([[]], 0)
    assert (found.classes, found.others, found.mean_bytes, found.complete) == ((), 0, None, True)
