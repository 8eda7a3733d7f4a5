"""Entries of a sorted set on both sides of a place, also in a crowd of one score, with and without known neighbours."""

from __future__ import annotations

import random
from typing import Any

import pytest

from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import ReplyError
from sidekiq_tui.sidekiq.set_window import END, START, Cut, SetWindow, read_window

KEY = b"retry"
CROWD = 5000


def expected(order: list[tuple[bytes, float]], cut: Cut, below: int, above: int) -> SetWindow:
    place = sum(map(cut.has_before_it, order))
    below, above = (0 if cut is START else below), (0 if cut is END else above)
    return SetWindow(
        len(order), place, tuple(order[max(0, place - below) : place]), tuple(order[place : place + above])
    )


@pytest.mark.parametrize("size", [0, 1, 50, 400])
async def test_any_place_in_any_set(raw: Any, db: Database, size: int) -> None:
    chance = random.Random(size)
    scores = [1.0, 1.0, 2.0, 3.0, float("inf"), float("-inf"), chance.random()]
    entries = {b"%06d" % chance.randrange(10**6): chance.choice(scores) for _ in range(size)}
    if entries:
        await raw.zadd(KEY, entries)
    order = sorted(entries.items(), key=lambda entry: (entry[1], entry[0]))
    for _ in range(150):
        below, above = chance.randrange(30), chance.randrange(30)
        entry, score = chance.choice(order) if order and chance.random() < 0.6 else (b"%d" % chance.randrange(10), 1.5)
        known = chance.choice([(), (entry,), (b"gone",)])
        cut = chance.choice(
            [START, END, Cut(score, entry, chance.random() < 0.5, known), Cut(score, None, bool(below % 2))]
        )
        assert await read_window(db, KEY, cut, below, above) == expected(order, cut, below, above)


@pytest.fixture
async def crowd(raw: Any) -> list[tuple[bytes, float]]:
    """Thousands of one score, with others before and after."""
    order = [(b"%06d" % number, 2.0) for number in range(CROWD)]
    order = [(b"first", 1.0), *order, (b"last", 3.0)]
    await raw.zadd(KEY, dict(order))
    return order


@pytest.mark.parametrize("number", [0, 7, 2500, CROWD - 1])
async def test_in_a_crowd_a_neighbour_tells_the_place_in_two_trips(
    db: Database, crowd: list[tuple[bytes, float]], number: int
) -> None:
    entry = b"%06d" % number
    for cut in (Cut(2.0, entry, True, (entry,)), Cut(2.0, entry, False, (b"gone", entry))):
        before = db.trips
        assert await read_window(db, KEY, cut, 20, 20) == expected(crowd, cut, 20, 20)
        assert db.trips - before <= 2


async def test_in_a_crowd_without_neighbours_the_place_is_searched_for(
    raw: Any, db: Database, crowd: list[tuple[bytes, float]]
) -> None:
    gone = [b"%06d" % number for number in range(2490, 2500)]
    await raw.zrem(KEY, *gone)
    order = [entry for entry in crowd if entry[0] not in gone]
    cut = Cut(2.0, gone[5], True, tuple(gone[:3]))
    before = db.trips
    assert await read_window(db, KEY, cut, 20, 20) == expected(order, cut, 20, 20)
    assert 2 < db.trips - before <= 7


async def test_what_is_no_set_is_an_error(raw: Any, db: Database) -> None:
    await raw.set(KEY, "text")
    for cut in (START, END, Cut(1.0)):
        with pytest.raises(ReplyError):
            await read_window(db, KEY, cut, 5, 5)
