"""``sqtui check`` as monitoring sees it: the exit code and one line."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conftest import LoadDump
from tests.integration.cli.conftest import Sqtui


@pytest.fixture
def url(redis_url: str, load_dump: LoadDump) -> str:
    """A server with 31 retries, 58 scheduled, 43 dead, 287 enqueued, and latencies of hours by now."""
    load_dump("8.1.7")
    return redis_url


def test_all_within_limits(sqtui: Sqtui, url: str) -> None:
    ran = sqtui("check", "--url", url, "--max-dead", "43", "--max-retries", "31", "--max-scheduled", "58")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("OK ")
    assert len(ran.out.splitlines()) == 1
    assert "dead 43 <= 43" in ran.out


@pytest.mark.parametrize(
    ("limit", "why"),
    [
        (("--max-dead", "42"), "dead 43 > 42"),
        (("--max-retries", "0"), "retries 31 > 0"),
        (("--max-scheduled", "1"), "scheduled 58 > 1"),
        (("--max-enqueued", "286"), "enqueued 287 > 286"),
        (("--max-enqueued", "backlog=100"), "enqueued of backlog 242 > 100"),
        (("--max-latency", "60"), "latency of imports"),
        (("--max-latency", "default=60s"), "latency of default"),
        (("--min-processes", "6"), "processes 5 < 6"),
    ],
)
def test_a_passed_limit_is_exit_code_6_and_one_line_why(
    sqtui: Sqtui, url: str, limit: tuple[str, str], why: str
) -> None:
    ran = sqtui("check", "--url", url, "--max-dead", "1000", *limit)
    assert (ran.code, ran.err) == (6, "")
    assert ran.out.startswith("CRITICAL ")
    assert why in ran.out
    assert "dead 43 <= 1000" not in ran.out
    assert len(ran.out.splitlines()) == 1


def test_a_latency_nobody_can_read_is_no_health(sqtui: Sqtui, url: str) -> None:
    ran = sqtui("check", "--url", url, "--max-latency", "corrupt=10000d")
    assert ran.code == 6
    assert "latency of corrupt cannot be known" in ran.out


def test_json_says_what_was_seen(sqtui: Sqtui, url: str) -> None:
    ran = sqtui("check", "--url", url, "--max-dead", "42", "--max-enqueued", "1000", "-o", "json")
    assert ran.code == 6
    server = ran.document["servers"][0]
    assert server["passed"] is True
    assert server["checks"] == [
        {"subject": "max_enqueued", "queue": None, "limit": 1000, "value": 287, "passed": False, "reason": None},
        {"subject": "max_dead", "queue": None, "limit": 42, "value": 43, "passed": True, "reason": None},
    ]


def test_csv_and_ndjson_have_a_record_a_limit(sqtui: Sqtui, url: str) -> None:
    records = sqtui("check", "--url", url, "--max-dead", "42", "--max-latency", "60", "-o", "ndjson").records
    assert [record["subject"] for record in records] == ["max_latency", "max_dead"]
    lines = sqtui("check", "--url", url, "--max-dead", "42", "-o", "csv").out.splitlines()
    assert lines[0] == "server,subject,queue,limit,value,passed,reason"
    assert len(lines) == 2


def test_unreachable_is_3_unless_another_is_past_its_limit(
    sqtui: Sqtui, url: str, config: Callable[[str], str]
) -> None:
    file = config(f'[servers.prod]\nurl = "{url}"\n[servers.gone]\nurl = "redis://127.0.0.1:1"\n')
    within = sqtui("check", "--config", file, "--all", "--max-dead", "100")
    assert within.code == 3
    assert within.out.startswith("OK prod: ")
    assert "gone" in within.err
    passed = sqtui("check", "--config", file, "--all", "--max-dead", "1")
    assert passed.code == 6
    assert passed.out.startswith("CRITICAL prod: ")
    assert "gone" in passed.err


def test_without_a_limit_it_is_a_usage_error(sqtui: Sqtui, url: str) -> None:
    ran = sqtui("check", "--url", url)
    assert ran.code == 2
    assert "--max-latency" in ran.err
