"""Rebuilding queues that look like themselves or are edited at random, and how much one call of it may do."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

import pytest

from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.shadow import Chooser
from tests.support.rebuilding import QUEUE, content, fill, leftovers, mixed, run


class Crowd:
    """Pushes and fetches at random between the steps: few different entries, or different ones that are edited, too."""

    def __init__(self, raw: Any, dice: random.Random, edits: bool) -> None:
        self.raw, self.dice, self.edits = raw, dice, edits
        self.few = [b"%d" % one for one in range(dice.choice((1, 2, 3, 50)))]
        self.numbers = itertools.count()
        self.came: Counter[bytes] = Counter()
        self.gone: Counter[bytes] = Counter()

    def one(self) -> bytes:
        return b"%d" % next(self.numbers) if self.edits else self.dice.choice(self.few)

    def some(self, most: int) -> list[bytes]:
        return [self.one() for _ in range(self.dice.randint(0, most))]

    async def act(self, read: int, total: int, found: int) -> bool:
        if new := self.some(4):
            await self.raw.lpush(QUEUE, *new)
            self.came.update(new)
        self.gone.update(await self.raw.rpop(QUEUE, self.dice.randint(1, 4)) or [])
        if self.edits and self.dice.random() < 0.2:
            await self.edit()
        return True

    async def edit(self) -> None:
        there, fetched = await content(self.raw), list(self.gone)
        match self.dice.randrange(3):
            case 0 if there:
                one = self.dice.choice(there)
                await self.raw.lrem(QUEUE, 1, one)
                self.gone[one] += 1
            case 1 if fetched:  # a worker that ends gives it back
                one = self.dice.choice(fetched)
                await self.raw.rpush(QUEUE, one)
                self.gone -= Counter([one])
            case 2 if there:
                one = self.one()
                await self.raw.linsert(QUEUE, "after", self.dice.choice(there), one)
                self.came[one] += 1


@pytest.mark.parametrize("edits", [False, True], ids=["entries alike", "edits"])
async def test_random_traffic(raw: Any, db: Database, edits: bool) -> None:
    """Windows of a few: whatever is taken for whatever, none is lost and none is doubled."""
    done = Counter[str]()
    for number in range(150):
        dice = random.Random(number)
        crowd = Crowd(raw, dice, edits)
        await raw.flushall()
        start = await fill(raw, [*crowd.some(60), crowd.one()])
        wanted = Counter(dice.sample(start, dice.randint(1, len(start))))

        def chosen(wanted: Counter[bytes] = wanted) -> Chooser:
            left = Counter(wanted)

            def choose(window: Sequence[bytes]) -> Collection[int]:
                found = []
                for at, one in enumerate(window):
                    if left[one] > 0:
                        left[one] -= 1
                        found.append(at)
                return found

            return choose

        result = await run(db, chooser=chosen, between=crowd.act, window=dice.randint(1, 9))
        out = Counter(await raw.lrange("sqtui:trash:op", 0, -1))
        assert Counter(await content(raw)) + out + crowd.gone == Counter(start) + crowd.came, number
        assert out <= wanted, number
        assert out.total() == result.out, number
        assert await leftovers(raw) == set(), number
        done[result.status] += 1
    assert done["ok"] > 30


async def test_no_call_does_more_than_its_share(raw: Any, db: Database) -> None:
    """However long the queue and however much comes: so many entries are read and copied in one call, and no more."""
    await fill(raw, mixed(range(3_000)))
    calls: list[tuple[Any, Any]] = []
    command = db.command

    async def heard(*parts: Any) -> Any:
        calls.append((parts, await command(*parts)))
        return calls[-1][1]

    async def flood(read: int, total: int, found: int) -> bool:
        if len(calls) < 12:
            await raw.lpush(QUEUE, *mixed(range(10_000, 13_000)))
        return True

    db.command = heard  # type: ignore[method-assign]
    assert (await run(db, between=flood, window=200)).status == "ok"
    steps = [reply for _, reply in calls if isinstance(reply, list) and len(reply) == 6]
    assert len(steps) > 3_000 / 200
    assert max(len(following) for *_, following, _ in steps) == 200
    assert max(len(arrived) for _, _, _, arrived, _, _ in steps) == 1_000
    assert max(sum(len(part) for part in parts if isinstance(part, bytes)) for parts, _ in calls) < 70_000


async def test_few_large_entries_are_read_at_once(raw: Any, db: Database) -> None:
    large = [b"%d" % at + b"x" * 200_000 for at in range(40)]
    await fill(raw, large)
    sizes: list[int] = []

    def few() -> Chooser:
        def choose(window: Sequence[bytes]) -> Collection[int]:
            sizes.append(len(window))
            return [0]

        return choose

    result = await run(db, chooser=few, window=200)
    assert (result.status, result.out) == ("ok", len(sizes))
    assert max(sizes) <= 3
