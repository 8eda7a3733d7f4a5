"""When a job that failed runs again, and what its payload says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from sidekiq_tui.sidekiq.database import Command
from sidekiq_tui.sidekiq.job_class import Job
from sidekiq_tui.sidekiq.keys import Keys
from sidekiq_tui.sidekiq.payload import backtrace_lines as read_backtrace
from sidekiq_tui.sidekiq.worker.config import WorkerConfig
from sidekiq_tui.sidekiq.worker.fetch import Unit
from sidekiq_tui.sidekiq.worker.retries import Retries, UnknownJobClass, delay, error_name

NOW = 1_800_000_000.0


class Stand:
    """Retries whose writes are kept."""

    def __init__(self, **config: Any) -> None:
        self.written: list[Command] = []
        self.mourned: list[str] = []
        self.retries = Retries(
            WorkerConfig(**config), Keys(""), self._write, death_handlers=[self._mourn], clock=lambda: NOW
        )

    async def _write(self, commands: Sequence[Command], release: Sequence[Command]) -> None:
        self.written += commands

    def _mourn(self, payload: Any, error: BaseException) -> None:
        self.mourned.append(str(error))

    async def fail(self, job_class: type[Job] | None = None, error: Exception | None = None, **payload: Any) -> str:
        said = {"class": "A", "args": [1.50], "retry": True, **payload}
        unit = Unit("low", json.dumps(said).encode())
        try:
            raise error or ValueError("no")
        except Exception as raised:
            return await self.retries.failed(unit, said, raised, job_class)

    @property
    def stored(self) -> dict[str, Any]:
        """The payload that was written."""
        raw = next(command[3] for command in self.written if command[0] == "ZADD")
        assert isinstance(raw, bytes)
        found: dict[str, Any] = json.loads(raw)
        return found


async def test_the_first_failure() -> None:
    stand = Stand()
    assert await stand.fail() == "retry"
    ((name, key, score, raw),) = stand.written
    assert (name, key) == ("ZADD", b"retry")
    assert isinstance(score, float)
    assert NOW + 15 <= score < NOW + 25
    assert isinstance(raw, bytes)
    assert b'"args": [1.5]' in raw
    said = stand.stored
    assert (said["queue"], said["error_class"], said["error_message"]) == ("low", "ValueError", "no")
    assert (said["retry_count"], said["failed_at"]) == (0, 1_800_000_000_000)
    assert "retried_at" not in said


async def test_later_failures_keep_the_first_time() -> None:
    stand = Stand(version="7.3.10")
    await stand.fail(retry_count=4, failed_at=1.5, retry_queue="slow")
    said = stand.stored
    assert (said["queue"], said["retry_count"], said["failed_at"], said["retried_at"]) == ("slow", 5, 1.5, NOW)
    assert isinstance(said["retried_at"], float)


@pytest.mark.parametrize(
    ("payload", "outcome"),
    [
        ({"retry_count": 24}, "dead"),
        ({"retry_count": 23}, "retry"),
        ({"retry": 0}, "dead"),
        ({"retry": 3, "retry_count": 2}, "dead"),
        ({"retry": 3, "retry_count": 1}, "retry"),
        ({"retry": False}, "dropped"),
        ({"retry": 0, "dead": False}, "discarded"),
        ({"retry_count": -1}, "retry"),
        ({"retry_for": 60, "failed_at": (NOW - 61) * 1000, "retry_count": 1}, "dead"),
        ({"retry_for": 60, "failed_at": int((NOW - 61) * 1000), "retry_count": 1}, "dead"),
        ({"retry_for": 60, "failed_at": NOW - 59, "retry_count": 50}, "retry"),
    ],
    ids=str,
)
async def test_what_becomes_of_it(payload: dict[str, Any], outcome: str) -> None:
    stand = Stand()
    assert await stand.fail(**payload) == outcome
    assert stand.mourned == ([] if outcome == "retry" else ["no"])
    assert [command[:2] for command in stand.written] == {
        "retry": [("ZADD", b"retry")],
        "dead": [("ZADD", b"dead"), ("ZREMRANGEBYSCORE", b"dead"), ("ZREMRANGEBYRANK", b"dead")],
    }.get(outcome, [])


async def test_before_8_1_either_limit_ends_it() -> None:
    assert await Stand(version="8.0.9").fail(retry_for=60, failed_at=NOW - 1, retry_count=30) == "dead"


class WithHooks(Job):
    answer: object = None
    last: object = None

    @classmethod
    def sidekiq_retry_in(cls, count: int, error: Exception, payload: Any) -> object:
        if cls.answer == "raise":
            raise RuntimeError
        return cls.answer

    @classmethod
    async def sidekiq_retries_exhausted(cls, payload: Any, error: Exception) -> object:
        return cls.last


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [("kill", "dead"), ("discard", "discarded"), (100, "retry"), (-5, "retry"), (None, "retry"), ("raise", "retry")],
)
async def test_what_the_class_says(answer: object, outcome: str) -> None:
    WithHooks.answer, WithHooks.last = answer, None
    stand = Stand()
    assert await stand.fail(WithHooks) == outcome
    if answer == 100:
        assert NOW + 100 <= float(str(stand.written[0][2])) < NOW + 110


async def test_an_exhausted_job_may_be_discarded() -> None:
    WithHooks.answer, WithHooks.last = None, "discard"
    assert await Stand().fail(WithHooks, retry=0) == "discarded"


async def test_backtraces_are_read_back() -> None:
    stand = Stand()
    await stand.fail(backtrace=True)
    lines = read_backtrace(stand.stored["error_backtrace"])
    assert lines is not None
    assert "in 'fail'" in lines[0]


async def test_long_and_broken_messages() -> None:
    stand = Stand()
    await stand.fail(error=ValueError("\ud800" + "x" * 20_000))
    assert len(stand.stored["error_message"]) == 10_000


def test_names_of_errors() -> None:
    class Deep(Exception):
        pass

    assert error_name(UnknownJobClass()) == "NameError"
    assert error_name(json.JSONDecodeError("", "", 0)) == "JSONDecodeError"
    assert error_name(Deep()).endswith("::Deep")


@pytest.mark.parametrize(
    ("version", "count", "custom", "least", "most"),
    [
        ("8.1.7", 0, None, 15, 24),
        ("8.1.7", 9, None, 6576, 6675),
        ("7.3.10", 2, None, 31, 58),
        ("6.2.1", 2, None, 31, 118),
        ("6.2.1", 2, 50, 50, 50),
        ("7.3.10", 2, 50, 50, 77),
    ],
)
def test_delays(version: str, count: int, custom: int | None, least: int, most: int) -> None:
    found = {delay(count, version, custom=custom) for _ in range(3000)}
    assert (min(found), max(found)) == (least, most)
