"""Processes from whatever is in their hashes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidekiq_tui.sidekiq.errors import Forbidden
from sidekiq_tui.sidekiq.process import Capsule, Process, parse_process

NOW = 1_795_314_142.0

INFO: dict[str, Any] = {
    "hostname": "app-1",
    "started_at": NOW - 100.5,
    "pid": 42,
    "tag": "shop",
    "labels": ["a", "b"],
    "queues": ["default", "low"],
    "identity": "app-1:42:x",
    "concurrency": 5,
}


def parsed(info: object = INFO, *, signals: tuple[bytes, ...] = (), ttl: object = 50, **values: object) -> Process:
    raw = info if isinstance(info, bytes) else json.dumps(info).encode()
    said = {"busy": b"2", "beat": str(NOW - 3).encode(), "quiet": b"false", "rss": b"100", "rtt_us": b"250"} | values
    row = [raw, *(said.get(name) for name in ("concurrency", "busy", "beat", "quiet", "rss", "rtt_us"))]
    process = parse_process("app-1:42:x", [row, list(signals), ttl], NOW, None)
    assert process is not None
    return process


def test_sidekiq_6() -> None:
    process = parsed()
    assert (process.hostname, process.pid, process.tag, process.labels) == ("app-1", 42, "shop", ("a", "b"))
    assert (process.queues, process.capsules, process.weights) == (("default", "low"), (), {})
    assert (process.concurrency, process.busy, process.rss, process.rtt) == (5, 2, 102_400, 0.00025)
    assert (process.started_at, process.beat) == (NOW - 100.5, NOW - 3)
    assert (process.version, process.embedded, process.leader, process.stale) == (None, False, False, False)


def test_weights_of_7_0_2_are_one_object() -> None:
    process = parsed(INFO | {"weights": {"default": 2, "low": 1}, "version": "7.0.2"})
    assert process.capsules == (Capsule("", None, "weighted", {"default": 2, "low": 1}),)


def test_weights_from_7_0_3_are_one_object_a_capsule() -> None:
    process = parsed(INFO | {"weights": [{"default": 0, "low": 0}, {"serial": 1}], "queues": ["default", "low"]})
    assert [capsule.mode for capsule in process.capsules] == ["strict", "random"]
    assert process.queues == ("default", "low", "serial")
    assert process.weights == {"default": 0, "low": 0, "serial": 1}


def test_capsules_go_before_weights_and_queues() -> None:
    capsules = {"main": {"concurrency": 4, "mode": "strict", "weights": {"default": 0}}, "one": {"concurrency": 1}}
    process = parsed(INFO | {"capsules": capsules, "weights": [{"old": 1}]})
    assert process.capsules == (Capsule("main", 4, "strict", {"default": 0}), Capsule("one", 1, None, {}))
    assert process.queues == ("default",)


def test_concurrency_moved_to_the_hash_in_8_1_2() -> None:
    info = {name: value for name, value in INFO.items() if name != "concurrency"}
    assert parsed(info, concurrency=b"7").concurrency == 7
    assert parsed(INFO, concurrency=b"7").concurrency == 7
    assert parsed(info).concurrency is None


@pytest.mark.parametrize(
    ("quiet", "signals", "embedded", "status"),
    [
        (b"false", (), False, "running"),
        (b"true", (), False, "quiet"),
        (b"false", (b"TSTP",), False, "quieting"),
        (b"true", (b"TSTP",), False, "quiet"),
        (b"true", (b"TERM",), False, "stopping"),
        (b"false", (b"INT", b"TSTP"), False, "stopping"),
        (b"false", (b"TTIN",), False, "running"),
        (b"false", (b"TERM",), True, "running"),
        (None, (b"\xff",), False, "running"),
    ],
)
def test_status(quiet: bytes | None, signals: tuple[bytes, ...], embedded: bool, status: str) -> None:
    process = parsed(INFO | {"embedded": embedded}, quiet=quiet, signals=signals)
    assert (process.status, process.embedded) == (status, embedded)


def test_the_next_signal_stands_first() -> None:
    assert parsed(signals=(b"TERM", b"TSTP")).signals == ("TSTP", "TERM")


@pytest.mark.parametrize(
    ("beat", "ttl", "stale"),
    [
        (str(NOW - 60).encode(), 1, False),
        (str(NOW - 60.5).encode(), 1, True),
        (str(NOW + 500).encode(), 60, False),
        (None, 60, True),
        (b"soon", 60, True),
        (str(NOW).encode(), -1, True),
        (str(NOW).encode(), Forbidden("", command="TTL"), False),
    ],
)
def test_stale(beat: bytes | None, ttl: object, stale: bool) -> None:
    assert parsed(beat=beat, ttl=ttl).stale is stale


def test_a_hash_without_info_is_a_dead_process() -> None:
    assert parse_process("a", [[None, b"5", b"1", b"1", b"1", b"1", b"1"], [], -2], NOW, None) is None


def test_a_forbidden_hash_raises() -> None:
    with pytest.raises(Forbidden):
        parse_process("a", [Forbidden("no", command="HMGET"), [], 1], NOW, None)


def test_nothing_is_negative() -> None:
    process = parsed(INFO | {"pid": -1, "concurrency": -5}, busy=b"-2", rss=b"-1", rtt_us=b"-9")
    assert (process.pid, process.concurrency, process.busy, process.rss, process.rtt) == (None,) * 5


@pytest.mark.parametrize("info", [b"", b"null", b"[1]", b'{"pid":', b"\xff\xfe", b"[" * 100_000, b'"text"'])
def test_broken_info_is_a_process_without_facts(info: bytes) -> None:
    process = parsed(info)
    assert (process.hostname, process.queues, process.busy) == (None, (), 2)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELD = st.sampled_from(
    (
        "hostname",
        "started_at",
        "pid",
        "tag",
        "labels",
        "queues",
        "concurrency",
        "weights",
        "version",
        "embedded",
        "capsules",
    )
)


@given(st.dictionaries(FIELD, JSON))
def test_any_json_in_any_field_of_info(info: dict[str, object]) -> None:
    process = parsed(info)
    assert all(isinstance(queue, str) for queue in process.queues)
    assert all(isinstance(weight, int) for weight in process.weights.values())
    for text in (process.hostname, process.tag, process.version):
        assert text is None or isinstance(text, str)


@given(
    st.lists(st.none() | st.binary(max_size=20), min_size=7, max_size=7), st.lists(st.binary(max_size=5)), st.integers()
)
def test_any_bytes_in_any_field_of_the_hash(values: list[bytes | None], signals: list[bytes], ttl: int) -> None:
    process = parse_process("a", [values, signals, ttl], NOW, "a")
    assert (process is None) == (values[0] is None)
