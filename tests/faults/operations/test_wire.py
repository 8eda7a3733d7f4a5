"""What crosses the wire: nothing that writes where only reading is allowed, and no batch ever twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidekiq_tui.operations.errors import GuardRefused
from tests.faults.operations.deeds import DEEDS
from tests.faults.operations.runs import Stage, carried_out
from tests.support.fault_link import Fault, FaultLink
from tests.support.operating import Operator
from tests.support.proof import snapshot


@pytest.mark.parametrize("how", ["profile", "session"])
async def test_a_server_that_is_only_read_sees_no_write_of_any_operation(
    stage: Stage, tmp_path: Path, how: str
) -> None:
    for name, deed in DEEDS.items():
        before = await stage.fresh(deed)
        async with FaultLink(str(stage.socket), tmp_path) as link:
            anna = Operator(link.url, tmp_path / f"{how}{name}", read_only=how == "session")
            if how == "profile":
                anna.change(access="read-only")
            plan = await anna.operations.plan("prod", deed.operation)
            assert plan.refused, name
            with pytest.raises(GuardRefused):
                anna.operations.start(plan, anna.operations.question(plan).expected)
            assert await anna.operations.unfinished("prod") == ()
            assert await anna.operations.undoable("prod") == ()
            await anna.close()
            assert link.seen == [], name
        assert await snapshot(stage.raw) == before


@pytest.mark.parametrize("fault", [Fault.LOSE, Fault.DROP, Fault.HOLE])
async def test_no_batch_is_sent_twice(stage: Stage, fault: Fault) -> None:
    await stage.ready()
    deed = DEEDS["retry"]
    for number in range(1, 7):
        await stage.fresh(deed)
        async with stage.link({number: fault}) as link:
            async with stage.person(link.url, timeout=0.5 if fault is Fault.HOLE else None) as anna:
                await carried_out(anna, deed.operation)
            batches = [command for command in link.seen if any(b'"jid":' in part for part in command)]
            assert len(set(batches)) == len(batches)
