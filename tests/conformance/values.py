"""How a value of ours is compared with what Sidekiq's own Ruby API answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import pytest

from sidekiq_tui.sidekiq.database import Database
from tests.support.dumps import FIXTURES

VERSIONS: Final = tuple(sorted(path.name.removeprefix("sidekiq-") for path in FIXTURES.glob("sidekiq-*")))

ONE_MILLISECOND: Final = 0.001_001
"""Sidekiq 8 counts latencies in whole milliseconds; earlier ones are floats of the same clock."""


@dataclass(frozen=True)
class Recording:
    """One recorded version: its data in a server, what Ruby answered on it, and the moment of both."""

    version: str
    answers: dict[str, Any]
    db: Database

    @property
    def now(self) -> float:
        return float(self.answers["meta"]["now"])

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])

    def answer(self, name: str) -> Any:
        """The answers under one top-level key; skips the test in a version that has no such method."""
        if name not in self.answers:
            pytest.skip(f"Sidekiq {self.version} has no {name}")
        return self.answers[name]


def raised(value: Any) -> bool:
    """Whether Ruby raised instead of answering."""
    return isinstance(value, dict) and "raises" in value


def close(value: float) -> Any:
    """A time or a ratio, equal but for the last bits of a double."""
    return pytest.approx(value, rel=1e-12, abs=1e-9)
