"""What the one-shot views say about data that real Sidekiq wrote, against what Sidekiq's own API answers on it.

The clock is not frozen here: latencies are compared through the document's own time.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable
from typing import Any, Final

import pytest

from tests.conftest import LoadDump
from tests.integration.cli.conftest import Sqtui
from tests.support.dumps import VERSIONS

SLACK: Final = 30.0
"""Seconds that a whole command may take between its reads and its document's time."""

Expected = dict[str, Any]


@pytest.fixture(params=VERSIONS)
def recorded(request: pytest.FixtureRequest, load_dump: LoadDump, expected: Callable[[str], Expected]) -> Expected:
    """Ruby's answers on the data that is now in the server."""
    load_dump(request.param)
    return expected(request.param)


def only_server(document: Any, view: str) -> Any:
    assert document["schema"] == 1
    assert document["view"] == view
    assert "total" not in document
    (server,) = document["servers"]
    assert server["ok"] is True
    assert server["error"] is None
    return server


def since_recording(document: Any, recorded: Expected) -> float:
    return float(document["time"]) - float(recorded["meta"]["now"])


def same_time(seen: float | None, then: Any, passed: float) -> bool:
    """Whether a latency is what Ruby said then, and `passed` seconds more."""
    if isinstance(then, dict):  # Ruby raised
        return seen is None
    if seen is None:
        return False
    return seen == 0 if then == 0 else then + passed - SLACK <= seen <= then + passed + 0.01


def test_dashboard(sqtui: Sqtui, redis_url: str, recorded: Expected) -> None:
    ran = sqtui("dashboard", "--url", redis_url, "-o", "json")
    assert (ran.code, ran.err) == (0, "")
    server = only_server(ran.document, "dashboard")
    stats = recorded["stats"]
    assert server["processed"] == stats["processed"]
    assert server["failed"] == stats["failed"]
    assert server["enqueued"] == stats["enqueued"]
    assert server["retries"] == stats["retry_size"]
    assert server["scheduled"] == stats["scheduled_size"]
    assert server["dead"] == stats["dead_size"]
    processes = recorded["processes"]
    assert server["processes"] == len(processes["each"])
    assert server["busy"] == sum(process["busy"] for process in processes["each"])
    assert server["concurrency"] == processes["total_concurrency"]
    assert server["utilization"] == pytest.approx(server["busy"] / server["concurrency"])
    assert server["rss"] == processes["total_rss_in_kb"] * 1024
    assert server["queues"] == len(recorded["queues"])
    passed = since_recording(ran.document, recorded)
    latencies = {queue["name"]: queue["latency"] for queue in recorded["queues"]}
    assert same_time(server["latency"], latencies["default"], passed)
    known = {name: late for name, late in latencies.items() if not isinstance(late, dict)}
    worst = max(known, key=lambda name: known[name])
    assert server["worst_latency_queue"] == worst
    assert same_time(server["worst_latency"], known[worst], passed)
    assert set(server["redis"]) == {"version", "used_memory", "maxmemory", "maxmemory_policy", "clients", "rtt"}


def test_queues(sqtui: Sqtui, redis_url: str, recorded: Expected) -> None:
    ran = sqtui("queues", "--url", redis_url, "-o", "json")
    queues = only_server(ran.document, "queues")["queues"]
    passed = since_recording(ran.document, recorded)
    assert [queue["name"] for queue in queues] == sorted(queue["name"] for queue in recorded["queues"])
    theirs = {queue["name"]: queue for queue in recorded["queues"]}
    for queue in queues:
        assert set(queue) == {"name", "size", "latency", "paused", "processes"}
        assert queue["size"] == theirs[queue["name"]]["size"]
        assert same_time(queue["latency"], theirs[queue["name"]]["latency"], passed), queue["name"]


