from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidekiq_tui.presentation import records
from sidekiq_tui.servers.health import Health, Reason
from sidekiq_tui.sidekiq.job import JobRecord, Place
from tests.support.hostile import CONTROL_PATTERN, HOSTILE_PAYLOADS
from tests.unit.presentation.examples import NOW, job, overview, process, queue, work


def printed(record: object) -> str:
    """As the command line prints it."""
    return json.dumps(record, ensure_ascii=True, allow_nan=False)


def test_an_answer_and_its_servers() -> None:
    element = records.server_element("prod", {"size": 3})
    assert records.document("queue", NOW, [element]) == {
        "schema": 1,
        "view": "queue",
        "time": NOW,
        "servers": [{"name": "prod", "ok": True, "error": None, "size": 3}],
    }
    failed = records.server_element("dev", {}, "dev: refused")
    assert failed == {"name": "dev", "ok": False, "error": "dev: refused"}
    assert records.document("dead", NOW, [], {"size": 0})["total"] == {"size": 0}


def test_dashboard() -> None:
    health = Health("warn", (Reason("warn", "memory", "97% of 4.0G"),))
    assert records.dashboard_record(overview(), health) == {
        "processed": 1_234_738,
        "failed": 8995,
        "busy": 3,
        "enqueued": 4012,
        "retries": 932,
        "scheduled": 12_100,
        "dead": 41,
        "processes": 1,
        "latency": 3.0,
        "worst_latency": 42.9,
        "worst_latency_queue": "mailers",
        "queues": 2,
        "concurrency": 4,
        "utilization": 0.75,
        "rss": 480 * 1024**2,
        "redis": {
            "version": "7.2.4",
            "used_memory": 1_288_490_189,
            "maxmemory": 0,
            "maxmemory_policy": None,
            "clients": 41,
            "rtt": 0.0014,
        },
        "sidekiq_versions": ["8.1.7"],
        "warnings": ["memory: 97% of 4.0G"],
    }


def test_servers_adds_how_it_feels() -> None:
    record = records.servers_record(overview(), Health("warn", (Reason("warn", "memory", "97%"),)), "production")
    assert set(record) == {*records.dashboard_record(overview()), "label", "state", "reasons"}
    assert (record["label"], record["state"]) == ("production", "warn")
    assert record["reasons"] == ["memory: 97%"]


@pytest.mark.parametrize(
    ("queues", "worst", "name"),
    [
        ((), 0.0, None),
        ((queue(size=0, latency=0.0),), 0.0, None),
        ((queue(size=4, latency=None),), None, None),
        ((queue("a", 4, None), queue("b", 1, 2.5)), 2.5, "b"),
        ((queue(size=None, latency=None),), None, None),
    ],
)
def test_the_worst_latency_is_never_made_up(queues: tuple[Any, ...], worst: float | None, name: str | None) -> None:
    record = records.dashboard_record(overview(queues=queues))
    assert (record["worst_latency"], record["worst_latency_queue"]) == (worst, name)


def test_what_was_never_read_is_null() -> None:
    record = records.dashboard_record(None)
    known = {key: value for key, value in record.items() if value is not None}
    assert known == {
        "redis": dict.fromkeys(("version", "used_memory", "maxmemory", "maxmemory_policy", "clients", "rtt")),
        "sidekiq_versions": [],
        "warnings": [],
    }
    denied = records.dashboard_record(overview(queues=(), denied={"queues": "NOPERM"}, unlisted_latency=None))
    assert denied["queues"] is None
    assert denied["worst_latency"] is None
    assert denied["latency"] is None


def test_queues() -> None:
    assert records.queues_record([queue("low", 0, 0.0, paused=None, processes=None)]) == {
        "queues": [{"name": "low", "size": 0, "latency": 0.0, "paused": None, "processes": None}]
    }
    assert records.queues_record(None) == {"queues": None}


def test_a_job() -> None:
    one = job(failed_at=NOW - 13_200, retried_at=NOW - 312.5, tags=["eu", "vip"], bid="b1")
    assert records.job_record(one, NOW) == {
        "jid": "e5d1f0a92b7c4410af3391d2",
        "class": "Invoice::ChargeJob",
        "args": [42, {"currency": "EUR"}],
        "queue": "critical",
        "tags": ["eu", "vip"],
        "created_at": NOW - 14_520,
        "enqueued_at": NOW - 312,
        "at": NOW + 48,
        "failed_at": NOW - 13_200,
        "retried_at": NOW - 312.5,
        "retry_count": 6,
        "error_class": "Payments::GatewayTimeout",
        "error_message": "504 from acquirer",
        "error_backtrace": None,
        "bid": "b1",
        "latency": 312.0,
        "raw": one.text,
        "malformed": False,
    }
    assert records.job_record(one, NOW, place=True)["place"] == "retry"


