"""When a queue is rebuilt rather than searched, and which of equal jobs are chosen."""

from __future__ import annotations

from collections import Counter

import pytest

from sidekiq_tui.operations.big_queue import chooser, way
from sidekiq_tui.operations.targets import digest


@pytest.mark.parametrize(
    ("matches", "size", "depth", "expected"),
    [
        (1, 100, None, "one by one"),
        (1, 200_000, None, "one by one"),
        (1, 1_000_000, None, "rebuild"),  # 20 ms each
        (1, 1_000_000, 50_000, "one by one"),
        (300, 150_000, None, "one by one"),
        (400, 150_000, None, "rebuild"),  # over a second in all
        (100_000, 1_000_000, None, "rebuild"),
    ],
)
def test_the_way_follows_from_what_the_search_would_cost(
    matches: int, size: int, depth: int | None, expected: str
) -> None:
    assert way(matches, size, depth) == expected


def test_each_digest_is_chosen_as_often_as_it_was_confirmed() -> None:
    choose = chooser(Counter({digest(b"a"): 2, digest(b"b"): 1}))
    assert list(choose([b"a", b"c", b"b"])) == [0, 2]
    assert list(choose([b"b", b"a", b"a", b"a"])) == [1]
    assert list(choose([b"a", b"b"])) == []
