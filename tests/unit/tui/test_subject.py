"""What a footer counts."""

from __future__ import annotations

from sidekiq_tui.tui.subject import Subject


def test_only_what_is_not_dead_is_counted_for_what_cannot_be_done_to_the_dead() -> None:
    mixed = Subject("prod", count=1_247, alive=34)
    assert [mixed.count_for(one) for one in ("kill-jobs", "reschedule-jobs", "retry-jobs")] == [34, 34, 1_247]
    assert Subject("prod", count=12).count_for("kill-jobs") == 12
