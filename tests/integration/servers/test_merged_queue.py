"""One queue of several servers as one list."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.servers.merged_queue import MergedQueue, QueuePage
from tests.support.fleets import NOW, client, fill_sets, fleet_of, proxied

SIZES = (400, 0, 3, 900)


def payload(number: int, since: float | None) -> bytes:
    return json.dumps({"jid": f"{number:06}", "class": "Foo", "enqueued_at": since}).encode()


@pytest.fixture
def queues(many_databases: EmbeddedRedis) -> list[list[bytes]]:
    """The queue of each of four servers, newest first; some jobs say no time, some were put back."""
    fill_sets(many_databases, "retry", ())
    chance = random.Random(1)
    number = 0
    lists = []
    for database, size in enumerate(SIZES):
        entries = []
        for place in range(size):
            number += 1
            since = NOW - place * 2.0 - database * 0.1 - (500 if chance.random() < 0.02 else 0)
            entries.append(payload(number, None if chance.random() < 0.02 else since))
        if entries:
            with client(many_databases, database) as one:
                one.rpush("queue:low", *entries)
        lists.append(entries)
    return lists


def by_server(pages: list[QueuePage]) -> list[list[bytes]]:
    rows = [row for page in pages for row in page.rows]
    return [[row.job.raw for row in rows if row.server == f"s{number:02}"] for number in range(len(SIZES))]


@pytest.mark.parametrize("backwards", [False, True])
async def test_pages_have_every_job_once_in_its_queues_order(
    many_databases: EmbeddedRedis, queues: list[list[bytes]], backwards: bool
) -> None:
    expected = [entries[::-1] if backwards else entries for entries in queues]
    async with fleet_of(many_databases, 4) as fleet:
        merged = MergedQueue(fleet, "low", backwards=backwards)
        pages = [await merged.read(merged.first, after=23)]
        while not pages[-1].at_end:
            pages.append(await merged.read(pages[-1].end, after=23))
        assert by_server(pages) == expected
        assert [page.offset for page in pages] == list(range(0, sum(SIZES), 23))
        back = [await merged.read(merged.last, before=23)]
        while not back[-1].at_start:
            back.append(await merged.read(back[-1].start, before=23))
        assert by_server(back[::-1]) == expected
        again = await merged.page(46, 23)
        assert again.rows == () or again.offset == 46
        middle = await merged.page(700, 30)
        assert (middle.offset, len(middle.rows)) == (700, 30)


async def test_jobs_of_all_servers_stand_by_how_long_they_wait(
    many_databases: EmbeddedRedis, queues: list[list[bytes]]
) -> None:
    async with fleet_of(many_databases, 4) as fleet:
        page = await MergedQueue(fleet, "low").page(0, 40)
    times = [row.job.waiting_since or NOW for row in page.rows]
    falls = sum(later <= earlier for earlier, later in itertools.pairwise(times))
    assert falls > 30
    assert {row.server for row in page.rows} == {"s00", "s02", "s03"}


async def test_pushes_and_pops_between_pages_neither_repeat_nor_hide_a_job(
    many_databases: EmbeddedRedis, queues: list[list[bytes]]
) -> None:
    async with fleet_of(many_databases, 4) as fleet:
        merged = MergedQueue(fleet, "low")
        page = await merged.read(merged.first, after=20)
        seen = []
        taken: set[bytes] = set()
        number = 10_000
        while True:
            seen += [row.job.raw for row in page.rows]
            if page.at_end:
                break
            for database in (0, 3):
                with client(many_databases, database) as one:
                    for _ in range(7):
                        number += 1
                        one.lpush("queue:low", payload(number, NOW + number))
                    taken |= {raw for raw in one.rpop("queue:low", 11) or []}
            page = await merged.read(page.end, after=20)
    assert len(seen) == len(set(seen))
    assert {raw for entries in queues for raw in entries} - taken <= set(seen)


async def test_a_page_is_one_trip_to_each_server(
    many_databases: EmbeddedRedis, queues: list[list[bytes]], tmp_path: Path
) -> None:
    async with proxied(many_databases, 4, tmp_path) as wire:
        merged = MergedQueue(wire.fleet, "low")
        page = await merged.read(merged.first, after=20)
        wire.reset()
        await merged.read(page.end, after=20)
        assert set(wire.trips.values()) == {1}
        wire.reset()
        await merged.page(1000, 20)
        assert max(wire.trips.values()) <= 2
