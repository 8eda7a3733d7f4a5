"""One deed on several servers: one question, and a clear end for each, whatever happens to one of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
import redis.asyncio

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.operations.catalog import Clear, Delete, Operation
from sidekiq_tui.operations.errors import CannotBeDone, NotConfirmed
from sidekiq_tui.operations.global_plan import plan_everywhere, question_everywhere, start_everywhere
from sidekiq_tui.operations.operator import Operations
from sidekiq_tui.operations.selection import Matching, Whole
from sidekiq_tui.operations.who import Who
from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.filter import parse_filter
from tests.support.operating import DEAD, MAIL, fill

NAMES: Final = ("one", "two", "three")


class Fleet:
    """Three servers, and one that is not there."""

    def __init__(self, redis: EmbeddedRedis, home: Path) -> None:
        urls = {name: f"unix://{redis.socket}?db={20 + at}" for at, name in enumerate(NAMES)}
        self.profiles = {name: Profile.from_url(url, name) for name, url in urls.items()}
        self.profiles["away"] = Profile.from_url("redis://127.0.0.1:1", "away")
        self.raw = {name: _client(url) for name, url in urls.items()}
        self._servers: dict[Profile, Server] = {}
        self.operations = Operations(self.server, home=home, who=Who("anna", "ws3"))

    def server(self, name: str) -> Server:
        return self._servers.setdefault(self.profiles[name], Server(self.profiles[name], timeout=2))

    async def close(self) -> None:
        await self.operations.close()
        for server in self._servers.values():
            await server.close()
        for client in self.raw.values():
            await client.flushdb()
            await client.aclose()


def _client(url: str) -> Any:
    return redis.asyncio.Redis.from_url(url, protocol=2, legacy_responses=False)


@pytest.fixture
async def fleet(many_databases: EmbeddedRedis, tmp_path: Path) -> AsyncIterator[Fleet]:
    found = Fleet(many_databases, tmp_path / "state")
    yield found
    await found.close()


async def clear(server: str) -> Operation:
    return Clear(place=Whole(MAIL))


async def delete(server: str) -> Operation:
    return Delete(jobs=Matching((DEAD,), parse_filter("class:Invoice")))


async def test_one_question_names_each_server_and_each_comes_out(fleet: Fleet) -> None:
    for name in ("one", "two"):
        await fill(fleet.raw[name], MAIL, 5)
    plan = await plan_everywhere(fleet.operations, [*NAMES, "away"], clear)
    assert (plan.count, [part.server for part in plan.parts]) == (10, [*NAMES, "away"])
    question = question_everywhere(fleet.operations, plan)
    assert (question.kind, question.expected) == ("name", "one two")
    for wrong in ("one", "y", "one three"):
        with pytest.raises(NotConfirmed):
            start_everywhere(fleet.operations, plan, wrong)
    assert await fleet.raw["one"].llen("queue:mail") == 5
    outcomes = await start_everywhere(fleet.operations, plan, "two one", fingerprint=plan.fingerprint[:12]).wait()
    assert list(outcomes) == [*NAMES, "away"]
    assert [outcome.ending for outcome in outcomes.values()] == ["done", "done", "refused", "refused"]
    assert [outcomes[name].tally.done for name in ("one", "two")] == [5, 5]
    assert "there is nothing in mail" in outcomes["three"].words
    assert outcomes["away"].words
    assert [await fleet.raw[name].exists("queue:mail") for name in NAMES] == [0, 0, 0]


async def test_many_entries_take_the_number_of_all(fleet: Fleet) -> None:
    for name in NAMES:
        await fill(fleet.raw[name], DEAD, 40)
    plan = await plan_everywhere(fleet.operations, NAMES, delete)
    assert question_everywhere(fleet.operations, plan).expected == "120"
    fleet.profiles["two"] = replace(fleet.profiles["two"], access="read-only")
    outcomes = await start_everywhere(fleet.operations, plan, "120").wait()
    assert [outcome.ending for outcome in outcomes.values()] == ["done", "refused", "done"]
    assert [await fleet.raw[name].zcard("dead") for name in NAMES] == [0, 40, 0]


async def test_where_nothing_can_be_done_anywhere_it_is_said_for_each(fleet: Fleet) -> None:
    plan = await plan_everywhere(fleet.operations, ["one", "away"], clear)
    with pytest.raises(CannotBeDone, match="one: there is nothing in mail; away: "):
        start_everywhere(fleet.operations, plan, "one")
