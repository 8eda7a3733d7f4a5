from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from random import Random

import pytest

from sidekiq_tui.demo import hostile
from sidekiq_tui.demo.dataset import HOSTILE_QUEUE, Dataset
from sidekiq_tui.demo.measures import Command
from sidekiq_tui.demo.orders import MOST_SERVERS, Orders
from sidekiq_tui.demo.payloads import Writer
from sidekiq_tui.demo.plans import ServerPlan, plans
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.keys import Keys
from tests.support.hostile import CONTROL_PATTERN

NOW = 1_795_314_142.25
TIMES = re.compile(rb"\d{9,}(\.\d+)?|\d{4}-\d\d-\d\dT[\d:.]+Z")


def base(plan: ServerPlan, seed: str = "7", now: float = NOW) -> list[Command]:
    return list(Dataset(plan, seed, now).base())


@pytest.fixture(scope="module")
def production() -> list[Command]:
    return base(plans(1)[0])


def payloads(commands: list[Command], key: bytes) -> Iterator[bytes]:
    for command in commands:
        if command[1] == key:
            yield from (word for word in command[2:] if isinstance(word, bytes))


@pytest.mark.parametrize(
    "plan", [*plans(5, jobs=16_000)[::2], plans(1, scenario="incident")[0]], ids=lambda plan: plan.scenario.tells
)
def test_the_same_seed_gives_the_same_data(plan: ServerPlan) -> None:
    first, again, other = (Dataset(plan, seed, NOW) for seed in ("7", "7", "8"))
    assert list(first.base()) == list(again.base()) != list(other.base())
    assert list(first.more()) == list(again.more())
    assert list(first.bulk()) == list(again.bulk())


def test_at_another_time_only_the_times_differ() -> None:
    now, then = (base(plans(2)[1], now=now) for now in (NOW, NOW + 86_400))
    for key in (Keys().retry, Keys().schedule, Keys().dead, Keys().queue("mailers")):
        first, later = list(payloads(now, key)), list(payloads(then, key))
        assert first != later
        assert [TIMES.sub(b"#", one) for one in first] == [TIMES.sub(b"#", one) for one in later]


def test_one_part_does_not_change_the_next() -> None:
    """A different --jobs leaves the usual jobs as they are."""
    assert base(plans(1)[0]) == base(plans(1, jobs=20_000)[0])


@pytest.mark.parametrize("plan", plans(3), ids=lambda plan: plan.name)
def test_jobs_read_as_sidekiqs_own(plan: ServerPlan) -> None:
    commands = base(plan)
    names = {kind.name for kind in plan.kinds}
    for queue in plan.waiting:
        for raw in payloads(commands, Keys().queue(queue)):
            job = JobRecord(raw, Place("queue", queue))
            assert not job.malformed
            assert re.fullmatch("[0-9a-f]{24}", job.jid or "")
            assert job.queue == queue
            assert job.created_at is not None
            assert job.enqueued_at is not None
            assert job.created_at <= job.enqueued_at <= NOW
            assert job.display_class in names | {"OrderMailer#confirmation", "CartMailer#reminder"}
            form = int if plan.version.startswith("8") else float
            assert isinstance(job.item["created_at"], form)
            assert b": " not in raw.split(b'"jid"')[1]  # compact, like Ruby's


def test_failures_have_what_a_worker_writes(production: list[Command]) -> None:
    traces = 0
    for raw in payloads(production, Keys().retry):
        job = JobRecord(raw, Place("retry"))
        if not (job.jid or "bad").startswith("bad"):
            assert job.error_class
            assert job.error_message
            assert job.failed_at is not None
            assert job.retry_count is not None
            assert job.retry_count < (job.retry_limit or 0)
            assert (job.retried_at is None) == (job.retry_count == 0)
            traces += bool(job.error_backtrace)
    assert traces


def test_dead_jobs_have_used_up_their_retries(production: list[Command]) -> None:
    limits = set()
    for raw in payloads(production, Keys().dead):
        job = JobRecord(raw, Place("dead"))
        if not job.malformed and not (job.jid or "bad").startswith("bad"):
            assert job.retry_count == job.retry_limit
            limits.add(job.retry_limit)
    assert len(limits) > 2


def test_scheduled_jobs_have_no_enqueued_at() -> None:
    for raw in payloads(base(plans(2)[1]), Keys().schedule):
        assert "enqueued_at" not in json.loads(raw)


def test_production_shows_the_special_cases(production: list[Command]) -> None:
    jobs = [
        JobRecord(raw, Place("queue", queue))
        for queue in ("critical", "mailers", "default")
        for raw in payloads(production, Keys().queue(queue))
    ]
    assert any(job.encrypted for job in jobs)
    assert any(job.bid for job in jobs)
    assert any(job.tags for job in jobs)
    assert any(job.is_active_job for job in jobs)
    assert any(b"gid://" in job.raw for job in jobs)
    days = [Keys().stat_day("processed", date(2026, 11, day)) for day in range(1, 23)]
    assert {command[1] for command in production if command[0] == "SET"} >= set(days)


def test_hostile_jobs_hold_what_must_never_reach_a_terminal(production: list[Command]) -> None:
    raws = list(payloads(production, Keys().queue(HOSTILE_QUEUE)))
    assert raws == hostile.payloads(Writer("8.1.7").stamp(NOW - 600), HOSTILE_QUEUE)
    decoded = "".join(str(JobRecord(raw, Place("queue")).item) + raw.decode(errors="replace") for raw in raws)
    assert CONTROL_PATTERN.search(decoded)
    assert any(JobRecord(raw, Place("queue")).malformed for raw in raws)
    assert any(len(raw) > 1_000_000 for raw in raws)
    with pytest.raises(UnicodeDecodeError):
        b"".join(raws).decode()


@pytest.mark.parametrize("count", [1, 2, 3, 12, MOST_SERVERS])
def test_any_number_of_servers(count: int) -> None:
    names = [plan.name for plan in plans(count)]
    assert len(names) == len(set(names)) == count


@pytest.mark.parametrize("jobs", [0, 100, 50_000])
def test_the_first_server_holds_about_as_many_jobs_as_asked(jobs: int) -> None:
    plan = plans(3, jobs=jobs)[0]
    dataset = Dataset(plan, "7", NOW)
    commands = list(dataset.base())
    keys = (Keys().retry, Keys().schedule, Keys().dead, *map(Keys().queue, plan.waiting))
    usual = sum(1 for key in keys for _ in payloads(commands, key))
    hostile_ones = 30  # three sets of ten, whatever was asked
    assert usual + sum(size for size, _ in dataset.bulk()) == pytest.approx(jobs + hostile_ones, abs=10)


def test_orders_arrive_as_they_were_sent() -> None:
    orders = Orders(seed="ab", servers=4, jobs=10, binary="/x y/redis-server", scenario="calm")
    assert Orders.read(orders.line()) == orders


def test_the_second_failure_keeps_the_first_ones_time() -> None:
    writer, rng = Writer("7.3.10"), Random(1)
    kind = next(kind for kind in plans(1)[0].kinds if kind.backtrace)
    once = writer.failed(writer.job(kind, rng, NOW, NOW), kind, rng, NOW)
    twice = writer.failed(once, kind, rng, NOW + 30)
    assert (once["retry_count"], twice["retry_count"]) == (0, 1)
    assert (twice["failed_at"], twice["retried_at"]) == (NOW, NOW + 30)
