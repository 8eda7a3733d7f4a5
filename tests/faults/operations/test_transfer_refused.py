"""Servers that refuse steps of a move half-way: nothing is lost, and when it has passed it goes on, or comes back."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest
import redis

from sidekiq_tui.operations.catalog import ReturnStaged, Transfer
from sidekiq_tui.operations.errors import CannotBeDone
from sidekiq_tui.operations.pace import Pace
from sidekiq_tui.operations.patience import patiently
from sidekiq_tui.operations.selection import Whole
from sidekiq_tui.sidekiq.job import Place
from tests.support.operating import DEAD, MAIL, fill, job
from tests.support.two_servers import SOURCE, TARGET, Pair, Side, Trouble

JOBS: Final = 40
FULL: Final = os.environ.get("SQTUI_TRANSFER_MATRIX") == "full"
RIGHTS: Final = ("~*", "+@all")
Words = tuple[Any, ...]
ON: Final[dict[str, Words]] = {
    "OOM": ("CONFIG", "SET", "maxmemory", "1"),
    "READONLY": ("REPLICAOF", "127.0.0.1", "1"),
    "MISCONF": ("CONFIG", "SET", "min-replicas-to-write", "1"),
    "WRONGTYPE": ("EVAL", "redis.call('RENAME', KEYS[1], 'kept') redis.call('SET', KEYS[1], 'x')", 1),
    "no keys of ours": ("ACL", "SETUSER", "ops", "resetkeys", "~queue:*", "~queues", "~dead", "~it-*"),
    "no places": ("ACL", "SETUSER", "ops", "resetkeys", "~sqtui:*", "~queues"),
    "no queues": ("ACL", "SETUSER", "ops", "resetkeys", "~sqtui:*", "~queue:*", "~dead"),
    "no scripts": ("ACL", "SETUSER", "ops", "-eval", "-evalsha"),
    **{
        f"-{name}": ("ACL", "SETUSER", "ops", f"-{name}")
        for name in ("hset", "hdel", "hmget", "lmove", "lpush", "zadd", "zrem", "sadd", "unlink", "type", "lrange")
    },
    "-unlink-del": ("ACL", "SETUSER", "ops", "-unlink", "-del"),
    "-hgetall": ("ACL", "SETUSER", "ops", "-hgetall"),
}
OFF: Final[dict[str, Words]] = {
    "OOM": ("CONFIG", "SET", "maxmemory", "1gb"),
    "READONLY": ("REPLICAOF", "NO", "ONE"),
    "MISCONF": ("CONFIG", "SET", "min-replicas-to-write", "0"),
    "WRONGTYPE": ("EVAL", "redis.call('RENAME', 'kept', KEYS[1])", 1),
}
FEW: Final = ("OOM", "READONLY", "WRONGTYPE", "no keys of ours", "no places", "-hset", "-unlink-del", "-lpush", "-zadd")
CASES: Final = [
    pytest.param(what, side, place, way, id=f"{what}-{side}-{place.kind}-{way}")
    for at, what in enumerate(ON if FULL else FEW)
    for side_at, side in enumerate(("source", "target"))
    for place in (MAIL, DEAD)
    for way in ("resume", "return")
    if FULL or (at + side_at + (place is DEAD)) % 2 == (way == "return")
]


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five jobs a batch."""
    monkeypatch.setattr(Pace, "entries", property(lambda pace: 5))


@pytest.mark.parametrize(("what", "side", "place", "way"), CASES)
async def test_a_refusal_half_way(tmp_path: Path, what: str, side: Side, place: Place, way: str) -> None:
    async with Pair(tmp_path) as pair:
        jobs = await fill(pair.raw("source"), place, JOBS)
        before = await pair.raw("source").zrange("dead", 0, -1, withscores=True) if place is DEAD else []
        box = pair.boxes[side]
        key = "queue:mail" if place is MAIL else "dead"

        def say(words: Words) -> None:
            with box.client() as client:
                client.execute_command(*words, *([key] if words[0] == "EVAL" else []))

        user: Words = ("ACL", "SETUSER", "ops", "reset", "on", "nopass", *RIGHTS)
        say(user)
        step = "ack" if side == "source" else "put"
        pair.links[side].on_command = Trouble(step, 3, lambda: say(ON[what]))
        carrier = pair.carrier()
        carrier.change(SOURCE if side == "source" else TARGET, username="ops")
        run = carrier.start(await carrier.plan(Transfer(jobs=Whole(place), target=TARGET)))
        outcome = await asyncio.wait_for(run.wait(), 30)
        pair.heal()
        say(OFF.get(what, user))
        assert outcome.ending in ("done", "failed", "unknown"), outcome
        assert "went back" not in outcome.words
        assert run.mistake is None
        found = await pair.found()
        assert found.source + found.target + (found.parked - found.target) == Counter(jobs)
        for left in await patiently(lambda: carrier.operations.unfinished(SOURCE)):
            if left.parked == 0 and what == "-hgetall":  # it had ended; that could not be seen
                with pytest.raises(CannotBeDone, match="moved 40"):
                    await carrier.operations.resume(SOURCE, left.id)
                continue
            if way == "return":
                plan = await carrier.plan(ReturnStaged(operation=left.id))
            else:
                plan = await carrier.operations.resume(SOURCE, left.id)
            again = await asyncio.wait_for(carrier.start(plan).wait(), 30)
            assert again.ending == "done", again
        found = await pair.found()
        assert found.source + found.target == Counter(jobs)
        assert found.parked == Counter()
        assert await carrier.operations.unfinished(SOURCE) == ()
        if place is MAIL:
            here, there = [await pair.raw(one).lrange("queue:mail", 0, -1) for one in ("source", "target")]
            assert here + there == jobs[::-1]
        else:
            sets = [await pair.raw(one).zrange("dead", 0, -1, withscores=True) for one in ("target", "source")]
            assert sets[0] + sets[1] == before


