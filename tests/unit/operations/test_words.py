"""What operations and their ends are called in the audit and in lists."""

from __future__ import annotations

import pytest

from sidekiq_tui.operations import catalog, words
from sidekiq_tui.operations.catalog import Operation
from sidekiq_tui.operations.outcome import Tally
from sidekiq_tui.operations.selection import Rows, Whole
from sidekiq_tui.sidekiq.job import Place

MAIL = Place("queue", "mail")
JOBS = Rows(())
DEEDS: dict[str, Operation] = {
    "delete 3 from queue mail": catalog.Delete(jobs=JOBS),
    "move 3 jobs from queue mail to queue low": catalog.MoveToQueue(jobs=JOBS, queue="low"),
    "move 3 jobs from queue mail to the front": catalog.ToFront(jobs=JOBS),
    "copy 3 jobs from queue mail to queue low": catalog.Copy(jobs=JOBS, queue="low"),
    "copy 3 from queue mail": catalog.Copy(jobs=JOBS, at=1.0),
    "move 3 jobs from queue mail to staging": catalog.Transfer(jobs=JOBS, target="staging"),
    "copy 3 jobs from queue mail of prod": catalog.Synchronise(jobs=Whole(MAIL), source="prod"),
    "put back 3 jobs that 06f1 parked": catalog.ReturnStaged(operation="06f1"),
    "push 3 jobs again": catalog.PushAgain(lost=()),
    "undo 06f1: put back 3": catalog.Undo(operation="06f1"),
    "let run on 3": catalog.Pause(queues=("mail",), paused=False),
}


@pytest.mark.parametrize("said", DEEDS)
def test_a_deed_is_told_with_its_jobs_whence_and_whither(said: str) -> None:
    assert words.what(DEEDS[said], 3, {"queue mail": 3}) == said


def test_one_job_is_one() -> None:
    said = words.what(catalog.Transfer(jobs=JOBS, target="staging"), 1, {"dead": 1})
    assert said == "move 1 job from dead to staging"


@pytest.mark.parametrize(
    ("kind", "count", "said"),
    [
        ("transfer", 1, "moved 0, 1 was no longer there"),
        ("transfer", 2, "moved 0, 2 were no longer there"),
        ("undo", 1, "put back 0, 1 was no longer there"),
        ("prune", 1, "forgot 0, 1 lives"),
        ("reset", 2, "reset 0, 2 had changed meanwhile"),
    ],
)
def test_what_was_gone_is_told_in_its_number(kind: str, count: int, said: str) -> None:
    assert words.tallied(kind, words.DONE[kind], Tally(gone=count)) == said


def test_what_was_there_is_told_in_its_number() -> None:
    assert words.tallied("transfer", "moved", Tally(done=1, exists=1)) == "moved 1, 1 was there already"
