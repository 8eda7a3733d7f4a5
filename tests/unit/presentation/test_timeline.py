"""Events of the timeline in words."""

from __future__ import annotations

import pytest

from sidekiq_tui.presentation.columns.base import Context, plain
from sidekiq_tui.presentation.timeline import event_cell
from sidekiq_tui.servers.timeline_events import Event
from sidekiq_tui.sidekiq.error_groups import REST, UNDECODABLE, Cause

NAMELESS = (
    (Cause(None, None, ""), "no error class"),
    (UNDECODABLE, "undecodable"),
    (REST, "other errors"),
    (None, "no error class"),
)


@pytest.mark.parametrize(("cause", "words"), NAMELESS, ids=["no class", "undecodable", "rest", "forgotten"])
def test_a_new_error_without_a_class_has_words_all_the_same(cause: Cause | None, words: str) -> None:
    event = Event(0.0, "prod", "errors new", (), 2, cause=cause)
    assert plain(event_cell(event, Context(0.0))) == f"new error  {words}, 2 jobs"


def test_a_new_error_is_called_by_its_class_and_the_error() -> None:
    event = Event(0.0, "prod", "errors new", ("ChargeJob", "KeyError"), 1, cause=Cause("ChargeJob", "KeyError", ""))
    assert plain(event_cell(event, Context(0.0))) == "new error  ChargeJob, KeyError, 1 job"
