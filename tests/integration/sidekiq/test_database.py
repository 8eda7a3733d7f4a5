"""The seam to redis-py, against real servers: one trip, raw replies, and what goes wrong in words."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import (
    AuthenticationFailed,
    Forbidden,
    ReplyError,
    ServerTimeout,
    ServerUnreachable,
    WrongType,
)
from tests.conftest import StartRedis
from tests.support.proxy import FaultProxy


def opened(url: str, **options: Any) -> Database:
    retry = Retry(NoBackoff(), 0)
    return Database(redis.asyncio.Redis.from_url(url, protocol=2, legacy_responses=False, retry=retry, **options))


def socket_of(url: str) -> str:
    return url.removeprefix("unix://").partition("?")[0]


async def test_a_pipeline_is_one_trip_on_the_wire(redis_url: str, tmp_path: Path) -> None:
    async with FaultProxy(socket_of(redis_url), tmp_path) as proxy:
        db = opened(proxy.url)
        await db.command("PING")
        proxy.reset()
        await db.pipeline([("LLEN", f"queue:{number}") for number in range(500)])
        wire = proxy.reset()
        assert wire.trips == 1
        assert wire.names == ["LLEN"] * 500
        assert db.trips == 2
        assert await db.pipeline([]) == []
        assert (proxy.wire.trips, db.trips) == (0, 2)
        await db.close()


async def test_replies_are_raw(db: Database, raw: Any) -> None:
    await raw.execute_command("HSET", "h", "f", "1")
    await raw.execute_command("ZADD", "z", 1.5, b"m\xff")
    await raw.execute_command("RPUSH", "l", "a", "b")
    await raw.execute_command("SADD", "s", "a")
    replies = await db.pipeline(
        [
            ("HGETALL", "h"),
            ("ZRANGE", "z", 0, -1, "WITHSCORES"),
            ("ZSCAN", "z", 0),
            ("ZSCORE", "z", b"m\xff"),
            ("SMEMBERS", "s"),
            ("SSCAN", "s", 0),
            ("LRANGE", "l", 0, -1),
            ("EXISTS", "l"),
            ("TTL", "l"),
            ("TYPE", "l"),
            ("GET", "nothing"),
            ("PING",),
        ]
    )
    assert replies == [
        [b"f", b"1"],
        [b"m\xff", b"1.5"],
        [b"0", [b"m\xff", b"1.5"]],
        b"1.5",
        [b"a"],
        [b"0", [b"a"]],
        [b"a", b"b"],
        *(1, -1, b"list", None, b"PONG"),
    ]
    info = await db.command("INFO", "server")
    assert isinstance(info, bytes)
    assert b"redis_version:" in info


async def test_an_error_stands_in_its_commands_place(db: Database, raw: Any) -> None:
    await raw.execute_command("SET", "dead", "x")
    replies = await db.pipeline([("GET", "dead"), ("ZCARD", "dead"), ("NOSUCH", "secret"), ("GET", "dead")])
    assert replies[0] == replies[3] == b"x"
    assert isinstance(replies[1], WrongType)
    assert isinstance(replies[2], ReplyError)
    assert "secret" not in replies[2].message
    with pytest.raises(WrongType):
        await db.read([("GET", "dead"), ("ZCARD", "dead")])
    with pytest.raises(WrongType):
        await db.command("ZCARD", "dead")


async def test_names_that_are_not_utf8_reach_the_server_as_they_are(db: Database, raw: Any) -> None:
    await raw.execute_command("LPUSH", b"queue:q\xff", "x")
    assert await db.command("LLEN", "queue:q\udcff") == 1


async def test_a_forbidden_command_and_a_forbidden_key(raw: Any, redis_url: str) -> None:
    await raw.execute_command("ACL", "SETUSER", "reader", "reset", "on", ">pw", "~open", "+get", "+ping")
    db = opened(redis_url, username="reader", password="pw")
    command, key, fine = await db.pipeline([("LLEN", "open"), ("GET", "shut"), ("GET", "open")])
    assert isinstance(command, Forbidden)
    assert (command.command, command.message) == ("LLEN", "This Redis user may not run LLEN")
    assert isinstance(key, Forbidden)
    assert key.message == "This Redis user may not run GET on a key that it needs"
    assert fine is None
    await db.close()


@pytest.mark.parametrize("options", [{"password": "wrong"}, {"username": "nobody", "password": "x"}, {}])
async def test_a_wrong_login_says_so(embedded: StartRedis, options: dict[str, str]) -> None:
    server = embedded(password="right")
    db = opened(f"unix://{server.socket}", **options)
    with pytest.raises(AuthenticationFailed) as caught:
        await db.command("PING")
    assert caught.value.message == ("Wrong user name or password" if options else "The server wants a password")
    assert "wrong" not in str(caught.value)
    assert await opened(f"unix://{server.socket}", password="right").command("PING") == b"PONG"
    await db.close()


async def test_a_password_that_nobody_asked_for(redis_url: str) -> None:
    db = opened(redis_url, password="needless")
    with pytest.raises(AuthenticationFailed, match="has no password"):
        await db.command("PING")
    await db.close()


async def test_nobody_there(tmp_path: Path) -> None:
    for url, says in ((f"unix://{tmp_path}/none.sock", "No such socket"), ("redis://127.0.0.1:1", "refused")):
        db = opened(url)
        with pytest.raises(ServerUnreachable, match=says) as caught:
            await db.command("PING")
        assert caught.value.hint
        await db.close()


async def test_a_server_that_is_gone_and_back(redis_url: str, tmp_path: Path) -> None:
    async with FaultProxy(socket_of(redis_url), tmp_path) as proxy:
        db = opened(proxy.url)
        await db.command("PING")
        await proxy.close()
        with pytest.raises(ServerUnreachable):
            await db.command("PING")
        await proxy.listen()
        assert await db.command("PING") == b"PONG"
        await db.close()


async def test_a_frozen_server_is_slow_not_gone(redis_url: str, tmp_path: Path) -> None:
    async with FaultProxy(socket_of(redis_url), tmp_path) as proxy:
        db = opened(proxy.url, socket_timeout=0.1)
        await db.command("PING")
        proxy.swallow = True
        with pytest.raises(ServerTimeout):
            await db.pipeline([("GET", "a"), ("GET", "b")])
        proxy.swallow = False
        assert await db.command("GET", "a") is None
        await db.close()


async def test_what_answers_may_not_be_redis(unused_tcp_port: int) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    async with await asyncio.start_server(answer, "127.0.0.1", unused_tcp_port):
        db = opened(f"redis://127.0.0.1:{unused_tcp_port}", socket_timeout=5)
        with pytest.raises(ServerUnreachable, match="does not speak Redis"):
            await db.command("PING")
        await db.close()


async def test_the_text_of_a_script_goes_over_once(redis_url: str, tmp_path: Path, raw: Any) -> None:
    text = b"return redis.call('INCR', KEYS[1])"
    async with FaultProxy(socket_of(redis_url), tmp_path) as proxy:
        db = opened(proxy.url)
        assert [await db.run_script(text, 1, "count") for _ in range(3)] == [1, 2, 3]
        await raw.script_flush()
        assert [await db.run_script(text, 1, "count") for _ in range(2)] == [4, 5]
        ran = [name for name in proxy.wire.names if name.startswith("EVAL")]
        assert ran == ["EVAL", "EVALSHA", "EVALSHA", "EVALSHA", "EVAL", "EVALSHA"]
        await db.close()


async def test_who_may_run_texts_alone_runs_texts(redis_url: str, tmp_path: Path, raw: Any) -> None:
    text = b"return redis.call('INCR', KEYS[1])"
    await raw.execute_command("ACL", "SETUSER", "texts", "on", ">secret", "~*", "+@all", "-evalsha")
    async with FaultProxy(socket_of(redis_url), tmp_path) as proxy:
        db = opened(proxy.url, username="texts", password="secret")
        assert [await db.run_script(text, 1, "count") for _ in range(4)] == [1, 2, 3, 4]
        ran = [name for name in proxy.wire.names if name.startswith("EVAL")]
        assert ran == ["EVAL", "EVALSHA", "EVAL", "EVAL", "EVAL"]
        with pytest.raises(ReplyError):
            await db.run_script(b"return redis.call('LPUSH', KEYS[1])", 1, "count")
        await db.close()
    await raw.execute_command("ACL", "DELUSER", "texts")


async def until_refused(db: Database) -> None:
    """Asks until the script has run long enough for the server to call itself busy."""
    while True:
        await db.pipeline([("GET", "x"), ("GET", "y")])


async def test_a_server_busy_with_a_script_serves_nothing(embedded: StartRedis) -> None:
    server = embedded(name="busy")
    url = f"unix://{server.socket}"
    other, db = opened(url), opened(url)
    await other.command("CONFIG", "SET", "busy-reply-threshold", "1")
    script = asyncio.create_task(other.command("EVAL", "while true do end", 0))
    with pytest.raises(ServerUnreachable, match="running a script"):
        await until_refused(db)
    await db.command("SCRIPT", "KILL")
    with pytest.raises(ReplyError):
        await script
    for used in (other, db):
        await used.close()


async def test_a_task_cancelled_anywhere_ends_and_spoils_nothing(redis_url: str) -> None:
    db = opened(redis_url)

    async def forever() -> None:
        while True:
            await db.pipeline([("ECHO", "other"), ("ECHO", "other")])

    for steps in range(60):
        task = asyncio.create_task(forever())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 5)
        assert await db.pipeline([("ECHO", "mine"), ("GET", "x")]) == [b"mine", None]
    await db.close()


async def test_a_time_limit_around_a_command_holds(redis_url: str, tmp_path: Path) -> None:
    async with FaultProxy(socket_of(redis_url), tmp_path) as proxy:
        db = opened(proxy.url)
        await db.command("PING")
        proxy.swallow = True
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await db.command("PING")
        proxy.swallow = False
        assert await db.command("ECHO", "x") == b"x"
        await db.close()


async def test_closing_twice_is_fine(redis_url: str) -> None:
    db = opened(redis_url)
    await db.command("PING")
    await db.close()
    await db.close()
