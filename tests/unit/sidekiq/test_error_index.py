"""The index of failed jobs: ranges of scores, groups, what it keeps, and that it stays small."""

from __future__ import annotations

import gc
import json
import math
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidekiq_tui.sidekiq import error_index
from sidekiq_tui.sidekiq.error_groups import REST, UNDECODABLE, Cause
from sidekiq_tui.sidekiq.error_index import ErrorIndex
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.score_blocks import BLOCK, SPANS, Entry, ScoreBlocks
from tests.support.hostile import HOSTILE_PAYLOADS

NOW = 1_795_314_150.0
RETRY, DEAD = Place("retry"), Place("dead")

SCORES = st.one_of(st.floats(allow_nan=False), st.integers(0, 20).map(float))


def failed(number: int, place: Place = RETRY, score: float | None = None, **fields: object) -> JobRecord:
    """A failed job."""
    item = {"class": "Foo", "jid": f"{number:024x}", "queue": "default", "error_class": "E", "error_message": "m"}
    times = {"failed_at": NOW - 100, "args": [number]}
    return JobRecord(json.dumps(item | times | fields).encode(), place, NOW + number if score is None else score)


def sealed(scores: list[float], *, descending: bool = False) -> ScoreBlocks:
    """Blocks of entries with these scores."""
    blocks = ScoreBlocks()
    for number, score in enumerate(sorted(scores, reverse=descending)):
        blocks.add(Entry(number, score, 0))
    blocks.seal(descending=descending)
    return blocks


def holds(blocks: ScoreBlocks, scores: list[float]) -> None:
    """The blocks cover all scores without a gap, and have these entries in order."""
    assert blocks.blocks[0].low == -math.inf
    assert blocks.blocks[-1].high == math.inf
    assert all(one.high == other.low for one, other in pairwise(blocks.blocks))
    assert [score for block in blocks.blocks for score in block.scores] == sorted(scores)
    for index, block in enumerate(blocks.blocks):
        assert all((score > block.low or index == 0) and score <= block.high for score in block.scores)
    assert blocks.size == len(scores)
    assert [index for span in blocks.spans() for index in span] == list(range(len(blocks.blocks)))
    assert len(blocks.spans()) <= SPANS


@given(st.lists(SCORES, max_size=300), st.booleans())
def test_blocks_cover_all_scores(scores: list[float], descending: bool) -> None:
    holds(sealed(scores, descending=descending), scores)


def test_entries_of_one_score_stay_together() -> None:
    holds(sealed([1.0] * 200 + [2.0] + [3.0] * 70), [1.0] * 200 + [2.0] + [3.0] * 70)


@given(st.lists(SCORES, max_size=300), SCORES.filter(math.isfinite))
def test_a_border_at_any_score(scores: list[float], border: float) -> None:
    blocks = sealed(scores)
    for _ in range(3):  # again and again, and no blocks pile up
        first = blocks.split(border)
    holds(blocks, scores)
    assert sum(block.size for block in blocks.blocks[:first]) == sum(score <= border for score in scores)
    assert len(blocks.blocks) <= len(sealed(scores).blocks) + 1
    due = blocks.spans(0, first)
    assert [index for span in [*due, *blocks.spans(first)] for index in span] == list(range(len(blocks.blocks)))


@given(st.lists(SCORES, max_size=300), st.data())
def test_ranges_are_replaced_in_place(scores: list[float], data: st.DataObject) -> None:
    blocks = sealed(scores)
    expected = list(scores)
    runs = [run for run in blocks.spans() if data.draw(st.booleans())]
    found = []
    for run in runs:
        low, high = blocks.blocks[run.start].low, blocks.blocks[run.stop - 1].high
        inside = [one for one in scores if (one > low or run.start == 0) and one <= high]
        inner = st.floats(low, high, allow_nan=False, exclude_min=run.start > 0)
        fresh = data.draw(st.lists(inner, max_size=200)) if low < high else []
        for one in inside:
            expected.remove(one)
        expected += fresh
        found.append((run, [Entry(0, one, 0) for one in sorted(fresh)]))
    blocks.replace(found)
    holds(blocks, expected)


def test_a_million_entries_are_counted_in_few_ranges() -> None:
    blocks = sealed([float(number) for number in range(100_000)])
    assert len(blocks.spans()) <= SPANS
    assert len(blocks.blocks) == 100_000 // BLOCK + 2  # what is left over, and the empty one above all


