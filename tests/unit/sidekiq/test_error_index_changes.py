"""The index under any changes, however they are read: what it counts is what it holds, and all read again is exact."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from unittest.mock import patch

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sidekiq_tui.sidekiq import error_index, score_blocks
from sidekiq_tui.sidekiq.error_groups import REST, Cause, ErrorGroup, cause_of
from sidekiq_tui.sidekiq.error_index import SETS, ErrorIndex
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.keys import SetName

NOW = 1_795_314_150.0
NEVER = math.inf

SCORES = st.one_of(st.sampled_from([-NEVER, NEVER]), st.integers(0, 300).map(float))
NAMES = st.sampled_from(SETS)


def payload(number: int, tries: int = 0) -> bytes:
    """A failed job: one of four groups, with a message of its own now and then."""
    item = {"class": f"Job{number % 4}", "args": [number], "jid": f"{number:024x}", "queue": f"q{number % 9}"}
    times = {"failed_at": NOW - 500, "retry_count": tries, **({"retried_at": NOW - 5} if tries else {})}
    return json.dumps(item | times | {"error_class": "E", "error_message": f"after {number % 60} s"}).encode()


def put(index: ErrorIndex, found: dict[SetName, list[tuple[range, Sequence[JobRecord]]]]) -> tuple[int, int]:
    """Puts ranges in the place of what was known, without a pause."""
    steps = index.replacing(found, NOW)
    while True:
        try:
            next(steps)
        except StopIteration as ended:
            came, left = ended.value
            return came, left


def read_again(
    index: ErrorIndex, name: SetName, runs: Sequence[range], jobs: dict[bytes, float]
) -> list[tuple[range, Sequence[JobRecord]]]:
    """What a server with these jobs in a set gives for runs of blocks."""
    blocks = index.sets[name].blocks
    found: list[tuple[range, Sequence[JobRecord]]] = []
    for run in runs:
        low, high = blocks[run.start].low, blocks[run.stop - 1].high
        inside = [(score, raw) for raw, score in jobs.items() if (score > low or not run.start) and score <= high]
        found.append((run, [JobRecord(raw, Place(name), score) for score, raw in sorted(inside)]))
    return found


def small_blocks() -> AbstractContextManager[object]:
    """Many ranges of few entries: then much can be left unread."""
    return patch.object(score_blocks, "BLOCK", 4)


class Traffic(RuleBasedStateMachine):
    """Jobs that fail, fail again, are killed, moved and deleted, while any ranges are read at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: dict[SetName, dict[bytes, float]] = {name: {} for name in SETS}
        self.index = ErrorIndex()
        for name in SETS:
            self.index.sets[name].seal()

    @rule(name=NAMES, first=st.integers(0, 400), count=st.integers(1, 60), score=SCORES)
    def fail(self, name: SetName, first: int, count: int, score: float) -> None:
        for number in range(first, first + count):
            self.jobs[name][payload(number)] = score + number

    @precondition(lambda self: self.jobs["retry"])
    @rule(data=st.data(), tries=st.integers(1, 9), score=SCORES)
    def fail_again(self, data: st.DataObject, tries: int, score: float) -> None:
        raw = data.draw(st.sampled_from(sorted(self.jobs["retry"])))
        del self.jobs["retry"][raw]
        self.jobs["retry"][payload(json.loads(raw)["args"][0], tries)] = score

    @precondition(lambda self: self.jobs["retry"])
    @rule(data=st.data(), score=SCORES)
    def kill(self, data: st.DataObject, score: float) -> None:
        raw = data.draw(st.sampled_from(sorted(self.jobs["retry"])))
        del self.jobs["retry"][raw]
        self.jobs["dead"][raw] = score

    @precondition(lambda self: self.jobs["retry"])
    @rule(every=st.integers(1, 9), score=SCORES)
    def move(self, every: int, score: float) -> None:
        for raw in sorted(self.jobs["retry"])[::every]:
            self.jobs["retry"][raw] = score

    @rule(name=NAMES, data=st.data())
    def delete(self, name: SetName, data: st.DataObject) -> None:
        kept = data.draw(st.integers(0, len(self.jobs[name])))
        self.jobs[name] = dict(sorted(self.jobs[name].items())[:kept])

    @rule(data=st.data())
    def read_some(self, data: st.DataObject) -> None:
        with small_blocks():
            found = {}
            for name in SETS:
                runs = [run for run in self.index.sets[name].spans() if data.draw(st.booleans())]
                found[name] = read_again(self.index, name, runs, self.jobs[name])
            put(self.index, found)

    @rule()
    def read_all(self) -> None:
        with small_blocks():
            found = {
                name: read_again(self.index, name, self.index.sets[name].spans(), self.jobs[name]) for name in SETS
            }
            put(self.index, found)
        expected = Counter((cause(raw), name) for name in SETS for raw in self.jobs[name])
        groups = self.index.groups()
        assert {
            (group.cause, name): of(group, name) for group in groups for name in SETS if of(group, name)
        } == expected
        for group in groups:
            texts = Counter(json.loads(raw)["error_message"] for raw in self.raws() if cause(raw) == group.cause)
            queues = Counter(json.loads(raw)["queue"] for raw in self.raws() if cause(raw) == group.cause)
            assert all(texts[message] >= count for message, count in group.messages)
            assert sum(count for _, count in group.messages) + group.other_messages == group.count
            assert all(queues[queue] >= count for queue, count in group.queues)

    def raws(self) -> list[bytes]:
        """The payloads of both sets."""
        return [raw for name in SETS for raw in self.jobs[name]]

    @invariant()
    def what_is_counted_is_what_is_held(self) -> None:
        groups = self.index.groups()
        for name in SETS:
            assert sum(of(group, name) for group in groups) == self.index.size(name)
        for group in groups:
            assert group.messages, "a group shows what at least one of its jobs says"


