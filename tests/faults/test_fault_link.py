"""The link that goes wrong goes wrong as it says: what is proved with it rests on this."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as LinkCut
from redis.exceptions import TimeoutError as NoAnswer
from redis.exceptions import WatchError

from tests.support.fault_link import Fault, FaultLink


def _client(link: FaultLink) -> Any:
    return Redis(unix_socket_path=str(link.socket), retry=Retry(NoBackoff(), 0), socket_timeout=0.3, protocol=2)


def _path(url: str) -> str:
    return url.removeprefix("unix://").partition("?")[0]


@pytest.mark.parametrize(
    ("fault", "error", "reached"),
    [
        (Fault.DROP, LinkCut, False),
        (Fault.LOSE, LinkCut, True),
        (Fault.TEAR, LinkCut, False),
        (Fault.HOLD, LinkCut, False),
        (Fault.HOLE, NoAnswer, False),
        (Fault.STALL, LinkCut, False),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else None,
)
async def test_each_fault(
    redis_url: str, raw: Any, tmp_path: Path, fault: Fault, error: type[Exception], reached: bool
) -> None:
    async with FaultLink(_path(redis_url), tmp_path, {2: fault}) as link:
        client = _client(link)
        await client.set("one", "1")
        assert await client.get("one") == b"1"  # reads are not counted
        with pytest.raises(error):
            await client.set("two", "2")
        assert bool(await raw.exists("two")) is reached
        assert await client.set("three", "3")  # a new connection, past the fault
        await client.aclose()
        assert link.happened == [(2, fault)]
        assert [command[1] for command in link.seen] == [b"one", b"two", b"three"]
        if fault in (Fault.HOLD, Fault.STALL):
            await link.release()
            assert await raw.get("two") == b"2"


async def test_a_lost_reply_leaves_those_before_it(redis_url: str, raw: Any, tmp_path: Path) -> None:
    async with FaultLink(_path(redis_url), tmp_path, {3: Fault.LOSE}) as link:
        client = _client(link)
        pipe = client.pipeline(transaction=False)
        for name in ("a", "b", "c", "d"):
            pipe.set(name, "1")
        with pytest.raises(LinkCut):
            await pipe.execute()
        assert [await raw.exists(name) for name in ("a", "b", "c", "d")] == [1, 1, 1, 0]
        await link.deliver(link.seen[2])  # a replay
        await client.aclose()


async def test_a_stalled_transaction_arrives_whole_and_finds_what_it_watched_changed(
    redis_url: str, raw: Any, tmp_path: Path
) -> None:
    async with FaultLink(_path(redis_url), tmp_path, {2: Fault.STALL, 5: Fault.STALL}) as link:
        for name, changed in (("one", False), ("two", True)):
            client = _client(link)
            pipe = client.pipeline()
            await pipe.watch("guard")
            await pipe.get("guard")
            pipe.multi()
            pipe.set(name, "1")
            with pytest.raises(WatchError):
                await pipe.execute()
            if changed:
                await raw.set("guard", "changed")
            await link.release()
            assert bool(await raw.exists(name)) is not changed
            await client.aclose()
