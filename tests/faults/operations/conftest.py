"""A server for many runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.operations import pace, price
from sidekiq_tui.operations.senders_degraded import UnfencedSender
from tests.faults.operations.runs import SETTLE, Stage


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten entries at most in each, and an end to mode B's patience."""
    monkeypatch.setattr(pace, "MOST", 10)
    monkeypatch.setattr(pace, "FEWEST", 10)
    monkeypatch.setattr(UnfencedSender, "settle", SETTLE)


@pytest.fixture
def stage(small_batches: None, redis_server: EmbeddedRedis, redis_url: str, raw: Any, tmp_path: Path) -> Stage:
    """An own server, which each run empties."""
    return Stage(raw, redis_server.socket, tmp_path, "A")


@pytest.fixture
def rebuilt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Queues are rebuilt, however small."""
    monkeypatch.setattr(price, "ONE_BY_ONE", 0.0)