def of(group: ErrorGroup, name: SetName) -> int:
    """The jobs of a group in one set."""
    return group.retries if name == "retry" else group.dead


def cause(raw: bytes) -> Cause:
    """The group of a payload."""
    return cause_of(JobRecord(raw, Place("retry"), NOW))


TestTraffic = Traffic.TestCase
TestTraffic.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)


def filled(jobs: dict[bytes, float]) -> ErrorIndex:
    """An index that has these retries."""
    index = ErrorIndex()
    ordered = sorted((score, raw) for raw, score in jobs.items())
    index.add("retry", [JobRecord(raw, Place("retry"), score) for score, raw in ordered], NOW)
    for name in SETS:
        index.sets[name].seal()
    return index


def test_a_job_seen_in_two_ranges_is_gone_from_both() -> None:
    """One that was moved, while another took its place in the range it left, so that this was not read again."""
    jobs = {payload(number): float(number) for number in range(200)}
    index = filled(jobs)
    moved = payload(10)
    jobs[moved] = 195.0
    runs = index.sets["retry"].spans()
    put(index, {"retry": read_again(index, "retry", runs[-2:], jobs)})
    assert index.size("retry") == 201
    runs = index.sets["retry"].spans()
    put(index, {"retry": read_again(index, "retry", runs, jobs)})
    assert (index.size("retry"), sum(group.count for group in index.groups())) == (200, 200)


def test_messages_of_jobs_that_have_left_make_room() -> None:
    """After hours of other jobs a group still tells what they say."""
    index = ErrorIndex()
    for name in SETS:
        index.sets[name].seal()
    for hour in range(30):
        jobs = [failed_with(f"order {hour}-{number}", f"q{hour}-{number}", NOW + hour) for number in range(5)]
        put(index, {"retry": [(range(len(index.sets["retry"].blocks)), jobs)]})
        (group,) = index.groups()
        assert len(group.messages) == len(group.queues) == 5
        assert (group.count, group.other_messages) == (5, 0)


def failed_with(message: str, queue: str, score: float) -> JobRecord:
    """A job of one group that says something of its own."""
    item = {"class": "Foo", "queue": queue, "error_class": "E", "error_message": message, "failed_at": NOW - 9}
    return JobRecord(json.dumps(item).encode(), Place("retry"), score)


def test_beyond_what_is_kept_apart_no_message_is_credited_with_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_index, "MOST_KINDS", 3)
    index = ErrorIndex()
    index.add("retry", [failed_with(f"order {number}", "q", NOW + number) for number in range(10)], NOW)
    (group,) = index.groups()
    assert dict(group.messages) == {f"order {number}": 1 for number in range(3)}
    assert (group.count, group.other_messages, group.queues) == (10, 7, (("q", 3),))


def test_groups_that_have_long_been_empty_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_index, "MOST_GROUPS", 20)
    index = ErrorIndex()
    for name in SETS:
        index.sets[name].seal()
    for turn in range(50):
        raws = [
            json.dumps({"class": f"Job{chr(97 + turn % 26)}{letter}", "jid": str(turn)}).encode() for letter in "xyz"
        ]
        jobs = [JobRecord(raw, Place("retry"), NOW + turn) for raw in raws]
        put(index, {"retry": [(range(len(index.sets["retry"].blocks)), jobs)]})
        assert [group.count for group in index.groups()] == [1, 1, 1]
        assert REST not in {group.cause for group in index.groups()}
