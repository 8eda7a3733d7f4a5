"""Pages of queues and sets, and single entries: order, bounds, price."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import WrongType
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.sidekiq.job_set import JobSet
from sidekiq_tui.sidekiq.keys import SET_NAMES
from sidekiq_tui.sidekiq.queue import Page, Queue

NOW = 1795313200.0


def payload(number: int, **fields: object) -> bytes:
    return json.dumps({"class": "A", "jid": f"{number:024x}", "args": [number]} | fields).encode()


def numbers(page: Page) -> list[Any]:
    return [job.item["args"][0] for job in page.jobs]  # type: ignore[index]


async def test_pages_of_a_queue_are_newest_first(db: Database, raw: Any) -> None:
    for number in range(10):
        await raw.execute_command("LPUSH", b"queue:low", payload(number))
    queue = Queue(db, "low")
    page = await queue.page(0, 4)
    assert numbers(page) == [9, 8, 7, 6]
    assert (page.place, page.offset, page.size) == (Place("queue", "low"), 0, 10)
    assert abs(page.read_at - time.time()) < 60
    assert page.jobs[0].place == page.place
    assert page.jobs[0].score is None
    assert numbers(await queue.page(8, 4)) == [1, 0]
    for beyond in (10, 2**63, 10**30):
        assert numbers(await queue.page(beyond, 4)) == []
    assert (await queue.page(0, 0)).jobs == ()
    assert await queue.size() == 10


@pytest.mark.parametrize("name", SET_NAMES)
async def test_pages_of_a_set_are_in_its_own_order(db: Database, raw: Any, name: Any) -> None:
    for number in range(10):
        await raw.execute_command("ZADD", name, 100.5 + number, payload(number))
    found = JobSet(db, name)
    order = list(range(10))[:: -1 if name == "dead" else 1]
    page = await found.page(0, 4)
    assert numbers(page) == order[:4]
    assert page.jobs[0].score == 100.5 + order[0]
    assert (page.place, page.offset, page.size) == (Place(name), 0, 10)
    assert numbers(await found.page(4, 4)) == order[4:8]
    assert numbers(await found.page(8, 4)) == order[8:]
    assert numbers(await found.page(10, 4)) == []
    for beyond in (25, 2**63, 10**30):
        assert numbers(await found.page(beyond, 4)) == []
    assert (await found.page(0, 0)).jobs == ()
    assert await found.size() == 10


@pytest.mark.parametrize("name", [*SET_NAMES, "low"])
async def test_pages_from_the_other_end_are_the_exact_reverse(db: Database, raw: Any, name: Any) -> None:
    await raw.execute_command("RPUSH", b"queue:low", *[payload(number) for number in range(9, -1, -1)])
    for number in range(10) if name != "low" else ():
        await raw.execute_command("ZADD", name, 100.5 + number // 3, payload(number))  # some share a score
    found = Queue(db, name) if name == "low" else JobSet(db, name)
    order = numbers(await found.page(0, 10))
    for offset in (0, 3, 8, 10, 25):
        page = await found.page(offset, 4, backwards=True)
        assert numbers(page) == order[::-1][offset : offset + 4]
        assert (page.offset, page.size) == (offset, 10)


async def test_entries_up_to_scores_are_counted_in_one_trip(db: Database, raw: Any) -> None:
    for number in range(10):
        await raw.execute_command("ZADD", "schedule", 100.5 + number, payload(number))
    trips = db.trips
    assert await JobSet(db, "schedule").counts_until([0.0, 100.5, 100.6, 104.5, 1e12]) == (10, (0, 1, 1, 5, 10))
    assert db.trips == trips + 1
    assert await JobSet(db, "dead").counts_until([1.0]) == (0, (0,))


async def test_a_page_is_one_trip_of_two_commands(db: Database, raw: Any) -> None:
    await raw.execute_command("ZADD", "dead", 1, payload(1))
    before = db.trips
    await Queue(db, "low").page(0, 25)
    await JobSet(db, "dead").page(0, 25)
    assert db.trips == before + 2


async def test_what_is_not_there_is_empty(db: Database) -> None:
    page = await Queue(db, "no such").page(0, 25)
    assert (page.size, page.jobs) == (0, ())
    assert await Queue(db, "no such").latency(NOW) == 0.0
    page = await JobSet(db, "retry").page(0, 25)
    assert (page.size, page.jobs) == (0, ())
    assert await JobSet(db, "retry").find_job("x") is None


@pytest.mark.parametrize(
    ("tail", "latency"),
    [
        (payload(1, enqueued_at=NOW - 5, created_at=NOW - 9), 5),
        (payload(1, enqueued_at=(NOW - 5) * 1000), 5),
        (payload(1, created_at=int((NOW - 9) * 1000)), 9),
        (payload(1, enqueued_at=NOW + 5), 0),
        (payload(1), None),
        (b"{not json", None),
        (b"\xff", None),
    ],
)
async def test_latency_is_that_of_the_tail(db: Database, raw: Any, tail: bytes, latency: float | None) -> None:
    await raw.execute_command("RPUSH", b"queue:low", payload(0, enqueued_at=NOW - 1000), tail)
    assert await Queue(db, "low").latency(NOW) == latency


async def test_scores_are_the_same_doubles(db: Database, raw: Any) -> None:
    scores = [1795313144.1, 1795313144.0999997, 1e-320, 123456789.123456789, float("inf")]
    for number, score in enumerate(scores):
        await raw.execute_command("ZADD", "retry", repr(score), payload(number))
    found = JobSet(db, "retry")
    for number, score in enumerate(scores):
        assert [job.item["args"] for job in await found.fetch(score)] == [[number]]
        assert [job.score for job in await found.fetch(score)] == [score]


async def test_entries_of_one_score_are_told_by_jid(db: Database, raw: Any) -> None:
    await raw.execute_command("ZADD", "retry", 5, payload(1), 5, payload(2), 6, payload(3), 5, b"{not json")
    found = JobSet(db, "retry")
    assert {job.jid for job in await found.fetch(5)} == {f"{1:024x}", f"{2:024x}", None}
    assert [job.jid for job in await found.fetch(5, f"{2:024x}")] == [f"{2:024x}"]
    assert await found.fetch(5, f"{3:024x}") == []
    assert [job.score for job in await found.fetch_range(5.5, 9)] == [6.0]


async def test_find_job_compares_the_jid_not_the_text(db: Database, raw: Any) -> None:
    jid = f"{7:024x}"
    await raw.execute_command("ZADD", "dead", 1, payload(1, parent=jid), 2, payload(7), 3, b"{" + jid.encode())
    found = await JobSet(db, "dead").find_job(jid)
    assert found is not None
    assert found.raw == payload(7)


async def test_odd_names_are_just_names(db: Database, raw: Any) -> None:
    for name in ("a b", "a:b", "ż", "q\udcff", "sq|x|y", ""):
        key = b"queue:" + name.encode("utf-8", "surrogateescape")
        await raw.execute_command("LPUSH", key, payload(1))
        page = await Queue(db, name).page(0, 1)
        assert (page.size, page.jobs[0].queue) == (1, name)


async def test_a_key_of_another_type_is_an_error_in_words(db: Database, raw: Any) -> None:
    await raw.execute_command("SET", "queue:low", "x")
    await raw.execute_command("SET", "dead", "x")
    for reading in (Queue(db, "low").page(0, 1), Queue(db, "low").latency(NOW), JobSet(db, "dead").page(0, 1)):
        with pytest.raises(WrongType) as caught:
            await reading
        assert caught.value.hint


async def test_a_namespace_is_part_of_every_key(raw: Any) -> None:
    await raw.execute_command("LPUSH", "app:queue:low", payload(1))
    await raw.execute_command("ZADD", "app:dead", 1, payload(2))
    db = Database(raw, "app")
    assert numbers(await Queue(db, "low").page(0, 5)) == [1]
    assert numbers(await JobSet(db, "dead").page(0, 5)) == [2]
    assert (await Queue(Database(raw), "low").page(0, 5)).jobs == ()


@pytest.mark.parametrize("of", ["queue", "set"])
async def test_a_page_brings_iteration_states_without_another_trip(db: Database, raw: Any, of: str) -> None:
    for number in range(3):
        await raw.lpush("queue:low", payload(number))
        await raw.zadd("retry", {payload(number): NOW + number})
    jids = [f"{number:024x}" for number in range(3)]
    for field, value in {"ex": "3", "rt": "125.5", "c": "[12000,null]", "cancelled": "1795313100"}.items():
        await raw.hset(f"it-{jids[1]}", field, value)
    await raw.set(f"it-{jids[2]}", "no hash")
    lists = Queue(db, "low") if of == "queue" else JobSet(db, "retry")
    before = db.trips
    page = await lists.page(0, 10, iterating=jids)
    assert db.trips == before + 1
    assert page.size == 3
    (jid, state), *others = page.iterations.items()
    assert (jid, others) == (jids[1], [])
    assert (state.executions, state.runtime, state.cursor, state.cancelled) == (3, 125.5, [12000, None], 1795313100.0)


async def test_a_page_that_cannot_be_read_says_so_beside_states(db: Database, raw: Any) -> None:
    await raw.set("retry", "text")
    with pytest.raises(WrongType):
        await JobSet(db, "retry").page(0, 10, iterating=["a"])