def test_groups_queues_messages_and_times() -> None:
    index = ErrorIndex()
    index.add("retry", [failed(1, error_message="after 30s"), failed(2, error_message="after 45s", queue="low")], NOW)
    index.add("retry", [failed(3, error_message="after 30s", failed_at=NOW - 500, retried_at=NOW - 5)], NOW)
    index.add("dead", [failed(4, DEAD, NOW - 50, error_message="after 30s"), JobRecord(b"oops", DEAD, NOW - 9)], NOW)
    first, second = index.groups()
    assert first.cause == Cause("Foo", "E", "after Ns")
    assert (first.count, first.retries, first.dead) == (4, 3, 1)
    assert first.queues == (("default", 3), ("low", 1))
    assert first.messages == (("after 30s", 3), ("after 45s", 1))
    assert (first.first_at, first.last_at) == (NOW - 500, NOW - 5)
    assert first.sample_jid == f"{3:024x}"
    assert sum(first.history.minutes(NOW)) == 5  # of one job the first failure and the last
    assert (second.cause, second.count, second.first_at) == (UNDECODABLE, 1, NOW - 9)


def test_own_frames_are_counted() -> None:
    trace = ["/usr/lib/ruby/gems/x.rb:1:in 'a'", "app/b.rb:2:in 'b'", "app/c.rb:3:in 'c'"]
    index = ErrorIndex()
    index.add("retry", [failed(number, error_backtrace=trace) for number in range(3)], NOW)
    index.add("retry", [failed(9, error_backtrace=trace[:1]), failed(10)], NOW)
    (group,) = index.groups()
    assert (group.frame, group.frame_jobs, group.frames_read) == ("app/b.rb:2:in 'b'", 3, 4)


def test_every_hostile_payload_is_counted() -> None:
    index = ErrorIndex()
    index.add("retry", [JobRecord(raw, RETRY, NOW) for raw in HOSTILE_PAYLOADS], NOW)
    index.add("dead", [JobRecord(raw, DEAD, math.inf) for raw in HOSTILE_PAYLOADS], NOW)
    assert sum(group.count for group in index.groups()) == 2 * len(HOSTILE_PAYLOADS)


def test_what_comes_after_the_last_group_is_counted_as_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_index, "MOST_GROUPS", 3)
    index = ErrorIndex()
    jobs = [failed(number, error_class=f"E{letter}") for number, letter in enumerate("abcdea")]
    index.add("retry", jobs, NOW)
    assert {group.cause.error_class: group.count for group in index.groups()} == {"Ea": 2, "Eb": 1, "Ec": 1, None: 2}
    matcher = index.matcher(REST)
    assert [matcher.matches(job, NOW) for job in jobs] == [False, False, False, True, True, False]


def test_messages_and_queues_kept_apart_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    index = ErrorIndex()
    index.add("retry", [failed(number, error_message=f"{number}", queue=f"q{number}") for number in range(100)], NOW)
    (group,) = index.groups()
    assert (len(group.messages), group.other_messages, group.count) == (20, 80, 100)
    assert len(group.queues) == 20
    monkeypatch.setattr(error_index, "MOST_KINDS", 5)
    index = ErrorIndex()
    index.add("retry", [failed(number, error_message=f"{number}") for number in range(100)], NOW)
    assert [one.count for one in index.groups()] == [100]


def test_an_entry_takes_twenty_bytes() -> None:
    raws = [failed(number).raw for number in range(1000)]
    index = ErrorIndex()
    index.add("retry", [JobRecord(raw, RETRY, NOW) for raw in raws], NOW)  # groups, caches
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for start in range(50):
        index.add("retry", (JobRecord(raw, RETRY, NOW + start) for raw in raws), NOW)
    index.sets["retry"].seal()
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert index.size("retry") == 51_000
    assert taken < 51_000 * 32  # 20 in arrays, and each block of 64 is an object with three of them


def test_next_runs() -> None:
    index = ErrorIndex()
    index.add("retry", [failed(number, score=NOW + 10 * number) for number in range(1, 101)], NOW)
    index.add("retry", [failed(500, error_class="F", score=NOW + 2000)], NOW)
    assert index.next_runs(Cause("Foo", "E", "m"), NOW, 300) is None  # not before all is read
    index.sets["retry"].seal()
    assert index.next_runs(Cause("Foo", "E", "m"), NOW, 300) == (NOW + 10, NOW + 1000, 30)
    assert index.next_runs(Cause("Foo", "F", "m"), NOW, 300) == (NOW + 2000, NOW + 2000, 0)
    assert index.next_runs(UNDECODABLE, NOW, 300) is None
