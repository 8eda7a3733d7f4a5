"""`profile test` in words: what is wrong, what to do about it, and what it saw."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.servers import connection
from sidekiq_tui.servers.diagnose import Diagnosis, diagnose
from sidekiq_tui.servers.profile import Profile, Secret
from tests.support.proxy import FaultProxy


def words(result: Diagnosis) -> str:
    return " | ".join(f"{finding.level} {finding.text}. {finding.hint}" for finding in result.findings)


@pytest.mark.parametrize("version", ["6.4.1", "7.3.10", "8.1.7"])
async def test_what_it_saw(redis_url: str, load_dump: Any, version: str) -> None:
    load_dump(version)
    result = await diagnose(Profile.from_url(redis_url))
    assert result.ok
    assert words(result) == ""
    facts = dict(result.facts)
    assert facts["round trip"].endswith("ms (median of 5)")
    assert "standalone, primary" in facts["server"]
    assert facts["user"] == "default"
    assert int(facts["queues"].split()[0]) > 0
    if version != "6.4.1":
        assert version in facts["sidekiq"]


async def test_it_sends_only_reads(redis_server: EmbeddedRedis, redis_url: str, raw: Any, tmp_path: Path) -> None:
    await raw.set("other:thing", 1)
    async with FaultProxy(redis_server.socket, tmp_path) as proxy:
        await diagnose(Profile.from_url(proxy.url))
        sent = set(proxy.wire.names)
    assert await raw.keys("*") == [b"other:thing"]
    assert sent <= {
        "PING", "GET", "MGET", "ZCARD", "ZCOUNT", "SSCAN", "INFO", "EXISTS", "LINDEX", "ZRANGE", "ZREVRANGE", "ZSCAN",
        "LRANGE", "HMGET", "HGETALL", "SCAN", "SMEMBERS", "SCARD",
    }  # fmt: skip


async def test_an_empty_database_says_where_sidekiq_may_be(raw: Any, redis_url: str, load_dump: Any) -> None:
    result = await diagnose(Profile.from_url(redis_url))
    assert result.ok
    assert "warn no sign of Sidekiq in database 0. a new one" in words(result)
    load_dump("6.4.1", prefix="shop")
    assert "namespaces that look like Sidekiq: shop" in words(await diagnose(Profile.from_url(redis_url)))
    found = await diagnose(replace(Profile.from_url(redis_url), namespace="shop"))
    assert words(found) == ""
    elsewhere = await diagnose(Profile.from_url(redis_url.replace("db=0", "db=1")))
    assert "no sign of Sidekiq in database 1. databases with keys: 0" in words(elsewhere)
    beyond = await diagnose(Profile.from_url(redis_url.replace("db=0", "db=99")))
    assert "the server has no database 99" in words(beyond)


async def test_passwords(embedded: Callable[..., EmbeddedRedis], redis_url: str, raw: Any) -> None:
    place = Profile.from_url(f"unix://{embedded(password='right').socket}", "prod")
    missing = await diagnose(place)
    assert not missing.ok
    assert "the server wants a password, and the profile has none" in words(missing)
    assert "SQTUI_PROD_PASSWORD" in words(missing)
    wrong = await diagnose(replace(place, password=Secret("wrong-one")))
    assert "wrong password for the default user" in words(wrong)
    stranger = await diagnose(replace(place, username="nobody", password=Secret("wrong-one")))
    assert "wrong password for user nobody, or there is no such user" in words(stranger)
    assert "wrong-one" not in words(wrong) + words(stranger)
    assert (await diagnose(replace(place, password=Secret("right")))).ok

    async def answer(profile: Profile) -> str | None:
        return "right"

    assert (await diagnose(place, answer)).ok
    needless = await diagnose(replace(Profile.from_url(redis_url), password=Secret("x")))
    assert "a password is given, but the server has none" in words(needless)


async def test_what_cannot_be_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redis_server: EmbeddedRedis
) -> None:
    monkeypatch.setattr(connection, "READ_TIMEOUT", 0.3)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        refused = await diagnose(Profile(name="a", host="127.0.0.1", port=port))
        assert f"error Connection refused (127.0.0.1:{port})" in words(refused)
    assert "No such socket" in words(await diagnose(Profile(name="a", socket=str(tmp_path / "gone"))))
    assert "No such host" in words(await diagnose(Profile(name="a", host="host.invalid")))
    async with FaultProxy(redis_server.socket, tmp_path) as proxy:
        proxy.swallow = True
        assert "did not answer in time" in words(await diagnose(Profile.from_url(proxy.url)))


@pytest.mark.parametrize("greeting", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH\r\n", b"\x00\x01\x02"])
async def test_a_port_of_something_else(tmp_path: Path, greeting: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "READ_TIMEOUT", 0.3)

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        await writer.drain()
        await reader.read(1)
        writer.close()

    listener = await asyncio.start_unix_server(greet, tmp_path / "s")
    result = await diagnose(Profile(name="a", socket=str(tmp_path / "s")))
    listener.close()
    assert not result.ok


async def test_a_replica_and_a_cluster_are_named(
    embedded: Callable[..., EmbeddedRedis], redis_server: EmbeddedRedis, redis_url: str
) -> None:
    replica = embedded(name="replica", config=["replicaof 127.0.0.1 1"])
    found = await diagnose(Profile.from_url(f"unix://{replica.socket}"))
    assert "replica" in words(found)
    cluster = embedded(name="cluster", config=["cluster-enabled yes"])
    found = await diagnose(Profile.from_url(f"unix://{cluster.socket}"))
    assert "Cluster" in words(found)
