"""What a profile says of how its server is changed: the names of our keys there, and what the journal may keep."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sidekiq_tui.operations import price
from sidekiq_tui.operations.catalog import Clear, Delete, Kill, MoveToQueue, Operation, Retry
from sidekiq_tui.operations.selection import Whole
from sidekiq_tui.operations.settings import OperationSettings
from sidekiq_tui.servers.profile import Secret
from tests.support.operating import DEAD, MAIL, RETRY, Operator, everywhere, fill

DEEDS: dict[str, Callable[[], Operation]] = {
    "retry": lambda: Retry(jobs=Whole(DEAD)),
    "delete": lambda: Delete(jobs=Whole(DEAD)),
    "clear": lambda: Clear(place=Whole(MAIL)),
    "rebuild": lambda: MoveToQueue(jobs=Whole(MAIL), queue="low"),
}
PREFIX = "ops:x:"


@pytest.mark.parametrize("name", DEEDS)
async def test_another_prefix_for_our_keys(
    anna: Operator, raw: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(price, "ONE_BY_ONE", 0.0)
    await fill(raw, DEAD, 300)
    await fill(raw, MAIL, 300)
    before = await everywhere(raw)
    rights = "+@all ~queue* ~retry ~schedule ~dead ~stat:* ~processes ~paused"
    await raw.execute_command("ACL", "SETUSER", "ops", "reset", "on", ">x", *rights.split(), f"~{PREFIX}*")
    anna.change(scratch_prefix=PREFIX, username="ops", password=Secret("x"))
    plan = await anna.operations.plan("prod", DEEDS[name]())
    assert plan.mode == "A", plan.refused
    outcome = await anna.do(DEEDS[name]())
    assert (outcome.ending, outcome.tally.done) == ("done", 300), outcome
    assert await raw.keys(f"{PREFIX}op:*")
    if name in ("delete", "clear"):
        assert await raw.keys(f"{PREFIX}trash:{outcome.id}*")
    assert await raw.keys("sqtui:*") == []
    assert (await anna.undo(outcome)).tally.done == 300
    after = {key: value for key, value in (await everywhere(raw)).items() if not key.startswith(PREFIX)}
    after.pop("queues")
    before.pop("queues")
    if name == "rebuild":
        assert sorted(after["queue:mail"]) == sorted(before["queue:mail"])
    else:
        assert after == before


async def test_a_prefix_that_may_not_be_written(anna: Operator, raw: Any) -> None:
    await fill(raw, DEAD, 3)
    await raw.execute_command("ACL", "SETUSER", "ops", "reset", "on", ">x", "+@all", "~dead", "~queue*", f"~{PREFIX}*")
    anna.change(username="ops", password=Secret("x"), scratch_prefix="other:")
    assert (await anna.operations.plan("prod", Delete(jobs=Whole(DEAD)))).mode == "B"
    assert not (await anna.server.rights()).own_keys


@pytest.mark.parametrize(("everywhere_else", "here"), [("keep", "none"), ("none", "keep"), ("keep", "server-only")])
async def test_what_the_journal_keeps_of_one_server(
    redis_url: str, raw: Any, tmp_path: Path, everywhere_else: Any, here: Any
) -> None:
    anna = Operator(redis_url, tmp_path / "state", settings=OperationSettings(payloads=everywhere_else))
    anna.change(journal_payloads=here)
    try:
        await fill(raw, RETRY, 5)
        plan = await anna.operations.plan("prod", Kill(jobs=await anna.rows(RETRY)))
        outcome = await anna.do(Kill(jobs=await anna.rows(RETRY)))
        assert outcome.tally.done == 5
        with closing(sqlite3.connect(tmp_path / "state" / "journal.db")) as journal:
            (kept,) = journal.execute("SELECT blob FROM batch").fetchone()
        assert (b"Invoice" in _plain(kept)) is (here == "keep")
        assert (outcome.undo_id is not None) is (here == "keep")
        assert plan.undo.startswith("cannot be undone: the settings keep no copies") is (here != "keep")
        deleted = await anna.operations.plan("prod", Delete(jobs=await anna.rows(DEAD)))
        assert deleted.undo.startswith("yes") is (here != "none")
    finally:
        await anna.close()


def _plain(blob: bytes) -> bytes:
    try:
        return zlib.decompress(blob)
    except zlib.error:
        return blob


def test_a_profile_knows_the_names_of_its_keys(redis_url: str, tmp_path: Path) -> None:
    profile = replace(Operator(redis_url, tmp_path).profile, namespace="app", scratch_prefix=PREFIX)
    assert profile.keys.trash("a") == b"app:ops:x:trash:a"
    assert profile.keys.fetches == b"app:sqtui:fetches"
