"""Every operation in every mode, with a fault at each of its writing commands, and at each of its way back."""

from __future__ import annotations

import time

import pytest

from tests.faults.operations.deeds import DEEDS
from tests.faults.operations.runs import RENEWED, Stage, back_again, faultless, points, there_and_back

CASES = [(name, mode) for name, deed in DEEDS.items() for mode in deed.modes]


@pytest.mark.parametrize(("name", "mode"), CASES, ids=[f"{name}-{mode}" for name, mode in CASES])
async def test_no_job_is_lost_or_doubled_and_each_outcome_is_true(
    stage: Stage, request: pytest.FixtureRequest, name: str, mode: str
) -> None:
    deed = DEEDS[name]
    if deed.rebuilt:
        request.getfixturevalue("rebuilt")
    stage.mode = mode
    await stage.ready()
    ideal, there, back = await faultless(stage, deed)
    salt = sum(name.encode())
    for faults in points(there, mode, salt, 2):
        if time.time() - stage.now > RENEWED:
            await stage.ready()
            ideal, *_ = await faultless(stage, deed)
        with stage.told(name, faults):
            await there_and_back(stage, deed, ideal, faults)
    for faults in points(back, mode, salt + 2, 1):
        if time.time() - stage.now > RENEWED:
            await stage.ready()
        with stage.told(name, "back", faults):
            await back_again(stage, deed, faults)
