"""Pushing: what is written, when, how often, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sidekiq_tui.sidekiq.client import Client
from sidekiq_tui.sidekiq.client_payload import Payload
from sidekiq_tui.sidekiq.client_testing import fake, inline
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import InvalidJob, WrongType
from sidekiq_tui.sidekiq.job_class import Job, use_client
from sidekiq_tui.sidekiq.middleware import MiddlewareChain
from sidekiq_tui.sidekiq.time_form import fleet_time_form, form_for

NOW = 1_800_000_000.5

Next = Callable[[], Awaitable[Payload | None]]


@pytest.fixture
def client(db: Database) -> Client:
    return Client(db, clock=lambda: NOW)


async def _queue(raw: Any, name: str = "default") -> list[dict[str, Any]]:
    """The jobs of a queue, the next to run first."""
    return [json.loads(one) for one in reversed(await raw.lrange(f"queue:{name}", 0, -1))]


async def test_a_push_registers_the_queue_and_says_when(client: Client, raw: Any) -> None:
    jid = await client.push({"class": "A", "args": [1], "queue": "low", "retry_for": 3600.7})
    assert await raw.smembers("queues") == {b"low"}
    assert await _queue(raw, "low") == [
        {
            "retry": True,
            "queue": "low",
            "class": "A",
            "args": [1],
            "retry_for": 3600,
            "jid": jid,
            "created_at": NOW,
            "enqueued_at": NOW,
        }
    ]


async def test_a_push_is_one_trip_once_the_fleet_is_known(client: Client) -> None:
    await client.push({"class": "A", "args": []})
    before = client.db.trips
    await client.push({"class": "A", "args": []})
    assert client.db.trips == before + 1
    await client.push_bulk({"class": "A", "args": [[number] for number in range(2500)]})
    assert client.db.trips == before + 4


async def test_bulk_keeps_the_order_and_queues_of_its_jobs(client: Client, raw: Any) -> None:
    async def alternate(name: str, job: Payload, queue: str, by: Client, call_next: Next) -> Payload | None:
        number = job["args"][0]  # type: ignore[index]
        if number % 3 == 0:
            return None
        job["queue"] = "even" if number % 2 == 0 else "odd"
        return await call_next()

    client.middleware.add(alternate)
    jids = await client.push_bulk({"class": "A", "args": [[number] for number in range(10)]})
    assert [jid is None for jid in jids] == [number % 3 == 0 for number in range(10)]
    assert [job["args"][0] for job in await _queue(raw, "odd")] == [1, 5, 7]
    assert [job["args"][0] for job in await _queue(raw, "even")] == [2, 4, 8]


async def test_bulk_for_later(client: Client, raw: Any) -> None:
    await client.push_bulk({"class": "A", "args": [[1], [2]]}, at=[NOW + 5, NOW + 6])
    await client.push_bulk({"class": "A", "args": [[3]] * 20}, spread_interval=60)
    found = [(json.loads(one), score) for one, score in await raw.zrange("schedule", 0, -1, withscores=True)]
    assert [score for job, score in found if job["args"] != [3]] == [NOW + 5, NOW + 6]
    assert all(NOW <= score < NOW + 60 for job, score in found)
    assert not any("at" in job or "enqueued_at" in job for job, _ in found)


@pytest.mark.parametrize(
    ("item", "options"),
    [
        ({"args": [[1]], "jid": "x"}, {"at": "soon"}),
        ({"args": [1]}, {}),
        ({"args": [[1], [2]], "jid": "x"}, {}),
        ({"args": [[1], [2]]}, {"at": [1.0]}),
        ({"args": [[1]]}, {"spread_interval": 0}),
        ({"args": [[1]]}, {"spread_interval": 5, "at": 3.0}),
    ],
)
async def test_bulk_refuses(client: Client, raw: Any, item: dict[str, Any], options: dict[str, Any]) -> None:
    with pytest.raises(InvalidJob):
        await client.push_bulk({"class": "A", **item}, **options)
    assert await raw.dbsize() == 0


@pytest.mark.parametrize(
    "value",
    [object(), b"bytes", {1: 2}, float("nan"), {"a": [{"b": (1,)}]}, {1}, "\ud800", float("inf")],
    ids=lambda value: type(value).__name__,
)
async def test_arguments_that_json_would_not_give_back_are_refused(client: Client, raw: Any, value: object) -> None:
    with pytest.raises(InvalidJob):
        await client.push({"class": "A", "args": [value]})
    assert await raw.dbsize() == 0


async def test_a_queue_that_is_no_list_is_an_error_and_loses_nothing(client: Client, raw: Any) -> None:
    await raw.set("queue:default", "text")
    with pytest.raises(WrongType):
        await client.push({"class": "A", "args": []})
    assert await raw.get("queue:default") == b"text"


async def test_for_later_and_for_the_past(client: Client, raw: Any) -> None:
    await client.push_in(60, {"class": "A", "args": []})
    await client.push_in(NOW + 61, {"class": "A", "args": []})
    await client.push_in(NOW - 1, {"class": "A", "args": ["late"]})
    assert [score for _, score in await raw.zrange("schedule", 0, -1, withscores=True)] == [NOW + 60, NOW + 61]
    assert [job["args"] for job in await _queue(raw)] == [["late"]]


async def _process(raw: Any, version: str) -> None:
    await raw.sadd("processes", f"host:1:{version}")
    info = {"hostname": "host", "pid": 1, "concurrency": 5, "queues": ["default"], "version": version}
    key = f"host:1:{version}"
    await raw.hset(key, mapping={"info": json.dumps(info), "busy": 0, "beat": str(NOW), "quiet": "false"})
    await raw.expire(key, 60)


async def test_times_are_written_as_the_fleet_reads_them(db: Database, raw: Any) -> None:
    assert await fleet_time_form(db, NOW) == "seconds", "which every version reads"
    await raw.sadd("queues", "a")
    await raw.lpush("queue:a", b'{"class":"A","args":[],"created_at":1800000000123}')
    assert await fleet_time_form(db, NOW) == "milliseconds", "as the newest job has it"
    await _process(raw, "7.3.10")
    assert await fleet_time_form(db, NOW) == "seconds"
    await _process(raw, "8.1.7")
    assert await fleet_time_form(db, NOW) == "seconds", "for as long as an old process lives"
    await raw.srem("processes", "host:1:7.3.10")
    assert await fleet_time_form(db, NOW) == "milliseconds"


@pytest.mark.parametrize(
    ("versions", "form"),
    [(["8.0.0", "10.1"], "milliseconds"), (["8.0.0", None], "seconds"), (["?"], "seconds"), ([], "seconds")],
)
def test_form_for_versions(versions: list[str | None], form: str) -> None:
    assert form_for(versions) == form


async def test_middleware_in_order_and_where_it_is_put() -> None:
    seen: list[str] = []

    def named(name: str) -> Any:
        async def middleware(call_next: Callable[[], Awaitable[str]]) -> str:
            seen.append(name)
            return await call_next()

        return middleware

    async def innermost() -> str:
        return "done"

    first, second, third, fourth = (named(name) for name in ("1", "2", "3", "4"))
    chain: MiddlewareChain[str] = MiddlewareChain(second)
    chain.add(fourth)
    chain.prepend(first)
    chain.insert_after(second, third)
    chain.insert_before(first, fourth)
    chain.add(first)
    chain.remove(second)
    assert await chain.invoke(innermost) == "done"
    assert seen == ["4", "3", "1"]
    assert (first in chain, second in chain, len(chain)) == (True, False, 3)


class Base(Job):
    sidekiq_options = {"queue": "low", "retry": 3}  # noqa: RUF012  # read only


class ChargeJob(Base):
    sidekiq_class = "Invoice::ChargeJob"
    sidekiq_options = {"tags": ["eu"]}  # noqa: RUF012
    done: list[tuple[str, list[object]]] = []  # noqa: RUF012

    async def perform(self, *args: object) -> None:
        self.done.append((self.jid, list(args)))
        if args == ("more",):
            await ChargeJob.perform_async("again")


async def test_a_job_class_pushes_under_its_name_with_inherited_options(client: Client, raw: Any) -> None:
    use_client(client)
    try:
        await ChargeJob.perform_async(42)
        await ChargeJob.set(queue="critical", wait=60).perform_async(43)
        await ChargeJob.perform_bulk([[1], [2]])
    finally:
        use_client(None)
    jobs = await _queue(raw, "low")
    assert [(job["class"], job["args"], job["retry"], job["tags"]) for job in jobs] == [
        ("Invoice::ChargeJob", args, 3, ["eu"]) for args in ([42], [1], [2])
    ]
    ((later, at),) = await raw.zrange("schedule", 0, -1, withscores=True)
    assert (json.loads(later)["queue"], at) == ("critical", NOW + 60)


async def test_fake_catches_what_is_pushed_and_drains_it() -> None:
    ChargeJob.done.clear()
    with fake() as pushed:
        await ChargeJob.perform_async("more")
        await ChargeJob.perform_in(60, {"a": 1})
        assert [job["args"] for job in pushed.jobs("low", "Invoice::ChargeJob")] == [["more"], [{"a": 1}]]
        assert await pushed.drain() == 3
        assert pushed.jobs() == []
    assert [args for _, args in ChargeJob.done] == [["more"], [{"a": 1}], ["again"]]
    with pytest.raises(RuntimeError):
        await ChargeJob.perform_async()


async def test_inline_performs_at_once() -> None:
    ChargeJob.done.clear()
    with inline():
        jid = await ChargeJob.perform_async(5)
    assert ChargeJob.done == [(jid, [5])]


@pytest.mark.parametrize("at", [None, NOW + 60])
@pytest.mark.parametrize(
    "item",
    [
        {"class": "Ä::B", "queue": "low", "tags": ["ü"], "retry": 3},
        {"jid": "", "args": [], "class": "A", "enqueued_at": 5, "custom": {"args": [1], "jid": None}},
    ],
)
async def test_what_is_written_in_bulk_is_what_is_written_one_by_one(
    client: Client, raw: Any, item: dict[str, Any], at: float | None
) -> None:
    lists = [[1, "ü", None], [{"a": [1.5]}], []]

    async def nothing(name: str, job: Payload, queue: str, by: Client, call_next: Next) -> Payload | None:
        return await call_next()

    async def written() -> list[bytes]:
        queues = [one for name in await raw.smembers("queues") for one in await raw.lrange(b"queue:" + name, 0, -1)]
        found = queues or await raw.zrange("schedule", 0, -1)
        await raw.flushall()
        return sorted(one.replace(json.loads(one)["jid"].encode(), b"JID") for one in found)

    await client.push_bulk({**item, "args": lists}, at=at)
    quick = await written()
    client.middleware.add(nothing)
    await client.push_bulk({**item, "args": lists}, at=at)
    assert quick == await written()
    assert len(quick) == 3
