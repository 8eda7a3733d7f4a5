"""What became of batches of which no answer came, from what the server's records say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sidekiq_tui.operations.forgotten import batches_of, complete
from sidekiq_tui.operations.journal import Batch
from sidekiq_tui.operations.unfinished import Reach, _results
from sidekiq_tui.sidekiq.operation_record import BatchResult, OperationRecord

RECORD = OperationRecord("abc", 1, "open", 1.0, 2, {}, {"n": b"4"})


def batch(number: int, bid: str = "mine") -> Batch:
    return Batch(number, bid, 3, None)


def reach(first: int, end: int, **results: str) -> Reach:
    known = {int(name[1:]): BatchResult("mine", said) for name, said in results.items()}
    return Reach(first, end, known, {})


@pytest.mark.parametrize(
    ("number", "reached", "expected"),
    [
        (0, [reach(0, 1, r0="101")], "101"),
        (1, [reach(0, 1, r0="111")], "---"),  # never arrived
        (0, [reach(0, 20, r19="111")], "???"),  # carried out, and too long ago for the record to say more
        (0, [reach(0, 1, r0="1")], "1??"),  # the server broke off in the middle of it
        (2, [reach(0, 2, r1="111"), reach(2, 3, r2="0x1")], "0x1"),  # in the second generation
        (2, [reach(0, 2, r1="111"), reach(2, 2)], "---"),
        (0, [], "???"),  # no record at all: what it said is gone with it
    ],
)
def test_results_of_a_batch(number: int, reached: list[Reach], expected: str) -> None:
    assert _results(batch(number), reached) == expected


def test_a_number_that_another_batch_has_used_says_nothing_of_this_one() -> None:
    assert _results(batch(0, "another"), [reach(0, 1, r0="111")]) == "---"


def test_a_cut_uses_up_the_first_number_of_its_generation() -> None:
    """A queue that is rebuilt: generation 2 begins at batch 3 of the operation, and its number 0 was the cut."""
    fields = {"base": b"3"}
    assert batches_of(replace(RECORD, fields=fields)) == (3, 5)
    assert batches_of(replace(RECORD, fields=fields | {"cut": b"7"})) == (2, 4)
    assert batches_of(replace(RECORD, fields={})) == (0, 2)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (replace(RECORD, results={0: BatchResult("a", "10"), 1: BatchResult("b", "1x")}), True),
        (replace(RECORD, results={0: BatchResult("a", "10"), 1: BatchResult("b", "1")}), False),
        (replace(RECORD, results={0: BatchResult("a", "10"), 1: BatchResult("b", "1-")}), False),
        (replace(RECORD, next=9, results={8: BatchResult("a", "1111")}), False),
        (replace(RECORD, fields={}, results={0: BatchResult("a", "10"), 1: BatchResult("b", "11")}), False),
        (replace(RECORD, next=0, fields={"n": b"0"}), False),
        (replace(RECORD, next=1, fields={"n": b"9", "cleared": b"ok"}), True),
        (replace(RECORD, next=1, fields={"n": b"9", "cleared": b"grown"}), False),
    ],
)
def test_whether_records_tell_that_all_is_done(record: OperationRecord, expected: bool) -> None:
    assert complete([record]) is expected
    assert not complete([])
