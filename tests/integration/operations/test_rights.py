"""What a user may do is found out without doing it, and decides how operations run."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.operations.probe import probe
from sidekiq_tui.servers.profile import Profile, Secret
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.errors import CommandRefused
from tests.support.proxy import FaultProxy

SIDEKIQ = "~retry ~schedule ~dead ~queue:* ~queues ~processes ~stat:* ~paused ~*-signals ~it-*"


def user_server(redis_url: str, **options: Any) -> Server:
    profile = Profile.from_url(redis_url)
    settings = {"username": "ops", "password": Secret("secret"), "access": "full", "name": "prod", **options}
    changed = {name: getattr(profile, name) for name in ("socket", "host", "port", "database")} | settings
    return Server(Profile(**changed))


@pytest.mark.parametrize(
    ("rules", "mode", "words"),
    [
        ("~* +@all", "A", ""),
        ("~* +@all -@admin -@dangerous +info", "A", ""),
        (f"{SIDEKIQ} +@all", "B", "sqtui:"),
        ("~* +@all -eval -evalsha -eval_ro", "C", "scripts"),
        (f"{SIDEKIQ} +@all -eval -eval_ro", "R", "scripts"),
        ("~* +@read +@connection +info", "R", "scripts"),
    ],
    ids=["all", "no-admin", "no-own-keys", "no-scripts", "neither", "read-user"],
)
async def test_mode_of_a_user(redis_url: str, raw: Any, rules: str, mode: str, words: str) -> None:
    await raw.execute_command("ACL", "SETUSER", "ops", "on", ">secret", "resetchannels", *rules.split())
    await raw.lpush("queue:default", "x")
    server = user_server(redis_url)
    try:
        now = time.time()
        found = await probe(server, await server.mark(), await server.overview(), now, read_only=False)
        assert (found.mode, words in found.reason) == (mode, True)
        assert found.user == "ops"
        if mode != "R":
            assert found.ahead is None or abs(found.ahead) < 5
        assert await raw.keys("*") == [b"queue:default"]
    finally:
        await server.close()


async def test_what_is_refused_is_named(redis_url: str, raw: Any) -> None:
    await raw.execute_command("ACL", "SETUSER", "ops", "on", ">secret", "~*", "+@all", "-zrem", "-lset")
    server = user_server(redis_url)
    try:
        rights = await server.rights()
        assert rights.refused == {("ZREM", "retry"), ("ZREM", "schedule"), ("ZREM", "dead"), ("LSET", "queue")}
        assert rights.exact
    finally:
        await server.close()


async def test_a_read_only_server_is_not_asked(redis_server: EmbeddedRedis, redis_url: str, tmp_path: Path) -> None:
    async with FaultProxy(redis_server.socket, tmp_path) as proxy:
        profile = Profile.from_url(proxy.url)
        server = Server(Profile(name="prod", socket=profile.socket, access="read-only"))
        now = time.time()
        found = await probe(server, await server.mark(), await server.overview(), now, read_only=False)
        assert found.mode == "R"
        with pytest.raises(CommandRefused):
            await server.rights()
        asked = set(proxy.wire.names)
        assert not asked & {"EVAL", "MULTI", "ZREM", "SREM"}
        writable = Server(Profile(name="prod", socket=profile.socket, access="full"))
        found = await probe(writable, await writable.mark(), await writable.overview(), now, read_only=True)
        assert found.mode == "R"
        assert not set(proxy.wire.names) & {"EVAL", "MULTI", "ZREM", "SREM"}
        await server.close()
        await writable.close()


async def test_it_is_asked_once(redis_server: EmbeddedRedis, redis_url: str, tmp_path: Path) -> None:
    async with FaultProxy(redis_server.socket, tmp_path) as proxy:
        server = Server(Profile(name="prod", socket=str(proxy.socket), access="full"))
        mark, overview = await server.mark(), await server.overview()
        for _ in range(3):
            assert (await probe(server, mark, overview, 1000.0, read_only=False)).mode == "A"
        assert proxy.wire.names.count("EVAL") == 1
        await probe(server, mark, overview, 5000.0, read_only=False)
        assert proxy.wire.names.count("EVAL") == 2
        await server.close()


async def test_a_replica_is_not_written_to(embedded: Any, unused_tcp_port: int) -> None:
    primary = embedded("primary", tcp_port=unused_tcp_port)
    replica = embedded("replica", config=[f"replicaof 127.0.0.1 {unused_tcp_port}"])
    server = Server(Profile(name="prod", socket=str(replica.socket), access="full"))
    found = await probe(server, await server.mark(), await server.overview(), time.time(), read_only=False)
    assert (found.mode, "replica" in found.reason) == ("R", True)
    await server.close()
    primary.stop()