def check_job(ours: Any, theirs: Any, passed: float) -> None:
    raw = ours["raw"].encode("utf-8", "surrogateescape")
    if "value_sha1" in theirs:
        assert hashlib.sha1(raw).hexdigest() == theirs["value_sha1"]
    for field in ("jid", "queue", "score", "error_class", "error_message", "retry_count", "created_at", "enqueued_at"):
        if field in theirs and not isinstance(theirs[field], dict):
            mine = ours["at" if field == "score" else field]
            if mine is None and theirs[field] == 0.0:
                continue  # Ruby makes an epoch of a time that is not there
            if isinstance(theirs[field], float):
                assert mine == pytest.approx(theirs[field], abs=0.0011), field
            else:
                assert mine == theirs[field], field
    if not isinstance(theirs.get("latency"), dict) and ours["latency"] is not None:
        assert ours["latency"] == pytest.approx(theirs["latency"] + passed, abs=0.01)


@pytest.mark.parametrize(("view", "name"), [("retries", "retry"), ("scheduled", "schedule"), ("dead", "dead")])
def test_sets_in_sidekiqs_order(sqtui: Sqtui, redis_url: str, recorded: Expected, view: str, name: str) -> None:
    theirs = recorded[name]["each_highest_score_first"]
    in_order = theirs if view == "dead" else theirs[::-1]
    ran = sqtui(view, "--url", redis_url, "-o", "json", "--limit", "7", "--offset", "3")
    server = only_server(ran.document, view)
    assert server["size"] == len(theirs)
    assert [job["jid"] for job in server["jobs"]] == [job["jid"] for job in in_order[3:10]]
    for ours, one in zip(server["jobs"], in_order[3:10], strict=True):
        check_job(ours, one, since_recording(ran.document, recorded))
    everything = sqtui(view, "--url", redis_url, "-o", "ndjson", "--limit", "all").records
    assert [job["jid"] for job in everything] == [job["jid"] for job in in_order]
    default = sqtui(view, "--url", redis_url, "-o", "ndjson").records
    assert [job["jid"] for job in default] == [job["jid"] for job in in_order[:25]]


def test_every_job_of_every_queue(sqtui: Sqtui, redis_url: str, recorded: Expected) -> None:
    for queue in recorded["queues"]:
        ran = sqtui("queue", queue["name"], "--url", redis_url, "-o", "json", "--limit", "500")
        assert ran.code == 0
        server = only_server(ran.document, "queue")
        assert server["size"] == queue["size"]
        for ours, theirs in zip(server["jobs"], queue["jobs_newest_first"], strict=True):
            check_job(ours, theirs, since_recording(ran.document, recorded))


def test_malformed_jobs_are_data(sqtui: Sqtui, redis_url: str, recorded: Expected) -> None:
    ran = sqtui("queue", "corrupt", "--url", redis_url, "-o", "json")
    (bad,) = [job for job in only_server(ran.document, "queue")["jobs"] if job["malformed"]]
    assert ran.code == 0
    assert bad["jid"] is None
    assert bad["class"] is None
    assert bad["queue"] == "corrupt"


def test_workers(sqtui: Sqtui, redis_url: str, recorded: Expected) -> None:
    ran = sqtui("workers", "--url", redis_url, "-o", "json")
    server = only_server(ran.document, "workers")
    theirs = {process["identity"]: process for process in recorded["processes"]["each"]}
    assert {process["identity"] for process in server["processes"]} == set(theirs)
    for process in server["processes"]:
        one = theirs[process["identity"]]
        for field in ("hostname", "pid", "tag", "labels", "queues", "concurrency", "busy", "started_at", "beat"):
            assert process[field] == one[field], field
        assert process["rss"] == one["rss"] * 1024
        assert process["rtt"] == pytest.approx(one["rtt_us"] / 1e6)
        assert process["version"] == one.get("version")
        assert process["stale"] is True
    work = [(one["identity"], one["tid"], one["queue"], one["run_at"], one["job"]["jid"]) for one in server["work"]]
    expected = recorded["work"]["each_oldest_first"]
    assert sorted(work) == sorted(
        (one["process"], one["tid"], one["queue"], one["run_at"], one["job"]["jid"]) for one in expected
    )


