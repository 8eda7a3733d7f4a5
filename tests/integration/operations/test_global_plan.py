"""One deed on several servers: one question, and a clear end for each, whatever happens to one of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
import redis.asyncio

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.operations.catalog import Clear, Delete, Operation, Undo
from sidekiq_tui.operations.errors import CannotBeDone, NotConfirmed, PlanOutdated
from sidekiq_tui.operations.global_plan import GlobalPlan, plan_everywhere, question_everywhere, start_everywhere
from sidekiq_tui.operations.operator import Operations
from sidekiq_tui.operations.plan import Plan
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

    async def plan(self, servers: Sequence[str], *operations: Operation) -> GlobalPlan:
        """One operation for all of them, or one for each."""
        each = dict(zip(servers, operations * (len(servers) // len(operations)), strict=True))

        def make(server: str, progress: Callable[[int, int], None]) -> Awaitable[Plan]:
            return self.operations.plan(server, each[server], progress=progress)

        return await plan_everywhere([self.profiles[name] for name in servers], make)

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


CLEAR: Final = Clear(place=Whole(MAIL))
DELETE: Final = Delete(jobs=Matching((DEAD,), parse_filter("class:Invoice")))


async def test_one_question_names_each_server_and_each_comes_out(fleet: Fleet) -> None:
    for name in ("one", "two"):
        await fill(fleet.raw[name], MAIL, 5)
    plan = await fleet.plan([*NAMES, "away"], CLEAR)
    assert (plan.count, [part.server for part in plan.parts]) == (10, [*NAMES, "away"])
    question = question_everywhere(fleet.operations, plan)
    assert (question.kind, question.expected) == ("name", "one two")
    for wrong in ("one", "y", "one three"):
        with pytest.raises(NotConfirmed):
            start_everywhere(fleet.operations, plan, wrong)
    assert await fleet.raw["one"].llen("queue:mail") == 5
    outcomes = await start_everywhere(fleet.operations, plan, "two one", fingerprints=[plan.fingerprint[:12]]).wait()
    assert list(outcomes) == [*NAMES, "away"]
    assert [outcome.ending for outcome in outcomes.values()] == ["done", "done", "refused", "refused"]
    assert [outcomes[name].tally.done for name in ("one", "two")] == [5, 5]
    assert "there is nothing in mail" in outcomes["three"].words
    assert outcomes["away"].words
    assert [await fleet.raw[name].exists("queue:mail") for name in NAMES] == [0, 0, 0]


async def test_many_entries_take_the_number_of_all(fleet: Fleet) -> None:
    for name in NAMES:
        await fill(fleet.raw[name], DEAD, 40)
    plan = await fleet.plan(NAMES, DELETE)
    assert question_everywhere(fleet.operations, plan).expected == "120"
    fleet.profiles["two"] = replace(fleet.profiles["two"], access="read-only")
    outcomes = await start_everywhere(fleet.operations, plan, "120").wait()
    assert [outcome.ending for outcome in outcomes.values()] == ["done", "refused", "done"]
    assert [await fleet.raw[name].zcard("dead") for name in NAMES] == [0, 40, 0]


async def test_where_nothing_can_be_done_anywhere_it_is_said_for_each(fleet: Fleet) -> None:
    plan = await fleet.plan(["one", "away"], CLEAR)
    with pytest.raises(CannotBeDone, match="one: there is nothing in mail; away: "):
        start_everywhere(fleet.operations, plan, "one")


async def test_the_parts_of_a_deed_bear_one_id_in_audit_and_undo(fleet: Fleet) -> None:
    for name in NAMES:
        await fill(fleet.raw[name], MAIL, 3)
    run = start_everywhere(fleet.operations, await fleet.plan(NAMES, CLEAR), " ".join(NAMES))
    outcomes = await run.wait()
    assert {outcome.id[:12] for outcome in outcomes.values()} == {run.id}
    assert len({outcome.id for outcome in outcomes.values()}) == 3
    lines = list(fleet.operations.audit_lines())
    assert [line.fields["together"] for line in lines] == [run.id] * 6
    await fill(fleet.raw["two"], MAIL, 1)
    later = start_everywhere(fleet.operations, await fleet.plan(["two"], CLEAR), "two")
    await later.wait()
    assert [entry.server for entry in fleet.operations.last_undoable_of(NAMES)] == ["two"]
    entries = fleet.operations.last_undoable_of(["one", "three"])
    assert [entry.server for entry in entries] == ["one", "three"]
    back = await fleet.plan(["one", "three"], *(Undo(operation=entry.id) for entry in entries))
    undone = await start_everywhere(fleet.operations, back, "y").wait()
    assert [outcome.tally.done for outcome in undone.values()] == [3, 3]
    assert [await fleet.raw[name].llen("queue:mail") for name in NAMES] == [3, 0, 3]
    assert fleet.operations.last_undoable_of(["one", "three"]) == ()


async def test_two_names_of_one_database_are_one_server(fleet: Fleet) -> None:
    await fill(fleet.raw["one"], MAIL, 4)
    fleet.profiles["again"] = replace(fleet.profiles["one"], name="again")
    plan = await fleet.plan(["one", "again"], CLEAR)
    assert plan.count == 4
    assert [part.refused for part in plan.parts] == ["", "this is the database of one, where it is done already"]


async def test_the_fingerprint_of_all_tells_who_is_missing(fleet: Fleet) -> None:
    for name in ("one", "two"):
        await fill(fleet.raw[name], MAIL, 2)
    both = await fleet.plan(["one", "two"], CLEAR)
    assert (await fleet.plan(["two", "one"], CLEAR)).fingerprint == both.fingerprint
    assert both.is_named([both.fingerprint[:12]])
    assert both.is_named([plan.fingerprint[:12] for plan in both.plans])
    assert not both.is_named([both.plans[0].fingerprint[:12]])
    fleet.profiles["two"] = replace(fleet.profiles["away"], name="two")
    without = await fleet.plan(["one", "two"], CLEAR)
    assert not without.is_named([both.fingerprint[:12]])
    assert without.fingerprint != (await fleet.plan(["one"], CLEAR)).fingerprint
    with pytest.raises(PlanOutdated):
        start_everywhere(fleet.operations, without, "one", fingerprints=[both.fingerprint[:12]])
    assert await fleet.raw["one"].llen("queue:mail") == 2


async def test_two_operators_share_the_entries_and_each_is_told_his_own(fleet: Fleet, tmp_path: Path) -> None:
    for name in NAMES:
        await fill(fleet.raw[name], DEAD, 300)
    other = Operations(fleet.server, home=tmp_path / "other", who=Who("ben", "ws4"))
    try:
        plan = await fleet.plan(NAMES, DELETE)

        def make(server: str, progress: Callable[[int, int], None]) -> Awaitable[Plan]:
            return other.plan(server, DELETE, progress=progress)

        theirs = await plan_everywhere([fleet.profiles[name] for name in NAMES], make)
        runs = (start_everywhere(fleet.operations, plan, "900"), start_everywhere(other, theirs, "900"))
        first, second = [await run.wait() for run in runs]
        for name in NAMES:
            assert (first[name].ending, second[name].ending) == ("done", "done")
            done, gone = (first[name].tally.done, first[name].tally.gone)
            assert (second[name].tally.gone, second[name].tally.done) == (done, gone)
            assert done + gone == 300
            assert await fleet.raw[name].zcard("dead") == 0
    finally:
        await other.close()