def test_the_queue_is_the_list_it_lies_in() -> None:
    stray = JobRecord(b'{"class":"A","args":[],"queue":"payload"}', Place("queue", "list"))
    assert records.job_record(stray, NOW)["queue"] == "list"
    assert records.job_record(stray, NOW)["at"] is None
    assert records.job_record(stray, NOW)["latency"] is None


def test_malformed_data_is_data() -> None:
    record = records.job_record(job("dead", NOW, raw=b"\x80not\xffjson"), NOW)
    assert record["malformed"] is True
    assert (record["jid"], record["class"], record["queue"]) == (None, None, None)
    assert record["raw"] == "\udc80not\udcffjson"
    assert record["args"] == ["\udc80not\udcffjson"]
    assert '"raw": "\\udc80not\\udcffjson"' in printed(record)


def test_times_are_floats_whatever_the_payload_wrote() -> None:
    record = records.job_record(job(created_at=1_795_313_144_000, enqueued_at="1795313144.5"), NOW)
    assert record["created_at"] == 1_795_313_144.0
    assert isinstance(record["created_at"], float)
    assert record["enqueued_at"] == 1_795_313_144.5


@pytest.mark.parametrize("raw", HOSTILE_PAYLOADS, ids=lambda raw: ascii(raw[:40]))
def test_every_hostile_payload_can_be_printed(raw: bytes) -> None:
    for place in (Place("queue", "\x1bq"), Place("retry"), Place("work")):
        text = printed(records.job_record(JobRecord(raw, place, math.inf), NOW, place=True))
        assert text.isascii()
        assert not CONTROL_PATTERN.search(text)
        again = json.loads(text, parse_int=str)
        assert again["raw"].encode("utf-8", "surrogateescape") == raw
        assert again["at"] is None


def test_numbers_that_json_does_not_know() -> None:
    raw = b'{"class":"N","args":[NaN,Infinity,{"a":[-Infinity]},1e400]}'
    assert records.job_record(JobRecord(raw, Place("dead"), 1.0), NOW)["args"] == [None, None, {"a": [None]}, None]
    assert records.plain(10**5000) == hex(10**5000)
    assert records.plain(-(10**400)) == -(10**400)


def test_depth_is_bounded() -> None:
    value: object = "core"
    for _ in range(100):
        value = [value]
    assert records.plain(value) == value, "what Ruby reads stays as it is"
    for _ in range(50_000):
        value = {"a": value}
    shown: Any = records.plain(value)
    for _ in range(100):
        shown = shown["a"]
    assert isinstance(shown, str)
    assert shown.startswith('{"a":{"a":')
    assert len(shown) == 10_000
    printed(records.plain(value))
    while isinstance(value, dict):  # the interpreter would free it recursively
        value = value["a"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
)


@given(JSON)
def test_plain_values_stay_what_they_are(value: object) -> None:
    assert records.plain(value) == value


def test_workers() -> None:
    record = records.workers_record([process(rtt=math.nan)], [work()], NOW)
    assert record["processes"] == [
        {
            "identity": "app-1:5916:0123456789ab",
            "hostname": "app-1",
            "pid": 5916,
            "tag": "shop",
            "labels": ["reliable"],
            "queues": ["critical", "default"],
            "capsules": [
                {"name": "default", "concurrency": 4, "mode": "weighted", "weights": {"critical": 4, "default": 1}}
            ],
            "concurrency": 4,
            "busy": 3,
            "rss": 480 * 1024**2,
            "rtt": None,
            "started_at": NOW - 6 * 86400 - 5 * 3600,
            "beat": NOW - 2,
            "status": "running",
            "stale": False,
            "version": "8.1.7",
            "embedded": False,
        }
    ]
    one = record["work"][0]  # type: ignore[index]
    assert {key: one[key] for key in ("identity", "tid", "queue", "run_at")} == {
        "identity": "app-1:5916:0123456789ab",
        "tid": "3wm",
        "queue": "reports",
        "run_at": NOW - 15_120,
    }
    assert one["job"] == records.job_record(work().job, NOW)
    printed(record)
