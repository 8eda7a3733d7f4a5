"""For tests of errors read from a real Redis: failed jobs, and what was made of them."""

from __future__ import annotations

import json
from typing import Any

import redis.asyncio

from sidekiq_tui.servers.error_book import ErrorBook
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.error_groups import Cause, ErrorGroup

NOW = 1_795_314_150.0
TIMEOUT = Cause("Foo", "Timeout", "after Ns")


class Clock:
    """Time that a test moves. Unix seconds."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def failed(number: int, count: int = 0, error: str = "Timeout", at: float = NOW - 60) -> bytes:
    """A job after its failure `count` (0 is the first), as a worker writes it."""
    item: dict[str, Any] = {"class": "Foo", "args": [number], "jid": f"{number:024x}", "queue": "default"}
    item |= {"error_class": error, "error_message": f"after {number}s", "failed_at": NOW - 7200, "retry_count": count}
    item["retried_at" if count else "failed_at"] = at
    return json.dumps(item).encode()


async def fill(raw: redis.asyncio.Redis, count: int, *, first: int = 0) -> None:
    """Retries, ten seconds apart, the first one in a minute."""
    for start in range(first, first + count, 5000):
        numbers = range(start, min(start + 5000, first + count))
        await raw.zadd("retry", {failed(number): NOW + 60 + 10 * number for number in numbers})


async def read(book: ErrorBook, db: Database, most: int | None = None) -> None:
    """Reads everything."""
    async for _ in book.read(db, most):
        pass


def counts(book: ErrorBook) -> dict[str | None, tuple[int, int]]:
    """Retries and dead by class of error."""
    assert book.board is not None
    return {group.cause.error_class: (group.retries, group.dead) for group in book.board.groups}


def group_of(book: ErrorBook, cause: Cause = TIMEOUT) -> ErrorGroup:
    """One group."""
    assert book.board is not None
    return next(group for group in book.board.groups if group.cause == cause)


async def outcome(raw: redis.asyncio.Redis) -> int:
    """Bytes that the server has sent until now."""
    return int((await raw.info("stats"))["total_net_output_bytes"])
