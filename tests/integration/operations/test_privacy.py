"""What lies on this machine after operations: as much of jobs as the settings allow, for the owner's eyes only."""

from __future__ import annotations

import os
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sidekiq_tui.operations import catalog
from sidekiq_tui.operations.errors import CannotBeDone
from sidekiq_tui.operations.new_jobs import new_jobs
from sidekiq_tui.operations.outcome import Outcome
from sidekiq_tui.operations.selection import Matching, Whole
from sidekiq_tui.operations.settings import Keep, OperationSettings
from sidekiq_tui.sidekiq.filter import parse_filter
from tests.support.operating import DEAD, MAIL, RETRY, Operator, fill

SECRET = "anna.smith-4711"


async def every_kind(operator: Operator, raw: Any) -> list[tuple[str, Outcome]]:
    """Operations that read or write jobs that hold the secret; each with what was said of its undo before."""
    for place in (DEAD, RETRY, MAIL):
        await fill(raw, place, 3, args=[SECRET], error_message=SECRET, error_class=SECRET)
    operations = [
        catalog.Edit(jobs=await operator.rows(DEAD, 1), fields={"args": [SECRET, 2]}),
        catalog.Copy(jobs=await operator.rows(DEAD, 1), fields={"args": [SECRET, 2]}),
        new_jobs("Invoice", [[SECRET]], now=1_700_000_000.0, form="seconds"),
        catalog.Retry(jobs=await operator.rows(RETRY, 1)),
        catalog.MoveToQueue(jobs=await operator.rows(MAIL, 1), queue="low"),
        catalog.Delete(jobs=Matching((DEAD,), parse_filter(f"arg:{SECRET}"))),
        catalog.Clear(place=Whole(MAIL)),
    ]
    told = []
    for operation in operations:
        plan = await operator.operations.plan("prod", operation)
        run = operator.operations.start(plan, operator.operations.question(plan).expected)
        told.append((plan.undo, await run.wait()))
        assert told[-1][1].ending == "done"
    return told


def kept_bytes(home: Path) -> Iterator[bytes]:
    """All that can be read out of the files, and of what is compressed in the journal."""
    for path in home.rglob("*"):
        if path.is_file():
            yield path.read_bytes()
    journal = sqlite3.connect(home / "journal.db")
    for (blob,) in [*journal.execute("SELECT blob FROM batch"), *journal.execute("SELECT targets FROM rest")]:
        for start in range(40):
            try:
                yield zlib.decompress((blob or b"")[start:])
            except zlib.error:
                continue
    journal.close()


@pytest.mark.parametrize("kept", ["server-only", "none"])
async def test_nothing_of_jobs_is_kept_here_unless_that_is_allowed(
    redis_url: str, raw: Any, tmp_path: Path, kept: Keep
) -> None:
    anna = Operator(redis_url, tmp_path / "state", settings=OperationSettings(payloads=kept))
    told = await every_kind(anna, raw)
    await anna.close()
    assert not [found for found in kept_bytes(tmp_path / "state") if SECRET.encode() in found]
    assert [words for words, outcome in told if words.startswith("yes") != (outcome.undo_id is not None)] == []


async def test_the_audit_has_nothing_of_jobs(redis_url: str, raw: Any, tmp_path: Path) -> None:
    anna = Operator(redis_url, tmp_path / "state")
    await every_kind(anna, raw)
    await anna.close()
    assert [found for found in kept_bytes(tmp_path / "state") if SECRET.encode() in found]
    for path in (tmp_path / "state" / "audit").iterdir():
        assert SECRET.encode() not in path.read_bytes()


async def test_an_edit_that_was_not_written_down_is_ended_not_gone_on_with(
    redis_url: str, raw: Any, tmp_path: Path
) -> None:
    anna = Operator(redis_url, tmp_path / "state", settings=OperationSettings(payloads="none"))
    await fill(raw, DEAD, 50)
    run = await anna.start(catalog.Edit(jobs=await anna.rows(DEAD), fields={"retry": 3}), rate=20)
    await anna.operations.close()
    await run.wait()
    later = Operator(redis_url, tmp_path / "state")
    (one,) = await later.operations.unfinished("prod")
    with pytest.raises(CannotBeDone, match="not known on this machine"):
        await later.operations.resume("prod", one.id)
    assert await raw.zcard("dead") == 50
    await later.close()


@pytest.mark.parametrize("umask", [0o000, 0o077])
async def test_files_are_private_whatever_the_umask(redis_url: str, raw: Any, tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        anna = Operator(redis_url, tmp_path / "state")
        await fill(raw, DEAD, 3)
        await anna.do(catalog.Delete(jobs=await anna.rows(DEAD)))
        modes = {path.name: oct(path.stat().st_mode & 0o777) for path in (tmp_path / "state").rglob("*")}
        await anna.close()
    finally:
        os.umask(before)
    assert set(modes.values()) == {"0o600", "0o700"}
    assert {"journal.db", "journal.db-wal", "lock"} <= set(modes)


async def test_a_state_folder_that_is_a_link_is_not_used(redis_url: str, raw: Any, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "state").symlink_to(tmp_path / "elsewhere")
    anna = Operator(redis_url, tmp_path / "state")
    await fill(raw, DEAD, 3)
    outcome = await anna.do(catalog.Delete(jobs=await anna.rows(DEAD)))
    assert (outcome.ending, await raw.zcard("dead")) == ("refused", 3)
    assert not any(path.is_file() for path in (tmp_path / "elsewhere").rglob("*"))
    await anna.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
async def test_a_state_folder_of_somebody_else_is_named(redis_url: str, raw: Any, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    os.chown(tmp_path / "state", 12345, 12345)
    anna = Operator(redis_url, tmp_path / "state")
    await fill(raw, DEAD, 3)
    outcome = await anna.do(catalog.Delete(jobs=await anna.rows(DEAD)))
    assert (outcome.ending, await raw.zcard("dead")) == ("refused", 3)
    assert "state belongs to somebody else: nothing was done" in outcome.words
    assert await raw.keys("sqtui:*") == []
    await anna.close()