@pytest.mark.parametrize("side", ["source", "target"])
async def test_a_long_script_of_somebody_else_is_waited_for(tmp_path: Path, side: Side) -> None:
    async with Pair(tmp_path) as pair:
        jobs = await fill(pair.raw("source"), MAIL, JOBS)
        await pair.raw(side).config_set("lua-time-limit", 10)
        threads: list[threading.Thread] = []

        def occupy() -> None:
            def run() -> None:
                with pair.boxes[side].client() as client:
                    client.eval(
                        "local t = redis.call('TIME') local s = t[1] * 1000000 + t[2] "
                        "repeat t = redis.call('TIME') until t[1] * 1000000 + t[2] - s > 500000 return 1",
                        0,
                    )

            threads.append(threading.Thread(target=run))
            threads[0].start()
            with pair.boxes[side].client() as client:
                while True:
                    try:
                        client.get("x")
                    except redis.exceptions.ResponseError:
                        return

        pair.links[side].on_command = Trouble("put" if side == "target" else "take", 3, occupy)
        outcome = await pair.carrier().do(Transfer(jobs=Whole(MAIL), target=TARGET))
        for thread in threads:
            thread.join()
        assert (outcome.ending, outcome.tally.done) == ("done", JOBS), outcome
        assert await pair.raw("target").lrange("queue:mail", 0, -1) == jobs[::-1]


async def test_a_target_that_fills_up_takes_what_fits(tmp_path: Path) -> None:
    """Real memory, real payloads: what does not fit waits, and arrives when there is room."""
    async with Pair(tmp_path, target=("maxmemory 6mb",)) as pair:
        raw = pair.raw("source")
        jobs = [job(number, filling="x" * 60_000) for number in range(100)]
        await raw.sadd("queues", "mail")
        await raw.lpush("queue:mail", *jobs)
        carrier = pair.carrier()
        outcome = await carrier.do(Transfer(jobs=Whole(MAIL), target=TARGET))
        assert outcome.ending == "failed", outcome
        assert "staging has no memory left for writes" in outcome.words
        assert 0 < outcome.tally.done < 100
        found = await pair.found()
        assert found.source + found.target + (found.parked - found.target) == Counter(jobs)
        await pair.raw("target").config_set("maxmemory", "1gb")
        (left,) = await carrier.operations.unfinished(SOURCE)
        assert left.parked == outcome.details["parked"]
        plan = await carrier.operations.resume(SOURCE, left.id)
        assert (await carrier.start(plan).wait()).tally.done == 100
        assert await pair.raw("target").lrange("queue:mail", 0, -1) == jobs[::-1]


@pytest.mark.parametrize("drain", [True, False], ids=["drain", "plain"])
async def test_a_source_that_is_full(tmp_path: Path, drain: bool) -> None:
    async with Pair(tmp_path) as pair:
        raw = pair.raw("source")
        jobs = await fill(raw, MAIL, JOBS)
        pair.links["source"].on_command = Trouble("take", 3, lambda: full(pair))
        carrier = pair.carrier()
        outcome = await carrier.do(Transfer(jobs=Whole(MAIL), target=TARGET, drain=drain))
        if drain:
            assert (outcome.ending, outcome.tally.done) == ("done", JOBS), outcome
        else:
            assert (outcome.ending, outcome.tally.done) == ("failed", 10), outcome
            assert "prod has no memory left" in outcome.words
            assert "parked" not in outcome.details
        found = await pair.found()
        assert found.source + found.target == Counter(jobs)
        assert found.parked == Counter()


def full(pair: Pair) -> None:
    """The source has no memory left from here on."""
    with pair.boxes["source"].client() as client:
        client.config_set("maxmemory", 1)
