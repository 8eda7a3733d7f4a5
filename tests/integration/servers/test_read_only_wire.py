"""On the wire: what the allow-list refuses never reaches the server, and connecting costs no more than it must."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.servers.connection import Credentials, build_pool, open_database
from sidekiq_tui.servers.profile import Access, Profile
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.errors import CommandRefused
from sidekiq_tui.sidekiq.filter import parse_filter
from tests.support.proxy import FaultProxy


@pytest.fixture
async def proxy(redis_server: EmbeddedRedis, redis_url: str, tmp_path: Path) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(redis_server.socket, tmp_path) as proxy:
        yield proxy


@pytest.fixture
async def client(proxy: FaultProxy) -> AsyncIterator[Any]:
    profile = Profile.from_url(proxy.url)
    client: Any = Redis.from_pool(build_pool(profile, Credentials(profile)))
    yield client
    await client.aclose()


async def test_no_way_to_write_reaches_the_server(client: Any, proxy: FaultProxy, raw: Any) -> None:
    await client.ping()
    calls: tuple[Callable[[], Any], ...] = (
        lambda: client.set("k", "v"),
        lambda: client.execute_command(b"set", b"k", b"v"),
        lambda: client.execute_command("SET k v"),
        lambda: client.eval("return 1", 0),
        lambda: client.register_script("return redis.call('set','k','v')")(),
        lambda: client.sort("k", store="d"),
        lambda: client.flushall(),
        lambda: client.lpush("queue:default", "x"),
        lambda: client.pubsub().subscribe("c"),
        lambda: client.config_set("save", ""),
        lambda: client.pipeline(transaction=True).get("k").set("k", "v").execute(),
        lambda: client.pipeline(transaction=True).get("k").execute(),
        lambda: client.pipeline(transaction=False).get("k").set("k", "v").execute(),
        lambda: client.pipeline(transaction=False).get("k").set("k", "v").execute(raise_on_error=False),
    )
    for call in calls:
        with pytest.raises(CommandRefused):
            await call()
    with pytest.raises(CommandRefused):
        await client.execute_command("EVAL_RO", "return 1", 0)
    async with client.client() as single:
        with pytest.raises(CommandRefused):
            await single.delete("k")
    await client.ping()
    assert set(proxy.wire.names) == {"PING"}
    assert await raw.dbsize() == 0


async def test_connecting_sends_only_what_it_needs(proxy: FaultProxy) -> None:
    database = await open_database(Profile.from_url(proxy.url.replace("db=0", "db=1")))
    await database.command("PING")
    await database.command("PING")
    await database.close()
    assert proxy.wire.names == ["SELECT", "PING", "PING"]
    assert proxy.wire.connections == 1


async def test_a_password_is_sent_once_per_connection(embedded: object, tmp_path: Path) -> None:
    server: EmbeddedRedis = embedded(password="hunter2")  # type: ignore[operator]
    async with FaultProxy(server.socket, tmp_path) as proxy:
        profile = Profile.from_url(f"unix://:hunter2@{proxy.socket}")
        database = await open_database(profile)
        await database.command("PING")
        await database.close()
        assert proxy.wire.commands == [(b"AUTH", b"hunter2"), (b"PING",)]


@pytest.mark.parametrize("access", ["read-only", "operate", "full"])
async def test_scripts_are_asked_for_only_where_more_than_reading_is_allowed(
    proxy: FaultProxy, raw: Any, access: Access
) -> None:
    await raw.zadd("retry", {json.dumps({"class": f"Job{number}", "jid": "x"}): number for number in range(1200)})
    server = Server(replace(Profile.from_url(proxy.url), access=access))
    found = [job async for part in server.search(parse_filter("class:Job77")) for job in part.jobs]
    await server.close()
    assert len(found) == 11
    assert ("EVAL_RO" in proxy.wire.names) is (access != "read-only")
    assert ("ZRANGEBYSCORE" in proxy.wire.names) is (access == "read-only")
