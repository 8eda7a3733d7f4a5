"""How a command that changes servers ends."""

from __future__ import annotations

import pytest

from sidekiq_tui.cli.results import Result, exit_code
from sidekiq_tui.operations import catalog
from sidekiq_tui.operations.catalog import Operation
from sidekiq_tui.operations.errors import NotConfirmed
from sidekiq_tui.operations.outcome import Ending, Outcome, Tally
from sidekiq_tui.operations.selection import Rows
from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.sidekiq.errors import ServerUnreachable
from tests.unit.presentation.test_plans import plan_of

PROFILE = Profile(name="prod")
DELETE = catalog.Delete(jobs=Rows(()))
NOTHING = Tally()
UNDO = catalog.Undo(operation="ab")


def result(operation: Operation, ending: Ending, *, interrupted: bool = False, tally: Tally = NOTHING) -> Result:
    return Result(PROFILE, plan_of(operation), Outcome("ab", ending, tally, "words"), interrupted=interrupted)


@pytest.mark.parametrize(
    ("operation", "ending", "tally", "code"),
    [
        (DELETE, "done", Tally(done=5), 0),
        (DELETE, "done", Tally(done=4, gone=1), 0),
        (DELETE, "done", Tally(gone=5), 0),
        (UNDO, "done", Tally(done=4, gone=1), 5),
        (UNDO, "done", Tally(gone=5), 1),
        (DELETE, "done", Tally(done=4, refused=1), 5),
        (DELETE, "done", Tally(done=4, duplicated=1), 5),
        (DELETE, "failed", Tally(done=4, untouched=1), 5),
        (DELETE, "failed", Tally(untouched=5), 1),
        (DELETE, "stopped", Tally(done=4, untouched=1), 5),
        (DELETE, "unknown", Tally(done=4, unknown=1), 3),
        (DELETE, "refused", Tally(untouched=5), 4),
    ],
)
def test_the_exit_code_of_an_outcome(operation: Operation, ending: Ending, tally: Tally, code: int) -> None:
    assert result(operation, ending, tally=tally).exit_code == code


def test_an_interruption_that_came_too_late_is_none() -> None:
    assert result(DELETE, "stopped", interrupted=True, tally=Tally(done=4, untouched=1)).exit_code == 130
    assert result(DELETE, "done", interrupted=True, tally=Tally(done=5)).exit_code == 0


def test_of_several_servers_the_interruption_counts_most_then_the_unreachable_one() -> None:
    refused = Result(PROFILE, error=NotConfirmed("no"))
    away = Result(PROFILE, error=ServerUnreachable("away"))
    stopped = result(DELETE, "stopped", interrupted=True)
    nothing = Result(PROFILE, plan_of(DELETE, 0))
    assert exit_code([]) == exit_code([nothing]) == 0
    assert exit_code([nothing, refused, result(DELETE, "failed", tally=Tally(untouched=1))]) == 1
    assert exit_code([result(DELETE, "failed", tally=Tally(done=1, untouched=1)), refused]) == 4
    assert exit_code([refused, away]) == 3
    assert exit_code([refused, away, stopped]) == 130
    assert exit_code([Result(PROFILE, error=RuntimeError("ours"))]) == 1
