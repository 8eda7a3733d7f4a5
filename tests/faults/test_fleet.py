"""Reads of all servers when some are dead, silent, slow, flapping, talk nonsense or refuse: the others come in time."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.servers.across import read_top_metrics, read_work
from sidekiq_tui.servers.fleet import Fleet
from sidekiq_tui.servers.fleet_search import FleetSearch
from sidekiq_tui.servers.merged import MergedPage, MergedSet
from sidekiq_tui.servers.merged_pages import MergedPages
from sidekiq_tui.servers.merged_queue import MergedQueue, QueuePage
from sidekiq_tui.servers.profile import Profile, Secret
from sidekiq_tui.sidekiq.errors import ServerUnreachable
from sidekiq_tui.sidekiq.filter import parse_filter
from sidekiq_tui.sidekiq.job import Place
from tests.support.fleets import NOW, client, fill_sets, opened
from tests.support.nonsense import SOME, talking
from tests.support.proxy import FaultProxy

GOOD = ("good-1", "good-2")
PATIENCE = 0.6


@dataclass
class Trouble:
    fleet: Fleet
    silent: FaultProxy
    slow: FaultProxy
    flapping: FaultProxy


@pytest.fixture
async def trouble(many_databases: EmbeddedRedis, tmp_path: Path) -> AsyncIterator[Trouble]:
    """Two good servers, and one of each kind of bad ones; all that answer have three retries."""
    fill_sets(many_databases, "retry", [{b'{"jid":"%d-%d"}' % (db, n): NOW + n for n in range(3)} for db in range(5)])
    for database in range(5):
        with client(many_databases, database) as one:
            one.sadd("queues", "low")
            one.lpush("queue:low", b'{"jid":"waiting","class":"Foo"}')
    async with contextlib.AsyncExitStack() as stack:
        proxies = {}
        for number, name in enumerate(("silent", "slow", "flapping")):
            folder = tmp_path / name
            folder.mkdir()
            proxies[name] = await stack.enter_async_context(FaultProxy(many_databases.socket, folder))
            proxies[name].database = 2 + number  # type: ignore[attr-defined]
        proxies["silent"].swallow = True
        proxies["slow"].delay = 0.8
        profiles = [Profile(name=name, socket=str(many_databases.socket), database=db) for db, name in enumerate(GOOD)]
        profiles += [
            Profile(name=name, socket=str(proxy.socket), database=2 + number)
            for number, (name, proxy) in enumerate(proxies.items())
        ]
        profiles.append(Profile(name="dead", socket=str(tmp_path / "nobody.sock")))
        profiles.append(Profile(name="locked", socket=str(many_databases.socket), password=Secret("wrong")))
        for number, words in enumerate(SOME):
            folder = tmp_path / f"nonsense-{number}"
            folder.mkdir()
            socket = await stack.enter_async_context(talking(folder, words))
            profiles.append(Profile(name=f"nonsense-{number}", socket=str(socket)))
        fleet = await stack.enter_async_context(opened(profiles, patience=PATIENCE))
        yield Trouble(fleet, **proxies)


async def test_a_page_has_the_good_servers_in_time_and_says_why_others_are_missing(trouble: Trouble) -> None:
    merged = MergedSet(trouble.fleet, Place("retry"))
    began = time.monotonic()
    page = await merged.read(merged.first, after=50)
    took = time.monotonic() - began
    assert took < PATIENCE + 1.0
    assert {*GOOD, "flapping"} == set(page.sizes)
    assert len(page.rows) == page.size == 9
    assert set(page.missing) == set(trouble.fleet.names) - set(page.sizes)
    assert {"silent", "slow"} <= page.pending
    assert isinstance(page.missing["dead"], ServerUnreachable)
    assert "no answer within" in str(page.missing["silent"])
    assert all(str(error) for error in page.missing.values())
    for number in range(len(SOME)):
        assert f"nonsense-{number}" in page.missing


async def test_who_was_late_before_does_not_hold_up_the_next_page(trouble: Trouble) -> None:
    merged = MergedSet(Fleet(list(trouble.fleet.servers.values()), patience=5 * PATIENCE), Place("retry"))
    await merged.read(merged.first, after=50)
    began = time.monotonic()
    for _ in range(3):
        page = await merged.read(merged.first, after=50)
        assert set(GOOD) <= set(page.sizes)
    assert time.monotonic() - began < 5 * PATIENCE


@pytest.fixture
async def delayed(many_databases: EmbeddedRedis, tmp_path: Path) -> AsyncIterator[tuple[Fleet, FaultProxy]]:
    """Two good servers and one whose every answer takes two seconds; 900 retries and as many queued jobs on each."""
    fill_sets(many_databases, "retry", [{b'{"jid":"%d-%d"}' % (db, n): NOW + n for n in range(900)} for db in range(3)])
    for database in range(3):
        with client(many_databases, database) as one:
            one.lpush("queue:low", *(b'{"jid":"%d-%d","enqueued_at":%d}' % (database, n, n) for n in range(900)))
    async with FaultProxy(many_databases.socket, tmp_path) as proxy:
        proxy.delay = 2.0
        profiles = [Profile(name=name, socket=str(many_databases.socket), database=db) for db, name in enumerate(GOOD)]
        profiles.append(Profile(name="slow", socket=str(proxy.socket), database=2))
        async with opened(profiles, patience=1.0) as fleet:
            yield fleet, proxy


@pytest.mark.parametrize("kind", ["retry", "queue"])
async def test_what_answers_late_joins_the_page_and_stays(kind: str, delayed: tuple[Fleet, FaultProxy]) -> None:
    fleet, proxy = delayed
    pages = MergedPages(MergedSet(fleet, Place("retry")))
    queue = MergedQueue(fleet, "low")

    async def read(offset: int, *, hurried: bool = False) -> tuple[MergedPage | QueuePage, float]:
        began = time.monotonic()
        reading = pages.page(offset, 100, now=NOW, hurried=hurried) if kind == "retry" else None
        page = await (reading or queue.page(offset, 100, hurried=hurried))
        return page, time.monotonic() - began

    page, took = await read(0)
    assert page.sizes.keys() == set(GOOD)
    assert page.pending == {"slow"}
    assert took < 1.9
    async with asyncio.timeout(30.0):
        while "slow" not in page.sizes:
            page, _ = await read(0)
    for _ in range(2):
        page, _ = await read(0)
        assert (page.size, page.missing) == (2700, {})
    assert {row.server for row in page.rows} == {*GOOD, "slow"}
    for offset in (100, 1500, 2600):
        page, took = await read(offset, hurried=True)
        assert took < 0.5
        assert (page.pending, page.offset, page.size) == (frozenset({"slow"}), offset, 2700)
        assert "follows" in str(page.missing["slow"])
        assert {row.server for row in page.rows} == set(GOOD)
    page, _ = await read(0)
    numbers = [row.job.jid for row in page.rows if row.server == "slow"]
    page, _ = await read(100)
    further = [row.job.jid for row in page.rows if row.server == "slow"]
    assert len({*numbers, *further}) == len(numbers) + len(further) > 60
    proxy.swallow = True
    page, took = await read(0)
    assert set(page.sizes) == set(GOOD)
    assert took < 6.0
    page, took = await read(0)
    assert page.size == 1800
    assert took < 1.9


async def test_a_server_that_comes_and_goes_is_there_when_it_is(trouble: Trouble) -> None:
    merged = MergedSet(trouble.fleet, Place("retry"))
    seen: list[bool] = []
    for down in (False, True, False, True, False):
        if down:
            await trouble.flapping.close()
        elif seen:
            await trouble.flapping.listen()
        page = await merged.read(merged.first, after=50)
        assert set(GOOD) <= set(page.sizes)
        seen.append("flapping" in page.sizes)
    assert seen == [True, False, True, False, True]


async def test_what_is_known_to_be_away_is_not_asked(trouble: Trouble) -> None:
    gone = ServerUnreachable("gone")
    fleet = Fleet(
        list(trouble.fleet.servers.values()), trouble=lambda name: None if name in GOOD else gone, patience=60.0
    )
    began = time.monotonic()
    page = await MergedQueue(fleet, "low").page(0, 10)
    assert time.monotonic() - began < 5.0
    assert set(page.sizes) == set(GOOD)
    assert set(page.missing.values()) == {gone}
    assert page.pending == frozenset()


async def test_work_and_metrics_name_who_is_missing(trouble: Trouble) -> None:
    work = await read_work(trouble.fleet, {name: ["host:1:abc"] for name in trouble.fleet.names})
    metrics = await read_top_metrics(trouble.fleet, minutes=5)
    assert set(GOOD) <= set(metrics.parts)
    for missing in (work.missing, metrics.missing):
        assert not set(GOOD) & set(missing)
        assert {"dead", "silent", "locked", "nonsense-0"} <= set(missing)


async def test_a_search_streams_what_servers_find_and_ends_with_each_by_itself(trouble: Trouble) -> None:
    search = FleetSearch(trouble.fleet, parse_filter("jid:-1"), deadline=2.5)
    ended: dict[str, float] = {}
    found: dict[str, int] = {}
    began = time.monotonic()
    async for part in search.slices():
        if part.slice is None:
            ended[part.server] = time.monotonic() - began
        else:
            found[part.server] = found.get(part.server, 0) + len(part.slice.jobs)
    assert set(ended) == set(trouble.fleet.names)
    assert all(ended[name] < 2.0 for name in (*GOOD, "dead", "locked"))
    assert max(ended.values()) < 6.0
    assert [found[name] for name in GOOD] == [1, 1]
    progress = search.progress
    assert [progress[name].complete for name in GOOD] == [True, True]
    assert progress["silent"].state == "failed"
    assert "not done within" in str(progress["silent"].error)
    assert not search.complete
    assert search.summary.state == "failed"
    assert search.summary.found == sum(found.values())


async def test_a_search_that_is_stopped_leaves_nothing_behind(trouble: Trouble) -> None:
    search = FleetSearch.for_jid(trouble.fleet, "0-1")
    async with contextlib.aclosing(search.slices()) as slices:
        async for part in slices:
            if part.slice is not None and part.slice.jobs:
                break
    assert part.server == "good-1"
    await asyncio.sleep(0)
    assert [task for task in asyncio.all_tasks() if task.get_name().startswith("stream ")] == []


async def test_servers_that_a_filter_rules_out_are_not_asked(trouble: Trouble) -> None:
    search = FleetSearch(trouble.fleet, parse_filter("server:good Foo"), place=Place("queue", "low"))
    servers = {part.server async for part in search.slices()}
    assert servers == set(GOOD)
    assert search.complete
    assert search.progress["dead"].state == "left out"
    assert search.summary.found == 2
