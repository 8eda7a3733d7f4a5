"""More jobs than a plan keeps are read again while they are acted on: each once, and none is left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sidekiq_tui.operations import census
from sidekiq_tui.operations.selection import Whole
from tests.integration.operations.test_execute_and_undo import DEEDS
from tests.support.operating import Operator, fill

JOBS = 2_600
"""More than five slices of a reading."""


@pytest.mark.parametrize("name", ["retry", "delete", "reschedule-by", "kill-queue", "move-queue"])
async def test_each_is_acted_on(
    raw: Any, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(census, "KEPT_JOBS", 10)
    place, make = DEEDS[name]
    await fill(raw, place, JOBS)
    operator = Operator(redis_url, tmp_path / "state")
    try:
        outcome = await operator.do(make(Whole(place)))
        assert (outcome.ending, outcome.tally.done, outcome.tally.untouched) == ("done", JOBS, 0)
    finally:
        await operator.close()
