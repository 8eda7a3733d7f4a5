"""``sqtui metrics``: classes that ran lately, one class in full, and periods."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
import redis.asyncio

from sidekiq_tui.sidekiq.keys import Keys
from tests.integration.cli.conftest import Sqtui


@pytest.fixture
async def ran(raw: redis.asyncio.Redis) -> float:
    """Two classes that ran two minutes ago; that minute's first second."""
    at = time.time() // 60 * 60 - 120
    when, keys = datetime.fromtimestamp(at, UTC), Keys()
    for key in (keys.metrics_minute(when), keys.metrics_ten_minutes(when)):
        await raw.hset(key, mapping={"A|p": 12, "A|f": 2, "A|ms": 250, "B::C|p": 5, "B::C|f": 5})
    await raw.execute_command("BITFIELD", keys.histogram("A", when), "SET", "u16", "#1", 10)  # type: ignore[no-untyped-call]
    await raw.hset(keys.marks(when.date()), when.strftime("%Y-%m-%dT%H:%M:00Z"), "abc Deploy")
    return at


def test_json(sqtui: Sqtui, redis_url: str, ran: float) -> None:
    done = sqtui("metrics", "--url", redis_url, "-o", "json")
    assert (done.code, done.err) == (0, "")
    (server,) = done.document["servers"]
    assert done.document["view"] == "metrics"
    assert (server["period"], server["bucket"], server["error"]) == (3600, 60, None)
    assert server["deploys"] == [{"at": ran, "label": "abc Deploy"}]
    first, second = server["classes"]
    assert first == {
        "class": "A",
        "processed": 12,
        "failed": 2,
        "mean": 0.025,
        "total": 0.25,
        "p50": pytest.approx(0.025),
        "p90": pytest.approx(0.029),
        "p95": pytest.approx(0.0295),
        "p99": pytest.approx(0.0299),
        "histogram": None,
        "series": None,
    }
    assert (second["class"], second["failed"], second["mean"], second["p95"]) == ("B::C", 5, None, None)


def test_one_class(sqtui: Sqtui, redis_url: str, ran: float) -> None:
    done = sqtui("metrics", "A", "--url", redis_url, "-o", "json")
    (one,) = done.document["servers"][0]["classes"]
    assert one["series"] == [{"at": ran, "processed": 12, "failed": 2, "total": 0.25}]
    assert [line for line in one["histogram"] if line["runs"]] == [{"under": 0.03, "runs": 10}]
    assert len(one["histogram"]) == 26
    table = sqtui("metrics", "A", "--url", redis_url)
    assert table.out.splitlines()[:2] == [
        "class\tjobs\tmean\tp50\tp95\ttotal\tfailed\tfail%",
        "A\t12\t25ms\t25ms\t29ms\t250ms\t2\t17%",
    ]
    assert "<30ms\t10\tp50…99" in table.out


def test_an_unknown_class_ran_never(sqtui: Sqtui, redis_url: str, ran: float) -> None:
    done = sqtui("metrics", "Nope", "--url", redis_url, "-o", "json")
    (one,) = done.document["servers"][0]["classes"]
    assert (done.code, one["processed"], one["mean"], one["p50"], one["series"]) == (0, 0, None, None, [])


def test_hours_and_lines(sqtui: Sqtui, redis_url: str, ran: float) -> None:
    done = sqtui("metrics", "--hours", "24", "--url", redis_url, "-o", "ndjson")
    assert [(record["server"] != "", record["class"], record["processed"]) for record in done.records] == [
        (True, "A", 12),
        (True, "B::C", 5),
    ]
    lines = sqtui("metrics", "--url", redis_url, "-o", "csv").out.splitlines()
    assert lines[0] == "server,class,processed,failed,mean,total,p50,p90,p95,p99,histogram,series"
    assert lines[2].split(",")[1:] == ["B::C", "5", "5", "", "0.0", "", "", "", "", "", ""]


def test_totals_of_several_servers(sqtui: Sqtui, redis_url: str, ran: float) -> None:
    done = sqtui("metrics", "--url", redis_url, "--url", redis_url.replace("db=0", "db=1"), "-o", "json")
    assert [len(server["classes"]) for server in done.document["servers"]] == [2, 0]
    assert done.document["total"] == {"classes": 2, "processed": 17, "failed": 7, "total": 0.25}


@pytest.mark.parametrize("period", [("--minutes", "481"), ("--hours", "73"), ("--minutes", "0"), ("--hours", "x")])
def test_periods_that_nobody_keeps(sqtui: Sqtui, redis_url: str, period: tuple[str, str]) -> None:
    done = sqtui("metrics", *period, "--url", redis_url)
    assert done.code == 2
    assert period[1] in done.err
    assert sqtui("metrics", "--minutes", "5", "--hours", "5", "--url", redis_url).code == 2


@pytest.fixture
async def narrow_url(redis_url: str, raw: redis.asyncio.Redis) -> str:
    """The address for a user who may read counts and no histogram."""
    await raw.execute_command("ACL", "SETUSER", "narrow", "on", ">x", "~j|*", "~*-marks", "+@all")  # type: ignore[no-untyped-call]
    return redis_url.replace("unix://", "unix://narrow:x@")


def test_run_times_that_may_not_be_read(sqtui: Sqtui, narrow_url: str, ran: float) -> None:
    for words in ((), ("A",)):
        document = sqtui("metrics", *words, "--url", narrow_url, "-o", "json").document
        first = document["servers"][0]["classes"][0]
        assert (first["processed"], first["mean"], first["p50"]) == (12, 0.025, None)
    assert sqtui("metrics", "--url", narrow_url).code == 0
