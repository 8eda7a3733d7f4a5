"""Which of equal jobs are chosen when a queue is rebuilt."""

from __future__ import annotations

from collections import Counter

from sidekiq_tui.operations.big_queue import chooser
from sidekiq_tui.operations.targets import digest


def test_each_digest_is_chosen_as_often_as_it_was_confirmed() -> None:
    choose = chooser(Counter({digest(b"a"): 2, digest(b"b"): 1}))
    assert list(choose([b"a", b"c", b"b"])) == [0, 2]
    assert list(choose([b"b", b"a", b"a", b"a"])) == [1]
    assert list(choose([b"a", b"b"])) == []
