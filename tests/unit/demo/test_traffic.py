from __future__ import annotations

import json
from dataclasses import replace
from random import Random

import pytest

from sidekiq_tui.demo.dataset import Dataset
from sidekiq_tui.demo.fleet import Command, Worker
from sidekiq_tui.demo.measures import bucket_of
from sidekiq_tui.demo.payloads import dumps, loads, retry_delay
from sidekiq_tui.demo.plans import plans
from sidekiq_tui.demo.traffic import Traffic
from sidekiq_tui.sidekiq.keys import Keys

NOW = 1_795_314_142.25
KEYS = Keys()


@pytest.fixture
def traffic() -> Traffic:
    return Traffic(Dataset(plans(2)[1], "7", NOW))


def names(commands: list[Command], key: bytes) -> list[object]:
    return [command[0] for command in commands if command[1] == key]


def key_of(command: Command) -> object:
    return command[3] if command[0] == "EVAL" else command[1]


def run(traffic: Traffic, seconds: int, replies: dict[tuple[object, object], object] | None = None) -> list[Command]:
    """Tick once a second from NOW on. `replies` answers the first command of that name and key; others get None."""
    sent: list[Command] = []
    for second in range(1, seconds + 1):
        for command, handler in traffic.tick(NOW + second):
            sent.append(command)
            if handler is not None:
                handler((replies or {}).pop((command[0], key_of(command)), None))
    return sent


def test_each_process_beats_every_ten_seconds(traffic: Traffic) -> None:
    worker = traffic.workers[0]
    beats = names(run(traffic, 40), KEYS.process(worker.identity))
    assert beats.count("HSET") == beats.count("EXPIRE") == 4


def test_a_beat_is_written_in_the_form_of_its_version() -> None:
    traffic = Traffic(Dataset(plans(1)[0], "7", NOW))
    fields = {}
    for command in run(traffic, 12):
        if command[0] == "HSET" and command[2] == "info":
            fields[command[1]] = dict(zip(command[2::2], command[3::2], strict=True))
    for worker in traffic.workers:
        found = fields[KEYS.process(worker.identity)]
        info = json.loads(str(found["info"], "utf-8")) if isinstance(found["info"], bytes) else {}
        new = worker.plan.version == "8.1.7"
        assert ("capsules" in info, "concurrency" in info, "concurrency" in found) == (new, not new, new)
        assert info["identity"] == worker.identity


def test_jobs_taken_from_a_queue_are_counted_in_lumps(traffic: Traffic) -> None:
    job = dumps({"class": "PriceCalculationJob", "args": [], "jid": "0" * 24, "queue": "default", "retry": True})
    sent = run(traffic, 15, {("RPOP", KEYS.queue("default")): [job] * 8})
    counts = [command[2] for command in sent if command[:2] == ("INCRBY", KEYS.stat_processed)]
    assert sum(count for count in counts if isinstance(count, int)) >= 7  # one of them may be a long one
    assert len(counts) <= 4


def test_what_is_no_job_goes_to_the_dead_ones(traffic: Traffic) -> None:
    sent = run(traffic, 5, {("RPOP", KEYS.queue("default")): [b"\xffnot json"]})
    (buried,) = (command for command in sent if command[0] == "ZADD" and command[1] == KEYS.dead)
    assert buried[3] == b"\xffnot json"


def test_a_failed_job_is_retried_and_a_spent_one_dies(traffic: Traffic) -> None:
    kind = next(kind for kind in traffic.plan.kinds if kind.retry is True)
    fresh = {"class": kind.name, "args": [], "jid": "f" * 24, "queue": kind.queue, "retry": True}
    traffic._fail(fresh, kind, NOW)
    traffic._fail({**fresh, "jid": "e" * 24, "retry": 0}, kind, NOW)
    traffic._fail({**fresh, "jid": "d" * 24, "retry": False}, kind, NOW)
    sent = run(traffic, 1)
    added = [command for command in sent if command[0] == "ZADD"]
    written = {command[1]: loads(command[3]) for command in added if isinstance(command[3], bytes)}
    again, dead = written[KEYS.retry] or {}, written[KEYS.dead] or {}
    assert (again["jid"], again["retry_count"]) == ("f" * 24, 0)
    assert dead["jid"] == "e" * 24
    assert "ZREMRANGEBYRANK" in names(sent, KEYS.dead)