def test_job_is_found_wherever_it_is(sqtui: Sqtui, redis_url: str, recorded: Expected) -> None:
    places = {
        "retry": recorded["retry"]["each_highest_score_first"][0]["jid"],
        "schedule": recorded["schedule"]["each_highest_score_first"][0]["jid"],
        "dead": recorded["dead"]["each_highest_score_first"][0]["jid"],
        "queue": next(q for q in recorded["queues"] if q["name"] == "backlog")["jobs_newest_first"][100]["jid"],
        "work": recorded["work"]["each_oldest_first"][0]["job"]["jid"],
    }
    for place, jid in places.items():
        ran = sqtui("job", jid, "--url", redis_url, "-o", "json")
        jobs = only_server(ran.document, "job")["jobs"]
        assert ran.code == 0
        assert place in {job["place"] for job in jobs}
        assert {job["jid"] for job in jobs} == {jid}


def test_csv_is_the_same_as_ndjson(sqtui: Sqtui, redis_url: str, recorded: Expected) -> None:
    for argv in (("dashboard",), ("servers",), ("queues",), ("queue", "default"), ("retries",), ("workers",)):
        ran = sqtui(*argv, "--url", redis_url, "-o", "csv")
        rows = list(csv.DictReader(io.StringIO(ran.out)))
        records = sqtui(*argv, "--url", redis_url, "-o", "ndjson").records
        assert len(rows) == len(records) == len(ran.out.splitlines()) - 1
        for row, record in zip(rows, records, strict=True):
            assert set(record) <= set(row)
            for field in ("server", "kind", "name", "jid", "identity", "queue", "tid"):
                if isinstance(record.get(field), str):
                    assert row[field] == record[field]


def test_tables_in_a_pipe_are_complete_and_plain(sqtui: Sqtui, redis_url: str, recorded: Expected) -> None:
    ran = sqtui("retries", "--url", redis_url, "--limit", "all")
    header, *rows = [line.split("\t") for line in ran.out.splitlines()]
    assert header == ["next in", "tries", "queue", "class", "args", "error", "jid"]
    theirs = recorded["retry"]["each_highest_score_first"][::-1]
    assert [row[-1] for row in rows] == [job["jid"] for job in theirs]
    assert [row[2] for row in rows] == [job["queue"] for job in theirs]
    assert "\x1b" not in ran.out
    long = sqtui("queue", "backlog", "--url", redis_url, "--limit", "all")
    assert max(map(len, long.out.splitlines())) > 100_000  # the 100 KB argument, uncut


def test_tables_have_a_row_a_record(sqtui: Sqtui, redis_url: str, recorded: Expected) -> None:
    queues = sqtui("queues", "--url", redis_url).out.splitlines()
    assert len(queues) == 1 + len(recorded["queues"])
    workers = sqtui("workers", "--url", redis_url).out.splitlines()
    assert len(workers) == 1 + len(recorded["processes"]["each"]) + len(recorded["work"]["each_oldest_first"])
    facts = dict(line.split("\t", 1) for line in sqtui("dashboard", "--url", redis_url).out.splitlines())
    assert facts["retries"] == str(recorded["stats"]["retry_size"])
    assert facts["enqueued"].startswith(f"{recorded['stats']['enqueued']} in {len(recorded['queues'])} queues")


def test_a_namespace_is_read_through_its_profile(
    sqtui: Sqtui, redis_url: str, load_dump: LoadDump, expected: Callable[[str], Expected], config: Callable[[str], str]
) -> None:
    load_dump("6.4.1", prefix="shop")
    file = config(f'[servers.shop]\nurl = "{redis_url}"\nnamespace = "shop"\n')
    server = only_server(sqtui("--config", file, "dashboard", "-o", "json").document, "dashboard")
    assert server["name"] == "shop"
    assert server["processed"] == expected("6.4.1")["stats"]["processed"]
    assert server["enqueued"] == expected("6.4.1")["stats"]["enqueued"]
