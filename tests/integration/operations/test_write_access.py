"""Nothing writes without a grant, and a grant lets through only what belongs to it: seen on the wire."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.servers.mark import ServerMark
from sidekiq_tui.servers.profile import Access, Profile
from sidekiq_tui.servers.server import Server
from sidekiq_tui.servers.write_access import Grant
from sidekiq_tui.sidekiq.database import Command
from sidekiq_tui.sidekiq.errors import CommandRefused, ReplyError, ServerUnreachable
from sidekiq_tui.sidekiq.scripts import script
from tests.support.proxy import FaultProxy
from tests.support.watch import eventually

NOW = 1_795_000_000.0
MARK = ServerMark("id", (), 0, "", "master")


def granted(level: Access = "operate", *, server: str = "prod", expires: float = NOW + 900) -> Grant:
    return Grant(server, MARK, "retry", "f00d", level, expires)


@pytest.fixture
async def proxy(redis_server: EmbeddedRedis, redis_url: str, tmp_path: Path) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(redis_server.socket, tmp_path) as proxy:
        yield proxy


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def server(proxy: FaultProxy, clock: Clock) -> AsyncIterator[Server]:
    server = Server(Profile(name="prod", socket=str(proxy.socket)), clock=clock)
    yield server
    await server.close()


KNOWN = script("batch")
REFUSED: tuple[Command, ...] = (
    ("FLUSHALL",),
    ("FLUSHDB",),
    ("CONFIG", "SET", "save", ""),
    ("KEYS", "*"),
    ("SCRIPT", "FLUSH"),
    ("SHUTDOWN",),
    ("SET", "queue:default", "x"),
    ("DEL", "queue:default"),
    ("UNLINK", "sqtui:a", "queue:default"),
    ("RENAME", "queue:default", "sqtui:trash:a"),
    ("RENAME", "sqtui:a", "queue:default"),
    ("RENAMENX", "queue:default", "sqtui:a"),
    ("EXPIRE", "retry", 1),
    ("LTRIM", "queue:default", 0, 1),
    ("ZREMRANGEBYRANK", "retry", 0, -1),
    ("SREM", "queues", "default"),
    ("ZUNIONSTORE", "retry", 1, "sqtui:a"),
    ("WATCH", "retry"),
    ("EVAL", b"return 1", 0),
    ("EVAL", KNOWN + b" ", 0),
    ("EVAL", "return redis.call('flushall')", 0),
    ("EVALSHA", hashlib.sha1(b"return 1").hexdigest(), 0),
    ("FCALL", "f", 0),
    ("EVAL", script("clear"), 0),
    ("EVALSHA", hashlib.sha1(script("clear")).hexdigest(), 0),
    ("LPOP", "queue:default"),
    ("MSET", "stat:failed", 0),
    ("RESTORE", "sqtui:a", 0, b""),
)


@pytest.mark.parametrize("command", REFUSED, ids=range(len(REFUSED)))
async def test_what_no_operation_sends_is_refused_before_the_wire(
    server: Server, proxy: FaultProxy, raw: Any, command: Command
) -> None:
    await raw.lpush("queue:default", "x")
    database = await server.writer(granted())
    with pytest.raises(CommandRefused):
        await database.command(*command)
    with pytest.raises(CommandRefused):
        await database.pipeline([("PING",), command])
    await database.close()
    assert proxy.wire.names == []
    assert await raw.keys("*") == [b"queue:default"]


async def test_what_operations_send_is_let_through(server: Server, raw: Any) -> None:
    await raw.lpush("sqtui:mine", "x")
    database = await server.writer(granted())
    replies = await database.pipeline(
        [
            ("MULTI",),
            ("ZADD", "retry", 1, "a"),
            ("ZREM", "retry", "a"),
            ("LPUSH", "queue:default", "a"),
            ("SADD", "queues", "default"),
            ("HSET", "sqtui:op:1", "v", 1),
            ("UNLINK", "sqtui:mine"),
            ("EXEC",),
        ]
    )
    assert replies[-1] == [1, 1, 1, 1, 1, 1]
    batch = hashlib.sha1(KNOWN).hexdigest()
    replies = await database.pipeline([("EVAL", KNOWN, 0), ("EVALSHA", batch, 0)])
    assert all(isinstance(reply, ReplyError) for reply in replies)  # the script came to run, without its keys
    await database.close()


async def test_full_access_adds_what_empties_a_queue(server: Server, raw: Any) -> None:
    await raw.lpush("queue:default", "x", "y")
    database = await server.writer(granted("full"))
    assert await database.command("LTRIM", "queue:default", 0, 0) == b"OK"
    assert await database.command("UNLINK", "queue:default") == 1
    with pytest.raises(CommandRefused):
        await database.command("RENAME", "retry", "dead")
    with pytest.raises(CommandRefused):
        await database.command("FLUSHDB")
    await database.close()


async def test_own_keys_are_those_of_the_namespace(proxy: FaultProxy, raw: Any) -> None:
    server = Server(Profile(name="prod", socket=str(proxy.socket), namespace="app"), clock=lambda: NOW)
    database = await server.writer(granted())
    assert await database.command("UNLINK", "app:sqtui:x") == 0
    with pytest.raises(CommandRefused):
        await database.command("UNLINK", "sqtui:x")
    await database.close()
    await server.close()


async def test_an_old_grant_opens_nothing_and_stops_what_it_opened(server: Server, clock: Clock) -> None:
    with pytest.raises(CommandRefused):
        await server.writer(granted(expires=NOW))
    database = await server.writer(granted())
    assert await database.command("ZREM", "retry", "a") == 0
    clock.now = NOW + 900
    with pytest.raises(CommandRefused):
        await database.command("ZREM", "retry", "a")
    assert await database.command("ZCARD", "retry") == 0
    await database.close()


async def test_a_grant_is_for_one_server_that_may_be_written(server: Server, proxy: FaultProxy) -> None:
    with pytest.raises(CommandRefused):
        await server.writer(granted(server="staging"))
    with pytest.raises(CommandRefused):
        await (await server.writer(granted("read-only"))).command("ZREM", "retry", "a")
    reader = Server(Profile(name="prod", socket=str(proxy.socket), access="read-only"), clock=lambda: NOW)
    with pytest.raises(CommandRefused):
        await reader.writer(granted("full"))
    assert proxy.wire.names == []


async def test_reading_connections_never_write(server: Server, proxy: FaultProxy) -> None:
    database = await server._connected()
    for command in (("EVAL", KNOWN, 0), ("ZREM", "retry", "a"), ("HSET", "sqtui:op:1", "v", 1), ("MULTI",)):
        with pytest.raises(CommandRefused):
            await database.command(*command)
    assert proxy.wire.names == []


async def test_no_write_is_sent_twice(server: Server, proxy: FaultProxy) -> None:
    database = await server.writer(granted())
    await database.command("ZREM", "retry", "a")
    proxy.reset()
    proxy.swallow = True
    call = asyncio.create_task(database.command("ZREM", "retry", "a"))
    await eventually(lambda: "ZREM" in proxy.wire.names)
    proxy.cut()
    with pytest.raises(ServerUnreachable):
        await call
    proxy.swallow = False
    await database.command("PING")
    assert proxy.wire.names.count("ZREM") == 1
    await database.close()


async def test_commands_keep_their_order_on_one_connection(server: Server, proxy: FaultProxy, raw: Any) -> None:
    database = await server.writer(granted())
    await asyncio.gather(*(database.command("LPUSH", "queue:default", number) for number in range(50)))
    assert [int(entry) for entry in await raw.lrange("queue:default", 0, -1)] == list(range(49, -1, -1))
    assert proxy.wire.connections == 1
    await database.close()
