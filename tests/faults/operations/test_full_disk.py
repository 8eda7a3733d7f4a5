"""This machine's disk is full, at once or in the middle: nothing is done without its line and its undo copy."""

from __future__ import annotations

import asyncio
import resource
import sys
from pathlib import Path
from typing import Any

import pytest

from sidekiq_tui.operations.catalog import Undo
from tests.faults.operations.killing import ROOT, Shell, everyone
from tests.support.operating import RETRY, Operator, fill
from tests.support.proof import open_records, sidekiqs, snapshot

JOBS = 4_000


async def snapshot_of(raw: Any) -> Any:
    """What others see."""
    return sidekiqs(await snapshot(raw))


@pytest.mark.parametrize("room", [1_000, 200_000])
async def test_stops_and_tells(raw: Any, redis_url: str, tmp_path: Path, room: int) -> None:
    await fill(raw, RETRY, JOBS)
    before = await snapshot_of(raw)
    shell = Shell(tmp_path / "anna", redis_url)
    settings = shell.prepared()

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-B",  # else a module that is imported first here is left for all others as so many bytes of code
        *("-m", "sidekiq_tui", "--config", str(settings), "retry", "retries", "--confirm", "prod"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        preexec_fn=limit,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    found = await snapshot(raw)
    moved = len(found.get("queue:mail", []))
    assert process.returncode != 0, (out, err)
    assert b"Traceback" not in err
    assert set(everyone(found, {}).values()) == {1}
    assert len(everyone(found, {})) == JOBS
    assert (moved == 0) if room < 60_000 else (0 < moved < JOBS)
    # With room again all is as the journal knows it: what is open is ended, what was done can be undone.
    anna = Operator(redis_url, shell.kept)
    try:
        for left in await anna.operations.unfinished("prod"):
            await anna.operations.leave("prod", left.id)
        for entry in await anna.operations.undoable("prod"):
            assert entry.count == moved
            assert (await anna.do(Undo(operation=entry.id))).tally.done == moved
            moved = 0
        assert moved == 0, "all that was done can be taken back"
        assert await snapshot_of(raw) == before
        verdict = await anna.operations.verify_audit(["prod"])
        assert verdict.broken == ()
    finally:
        await anna.close()
    assert open_records(await snapshot(raw)) == []
