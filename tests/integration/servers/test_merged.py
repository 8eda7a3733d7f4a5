"""One list of several servers: in true order, by places that hold while others change it, at the price of a page."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.servers.merged import MergedCut, MergedRow, MergedSet
from sidekiq_tui.servers.merged_pages import MergedPages
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.sidekiq.keys import SetName
from tests.support.fleets import NOW, client, fill_sets, fleet_of, names, proxied

SETS: tuple[SetName, ...] = ("retry", "schedule", "dead")
Row = tuple[str, bytes, float]


def some_sets(seed: int, servers: int, most: int) -> list[dict[bytes, float]]:
    """Sets with many equal scores, within a server and between them, and entries that are the same everywhere."""
    chance = random.Random(seed)
    common = [NOW, NOW + 60.0, NOW - 0.5]
    return [
        {
            b'{"jid":"%06d"}' % chance.randrange(500 if chance.random() < 0.3 else 10**6): chance.choice(
                [*common, NOW + chance.randrange(10), NOW + chance.uniform(-1e6, 1e6)]
            )
            for _ in range(chance.randrange(most))
        }
        for _ in range(servers)
    ]


def in_order(data: Sequence[dict[bytes, float]], *, falling: bool) -> list[Row]:
    """What the merged list must be."""
    rows = [
        (name, raw, score)
        for name, entries in zip(names(len(data)), data, strict=True)
        for raw, score in entries.items()
    ]
    return sorted(rows, key=lambda row: (row[2], row[1], row[0]), reverse=falling)


def plain(rows: Sequence[MergedRow]) -> list[Row]:
    return [(row.server, row.job.raw, row.job.score or 0.0) for row in rows]


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("size", [3, 60, 400])
async def test_pages_forward_and_back_are_the_whole_list_in_order(
    many_databases: EmbeddedRedis, name: SetName, backwards: bool, size: int
) -> None:
    data = some_sets(size, 5, size)
    fill_sets(many_databases, name, data)
    expected = in_order(data, falling=(name == "dead") != backwards)
    async with fleet_of(many_databases, 5) as fleet:
        merged = MergedSet(fleet, Place(name), backwards=backwards)
        pages = [await merged.read(merged.first, after=17)]
        while not pages[-1].at_end:
            pages.append(await merged.read(pages[-1].end, after=17))
        assert [row for page in pages for row in plain(page.rows)] == expected
        assert [page.offset for page in pages] == list(range(0, max(1, len(expected)), 17))
        assert {page.size for page in pages} == {len(expected)}
        back = [await merged.read(merged.last, before=17)]
        while not back[-1].at_start:
            back.append(await merged.read(back[-1].start, before=17))
        assert [row for page in reversed(back) for row in plain(page.rows)] == expected


@pytest.mark.parametrize("name", ["retry", "dead"])
async def test_a_row_is_read_again_with_its_neighbours(many_databases: EmbeddedRedis, name: SetName) -> None:
    data = some_sets(1, 4, 200)
    fill_sets(many_databases, name, data)
    expected = in_order(data, falling=name == "dead")
    async with fleet_of(many_databases, 4) as fleet:
        merged = MergedSet(fleet, Place(name))
        page = await merged.read(merged.first, after=len(expected))
        for place in range(0, len(expected), 23):
            again = await merged.read(merged.before(page.rows[place]), before=10, after=15)
            assert plain(again.rows) == expected[max(0, place - 10) : place + 15]
            assert (again.offset, again.cut_at) == (max(0, place - 10), min(place, 10))
            after = await merged.read(merged.after(page.rows[place]), after=5)
            assert plain(after.rows) == expected[place + 1 : place + 6]


async def test_a_score_is_found_before_its_first_row(many_databases: EmbeddedRedis) -> None:
    for name in SETS:
        data = some_sets(2, 4, 200)
        fill_sets(many_databases, name, data)
        expected = in_order(data, falling=name == "dead")
        async with fleet_of(many_databases, 4) as fleet:
            merged = MergedSet(fleet, Place(name))
            page = await merged.read(MergedCut(NOW, after=merged.falling), before=3, after=5)
            place = next(index for index, row in enumerate(expected) if row[2] == NOW)
            assert plain(page.rows) == expected[place - 3 : place + 5]
            assert page.offset == place - 3


async def test_what_comes_and_goes_between_pages_neither_repeats_nor_hides_a_row(many_databases: EmbeddedRedis) -> None:
    chance = random.Random(3)
    data = some_sets(3, 4, 300)
    fill_sets(many_databases, "retry", data)
    stays = {raw for entries in data for raw in list(entries)[::2]}
    seen: list[Row] = []
    async with fleet_of(many_databases, 4) as fleet:
        merged = MergedSet(fleet, Place("retry"))
        page = await merged.read(merged.first, after=11)
        number = 0
        while True:
            seen += plain(page.rows)
            if page.at_end:
                break
            for database, entries in enumerate(data):
                with client(many_databases, database) as one:
                    gone = [raw for raw in entries if raw not in stays and chance.random() < 0.2]
                    if gone:
                        one.zrem("retry", *gone)
                    number += 1
                    one.zadd("retry", {b"new %d" % number: chance.choice([NOW, NOW - 1e7, NOW + 5])})
            page = await merged.read(page.end, after=11)
    assert len(seen) == len(set(seen))
    assert seen == sorted(seen, key=lambda row: (row[2], row[1], row[0]))
    expected = [row for row in in_order(data, falling=False) if row[1] in stays]
    assert [row for row in seen if row[1] in stays] == expected


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("name", ["retry", "dead"])
async def test_rows_by_number_are_those_of_the_list(
    many_databases: EmbeddedRedis, name: SetName, backwards: bool
) -> None:
    data = some_sets(4, 4, 4000)
    fill_sets(many_databases, name, data)
    expected = in_order(data, falling=(name == "dead") != backwards)
    chance = random.Random(5)
    async with fleet_of(many_databases, 4) as fleet:
        pages = MergedPages(MergedSet(fleet, Place(name), backwards=backwards))
        for _ in range(60):
            offset = chance.randrange(len(expected) + 10)
            page = await pages.page(offset, 30, now=NOW)
            assert plain(page.rows) == expected[page.offset : page.offset + len(page.rows)]
            crowd = (
                1000 if sum(row[2] == expected[min(offset, len(expected) - 1)][2] for row in expected) - 1 > 0 else 0
            )
            assert abs(page.offset - offset) <= crowd


@pytest.fixture
def big(many_databases: EmbeddedRedis) -> EmbeddedRedis:
    """Twenty servers of 20,000 retries, of which 5,000 each have one score."""
    fill_sets(many_databases, "retry", ())
    for database in range(20):
        with client(many_databases, database) as one:
            for start in range(0, 20_000, 5000):
                jobs = range(start, start + 5000)
                one.zadd("retry", {b'{"jid":"%d-%d"}' % (database, n): NOW + (n * 7.3 if start else 0) for n in jobs})
    return many_databases


async def test_a_page_of_twenty_big_sets_costs_a_page_of_each(big: EmbeddedRedis, tmp_path: Path) -> None:
    async with proxied(big, 20, tmp_path) as wire:
        merged = MergedSet(wire.fleet, Place("retry"))
        page = await merged.read(merged.first, after=50)
        assert page.size == 400_000

        async def costs(make: object) -> tuple[int, int]:
            wire.reset()
            await make  # type: ignore[misc]
            return max(wire.trips.values()), wire.received

        for step in range(4):  # within the crowd of one score
            trips, received = await costs(merged.read(page.end, after=50))
            assert trips <= 2
            assert received < 20 * 200 * 60
            page = await merged.read(page.end, after=50)
            assert page.offset == 50 * (step + 1)
        assert (await costs(merged.read(merged.last, before=50)))[0] == 1
        end = await merged.read(merged.last, before=50)
        assert end.offset == 399_950
        assert (await costs(merged.read(end.start, before=50)))[0] == 1
        assert (await costs(merged.read(MergedCut(NOW + 80_000.0, after=merged.falling), after=50)))[0] == 1
        middle = await merged.read(MergedCut(NOW + 80_000.0, after=merged.falling), before=5, after=50)
        assert middle.cut_at == 5
        assert (await costs(merged.read(merged.before(middle.rows[20]), before=20, after=30)))[0] == 1
        pages = MergedPages(merged)
        assert (await costs(pages.page(250_000, 50, now=NOW)))[0] <= 4
        assert (await pages.page(250_000, 50, now=NOW)).offset == 250_000
        assert (await costs(pages.page(250_050, 50, now=NOW)))[0] == 1
