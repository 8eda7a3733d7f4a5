"""A plan is for the server that it was made for: not for one that came in its place."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio

from sidekiq_tui.operations import guard
from sidekiq_tui.operations.catalog import Clear, CopyAcross, Retry, Transfer
from sidekiq_tui.operations.errors import PlanOutdated
from sidekiq_tui.operations.planning import make_plan
from sidekiq_tui.operations.selection import Whole
from sidekiq_tui.servers.profile import Profile, Secret
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.job import Place
from tests.support.carrying import SOURCE, TARGET, Carrier
from tests.support.operating import Operator

JOB = b'{"class":"A","args":[],"jid":"a","queue":"default","retry":true,"created_at":1.5}'


def server_of(redis_server: Any, **more: Any) -> Server:
    return Server(Profile(name="prod", socket=str(redis_server.socket), **more))


async def test_a_restarted_or_another_server_is_not_the_one_that_was_confirmed(embedded: Any) -> None:
    first, second = embedded("first"), embedded("second")
    server, other = server_of(first), server_of(second)
    made = await make_plan(server, Retry(jobs=Whole(Place("retry"))), now=time.time())
    guard.check_server(made, await server.mark())
    with pytest.raises(PlanOutdated, match="not the prod that you confirmed"):
        guard.check_server(made, await other.mark())
    elsewhere = server_of(first, database=1)
    with pytest.raises(PlanOutdated):
        guard.check_server(made, await elsewhere.mark())
    for one in (server, other, elsewhere):
        await one.close()


async def test_a_promoted_replica_is_told_from_a_stranger(embedded: Any, unused_tcp_port: int) -> None:
    primary = embedded("primary", tcp_port=unused_tcp_port, config=["repl-diskless-sync-delay 0"])
    replica = embedded("replica", config=[f"replicaof 127.0.0.1 {unused_tcp_port}"])
    before, after = server_of(primary), server_of(replica)
    client: Any = redis.asyncio.Redis(unix_socket_path=str(replica.socket))
    while (await client.info("replication"))["master_link_status"] != "up":
        pass
    # A primary takes a new replication id when its first replica comes: only what is known from then on tells.
    made = await make_plan(before, Retry(jobs=Whole(Place("retry"))), now=time.time())
    assert made.mark.seen_again(await after.mark()) == "other"
    primary.stop()
    await client.execute_command("REPLICAOF", "NO", "ONE")
    with pytest.raises(PlanOutdated, match="failed over"):
        guard.check_server(made, await after.mark())
    await client.aclose()
    await before.close()
    await after.close()


async def test_a_server_that_says_nothing_of_itself(redis_url: str, raw: Any) -> None:
    await raw.zadd("retry", {JOB: 1})
    await raw.execute_command("ACL", "SETUSER", "ops", "reset", "on", ">secret", "~*", "+@all", "-info", "-time")
    profile = Profile(name="prod", socket=Profile.from_url(redis_url).socket, username="ops", password=Secret("secret"))
    server = Server(profile)
    made = await make_plan(server, Retry(jobs=Whole(Place("retry"))), now=time.time())
    assert (made.mark.run_id, made.refused, made.mode) == (None, "", "A")
    guard.check_server(made, await server.mark())
    await server.close()


async def test_what_took_over_an_address_after_the_plan_is_not_written_to(embedded: Any, tmp_path: Path) -> None:
    first, second = embedded("first"), embedded("second")
    address = tmp_path / "redis.sock"
    address.symlink_to(first.socket)
    anna = Operator(f"unix://{address}", tmp_path / "state")
    clients: list[Any] = [redis.asyncio.Redis(unix_socket_path=str(one.socket)) for one in (first, second)]
    for client in clients:
        await client.zadd("retry", {JOB: 1})
    plan = await anna.operations.plan("prod", Clear(place=Whole(Place("retry"))))
    address.unlink()
    address.symlink_to(second.socket)
    outcome = await anna.operations.start(plan, "prod").wait()
    assert "not the prod that you confirmed" in outcome.words
    assert [await client.zcard("retry") for client in clients] == [1, 1]
    assert await clients[1].keys("sqtui:*") == []
    for client in clients:
        await client.aclose()
    await anna.close()


@pytest.mark.parametrize("side", [SOURCE, TARGET])
async def test_what_took_over_an_address_after_the_plan_of_a_move_gets_nothing(
    embedded: Any, tmp_path: Path, side: str
) -> None:
    first, second, other = (embedded(name) for name in ("first", "second", "other"))
    address = tmp_path / "redis.sock"
    address.symlink_to(first.socket)
    ends = {side: f"unix://{address}", ({SOURCE, TARGET} - {side}).pop(): f"unix://{other.socket}"}
    anna = Carrier(ends[SOURCE], ends[TARGET], tmp_path / "state")
    clients: list[Any] = [redis.asyncio.Redis(unix_socket_path=str(one.socket)) for one in (first, second, other)]
    for client in clients:
        await client.zadd("retry", {JOB: 1})
    plan = await anna.plan(Transfer(jobs=Whole(Place("retry")), target=TARGET, queue="mail"))
    address.unlink()
    address.symlink_to(second.socket)
    outcome = await anna.start(plan).wait()
    assert f"not the {side} that you confirmed" in outcome.words
    assert [await client.zcard("retry") for client in clients] == [1, 1, 1]
    assert await clients[1].keys("sqtui:*") == []
    for client in clients:
        await client.aclose()
    await anna.close()


async def test_nothing_is_copied_from_another_server_than_was_confirmed(embedded: Any, tmp_path: Path) -> None:
    first, second, other = (embedded(name) for name in ("first", "second", "other"))
    address = tmp_path / "redis.sock"
    address.symlink_to(first.socket)
    anna = Carrier(f"unix://{address}", f"unix://{other.socket}", tmp_path / "state")
    clients: list[Any] = [redis.asyncio.Redis(unix_socket_path=str(one.socket)) for one in (first, second, other)]
    for client in clients[:2]:
        await client.zadd("retry", {JOB: 1})
    plan = await anna.plan(CopyAcross(jobs=Whole(Place("retry")), source=SOURCE), TARGET)
    assert (plan.refused, plan.count) == ("", 1)
    first.stop()
    address.unlink()
    address.symlink_to(second.socket)
    outcome = await anna.start(plan).wait()
    assert f"not the {SOURCE} that you confirmed" in outcome.words
    assert await clients[2].zcard("retry") == 0
    for client in clients:
        await client.aclose()
    await anna.close()


@pytest.mark.parametrize("side", [SOURCE, TARGET])
async def test_no_move_is_planned_where_it_cannot_be_made_safe(
    raw: Any, redis_url: str, tmp_path: Path, side: str
) -> None:
    """Without keys of our own nothing can be parked, and no batch be told from the one before."""
    await raw.zadd("retry", {JOB: 1})
    rules = ("~queue:*", "~queues", "~retry", "~schedule", "~dead", "~processes", "~stat:*")
    await raw.execute_command("ACL", "SETUSER", "ops", "reset", "on", "nopass", "+@all", *rules)
    anna = Carrier(redis_url, redis_url.replace("db=0", "db=1"), tmp_path / "state")
    anna.change(side, username="ops")
    plan = await anna.plan(Transfer(jobs=Whole(Place("retry")), target=TARGET))
    assert plan.refused.startswith(f"{side}: ")
    assert "takes scripts and keys of our own" in plan.refused
    await anna.close()
