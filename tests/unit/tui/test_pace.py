"""What no key asked for waits while somebody types, and no longer."""

from __future__ import annotations

import asyncio

import pytest

from sidekiq_tui.tui import pace
from sidekiq_tui.tui.pace import Pace


async def test_at_once_where_nobody_types() -> None:
    done: list[str] = []
    Pace().when_free("tick", lambda: done.append("tick"))
    assert done == ["tick"]


async def test_after_the_next_keys_effect_of_one_name_the_last() -> None:
    done: list[str] = []
    one = Pace()
    one.key()
    for what in ("first", "second"):
        one.when_free("tick", lambda what=what: done.append(what))  # type: ignore[misc]
    one.when_free("poll", lambda: done.append("poll"))
    assert done == []
    one.key()
    one.painted()
    assert done == ["second", "poll"]
    one.painted()
    assert len(done) == 2


async def test_when_no_other_key_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "TYPING_SECONDS", 0.02)
    free = asyncio.Event()
    one = Pace()
    one.key()
    one.when_free("tick", free.set)
    assert not free.is_set()
    await asyncio.wait_for(free.wait(), 30)
    assert one.quiet_seconds >= 0.02