def test_due_retries_go_back_to_their_queue(traffic: Traffic) -> None:
    job = dumps({"class": "A", "args": [1], "jid": "a" * 24, "queue": "low", "enqueued_at": 1.0})
    sent = run(traffic, 8, {("EVAL", KEYS.retry): [job, b"broken"]})
    pushed = [word for command in sent if command[:2] == ("LPUSH", KEYS.queue("low")) for word in command[2:]]
    jobs = [loads(word) or {} for word in pushed if isinstance(word, bytes)]
    (again,) = (one for one in jobs if one["jid"] == "a" * 24)
    assert NOW < again["enqueued_at"] < NOW + 8
    assert isinstance(again["enqueued_at"], float)  # staging runs 7.3
    assert {key_of(command) for command in sent if command[0] == "EVAL"} == {KEYS.retry, KEYS.schedule}


def signal(traffic: Traffic, worker: Worker, name: bytes, seconds: int) -> list[Command]:
    return run(traffic, seconds, {("RPOP", KEYS.signals(worker.identity)): name})


def test_quiet_and_stop_work_as_in_sidekiq(traffic: Traffic) -> None:
    first, second = traffic.workers
    signal(traffic, first, b"TSTP", 12)
    assert (first.quiet, second.quiet) == (True, False)


def test_a_stopped_process_leaves_its_jobs_and_gets_a_successor(traffic: Traffic) -> None:
    worker = traffic.workers[1]
    jobs = [job.payload for job in worker.running.values()]
    assert jobs
    sent = signal(traffic, worker, b"TERM", 40)
    assert ("SREM", KEYS.processes, worker.identity) in sent
    returned = [command[2] for command in sent if command[0] == "RPUSH"]
    assert set(returned) <= set(jobs)
    assert worker not in traffic.workers
    assert [one.plan.host for one in traffic.workers] == ["staging-app-1", "staging-batch-1"]
    assert traffic.workers[1].identity != worker.identity


def test_a_paused_queue_is_left_alone() -> None:
    plan = replace(plans(2)[1], paused=("low",))
    sent = run(Traffic(Dataset(plan, "7", NOW)), 20)
    assert "RPOP" not in names(sent, KEYS.queue("low"))
    assert "RPOP" in names(sent, KEYS.queue("default"))


def test_no_flood_after_a_long_sleep(traffic: Traffic) -> None:
    pushed = sum(len(command) - 2 for command, _ in traffic.tick(NOW + 86_400) if command[0] == "LPUSH")
    assert pushed < traffic.plan.rate * 200


def test_a_deploy_is_marked_and_restarts_the_processes() -> None:
    traffic = Traffic(Dataset(plans(1)[0], "7", NOW))
    before = {worker.identity for worker in traffic.workers if not worker.plan.embedded}
    sent = run(traffic, 560)
    assert any(command[0] == "HSETNX" and str(command[1]).endswith("-marks'") for command in sent)
    assert not before & {worker.identity for worker in traffic.workers}
    assert len(traffic.workers) == len(traffic.plan.processes)


def test_histogram_buckets_are_sidekiqs() -> None:
    assert [bucket_of(ms) for ms in (0, 19.9, 20, 29, 334_999, 335_000, 1e9)] == [0, 0, 1, 1, 24, 25, 25]


def test_retry_delays_are_sidekiqs() -> None:
    delays = [retry_delay(5, Random(seed)) for seed in range(50)]
    assert 640 <= min(delays) <= max(delays) <= 640 + 59
