"""sqtui is killed after a command of a bulk operation while workers run; another sqtui ends what was begun."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.operations.operator import Operations
from sidekiq_tui.sidekiq.job import Place
from tests.faults.operations.killing import Invoice, Shell, everyone, killed_at, workers
from tests.faults.operations.runs import ALL
from tests.support.fault_link import FaultLink
from tests.support.operating import DEAD, MAIL, RETRY, SCHEDULE, Operator, fill, job
from tests.support.proof import open_records, snapshot, strays

JOBS: Final = 10_000


async def big_queue(raw: Any) -> None:
    """One of three is a refund, in a queue that is worth rebuilding."""
    jobs = [job(number, **({"class": "Refund"} if number % 3 == 0 else {})) for number in range(JOBS)]
    await raw.sadd("queues", "mail")
    for start in range(0, JOBS, 1000):
        await raw.lpush("queue:mail", *jobs[start : start + 1000])


CASES: Final[dict[str, tuple[Place | None, int, tuple[str, ...]]]] = {
    "retry": (RETRY, 1, ("retry", "retries", "--confirm", "prod")),
    "enqueue": (SCHEDULE, 1, ("enqueue", "scheduled", "--confirm", "prod")),
    "kill": (RETRY, 0, ("kill", "retries", "--confirm", "prod")),
    "delete": (DEAD, 0, ("delete", "dead", "--confirm", "prod")),
    "reschedule": (SCHEDULE, 0, ("reschedule", "scheduled", "--at", "+2h", "--confirm", "prod")),
    "clear": (MAIL, 1, ("clear", "queue", "mail", "--confirm", "prod")),
    "rebuild-delete": (None, 1, ("delete", "queue", "mail", "class:Refund", "--yes")),
    "rebuild-kill": (None, 1, ("kill", "queue", "mail", "class:Refund", "--yes")),
    "rebuild-move": (None, 1, ("move", "queue", "mail", "class:Refund", "--to", "low", "--yes")),
}
"""The place that is filled, how many workers run, and the command line."""
POINTS: Final = {"retry": 5, "delete": 12, "clear": 2, "rebuild-move": 9}
"""At which command, and in which cases, unless all of them at all are wanted. Low ones: the pace decides how many."""


@pytest.mark.parametrize("name", CASES if ALL else POINTS)
async def test_none_is_lost_none_runs_twice_and_another_sqtui_ends_it(
    raw: Any, redis_url: str, redis_server: EmbeddedRedis, tmp_path: Path, name: str
) -> None:
    if not ALL:
        assert await _killed(raw, redis_url, redis_server, _folder(tmp_path, 1), name, POINTS[name])
        return
    number, hit = 0, True
    while hit:
        number += 1
        await raw.flushall()
        hit = await _killed(raw, redis_url, redis_server, _folder(tmp_path, number), name, number)


async def _killed(raw: Any, url: str, server: EmbeddedRedis, folder: Path, name: str, number: int) -> bool:
    place, count, argv = CASES[name]
    if place is None:
        await big_queue(raw)
    else:
        await fill(raw, place, JOBS)
    async with FaultLink(str(server.socket), folder) as link, workers(url, count):
        shell = Shell(folder, link.url)
        hit = await killed_at(shell, link, number, argv)
        async with looking(link.url, shell) as operations:
            began = (await operations.verify_audit(["prod"])).open
            assert [one.id for one in await operations.unfinished("prod")] == list(began), "what has no end is listed"
        if began:
            code, document, said = await shell.run("resume", began[0], "--yes", "--confirm", "prod")
            assert code == 0, (said, document)
        async with looking(link.url, shell) as operations:
            verdict = await operations.verify_audit(["prod"])
            assert (verdict.broken, verdict.open) == ((), ())
            assert await operations.unfinished("prod") == ()
    found = await snapshot(raw)
    assert everyone(found, Invoice.ran) == Counter({one: 1 for one in _jids()}), (name, number)
    assert strays(found) == []
    assert open_records(found) == []
    return hit


@asynccontextmanager
async def looking(url: str, shell: Shell) -> AsyncIterator[Operations]:
    """Another sqtui with the same state, which only looks."""
    operator = Operator(url, shell.kept)
    try:
        yield operator.operations
    finally:
        await operator.close()


def _folder(parent: Path, number: int) -> Path:
    folder = parent / str(number)
    folder.mkdir()
    return folder


def _jids() -> list[str]:
    return [f"{number:024x}" for number in range(JOBS)]
